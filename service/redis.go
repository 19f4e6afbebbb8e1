package service

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// RedisMode selects the service's Redis.
type RedisMode string

const (
	// RedisNone is no Redis.
	RedisNone RedisMode = "none"
	// RedisLocal is a Redis that the target runs beside the workers.
	RedisLocal RedisMode = "local"
	// RedisURL is an existing Redis at Redis.URL.
	RedisURL RedisMode = "url"
)

// Redis is the store through which workers, machines and pods share state.
type Redis struct {
	// Mode is RedisNone by default.
	Mode RedisMode `config:"mode"`
	// URL is redis://host:port/db or rediss://… without a password. A URL with a
	// password belongs in the secret REDIS_URL instead. Only with RedisURL.
	URL string `config:"url"`
	// Prefix is the prefix of every key and channel, so that services and
	// stacks can share a Redis. Pub/sub channels are the same in every database
	// of a Redis, so a database's number does not separate rooms. Default
	// "escala:<name>:<stack>:".
	Prefix string `config:"prefix"`
}

// DefaultRedisPrefix returns the default of Redis.Prefix.
func DefaultRedisPrefix(name, stack string) string { return "escala:" + name + ":" + stack + ":" }

// maxRedisPrefix is the longest prefix, because each message of a room contains
// it.
const maxRedisPrefix = 128

// CheckRedisPrefix returns the error of a prefix, or "".
func CheckRedisPrefix(s string) string {
	if len(s) > maxRedisPrefix {
		return fmt.Sprintf("is longer than %d bytes", maxRedisPrefix)
	}
	if strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return "has other characters than printable ones of ASCII; for example \"shop:live:\""
	}
	return ""
}

// redisQuery lists the allowed parameters of a Redis URL with their values.
var redisQuery = map[string][]string{"skip_verify": {"true", "false"}, "protocol": {"2", "3"}}

// CheckRedisURL returns the error of a Redis URL, or "". The text never
// contains the URL, which may include a password.
func CheckRedisURL(s string) string {
	const form = "is not redis://[user:password@]host:port/db or rediss://… (it is not repeated here, since it may hold a password)"
	scheme, rest, ok := strings.Cut(s, "://")
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "has a control character"
	}
	if ok && scheme == "unix" && len(rest) > 1 && rest[0] == '/' && !strings.ContainsAny(rest, "?#%") {
		return ""
	}
	if !ok || (scheme != "redis" && scheme != "rediss") {
		return form
	}
	const encode = `"#", "/", "?", "%", "@" and ":" in a user or a password have to be percent-encoded (%23, %2F, %3F, %25, %40, %3A)`
	u, err := url.Parse(s)
	switch {
	case strings.Contains(rest, "#"):
		return `has a "#": ` + encode
	case strings.Contains(rest, "@") && (err != nil || u.User == nil):
		return "cannot be parsed: " + encode
	case err != nil || u.Hostname() == "":
		return form + "; " + encode
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "has no port from 1 to 65535 after the host; " + encode
		}
	}
	if db := strings.TrimPrefix(u.Path, "/"); db != "" {
		if n, err := strconv.Atoi(db); err != nil || n < 0 || strconv.Itoa(n) != db {
			return "has no number of a database after the host; for example redis://host:6379/0"
		}
	}
	for name, values := range u.Query() {
		known := redisQuery[name]
		if len(values) != 1 || !slices.Contains(known, values[0]) {
			return `has a "?" that is not followed by skip_verify=true or protocol=2; ` + encode
		}
	}
	return ""
}

// NewRedis returns the defaults.
func NewRedis() Redis { return Redis{Mode: RedisNone} }

// LocalRedisURL is the address of RedisLocal on a machine.
const LocalRedisURL = "redis://127.0.0.1:6379/0"

// localRedisPort is the port of LocalRedisURL.
const localRedisPort = 6379

// Address returns the URL that workers get as REDIS_URL. It is "" without
// Redis, and if a secret provides the URL.
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
