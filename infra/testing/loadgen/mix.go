package loadgen

import "net/http"

// Mix describes a typical load by a few figures. Make one with NewMix.
type Mix struct {
	// Rate is the number of quick requests (GET and POST) per second.
	// Default 500.
	Rate float64
	// PostShare is the share of quick requests that are POSTs with a body,
	// which no proxy may send twice. Default 0.3.
	PostShare float64
	// SlowRate is the number of slow requests per second of each kind: 300 ms
	// and 2 s. 0 sends none. Default 1.
	SlowRate float64
	// BodyBytes is the length of a POST's body. Default 512.
	BodyBytes int
	// GetPath is a path that answers a GET with 200. Default "/".
	GetPath string
	// EchoPath is a path that answers a POST with its body. Default "/echo".
	EchoPath string
	// SlowPath is a path that answers after the number of milliseconds in its
	// query "ms". Default "/slow".
	SlowPath string
	// Connections sets how requests use connections. Default Alternate.
	Connections Connections
}

// NewMix returns the defaults.
func NewMix() Mix {
	return Mix{
		Rate:        500,
		PostShare:   0.3,
		SlowRate:    1,
		BodyBytes:   512,
		GetPath:     "/",
		EchoPath:    "/echo",
		SlowPath:    "/slow",
		Connections: Alternate,
	}
}

// Streams returns the streams of the mix: get, post, slow-300ms and slow-2s,
// except those with rate 0.
func (m Mix) Streams() []Stream {
	all := []Stream{
		{Name: "get", Method: http.MethodGet, Path: m.GetPath, Rate: m.Rate * (1 - m.PostShare)},
		{
			Name: "post", Method: http.MethodPost, Path: m.EchoPath, Rate: m.Rate * m.PostShare,
			BodyBytes: m.BodyBytes, Echo: m.BodyBytes > 0,
		},
		{Name: "slow-300ms", Method: http.MethodGet, Path: m.SlowPath + "?ms=300", Rate: m.SlowRate},
		{Name: "slow-2s", Method: http.MethodGet, Path: m.SlowPath + "?ms=2000", Rate: m.SlowRate},
	}
	streams := make([]Stream, 0, len(all))
	for _, s := range all {
		if s.Rate == 0 {
			continue
		}
		s.Status, s.Connections = http.StatusOK, m.Connections
		streams = append(streams, s)
	}
	return streams
}
