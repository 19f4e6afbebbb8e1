package service

import "time"

// Seconds is a duration in the whole seconds that systemd, supervisord and
// Kubernetes take. It rounds up: a limit may come a little later, never sooner.
func Seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
