package service

// RedisMode is where the service finds Redis.
type RedisMode string

const (
	// RedisNone is a service that has no Redis.
	RedisNone RedisMode = "none"
	// RedisLocal is one that the target runs one beside the workers.
	RedisLocal RedisMode = "local"
	// RedisURL is an existing one, named by Redis.URL.
	RedisURL RedisMode = "url"
)

// Redis is what workers, machines and pods share state through.
type Redis struct {
	// Mode is RedisNone by default.
	Mode RedisMode `config:"mode"`
	// URL is redis://host:port/db or rediss://… without a password: a password
	// comes as the secret REDIS_URL instead. Only with RedisURL.
	URL string `config:"url"`
}

// NewRedis returns the defaults.
func NewRedis() Redis { return Redis{Mode: RedisNone} }

// LocalRedisURL is where RedisLocal listens on a machine.
const LocalRedisURL = "redis://127.0.0.1:6379/0"

// localRedisPort is the port in it.
const localRedisPort = 6379

// Address is the URL that workers get as REDIS_URL, or "" when there is none
// in the description (no Redis, or a secret carries it).
func (r Redis) Address() string {
	switch r.Mode {
	case RedisLocal:
		return LocalRedisURL
	case RedisURL:
		return r.URL
	case RedisNone:
	}
	return ""
}
