// Package logs makes the one kind of log that every process of the service
// writes: JSON lines, with durations that say their unit.
package logs

import (
	"io"
	"log/slog"
)

// New returns a logger that writes JSON to w.
func New(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() == slog.KindDuration {
				a.Value = slog.StringValue(a.Value.Duration().String())
			}
			return a
		},
	}))
}
