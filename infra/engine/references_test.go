package engine

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func TestStackReferences(t *testing.T) {
	t.Parallel()
	s := open(t, newWorld(), "", "config:\n  things:token: abc\n")
	must(t, s.Up, Run{})
	for name, want := range map[string]string{
		"organization/things/x": "", "organization/things/y": "there is no such stack", "x": "is not of the form organization/PROJECT/STACK",
	} {
		s.options.Program = func([]string) pulumi.RunFunc {
			return func(ctx *pulumi.Context) error {
				_, err := pulumi.NewStackReference(ctx, name, nil)
				if err != nil {
					return err
				}
				return nil
			}
		}
		_, err := s.Preview(t.Context(), Run{})
		if want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, ErrFailed, name)
		}
	}
	_, err := references{s}.GetStackOutputs(t.Context(), "organization/things/y", nil)
	require.ErrorContains(t, err, "there is no such stack")
	_, err = references{s}.GetStackResourceOutputs(t.Context(), "organization/things/x")
	require.ErrorContains(t, err, "cannot be read")
}
