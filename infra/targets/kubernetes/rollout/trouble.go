package rollout

// trouble is a reason that prevents pods from running and that Kubernetes will
// probably not overcome by itself.
type trouble struct {
	// kind stays the same as long as the trouble lasts. It is empty without trouble.
	kind string
	// final means that waiting cannot help.
	final bool
}

const (
	troubleImage   = "image"
	troubleConfig  = "configuration"
	troubleCrash   = "crash"
	troubleRefused = "refused"
)

// refusedPods returns the trouble of a Deployment whose pods the cluster
// refuses, because of a quota or a policy.
func refusedPods(d *deployment) trouble {
	for _, c := range d.Status.Conditions {
		if c.Type == "ReplicaFailure" && c.Status == "True" {
			return trouble{kind: troubleRefused}
		}
	}
	return trouble{}
}

// firstTrouble returns the first trouble among pods. A pod that has no node or is not
// ready yet is no trouble: a node may be added, and the service may need more time.
func firstTrouble(pods []pod) trouble {
	for _, p := range pods {
		for _, c := range p.Status.ContainerStatuses {
			if t := c.trouble(); t.kind != "" {
				return t
			}
		}
	}
	return trouble{}
}

func (c container) trouble() trouble {
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "InvalidImageName", "ErrImageNeverPull":
			return trouble{kind: troubleImage, final: true}
		case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
			return trouble{kind: troubleImage}
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return trouble{kind: troubleConfig}
		case "CrashLoopBackOff":
			return trouble{kind: troubleCrash}
		}
	}
	if !c.Ready && (c.RestartCount > 0 || c.State.Terminated != nil) {
		return trouble{kind: troubleCrash}
	}
	return trouble{}
}
