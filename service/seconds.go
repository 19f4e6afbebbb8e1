package service

import "time"

// Seconds converts d to the whole seconds that systemd, supervisord and
// Kubernetes accept. It rounds up, so that a limit ends later but never sooner.
func Seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
