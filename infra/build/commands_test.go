package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

func TestACommandThatTheReleaseLacksIsAViolation(t *testing.T) {
	root := repository(t, map[string]string{
		"app/app.py": "", "app/migrate.py": "", "app/bin/plain": "#!/bin/sh\n", "app/bin/migrate": "#!/bin/sh\n",
	})
	require.NoError(t, os.Chmod(filepath.Join(root, "app", "bin", "migrate"), 0o755))
	python := service.Program{Runtime: service.RuntimeNone, Folder: "app", Command: []string{"python3", "app.py"}}
	built := service.Program{Binary: "app/bin/migrate"}
	image := Place{Platforms: amd64.Platforms}
	for name, test := range map[string]struct {
		program service.Program
		command []string
		place   Place
		what    string
	}{
		"a program of the machine": {python, []string{"python3", "migrate.py"}, amd64, ""},
		"its option":               {python, []string{"python3", "-m", "migrate.py"}, amd64, ""},
		"no script of the release": {python, []string{"python3", "migrations.py"}, amd64, `"migrations.py" is no file of the release; it is looked for at ` + filepath.Join(root, "app", "migrations.py")},
		"beside a binary":          {built, []string{"python3", "migrate.py"}, amd64, `"migrate.py" is no file of the release; service.files names those beside the program`},
		"a file":                   {python, []string{"./bin/migrate"}, amd64, ""},
		"no such file":             {python, []string{"./bin/migrations"}, amd64, `"./bin/migrations" is no file of the release`},
		"a file without execution": {python, []string{"./bin/plain"}, amd64, `"./bin/plain" cannot be executed: chmod +x it`},
		"a file beside a binary":   {built, []string{"./migrate"}, amd64, `"./migrate" is no file of the release`},
		"the own program":          {built, []string{"api", "migrate"}, amd64, ""},
		"another one in an image":  {built, []string{"sh", "-c", "true"}, image, `"sh" is not the service's own program (api), which is all that an image of escala's has: build an image, and name it in <cluster>.image`},
	} {
		t.Run(name, func(t *testing.T) {
			spec := service.NewSpec()
			spec.Program, spec.ReleaseCommand.Command = test.program, test.command
			v := SourceOf(root, spec).checkFiles(test.place)
			if test.what == "" {
				assert.Empty(t, v)
				return
			}
			assert.Equal(t, service.Violations{{Path: "release.command", Problem: test.what}}, v)
		})
	}
}

func TestAScriptThatTheReleaseLacksIsAViolation(t *testing.T) {
	root := repository(t, map[string]string{"app/app.py": ""})
	for script, want := range map[string]service.Violations{
		"app.py":   nil,
		"./app.py": nil,
		"api.py":   {{Path: "command", Problem: `"api.py" is no file of the release; it is looked for at ` + filepath.Join(root, "app", "api.py")}},
	} {
		spec := service.NewSpec()
		spec.Program = service.Program{Runtime: service.RuntimeNone, Folder: "app", Command: []string{"python3", script}}
		assert.Equal(t, want, SourceOf(root, spec).checkFiles(amd64))
	}
}
