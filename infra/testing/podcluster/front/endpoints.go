package front

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"

	"escala/infra/testing/kube"
)

// backend is a port of a Service.
type backend struct{ namespace, service, port string }

// endpoints holds the addresses of all Services' pods, with a delay of lag.
type endpoints struct {
	lag time.Duration

	mu     sync.Mutex
	slices map[string]kube.EndpointSlice // by namespace/name
	turn   int
}

// follow updates the addresses until ctx ends.
func (e *endpoints) follow(ctx context.Context, client dynamic.Interface) {
	kube.Follow(ctx, client, kube.EndpointSlices, func(c kube.Change) {
		slice, err := kube.Decode[kube.EndpointSlice](c.Object)
		if err != nil {
			return
		}
		key := slice.Namespace + "/" + slice.Name
		apply := func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			before, there := e.slices[key]
			switch {
			case there && newer(before.ResourceVersion, slice.ResourceVersion):
			case c.Deleted:
				delete(e.slices, key)
			default:
				e.slices[key] = slice
			}
		}
		if e.lag == 0 {
			apply()
			return
		}
		time.AfterFunc(e.lag, apply)
	})
}

// newer reports whether resource version a is newer than b. The versions of one
// kind are numbers that increase.
func newer(a, b string) bool {
	first, err := strconv.ParseUint(a, 10, 64)
	second, other := strconv.ParseUint(b, 10, 64)
	return err == nil && other == nil && first > second
}

// next returns the addresses for a request, in the order in which to try them. Each
// request begins with the next pod. If any pod is ready, only ready pods are
// returned; otherwise the pods that serve while they end.
func (e *endpoints) next(b backend) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var ready, ending []string
	for _, slice := range e.slices {
		if slice.Namespace != b.namespace || slice.Labels[kube.ServiceLabel] != b.service {
			continue
		}
		for _, port := range slice.Ports {
			if port.Name != b.port {
				continue
			}
			for _, endpoint := range slice.Endpoints {
				if len(endpoint.Addresses) == 0 {
					continue
				}
				at := net.JoinHostPort(endpoint.Addresses[0], strconv.Itoa(port.Port))
				switch conditions := endpoint.Conditions; {
				case conditions.Ready == nil || *conditions.Ready:
					ready = append(ready, at)
				case conditions.Serving != nil && *conditions.Serving:
					ending = append(ending, at)
				}
			}
		}
	}
	if len(ready) == 0 {
		ready = ending
	}
	if len(ready) == 0 {
		return nil
	}
	slices.Sort(ready)
	e.turn++
	first := e.turn % len(ready)
	return append(slices.Clone(ready[first:]), ready[:first]...)
}
