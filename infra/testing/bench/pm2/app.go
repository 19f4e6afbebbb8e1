// Package pm2 measures the service beside the system that the project started
// from: a NestJS application under PM2 behind Nginx. It is set up as the
// tutorial describes, from npm's and Debian's packages. Both run on the same
// computer in the same run, and rounds alternate, so that the results are
// ratios and not a computer's speed.
//
//	make bench-tutorial
package pm2

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// The application's sources, with a lock file that names no registry.
//
//go:embed app/package.json app/package-lock.json app/tsconfig.json app/ecosystem.config.js app/src
var sources embed.FS

// App is the compiled application of the tutorial.
type App struct {
	// Folder contains dist, node_modules and the files that PM2 reads.
	Folder string
	// Installed is the duration of `npm ci` for the production packages. It is
	// 0 if an earlier run had installed them.
	Installed time.Duration
}

// BuildApp installs and compiles the application in folder. It keeps the files
// of an earlier run with the same lock file.
func BuildApp(ctx context.Context, folder string) (App, error) {
	app := App{Folder: filepath.Join(folder, "app")}
	lock, err := sources.ReadFile("app/package-lock.json")
	if err != nil {
		return app, err
	}
	installed := filepath.Join(app.Folder, "node_modules", ".installed-lock.json")
	if before, err := os.ReadFile(installed); err == nil && string(before) == string(lock) {
		return app, writeSources(app.Folder)
	}
	if err := os.RemoveAll(app.Folder); err != nil {
		return app, fmt.Errorf("removing an earlier application: %w", err)
	}
	if err := writeSources(app.Folder); err != nil {
		return app, err
	}
	// The compiler is needed once and is not deployed, like the Go compiler.
	for _, args := range [][]string{{"ci", "--ignore-scripts"}, {"run", "build"}} {
		if err := npm(ctx, app.Folder, args...); err != nil {
			return app, err
		}
	}
	if err := os.RemoveAll(filepath.Join(app.Folder, "node_modules")); err != nil {
		return app, fmt.Errorf("removing the compiler: %w", err)
	}
	began := time.Now()
	if err := npm(ctx, app.Folder, "ci", "--omit=dev", "--ignore-scripts"); err != nil {
		return app, err
	}
	app.Installed = time.Since(began)
	if err := os.WriteFile(installed, lock, 0o644); err != nil {
		return app, fmt.Errorf("noting what is installed: %w", err)
	}
	return app, nil
}

func writeSources(folder string) error {
	files, err := fs.Sub(sources, "app")
	if err != nil {
		return err
	}
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		target := filepath.Join(folder, path)
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(target, 0o755))
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return fmt.Errorf("writing the application: %w", err)
		}
		return nil
	})
}

func npm(ctx context.Context, folder string, args ...string) error {
	cmd := exec.CommandContext(ctx, "npm", append(args, "--no-audit", "--no-fund")...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm %s: %w\n%s", args[0], err, lastLines(string(out), 8))
	}
	return nil
}
