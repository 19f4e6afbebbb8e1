package rollout

import "time"

// The types below have the fields of the cluster's objects that the gate reads.

type meta struct {
	Name, UID         string
	Generation        int64
	Labels            map[string]string
	Annotations       map[string]string
	CreationTimestamp time.Time
	DeletionTimestamp *time.Time
}

type condition struct {
	Type, Status, Reason, Message string
	LastTransitionTime            time.Time
}

type deployment struct {
	Metadata meta
	Spec     struct {
		Replicas *int
		Selector struct{ MatchLabels map[string]string }
		Template struct {
			Spec struct {
				Containers []struct{ Name, Image string }
			}
		}
	}
	Status struct {
		ObservedGeneration                                          int64
		Replicas, UpdatedReplicas, ReadyReplicas, AvailableReplicas int
		Conditions                                                  []condition
	}
}

// wanted returns the number of pods that there should be.
func (d *deployment) wanted() int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// image returns the image that the first container should run.
func (d *deployment) image() string {
	if len(d.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	return d.Spec.Template.Spec.Containers[0].Image
}

// revision is the annotation that distinguishes a Deployment's ReplicaSets.
const revision = "deployment.kubernetes.io/revision"

// current returns the ReplicaSet of a Deployment's template.
func (d *deployment) current(sets []replicaSet) (meta, bool) {
	for _, s := range sets {
		if s.Metadata.Annotations[revision] != "" && s.Metadata.Annotations[revision] == d.Metadata.Annotations[revision] {
			return s.Metadata, true
		}
	}
	return meta{}, false
}

type replicaSet struct {
	Metadata meta
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct{ Name, Image string }
			}
		}
	}
}

// image returns the image of the first container.
func (r *replicaSet) image() string {
	if len(r.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	return r.Spec.Template.Spec.Containers[0].Image
}

type pod struct {
	Metadata meta
	Spec     struct {
		Containers []struct{ Name, Image string }
	}
	Status struct {
		Phase             string
		Reason, Message   string
		Conditions        []condition
		ContainerStatuses []container
	}
}

type container struct {
	Name         string
	Ready        bool
	RestartCount int
	State        state
	LastState    state
}

type state struct {
	Waiting    *struct{ Reason, Message string }
	Running    *struct{ StartedAt time.Time }
	Terminated *terminated
}

type terminated struct {
	ExitCode        int
	Signal          int
	Reason, Message string
	FinishedAt      time.Time
}

// image returns the image of the first container.
func (p *pod) image() string {
	if len(p.Spec.Containers) == 0 {
		return ""
	}
	return p.Spec.Containers[0].Image
}

// hash returns the id of the pod template, which differs for each release and
// configuration.
func (p *pod) hash() string { return p.Metadata.Labels["pod-template-hash"] }

func (p *pod) condition(kind string) condition {
	for _, c := range p.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return condition{}
}

func (p *pod) ready() bool { return p.condition("Ready").Status == "True" }

func (p *pod) ended() bool { return p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" }

// lostMargin is the time that a pod may take to end after its deletion time. If its
// node is gone, no report of the pod's end ever comes.
const lostMargin = 15 * time.Second

// terminating reports whether a pod is still terminating.
func (p *pod) terminating(now time.Time) bool {
	gone := p.Metadata.DeletionTimestamp
	return gone != nil && now.Before(gone.Add(lostMargin))
}

type ingress struct {
	Metadata meta
	Spec     struct{ IngressClassName string }
	Status   struct {
		LoadBalancer struct {
			Ingress []struct{ IP, Hostname string }
		}
	}
}

// address returns the address that the ingress controller has published, or "".
func (i *ingress) address() string {
	for _, at := range i.Status.LoadBalancer.Ingress {
		if at.Hostname != "" {
			return at.Hostname
		}
		if at.IP != "" {
			return at.IP
		}
	}
	return ""
}

type objectEvent struct {
	Type, Reason, Message string
}
