package redisclient

import (
	"strings"
	"testing"

	"escala/service"
)

// FuzzParse parses Redis URLs of an operator. The client must accept each URL
// that the plan's check accepts. No error may contain the URL, because it may
// include a password.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"redis://h:6379/0", "rediss://user:p%23w@h:6380/2?skip_verify=true", "redis://:12#x@h/0", "redis://:a/b@h", "redis://:a?b@h",
		"redis://[::1]:6379", "unix:///run/redis.sock", "redis://h:6379/mydb", "redis://h/0?protocol=3", "redis://h//", "redis://h/1/2", "redis://@h:1/00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		checked := service.CheckRedisURL(url)
		o, err := Parse(url)
		if (checked == "") != (err == nil) {
			t.Fatalf("%q: the plan finds %q, the client %v", url, checked, err)
		}
		if err != nil {
			if len(url) > 40 && strings.Contains(err.Error(), url) {
				t.Fatalf("%q is repeated: %v", url, err)
			}
			return
		}
		if o.Addr == "" {
			t.Fatalf("%q leads nowhere", url)
		}
	})
}
