package rollout

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// view is the state of the cluster at one moment.
type view struct {
	// missing describes for people what is missing. It is empty if nothing is.
	missing string
	// url is the public address. address is the Ingress' own.
	url, address string
	// ready is the number of ready pods of the release.
	ready int
	// trouble is what prevents pods from starting.
	trouble trouble
	// new are the pods of the release. old are the pods of earlier releases that are
	// not ending, before those of them that are ready.
	new, old, before []pod
	// wanted is the number of pods that there should be.
	wanted int
	// replicaSet is the name of the release's ReplicaSet.
	replicaSet string
	// other is the name of a needed Deployment that is not ready, or "".
	other string
	// ingress means that only the address is missing.
	ingress bool
}

// readState reads the cluster's state, until something is missing.
func (r Rollout) readState(ctx context.Context, c *client) view {
	v := r.service(ctx, c)
	if v.missing != "" {
		return v
	}
	for _, name := range r.Dependencies {
		if other := r.other(ctx, c, name); other.missing != "" {
			return other
		}
	}
	v.url, v.address, v.missing, v.ingress = r.public(ctx, c)
	return v
}

// read returns a Deployment and its pods, or a description of what is missing.
func (r Rollout) read(ctx context.Context, c *client, name string) (*deployment, []pod, string) {
	d := &deployment{}
	err := c.get(ctx, "/apis/apps/v1/namespaces/"+r.Namespace+"/deployments/"+name, nil, d)
	switch {
	case errors.Is(err, errNotFound):
		return nil, nil, "deployment " + name + " does not exist yet"
	case err != nil:
		return nil, nil, err.Error()
	}
	if d.Status.ObservedGeneration < d.Metadata.Generation {
		return nil, nil, "Kubernetes has not yet processed the latest change of deployment " + name + ""
	}
	var pods struct{ Items []pod }
	if err := c.get(ctx, "/api/v1/namespaces/"+r.Namespace+"/pods", selecting(d), &pods); err != nil {
		return nil, nil, err.Error()
	}
	return d, pods.Items, ""
}

// selecting returns the query for the pods and the ReplicaSets that a Deployment
// selects.
func selecting(d *deployment) url.Values {
	var terms []string
	for key, value := range d.Spec.Selector.MatchLabels {
		terms = append(terms, key+"="+value)
	}
	slices.Sort(terms)
	return url.Values{"labelSelector": {strings.Join(terms, ",")}}
}

// service returns the view of the service's own Deployment. Nothing is missing if
// all pods run the release and no pod of another release is left.
func (r Rollout) service(ctx context.Context, c *client) view {
	d, pods, missing := r.read(ctx, c, r.Deployment)
	if missing != "" {
		return view{missing: missing}
	}
	if got := d.image(); got != r.Image {
		return view{missing: fmt.Sprintf("deployment %s runs image %s", r.Deployment, got)}
	}
	var sets struct{ Items []replicaSet }
	if err := c.get(ctx, "/apis/apps/v1/namespaces/"+r.Namespace+"/replicasets", selecting(d), &sets); err != nil {
		return view{missing: err.Error()}
	}
	current, exists := d.current(sets.Items)
	if !exists {
		return view{missing: "Kubernetes has created no pods of the release yet", trouble: refusedPods(d)}
	}
	v := view{replicaSet: current.Name}
	leaving := 0
	for _, p := range pods {
		switch {
		case p.hash() == current.Labels["pod-template-hash"]:
			if p.Metadata.DeletionTimestamp == nil && !p.ended() {
				v.new = append(v.new, p)
				if p.ready() {
					v.ready++
				}
			}
		case p.terminating(time.Now()):
			leaving++
		case p.Metadata.DeletionTimestamp == nil && !p.ended():
			v.old = append(v.old, p)
			if p.ready() {
				v.before = append(v.before, p)
			}
		}
	}
	wanted := d.wanted()
	v.wanted = wanted
	if v.trouble = refusedPods(d); v.trouble.kind == "" {
		v.trouble = firstTrouble(v.new)
	}
	// A watched release has pods that are available only after the bake. Without pods
	// of a release before, there is none.
	alone := r.Bake.On() && len(v.before) == 0 && d.Status.Replicas == d.Status.UpdatedReplicas
	switch s := d.Status; {
	case s.UpdatedReplicas != wanted || s.AvailableReplicas < s.UpdatedReplicas && !alone || v.ready < wanted:
		v.missing = fmt.Sprintf("%d of %s of the release are ready", v.ready, plural(wanted, "pod"))
	case s.Replicas != s.UpdatedReplicas || len(v.before) > 0:
		v.missing = plural(max(s.Replicas-s.UpdatedReplicas, len(v.before)), "pod") + " of the release before still there"
	case wanted < r.Pods:
		v.missing = fmt.Sprintf("the autoscaler has not yet raised the number of pods from %d to %d", wanted, r.Pods)
	case leaving > 0:
		v.missing = plural(leaving, "pod") + " of the release before still ending"
	default:
		v.trouble = trouble{}
	}
	return v
}

// other returns the view of a Deployment that the service needs. Nothing is missing
// if it is ready.
func (r Rollout) other(ctx context.Context, c *client, name string) view {
	d, pods, missing := r.read(ctx, c, name)
	if missing != "" {
		return view{missing: missing}
	}
	s := d.Status
	// A pod of the previous release counts as available too.
	if s.UpdatedReplicas == d.wanted() && s.AvailableReplicas == d.wanted() && s.Replicas == s.UpdatedReplicas {
		return view{}
	}
	v := view{other: name, missing: fmt.Sprintf("%d of %s of %s are ready", s.AvailableReplicas, plural(d.wanted(), "pod"), name)}
	if s.AvailableReplicas >= d.wanted() {
		v.missing = fmt.Sprintf("%s of %s still there", plural(max(s.Replicas-s.UpdatedReplicas, 1), "earlier pod"), name)
	}
	for _, p := range pods {
		if p.Metadata.DeletionTimestamp == nil && !p.ended() {
			v.new = append(v.new, p)
		}
	}
	if v.trouble = refusedPods(d); v.trouble.kind == "" {
		v.trouble = firstTrouble(v.new)
	}
	return v
}
