package service

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSecondsRoundsUp(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int{
		0: 0, time.Nanosecond: 1, time.Second: 1, time.Second + 1: 2, 90 * time.Second: 90, 1500 * time.Millisecond: 2,
	} {
		assert.Equal(t, want, Seconds(d), d)
	}
}
