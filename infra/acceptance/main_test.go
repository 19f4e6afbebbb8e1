package acceptance

import (
	"fmt"
	"os"
	"testing"
)

// TestMain gives all stacks a passphrase: a variable of the process, so it
// cannot be set by tests that run beside each other.
func TestMain(m *testing.M) {
	if err := os.Setenv("PULUMI_CONFIG_PASSPHRASE", "acceptance"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
