package cloudinit

import "escala/service"

// localRedisMB bounds the machine's own Redis, in MB: it holds counters and
// what is being said right now, not data.
const localRedisMB = 64

func (m Machine) localRedis() bool { return m.Spec.Redis.Mode == service.RedisLocal }
