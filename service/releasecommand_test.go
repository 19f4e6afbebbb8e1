package service

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReleaseCommandIsChecked(t *testing.T) {
	const none = ""
	python := Program{Runtime: RuntimeNone, Source: ".", Package: "./service/cmd/api", Folder: "app", Command: []string{"python3", "app.py"}}
	for name, tt := range map[string]struct {
		program Program
		command []string
		timeout time.Duration
		path    string
		problem string
	}{
		"none":                       {NewProgram(), nil, 5 * time.Minute, none, none},
		"the service's own program":  {NewProgram(), []string{"api", "migrate"}, time.Minute, none, none},
		"its file":                   {NewProgram(), []string{"./api", "migrate"}, time.Minute, none, none},
		"another file":               {NewProgram(), []string{"./bin/migrate"}, time.Minute, none, none},
		"a program of every machine": {python, []string{"python3", "migrate.py"}, time.Minute, none, none},
		"a folder has no program of the service's name": {
			python,
			[]string{"api", "migrate"},
			time.Minute,
			"release.command", `"api" is neither the service's own program nor on a Debian 12 machine, which has bash, env, perl, python3, sh: name the package that has it in service.packages, or start a file of the release ("./api")`,
		},
		"a program that is not there": {
			NewProgram(),
			[]string{"migrate"},
			time.Minute,
			"release.command", `"migrate" is neither the service's own program (api) nor on a Debian 12 machine, which has bash, env, perl, python3, sh: name the package that has it in service.packages, or start a file of the release ("./migrate")`,
		},
		"a file of the machine": {NewProgram(), []string{"/bin/sh", "-c", "true"}, time.Minute, "release.command", `"/bin/sh" is not a file of the release; for example "./migrate"`},
		"one text":              {NewProgram(), []string{"api migrate"}, time.Minute, "release.command", `"api migrate" is not the name of a program`},
		"a NUL":                 {NewProgram(), []string{"api", "a\x00b"}, time.Minute, "release.command", `"a\x00b" has a NUL, which no argument can have`},
		"no time":               {NewProgram(), []string{"api", "migrate"}, 0, "release.timeout", "0s is not a whole number of seconds from 1s"},
		"a part of a second":    {NewProgram(), []string{"api", "migrate"}, 1500 * time.Millisecond, "release.timeout", "1.5s is not a whole number of seconds from 1s"},
		"a time and no command": {NewProgram(), nil, time.Minute, "release.timeout", "is set, but there is no service.release.command"},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSpec()
			s.Program, s.ReleaseCommand = tt.program, ReleaseCommand{Command: tt.command, Timeout: tt.timeout}
			if tt.program.Runtime == RuntimeNone {
				s.Workers.Mode, s.ReadyPath = WorkersPorts, s.HealthPath
			}
			err := s.Validate()
			if tt.path == none {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, Violations{{Path: tt.path, Problem: tt.problem}}, err)
		})
	}
}

func TestAnotherCommandIsAnotherOneToRun(t *testing.T) {
	migrate := ReleaseCommand{Command: []string{"api", "migrate"}}
	assert.Len(t, migrate.Digest(), digestLength)
	assert.Equal(t, migrate.Digest(), ReleaseCommand{Command: []string{"api", "migrate"}, Timeout: time.Hour}.Digest())
	assert.NotEqual(t, migrate.Digest(), ReleaseCommand{Command: []string{"api migrate"}}.Digest())
	assert.Empty(t, NewReleaseCommand().Digest())
}
