package cloudinit

import "escala/service"

// localRedisMB limits the memory of the machine's own Redis, in MB. That Redis
// holds counters and messages in transit, but no data to keep.
const localRedisMB = 64

func (m Machine) localRedis() bool { return m.Spec.Redis.Mode == service.RedisLocal }
