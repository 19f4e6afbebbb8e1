package front

import (
	"context"
	"io"
	"net"
	"strconv"
	"time"

	"escala/infra/testing/kube"
)

// service keeps a listener on each port of a Service's address.
func (f *Front) service(ctx context.Context, c kube.Change) {
	s, err := kube.Decode[kube.Service](c.Object)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := s.Namespace + "/" + s.Name
	if c.Deleted {
		delete(f.services, key)
	} else {
		f.services[key] = s
	}
	if net.ParseIP(s.Spec.ClusterIP) == nil || s.Namespace == "default" && s.Name == "kubernetes" {
		return
	}
	for _, port := range s.Spec.Ports {
		at := net.JoinHostPort(s.Spec.ClusterIP, strconv.Itoa(port.Port))
		l := f.listeners[at]
		switch {
		case c.Deleted && l != nil:
			_ = l.Close()
			delete(f.listeners, at)
		case !c.Deleted && l == nil:
			var config net.ListenConfig
			if l, err = config.Listen(ctx, "tcp", at); err != nil {
				continue // an address of the last Service that had it
			}
			f.listeners[at] = l
			f.running.Go(func() { f.forward(ctx, l, backend{s.Namespace, s.Name, port.Name}) })
		}
	}
}

// forward forwards connections to a Service's pods.
func (f *Front) forward(ctx context.Context, l net.Listener, to backend) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		f.running.Go(func() {
			defer conn.Close()
			addresses := f.proxied.next(to)
			if len(addresses) == 0 {
				return // kube-proxy rejects connections to a Service without endpoints
			}
			dialer := net.Dialer{Timeout: 5 * time.Second}
			pod, err := dialer.DialContext(ctx, "tcp", addresses[0])
			if err != nil {
				return
			}
			defer pod.Close()
			join(ctx, conn.(*net.TCPConn), pod.(*net.TCPConn))
		})
	}
}

// join copies in both directions until both have ended.
func join(ctx context.Context, a, b *net.TCPConn) {
	defer context.AfterFunc(ctx, func() {
		_ = a.Close()
		_ = b.Close()
	})()
	done := make(chan struct{})
	pass := func(to, from *net.TCPConn) {
		if _, err := io.Copy(to, from); err != nil {
			// If one side is cut, cut the other one too.
			_ = to.Close()
			_ = from.Close()
			return
		}
		_ = to.CloseWrite()
	}
	go func() {
		defer close(done)
		pass(b, a)
	}()
	pass(a, b)
	<-done
}
