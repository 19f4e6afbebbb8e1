package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"escala/cloudinit/agent/request"
	"escala/infra/operate"
)

// pageFile is the page in the project's folder that clients get during a
// maintenance.
const pageFile = "maintenance.html"

// maintenanceCommand returns the command that answers requests with a page.
func maintenanceCommand(o *opener) *cobra.Command {
	var page string
	c := &cobra.Command{
		Use: "maintenance on|off", Short: "Answer requests with a page and status 503 instead of the service",
		Long: `Answer requests with a page, status 503 and Retry-After, without a release. The
paths of health checks still reach the service, and so do WebSockets that are open.
The stack stays like this until "off", also on a machine that is rebooted or
replaced. The page is ` + pageFile + ` in the project's folder, if there is one. On a
cluster the pods answer, which need the cluster's setting "maintenance: true" for it.`,
		ValidArgs: []string{"on", "off"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "on" && args[0] != "off" {
				return fmt.Errorf("maintenance is \"on\" or \"off\", not %q: make maintenance ON=1 begins it, ON=0 ends it", args)
			}
			s, target, err := o.operate(cmd.Context())
			if err != nil {
				return err
			}
			maintainer, err := able[operate.Maintainer](target, "maintenance", "nothing of escala's answers there in place of the service")
			if err != nil {
				return err
			}
			wish := operate.Maintenance{On: args[0] == "on"}
			if wish.On {
				if wish.Page, err = readPage(s.Root, page); err != nil {
					return err
				}
			}
			if err := maintainer.Maintain(cmd.Context(), s, wish, reportTo(os.Stderr)); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "maintenance of stack %s is %s\n", s.Name, args[0])
			return nil
		},
	}
	c.Flags().StringVar(&page, "page", "", "HTML file for clients (default "+pageFile+" in the project's folder, if it is there)")
	return c
}

// readPage returns the page, or nil for the plain one.
func readPage(root, path string) ([]byte, error) {
	isDefault := path == ""
	if isDefault {
		path = filepath.Join(root, pageFile)
	}
	info, err := os.Stat(path)
	if isDefault && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	if info.Size() > request.MaxPage {
		return nil, fmt.Errorf("the page %s has %d bytes, and %d is the most", path, info.Size(), request.MaxPage)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	return content, nil
}
