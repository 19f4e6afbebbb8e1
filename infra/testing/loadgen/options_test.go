package loadgen

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreValid(t *testing.T) {
	o := NewOptions("http://127.0.0.1:1")
	sockets := NewSockets()
	o.Sockets = &sockets
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestMixLeavesOutWhatHasNoRate(t *testing.T) {
	m := NewMix()
	m.PostShare, m.SlowRate = 1, 0
	streams := m.Streams()
	if len(streams) != 1 || streams[0].Name != "post" || streams[0].Rate != m.Rate {
		t.Errorf("streams %+v, want only post at %v/s", streams, m.Rate)
	}
}

func TestValidateReportsAllAtOnce(t *testing.T) {
	sockets := NewSockets()
	sockets.Rooms, sockets.Settle, sockets.Path = 0, time.Minute, "ws"
	bad := Stream{Method: "GET /", Path: "x", Rate: 0, BodyBytes: -1, Status: 99, Connections: "some"}
	o := Options{Streams: []Stream{bad, bad}, Sockets: &sockets, Duration: time.Hour}
	err := o.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, path := range []string{
		"target:", "clients:", "timeout:", "maxDuration:", "duration:", "maxOutstanding:", "interval:",
		"streams[0].name:", "streams[1].name:", "streams[0].method:", "streams[0].path:", "streams[0].rate:",
		"streams[0].bodyBytes:", "streams[0].status:", "streams[0].connections:",
		"sockets.rooms:", "sockets.settle:", "sockets.path:",
	} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not reported in:\n%s", path, err)
		}
	}
}

func TestResolve(t *testing.T) {
	tests := map[string]struct {
		url, host string
		public    bool
		address   string
		header    string
		problem   string
	}{
		"loopback":       {url: "http://127.0.0.1:8080", address: "127.0.0.1:8080", header: "127.0.0.1:8080"},
		"default port":   {url: "http://127.0.0.2/", address: "127.0.0.2:80", header: "127.0.0.2"},
		"IPv6":           {url: "http://[::1]:9", address: "[::1]:9", header: "[::1]:9"},
		"private":        {url: "http://10.1.2.3", address: "10.1.2.3:80", header: "10.1.2.3"},
		"host":           {url: "http://127.0.0.1", host: "api.example", address: "127.0.0.1:80", header: "api.example"},
		"public":         {url: "http://192.0.2.1", problem: "neither loopback nor private"},
		"public allowed": {url: "http://192.0.2.1", public: true, address: "192.0.2.1:80", header: "192.0.2.1"},
		"unspecified":    {url: "http://0.0.0.0:80", problem: "neither loopback nor private"},
		"https":          {url: "https://127.0.0.1", problem: "only http"},
		"no scheme":      {url: "127.0.0.1:80", problem: "parse URL"},
		"path":           {url: "http://127.0.0.1/api", problem: "no path"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := resolve(context.Background(), test.url, test.host, test.public)
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Fatalf("error %v, want %q", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.address != test.address || got.host != test.header {
				t.Errorf("address %s, host %s, want %s, %s", got.address, got.host, test.address, test.header)
			}
		})
	}
}
