package fakecluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trouble is a failure that keeps the pods of an image from serving. The zero
// value means no failure.
type Trouble struct {
	// Waiting is the reason why a container does not start (ErrImagePull, …).
	// Message is the detail.
	Waiting, Message string
	// ExitCode, Restarts and Ended describe a container that ends repeatedly
	// ("Error", "OOMKilled").
	ExitCode, Restarts int
	Ended              string
	// Log is the container's output.
	Log string
	// Unready is the result of a failing probe of a running container.
	Unready string
	// Unschedulable is the reason why no node accepts the pod.
	Unschedulable string
	// Refused is the reason why no pod can be created.
	Refused string
}

// deployed is a Deployment with its ReplicaSets.
type deployed struct {
	name, namespace string
	selector        map[string]any
	generation      int
	template        string
	image           string
	replicas        int
	sets            []*set
}

// set is a ReplicaSet and its pods.
type set struct {
	hash, image, release string
	made                 time.Time
	revision             int
	pods                 int
	trouble              Trouble
	serves               bool
}

// deploy does the work of the Deployment's controller and of the nodes.
func (c *Cluster) deploy(key, namespace, name string, spec map[string]any) error {
	template, err := json.Marshal(spec["template"])
	if err != nil {
		return err
	}
	d := c.deployments[key]
	if d == nil {
		d = &deployed{
			name: name, namespace: namespace, replicas: 1,
			selector: spec["selector"].(map[string]any)["matchLabels"].(map[string]any),
		}
		c.deployments[key] = d
	}
	d.generation++
	if n, ok := spec["replicas"].(float64); ok {
		d.replicas = int(n)
	}
	if d.template != string(template) {
		d.template = string(template)
		pod := spec["template"].(map[string]any)["spec"].(map[string]any)
		d.image, _ = pod["containers"].([]any)[0].(map[string]any)["image"].(string)
		d.sets = append(d.sets, c.start(d))
	}
	d.roll()
	return nil
}

// start creates the ReplicaSet of a new template.
func (c *Cluster) start(d *deployed) *set {
	s := &set{image: d.image, made: time.Now(), revision: len(d.sets) + 1, hash: fmt.Sprintf("hash%d", len(d.sets)+1)}
	s.trouble = c.Trouble(d.image)
	if c.Fails != nil {
		s.trouble = c.Fails(d.template)
	}
	if s.trouble == (Trouble{}) && c.Private != "" && strings.HasPrefix(d.image, c.Private+"/") && !c.loggedIn(d) {
		c.occurrences["pull-needs-login"]++
		s.trouble = Trouble{Waiting: "ErrImagePull", Message: "401 Unauthorized: " + c.Private}
	}
	if s.trouble == (Trouble{}) {
		release, err := c.Pull(d.image)
		if err != nil {
			s.trouble = Trouble{Waiting: "ErrImagePull", Message: err.Error()}
		}
		s.release = release
	}
	s.serves = s.trouble == (Trouble{})
	return s
}

// loggedIn reports whether a Deployment's pods name a secret with a login to
// the private registry.
func (c *Cluster) loggedIn(d *deployed) bool {
	var template struct {
		Spec struct{ ImagePullSecrets []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(d.template), &template); err != nil {
		return false
	}
	for _, named := range template.Spec.ImagePullSecrets {
		secret := c.objects["Secret "+d.namespace+"/"+named.Name]
		data, _ := secret["stringData"].(map[string]any)
		if login, _ := data[".dockerconfigjson"].(string); strings.Contains(login, c.Private) {
			return true
		}
	}
	return false
}

// roll replaces the pods of earlier sets by those of the last set, if it
// serves. Otherwise the last set has one pod that does not serve, or none if
// pods are refused.
func (d *deployed) roll() {
	last := d.sets[len(d.sets)-1]
	if !last.serves {
		last.pods = 1
		if last.trouble.Refused != "" {
			last.pods = 0
		}
		return
	}
	for _, s := range d.sets {
		s.pods = 0
	}
	last.pods = d.replicas
}

// serving returns the set whose pods serve, if any.
func (d *deployed) serving() *set {
	for _, s := range slices.Backward(d.sets) {
		if s.serves && s.pods > 0 {
			return s
		}
	}
	return nil
}
