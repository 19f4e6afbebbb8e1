package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"escala/service/session"
)

// sessions contains the endpoints that issue, show, renew and delete a session.
// They issue any name that the caller requests. A real service would check a
// password first.
type sessions struct{ *session.Sessions }

// maxSubject is the longest name, in bytes.
const maxSubject = 64

func (s sessions) begin(w http.ResponseWriter, r *http.Request) {
	if !s.configured(w) {
		return
	}
	var in struct {
		Name string `json:"name"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || !validSubject(in.Name) {
		http.Error(w, `the body must be {"name": "…"} with 1 to 64 bytes of printable text`, http.StatusBadRequest)
		return
	}
	s.issue(w, r, in.Name, http.StatusCreated)
}

func validSubject(s string) bool {
	return s != "" && len(s) <= maxSubject && utf8.ValidString(s) && s == strings.TrimSpace(s) &&
		strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
}

func (s sessions) renew(w http.ResponseWriter, r *http.Request) {
	if now, ok := s.current(w, r); ok {
		s.issue(w, r, now.Subject, http.StatusOK)
	}
}

func (s sessions) show(w http.ResponseWriter, r *http.Request) {
	if now, ok := s.current(w, r); ok {
		writeJSON(w, http.StatusOK, sessionAnswer{Name: now.Subject, Expires: now.Expires.UTC()})
	}
}

func (s sessions) end(w http.ResponseWriter, r *http.Request) {
	if s.configured(w) {
		s.ClearCookie(w, r)
		w.WriteHeader(http.StatusNoContent)
	}
}

type sessionAnswer struct {
	Name    string    `json:"name"`
	Expires time.Time `json:"expires"`
	// Token is for clients other than browsers.
	Token string `json:"token,omitempty"`
}

func (s sessions) issue(w http.ResponseWriter, r *http.Request, name string, status int) {
	token, issued, err := s.Issue(name)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	s.SetCookie(w, r, token, issued)
	writeJSON(w, status, sessionAnswer{Name: name, Expires: issued.Expires.UTC(), Token: token})
}

func (s sessions) current(w http.ResponseWriter, r *http.Request) (session.Session, bool) {
	if !s.configured(w) {
		return session.Session{}, false
	}
	now, err := s.Of(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, session.ErrInvalid.Error(), http.StatusUnauthorized)
		return session.Session{}, false
	}
	return now, true
}

func (s sessions) configured(w http.ResponseWriter) bool {
	if s.Sessions == nil {
		http.Error(w, "sessions need keys; set SESSION_KEYS", http.StatusNotImplemented)
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a disconnected client is not an error
}
