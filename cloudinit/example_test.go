package cloudinit_test

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"escala/cloudinit"
	"escala/service"
)

// User-data is a pure function of the machine's description: the same
// description gives the same bytes, so a machine is replaced only when its
// description changes.
func ExampleMachine_UserData() {
	machine := cloudinit.NewMachine(service.NewSpec())
	machine.Agent = service.ReleaseID(strings.Repeat("0a", 32))
	first, err := machine.UserData()
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := machine.UserData()
	line, _, _ := bytes.Cut(first, []byte("\n"))
	fmt.Println(string(line), bytes.Equal(first, again), err)
	// Output:
	// #cloud-config true <nil>
}

// All errors of a description are reported together.
func ExampleMachine_UserData_violations() {
	spec := service.NewSpec()
	spec.Secrets = []string{"SESSION_KEYS"}
	spec.Lifecycle.Stop = 30500 * time.Millisecond
	_, err := cloudinit.NewMachine(spec).UserData()
	fmt.Println(err)
	// Output:
	// agent: "" is not a SHA-256
	// lifecycle.stop: 30.5s is not a whole number of seconds, which is what supervisord counts in
	// secrets: this machine has no secret store
}
