package prefork

import (
	"context"
	"log/slog"
	"time"

	"escala/service/status"
)

// watchMemory replaces a worker whose resident memory exceeds the limit. It
// works like a roll, so a memory leak costs no request.
func (p *primary) watchMemory(ctx context.Context) error {
	tick := time.NewTicker(p.Config.MemoryCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, s := range p.slots {
			p.checkMemory(ctx, s)
		}
	}
}

func (p *primary) checkMemory(ctx context.Context, s *slot) {
	proc, _ := s.view()
	if proc == nil || proc.readyAt.Load() == 0 || !proc.alive() {
		return
	}
	used, err := status.Memory(proc.pid())
	if err != nil || used <= p.Config.MemoryMax { // reading fails if the process has just ended
		return
	}
	p.rolling.Lock()
	defer p.rolling.Unlock()
	if now, _ := s.view(); now != proc {
		return
	}
	p.log.Warn("worker uses too much memory and is replaced", slog.Int("worker", s.number), slog.Int("pid", proc.pid()),
		slog.Uint64("bytes", used), slog.Uint64("limit", p.Config.MemoryMax))
	if err := p.replace(ctx, s); err != nil && ctx.Err() == nil {
		p.log.Error("worker with too much memory was not replaced", slog.Any("error", err))
	}
}
