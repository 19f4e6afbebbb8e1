package rollout

// trouble is what keeps pods from running, as far as Kubernetes alone will not
// overcome it.
type trouble struct {
	// kind stays the same while the trouble does. Empty is none.
	kind string
	// final is one that no waiting helps.
	final bool
}

// The kinds of trouble.
const (
	troubleImage   = "image"
	troubleConfig  = "configuration"
	troubleCrash   = "crash"
	troubleRefused = "refused"
)

// refusedPods is the trouble of a Deployment whose pods the cluster does not
// take: a quota, a policy.
func refusedPods(d *deployment) trouble {
	for _, c := range d.Status.Conditions {
		if c.Type == "ReplicaFailure" && c.Status == "True" {
			return trouble{kind: troubleRefused}
		}
	}
	return trouble{}
}

// worst is the first trouble among pods. A pod that finds no node, or is not
// ready yet, is none: a node may come, and the service may take its time.
func worst(pods []pod) trouble {
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
