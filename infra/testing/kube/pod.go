package kube

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pod holds the fields of a pod that a kubelet reads.
type Pod struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec   PodSpec
	Status struct {
		Phase      string
		Conditions []struct{ Type, Status string }
	}
}

// Ended reports whether the pod has run to its end.
func (p Pod) Ended() bool { return p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" }

// PodSpec is the description of a pod.
type PodSpec struct {
	NodeName                      string
	NodeSelector                  map[string]string
	ServiceAccountName            string
	RestartPolicy                 string
	TerminationGracePeriodSeconds *int64
	SecurityContext               SecurityContext
	ImagePullSecrets              []Reference
	InitContainers                []Container
	Containers                    []Container
	Volumes                       []Volume
}

// Reference names an object of the same namespace.
type Reference struct{ Name string }

// SecurityContext is the security context of a pod or a container. A container's
// fields take precedence.
type SecurityContext struct {
	RunAsUser, RunAsGroup    *int64
	RunAsNonRoot             *bool
	ReadOnlyRootFilesystem   *bool
	AllowPrivilegeEscalation *bool
	Capabilities             *struct{ Drop []string }
}

// Volume is a folder of a pod.
type Volume struct {
	Name     string
	EmptyDir *struct{ Medium string }
}

// Container describes one program of a pod.
type Container struct {
	Name, Image     string
	Command, Args   []string
	WorkingDir      string
	Env             []Variable
	EnvFrom         []EnvSource
	Ports           []ContainerPort
	SecurityContext SecurityContext
	Resources       struct {
		Requests, Limits map[string]string
	}
	Lifecycle                                   struct{ PreStop *Handler }
	StartupProbe, ReadinessProbe, LivenessProbe *Probe
	VolumeMounts                                []struct {
		Name, MountPath string
		ReadOnly        bool
	}
	TerminationMessagePolicy string
}

// ContainerPort names a port.
type ContainerPort struct {
	Name          string
	ContainerPort int
}

// Variable is an environment variable.
type Variable struct {
	Name, Value string
	ValueFrom   *struct {
		FieldRef                      *struct{ FieldPath string }
		ConfigMapKeyRef, SecretKeyRef *KeyReference
		ResourceFieldRef              *struct{ Resource string }
	}
}

// KeyReference is one key of a ConfigMap or a Secret.
type KeyReference struct {
	Name, Key string
	Optional  *bool
}

// EnvSource is a ConfigMap or a Secret whose keys become variables.
type EnvSource struct {
	Prefix                  string
	ConfigMapRef, SecretRef *struct {
		Name     string
		Optional *bool
	}
}

// Handler is the action of a probe or a hook.
type Handler struct {
	Exec      *struct{ Command []string }
	HTTPGet   *HTTPGet
	TCPSocket *struct {
		Host string
		Port Port
	}
	Sleep *struct{ Seconds int64 }
}

// HTTPGet is a request to a container.
type HTTPGet struct {
	Host, Path, Scheme string
	Port               Port
	HTTPHeaders        []struct{ Name, Value string }
}

// Probe is a probe with its times in seconds. The API server sets the defaults.
type Probe struct {
	Handler

	InitialDelaySeconds, PeriodSeconds, TimeoutSeconds int
	SuccessThreshold, FailureThreshold                 int
	TerminationGracePeriodSeconds                      *int64
}
