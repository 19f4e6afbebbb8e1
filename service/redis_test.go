package service

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheckRedisURL(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"redis://h":                       "",
		"redis://h:6379/0":                "",
		"rediss://u:p%23w@h:6380/2":       "",
		"redis://[::1]:6379/0":            "",
		"rediss://h:1/0?skip_verify=true": "",
		"unix:///run/redis.sock":          "",
		"localhost:6379":                  "is not redis://",
		"http://h":                        "is not redis://",
		"redis://":                        "is not redis://",
		"redis://:p#w@h:6379/0":           "percent-encoded (%23",
		"redis://:12#x@h/0":               "percent-encoded (%23",
		"redis://h:6379/0#x":              "percent-encoded (%23",
		"redis://:a/b@h:6379/0":           "percent-encoded",
		"redis://:12/b@h:6379/0":          "percent-encoded",
		"redis://:a?b@h:6379/0":           "percent-encoded",
		"redis://:12?b@h:6379/0":          "percent-encoded",
		"redis://:a%zzb@h:6379/0":         "percent-encoded",
		"redis://h:70000/0":               "no port from 1 to 65535",
		"redis://h:6379/mydb":             "no number of a database",
		"redis://h:6379/0?max_retries=3":  "skip_verify=true",
	} {
		got := CheckRedisURL(url)
		if says == "" {
			assert.Empty(t, got, url)
			continue
		}
		assert.Contains(t, got, says, url)
		assert.False(t, len(url) > len("redis://") && strings.Contains(got, url), "the URL is never repeated: %s", got)
	}
}
