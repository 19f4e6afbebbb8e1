package build

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Services builds the service for several platforms at once. The bytes are the
// same as Service's.
func (s Source) Services(ctx context.Context, state string, platforms ...Platform) (map[Platform]Release, error) {
	var mu sync.Mutex
	releases := make(map[Platform]Release, len(platforms))
	builds, ctx := errgroup.WithContext(ctx)
	for _, platform := range platforms {
		builds.Go(func() error {
			release, err := s.Service(ctx, state, platform)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			releases[platform] = release
			return nil
		})
	}
	if err := builds.Wait(); err != nil {
		return nil, err
	}
	return releases, nil
}
