package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"escala/service"
)

// A bake watches a release while its pods serve beside those of the release before.
// The Deployment's minReadySeconds is longer than the bake, so Kubernetes removes no
// pod of the release before until it has ended. A release that fails more than the
// one before is taken back (takeBack).
//
//   - It begins when the first pod of the release is ready, and ends when no pod of
//     the release before is left. Without pods of a release before there is none.
//   - Only a running update watches. If it is interrupted, Kubernetes goes on, and
//     the next update watches what is left. The counts are the pods' own, so it knows
//     all answers of the release.
type bakeWatch struct {
	rollout Rollout
	// count returns the numbers of a pod's answers.
	count func(ctx context.Context, p pod) (service.Counts, error)
	// pods are the watched pods by their UID.
	pods map[string]*watchedPod
	// began is the first look at which a pod of the release was ready. counted is the
	// time of the last count.
	began, counted time.Time
	// image is the image of the release before.
	image string
	// problem is the last failure to count answers of the release.
	problem error
	// reason is why the release must be taken back, or "".
	reason string
	// ended means that no pod of the release before is left.
	ended bool
}

// watchedPod is what is known of one pod.
type watchedPod struct {
	// release reports whether the pod runs the release, and not the one before.
	release bool
	// tally counts since the beginning of the bake.
	tally service.Tally
	// last are the pod's own numbers. They begin at 0 when the container restarts.
	last     service.Counts
	answered bool
	restarts int
}

const (
	// countEvery is the time between two counts.
	countEvery = 2 * time.Second
	// countTimeout limits one pod's answer, in time and in bytes.
	countTimeout = 3 * time.Second
	countLimit   = 4 << 10
	// countedPods is the largest number of pods of each release whose answers are
	// counted. Restarts are counted for all.
	countedPods = 100
	// countsAtOnce is the number of pods that are asked at the same time.
	countsAtOnce = 8
)

// newBakeWatch returns the watch of a rollout, or nil if the release is not watched.
func newBakeWatch(r Rollout, c *client) *bakeWatch {
	if !r.Bake.On() {
		return nil
	}
	w := &bakeWatch{rollout: r, pods: map[string]*watchedPod{}, count: r.count}
	if w.count == nil {
		w.count = func(ctx context.Context, p pod) (service.Counts, error) { return c.counts(ctx, r.Namespace, p, r.Port) }
	}
	return w
}

// counts asks a pod for the numbers of its answers, through the API's proxy, which
// accepts a pod's port only by its number. The key is the pod's UID, which only
// readers of the cluster's API know.
func (c *client) counts(ctx context.Context, namespace string, p pod, port int) (service.Counts, error) {
	var counts service.Counts
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy%s", namespace, p.Metadata.Name, port, service.CountsPath)
	body, err := c.small(ctx, path, map[string]string{service.CountsHeader: p.Metadata.UID}, countLimit)
	if err != nil {
		return counts, err
	}
	if err := json.Unmarshal(body, &counts); err != nil || counts.Release == "" {
		return service.Counts{}, fmt.Errorf("pod %s does not answer with numbers at %s: its image is older, or its program does not use escala's runtime", p.Metadata.Name, service.CountsPath)
	}
	return counts, nil
}

// active reports whether the release serves beside the release before.
func (w *bakeWatch) active(v view) bool { return w != nil && !w.began.IsZero() && len(v.before) > 0 }

// failed reports whether the release must be taken back.
func (w *bakeWatch) failed() bool { return w != nil && w.reason != "" }

// missing describes the reason.
func (w *bakeWatch) missing() string {
	return fmt.Sprintf("release %s is taken back: %s", shortRelease(w.rollout.Image), w.reason)
}

// observe counts, and judges the release.
func (w *bakeWatch) observe(ctx context.Context, v *view, now time.Time) {
	if w == nil || w.reason != "" || v.replicaSet == "" {
		return
	}
	if w.began.IsZero() {
		if v.ready == 0 || len(v.before) == 0 {
			return
		}
		w.began = now
		w.image = v.before[0].Spec.Containers[0].Image
	}
	w.restarts(v.new, true)
	w.restarts(v.old, false)
	if len(v.old) > 0 && len(v.before) == 0 || w.ended {
		return // the release before cannot serve, or is gone
	}
	w.ended = len(v.old) == 0
	if w.ended || now.Sub(w.counted) >= w.every() {
		w.counted = now
		w.answers(ctx, *v)
	}
	w.judge(now)
	switch left := w.rollout.Bake.Time - now.Sub(w.began); {
	case w.reason != "":
		v.missing = w.missing()
	case v.missing != "" && v.ready >= v.wanted && left > 0:
		v.missing = fmt.Sprintf("release %s serves beside the release before, and is watched for %s more", shortRelease(w.rollout.Image), roundLeft(left))
	}
	if v.trouble.kind == troubleRefused && w.active(*v) {
		// A quota has no room for all pods at once. The others follow.
		v.trouble = trouble{}
	}
}

func (w *bakeWatch) every() time.Duration { return min(countEvery, 2*w.rollout.Poll) }

// roundLeft rounds a remaining time up to few values, because an update shows each
// of them.
func roundLeft(left time.Duration) time.Duration {
	step := 30 * time.Second
	if left <= step {
		step = 10 * time.Second
	}
	if over := left % step; over > 0 {
		left += step - over
	}
	return left
}

// restarts counts the restarts of containers, for each pod since it was first ready.
func (w *bakeWatch) restarts(pods []pod, release bool) {
	for _, p := range pods {
		now := 0
		for _, c := range p.Status.ContainerStatuses {
			now += c.RestartCount
		}
		known := w.pods[p.Metadata.UID]
		if known == nil {
			if p.ready() {
				w.pods[p.Metadata.UID] = &watchedPod{release: release, restarts: now}
			}
			continue
		}
		known.tally.Restarts += int64(max(0, now-known.restarts))
		known.restarts = now
	}
}

// answers adds the pods' answers since the last count.
func (w *bakeWatch) answers(ctx context.Context, v view) {
	var asking errgroup.Group
	asking.SetLimit(countsAtOnce)
	type answer struct {
		of     *watchedPod
		counts service.Counts
		err    error
	}
	var all []*answer
	for _, pods := range [][]pod{v.new, v.old} {
		for _, p := range sampled(pods) {
			one := &answer{of: w.pods[p.Metadata.UID]}
			if one.of == nil {
				continue
			}
			all = append(all, one)
			asking.Go(func() error {
				one.counts, one.err = w.count(ctx, p)
				return nil
			})
		}
	}
	_ = asking.Wait() // the functions return no error
	for _, one := range all {
		switch {
		case one.err == nil:
			one.of.add(one.counts)
		case one.of.release && ctx.Err() == nil:
			w.problem = one.err
		}
	}
}

// sampled returns the pods that are asked: the ready ones, by name.
func sampled(pods []pod) []pod {
	ready := slices.DeleteFunc(slices.Clone(pods), func(p pod) bool { return !p.ready() })
	slices.SortFunc(ready, func(a, b pod) int { return strings.Compare(a.Metadata.Name, b.Metadata.Name) })
	return ready[:min(countedPods, len(ready))]
}

// add adds a pod's answers since the last count. A pod of the release counts from its
// start, one of the release before from the beginning of the bake.
func (p *watchedPod) add(now service.Counts) {
	last := p.last
	switch {
	case !p.answered && !p.release:
		last = now
	case now.All < last.All || now.Failed < last.Failed:
		last = service.Counts{}
	}
	p.tally.All += now.All - last.All
	p.tally.Failed += now.Failed - last.Failed
	p.last, p.answered = now, true
}

// sum returns the tally of one release, and the number of its pods that were watched.
func (w *bakeWatch) sum(release bool) (all service.Tally, pods int) {
	for _, p := range w.pods {
		if p.release == release {
			all = all.Plus(p.tally)
			pods++
		}
	}
	return all, pods
}

// blind reports whether no pod of the release has ever answered with its numbers.
func (w *bakeWatch) blind() bool {
	for _, p := range w.pods {
		if p.release && p.answered {
			return false
		}
	}
	return true
}

// judge sets the reason.
func (w *bakeWatch) judge(now time.Time) {
	seen, _ := w.sum(true)
	before, _ := w.sum(false)
	took := now.Sub(w.began).Round(time.Second)
	switch w.rollout.Bake.Judge(seen, before) {
	case service.BakeAnswers:
		beside := "of those of the release before, beside it, were " + before.Percent()
		if before.All == 0 {
			beside = "nothing is known of those of the release before"
		}
		w.reason = fmt.Sprintf("%s of its answers in %s had a status of 500 or above; the limit is %s, and %s", seen.Percent(), took, w.rollout.Bake.Errors, beside)
	case service.BakeRestarts:
		w.reason = fmt.Sprintf("its pods ended by themselves %d times in %s; those of the release before, beside them, %d times", seen.Restarts, took, before.Restarts)
	default:
		if w.blind() && w.problem != nil && now.Sub(w.began) >= w.rollout.Bake.Time {
			w.reason = fmt.Sprintf("its answers cannot be counted: %s", w.problem)
		}
	}
}

// figures has the exact numbers, for the operator.
func (w *bakeWatch) figures() string {
	seen, pods := w.sum(true)
	before, beside := w.sum(false)
	return fmt.Sprintf("watched for %s of %s: on %s %d of %d answers failed (%s), %d restarts; meanwhile, with release %s, on %s: %d of %d (%s), %d restarts; limit %s",
		w.counted.Sub(w.began).Round(time.Second), w.rollout.Bake.Time, plural(pods, "pod"), seen.Failed, seen.All, seen.Percent(), seen.Restarts,
		shortRelease(w.image), plural(beside, "pod"), before.Failed, before.All, before.Percent(), before.Restarts, w.rollout.Bake.Errors)
}
