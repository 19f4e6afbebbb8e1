package worker

import (
	"context"
	"sync"
	"time"

	"escala/service/server"
)

// allLongLived combines the WebSockets of the rooms and of the application.
type allLongLived []server.LongLived

// CloseAll closes all of them at the same time.
func (s allLongLived) CloseAll(ctx context.Context, over time.Duration) {
	var all sync.WaitGroup
	for _, one := range s {
		all.Go(func() { one.CloseAll(ctx, over) })
	}
	all.Wait()
}

// Open returns the number of open WebSockets.
func (s allLongLived) Open() int {
	n := 0
	for _, one := range s {
		n += one.Open()
	}
	return n
}
