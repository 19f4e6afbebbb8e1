package server

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"escala/service"
)

// pageInterval is the time between two checks of the maintenance file.
const pageInterval = time.Second

// FollowMaintenance answers with the content of the file in place of the
// application while the file exists. It reads the file once before it returns,
// and then every second. It is for workers whose proxy does not do this.
func (s *Server) FollowMaintenance(path string) (stop func()) {
	logged := ""
	update := func() {
		page, err := readPage(path)
		if err != nil { // the state stays as it was
			if text := err.Error(); text != logged {
				logged = text
				s.Log.Warn("reading the page of the maintenance", slog.Any("error", err))
			}
			return
		}
		logged = ""
		if was := s.page.Swap(page); (was == nil) != (page == nil) {
			s.Log.Info("maintenance", slog.Bool("on", page != nil))
		}
	}
	update()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(pageInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				update()
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// readPage returns the content of the file, the default page for an empty file,
// or nil if there is no file.
func readPage(path string) (*string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, service.MaxMaintenancePage))
	if err != nil {
		return nil, err
	}
	page := string(content)
	if page == "" {
		page = service.MaintenancePage
	}
	return &page, nil
}

var (
	maintained = []string{"on"}
	html       = []string{"text/html; charset=utf-8"}
	retryLater = []string{strconv.Itoa(service.Seconds(service.MaintenanceRetry))}
)

// maintain answers with the page. The application does not see the request, and
// the metrics do not count it.
func (s *Server) maintain(w http.ResponseWriter, r *http.Request, page string) {
	h := w.Header()
	if s.draining.Load() {
		s.closing(h)
	}
	h["Content-Type"], h["Cache-Control"], h["Retry-After"] = html, noStore, retryLater
	w.WriteHeader(http.StatusServiceUnavailable)
	if _, err := io.WriteString(w, page); err != nil {
		s.Log.DebugContext(r.Context(), "answering with the page of the maintenance", slog.Any("error", err))
	}
}
