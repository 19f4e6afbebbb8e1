package rollout

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// podOf returns a pod with a UID like its name.
func podOf(name string, ready bool, restarts int) pod {
	var p pod
	p.Metadata.Name, p.Metadata.UID = name, name
	p.Spec.Containers = []struct{ Name, Image string }{{"api", older}}
	status := "False"
	if ready {
		status = "True"
	}
	p.Status.Conditions = []condition{{Type: "Ready", Status: status}}
	p.Status.ContainerStatuses = []container{{Name: "api", Ready: ready, RestartCount: restarts}}
	return p
}

// bakeStep is a look at the cluster, ten seconds after the one before. Its pods are
// new-0, … and old-0, …; the numbers are those of each pod.
type bakeStep struct {
	new, old         int
	unready          bool // the pods of the release before
	newAll, newFails int64
	oldAll, oldFails int64
	newRestarts      int
	oldRestarts      int
	uncounted        bool
}

// TestBakeWatch checks what a watch makes of the pods' numbers.
func TestBakeWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		steps []bakeStep
		want  string // a part of the reason
		// seen and before are the tallies at the end.
		seen, before service.Tally
	}{
		"no release before": {
			[]bakeStep{{new: 3, newAll: 100, newFails: 100}}, "", service.Tally{}, service.Tally{},
		},
		"the release before does not serve": {
			[]bakeStep{{new: 3, old: 3, unready: true, newAll: 100, newFails: 100}}, "", service.Tally{}, service.Tally{},
		},
		"it fails": {
			[]bakeStep{{new: 3, old: 3, oldAll: 5000}, {new: 3, old: 3, newAll: 100, newFails: 5, oldAll: 5100}},
			"5% of its answers in 10s had a status of 500 or above; the limit is 1%, and of those of the release before, beside it, were 0%",
			service.Tally{All: 300, Failed: 15},
			service.Tally{All: 300},
		},
		"it fails as the one before does": {
			[]bakeStep{{new: 3, old: 3, oldAll: 5000}, {new: 3, old: 3, newAll: 100, newFails: 50, oldAll: 5100, oldFails: 50}},
			"",
			service.Tally{All: 300, Failed: 150},
			service.Tally{All: 300, Failed: 150},
		},
		"what failed before the bake does not count for the release before": {
			[]bakeStep{{new: 3, old: 3, oldAll: 5000, oldFails: 5000}, {new: 3, old: 3, newAll: 100, newFails: 50, oldAll: 5100, oldFails: 5000}},
			"50% of its answers",
			service.Tally{All: 300, Failed: 150},
			service.Tally{All: 300},
		},
		"what failed before the look counts for the release": {
			[]bakeStep{{new: 1, old: 3, newAll: 100, newFails: 100}}, "100% of its answers in 0s", service.Tally{All: 100, Failed: 100}, service.Tally{},
		},
		"a pod that is restarted begins at 0": {
			[]bakeStep{{new: 1, old: 1, newAll: 100, newFails: 5}, {new: 1, old: 1, newAll: 20, newFails: 4, newRestarts: 1}},
			"",
			service.Tally{All: 120, Failed: 9, Restarts: 1},
			service.Tally{},
		},
		"it ends in a loop": {
			[]bakeStep{{new: 3, old: 3}, {new: 3, old: 3, newRestarts: 1}},
			"its pods ended by themselves 3 times in 10s; those of the release before, beside them, 0 times",
			service.Tally{Restarts: 3},
			service.Tally{},
		},
		"both end in a loop": {
			[]bakeStep{{new: 3, old: 3, oldRestarts: 7}, {new: 3, old: 3, newRestarts: 1, oldRestarts: 8}},
			"",
			service.Tally{Restarts: 3},
			service.Tally{Restarts: 3},
		},
		"restarts before a pod was first ready do not count": {
			[]bakeStep{{new: 3, old: 3, newRestarts: 5}}, "", service.Tally{}, service.Tally{},
		},
		"its answers cannot be counted": {
			[]bakeStep{{new: 3, old: 3, uncounted: true}, {new: 3, old: 3, uncounted: true}, {new: 3, old: 3, uncounted: true}},
			"its answers cannot be counted: pods/proxy is forbidden",
			service.Tally{},
			service.Tally{},
		},
		"its answers cannot be counted once": {
			[]bakeStep{{new: 3, old: 3, newAll: 10}, {new: 3, old: 3, uncounted: true}, {new: 3, old: 3, newAll: 30}},
			"",
			service.Tally{All: 90},
			service.Tally{},
		},
		"it is noticed when the release before is gone": {
			[]bakeStep{{new: 3, old: 3, newAll: 10}, {new: 3, newAll: 100, newFails: 50}},
			"50% of its answers",
			service.Tally{All: 300, Failed: 150},
			service.Tally{},
		},
		"after the bake it is not watched": {
			[]bakeStep{{new: 3, old: 3, newAll: 10}, {new: 3, newAll: 100}, {new: 3, newAll: 200, newFails: 100}},
			"",
			service.Tally{All: 300},
			service.Tally{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var step bakeStep
			r := Rollout{Image: wanted, Bake: service.Bake{Time: 20 * time.Second, Errors: "1%"}, Poll: time.Second}
			r.count = func(_ context.Context, p pod) (service.Counts, error) {
				switch {
				case step.uncounted:
					return service.Counts{}, errors.New("pods/proxy is forbidden")
				case p.Metadata.Name[:3] == "new":
					return service.Counts{Release: "a", All: step.newAll, Failed: step.newFails}, nil
				default:
					return service.Counts{Release: "b", All: step.oldAll, Failed: step.oldFails}, nil
				}
			}
			w := newBakeWatch(r, nil)
			now := time.Now()
			for _, step = range tt.steps {
				v := view{replicaSet: "api-a", wanted: 3, missing: "pods"}
				for i := range step.new {
					v.new = append(v.new, podOf(fmt.Sprintf("new-%d", i), true, step.newRestarts))
					v.ready++
				}
				for i := range step.old {
					p := podOf(fmt.Sprintf("old-%d", i), !step.unready, step.oldRestarts)
					v.old = append(v.old, p)
					if p.ready() {
						v.before = append(v.before, p)
					}
				}
				w.observe(t.Context(), &v, now)
				now = now.Add(10 * time.Second)
			}
			if tt.want == "" {
				assert.Empty(t, w.reason)
			} else {
				assert.Contains(t, w.reason, tt.want)
			}
			seen, _ := w.sum(true)
			before, _ := w.sum(false)
			assert.Equal(t, tt.seen, seen)
			assert.Equal(t, tt.before, before)
		})
	}
}

// TestBakeIsReported checks the words while a release is watched, and its figures.
func TestBakeIsReported(t *testing.T) {
	r := Rollout{Image: wanted, Bake: service.Bake{Time: 2 * time.Minute, Errors: "1%"}, Poll: time.Second}
	r.count = func(context.Context, pod) (service.Counts, error) {
		return service.Counts{Release: "a", All: 7}, nil
	}
	w := newBakeWatch(r, nil)
	began := time.Now()
	var said []string
	for _, after := range []time.Duration{0, 2 * time.Second, 31 * time.Second, 115 * time.Second, 121 * time.Second} {
		p := podOf("old", true, 0)
		v := view{replicaSet: "api-a", wanted: 1, ready: 1, missing: "1 pod of the release before still there", new: []pod{podOf("new", true, 0)}, old: []pod{p}, before: []pod{p}}
		v.trouble = trouble{kind: troubleRefused}
		w.observe(t.Context(), &v, began.Add(after))
		said = append(said, v.missing)
		assert.Empty(t, v.trouble, "a quota with room for some pods is no reason to give up")
	}
	assert.Equal(t, []string{
		"release aaaaaaaaaaaa serves beside the release before, and is watched for 2m0s more",
		"release aaaaaaaaaaaa serves beside the release before, and is watched for 2m0s more",
		"release aaaaaaaaaaaa serves beside the release before, and is watched for 1m30s more",
		"release aaaaaaaaaaaa serves beside the release before, and is watched for 10s more",
		"1 pod of the release before still there",
	}, said)
	assert.Equal(t, "watched for 2m1s of 2m0s: on 1 pod 0 of 7 answers failed (0%), 0 restarts; meanwhile, with release bbbbbbbbbbbb, on 1 pod: 0 of 0 (0%), 0 restarts; limit 1%", w.figures())
	require.Nil(t, newBakeWatch(Rollout{}, nil))
}
