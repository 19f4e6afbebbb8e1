package server

import (
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net/http"

	"escala/service"
)

// asksCounts reports whether a request has the key of service.CountsPath.
func (s *Server) asksCounts(r *http.Request) bool {
	key := s.Config.CountsKey
	return key != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get(service.CountsHeader)), []byte(key)) == 1
}

// Counts returns the numbers of answers since the start.
func (s *Server) Counts() service.Counts {
	turnedAway := s.turnedAway.Load()
	return service.Counts{
		Release: s.Release,
		All:     int64(s.answered.Load() + turnedAway),
		Failed:  int64(s.failed.Load() + turnedAway),
	}
}

func (s *Server) counts(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Cache-Control"] = noStore
	if err := json.NewEncoder(w).Encode(s.Counts()); err != nil {
		s.Log.DebugContext(r.Context(), "answering with the counts", slog.Any("error", err))
	}
}
