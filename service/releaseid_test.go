package service

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReleaseOfImage(t *testing.T) {
	t.Parallel()
	id := ReleaseID(strings.Repeat("0a", 32))
	for _, reference := range []string{
		"sha256:" + string(id),
		id.Image("ghcr.io/you/api"),
		id.Image("localhost:5000/api:latest"),
	} {
		got, ok := ReleaseOfImage(reference)
		assert.True(t, ok, reference)
		assert.Equal(t, id, got, reference)
	}
	for _, reference := range []string{"", "api", "api:latest", string(id), "api@sha256:" + id.Short(), "api@sha512:" + string(id), "api@sha256:" + strings.ToUpper(string(id))} {
		got, ok := ReleaseOfImage(reference)
		assert.False(t, ok, reference)
		assert.Empty(t, got, reference)
	}
}
