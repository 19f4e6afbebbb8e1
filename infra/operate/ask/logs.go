package ask

import (
	"context"
	"time"

	"escala/cloudinit/agent/request"
	"escala/infra/operate"
)

// Pauses between two requests while logs are followed. Each costs a few requests to
// the store, so they become rarer while nothing is logged.
const (
	followEvery   = time.Second
	followSlowest = 5 * time.Second
)

// Logs passes the selected lines to emit. It holds one answer in memory at a time.
func (m Machine) Logs(ctx context.Context, r operate.LogsRequest, emit func(operate.Line) error) error {
	query := request.Query{Source: r.Source, Tail: r.Lines, Contains: r.Contains}
	if !r.Since.IsZero() {
		query.Since, query.Tail = r.Since.UnixMilli(), 0
	}
	pause := followEvery
	for {
		answer, err := m.do(ctx, request.Logs, &query, answerTimeout)
		if err != nil {
			return err
		}
		for _, line := range answer.Lines {
			out := operate.Line{Source: line.Source, Text: line.Text}
			if line.Time != 0 {
				out.Time = time.UnixMilli(line.Time).UTC()
			}
			if err := emit(out); err != nil {
				return err
			}
		}
		query = request.Query{Source: r.Source, Contains: r.Contains, Cursor: answer.Cursor}
		switch {
		case answer.More:
			continue
		case !r.Follow:
			return nil
		case len(answer.Lines) > 0:
			pause = followEvery
		default:
			pause = min(pause*3/2, followSlowest)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}
