package loadgen_test

import (
	"strings"
	"testing"

	"escala/infra/testing/loadgen"
)

func TestSelfTest(t *testing.T) {
	t.Parallel()
	said, err := loadgen.SelfTest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "of 200 requests 20 were cut on purpose, and it counted 20"; !strings.Contains(said, want) {
		t.Errorf("%q, want %q in it", said, want)
	}
}
