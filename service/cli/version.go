package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"escala/service/serve"
)

func versionCommand(p Process) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the release: the SHA-256 of this executable",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			id, err := serve.RunningRelease()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.Out, "%s %s %s/%s\n", id, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
