package front

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// domain is the end of the names of Services.
const domain = "svc.cluster.local."

// serveNames runs the cluster's name server, which knows the addresses of Services.
func (f *Front) serveNames(ctx context.Context) error {
	ready := make(chan struct{})
	server := &dns.Server{
		Addr: netip.AddrPortFrom(f.options.DNS, 53).String(), Net: "udp", Handler: dns.HandlerFunc(f.answer),
		NotifyStartedFunc: func() { close(ready) },
	}
	defer context.AfterFunc(ctx, func() {
		<-ready // Shutdown fails before the server has started
		_ = server.Shutdown()
	})()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving names: %w", err)
	}
	return nil
}

func (f *Front) answer(w dns.ResponseWriter, question *dns.Msg) {
	answer := new(dns.Msg)
	answer.SetReply(question)
	answer.Authoritative = true
	for _, q := range question.Question {
		address, found := f.lookup(strings.ToLower(q.Name))
		if !found {
			answer.Rcode = dns.RcodeNameError
			continue
		}
		if q.Qtype == dns.TypeA {
			answer.Answer = append(answer.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 30}, A: address,
			})
		}
	}
	// A failed write needs no handling: a client that still waits repeats its query.
	_ = w.WriteMsg(answer)
}

// lookup returns the address of a Service by its full name.
func (f *Front) lookup(name string) (net.IP, bool) {
	path, ok := strings.CutSuffix(name, "."+domain)
	service, namespace, two := strings.Cut(path, ".")
	if !ok || !two {
		return nil, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, there := f.services[namespace+"/"+service]
	address := net.ParseIP(s.Spec.ClusterIP)
	return address.To4(), there && address != nil
}
