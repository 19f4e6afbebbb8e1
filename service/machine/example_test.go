package machine_test

import (
	"fmt"
	"strings"

	"escala/service"
	"escala/service/machine"
)

// A machine publishes its status at StatusPath. Serves reports whether all of its
// workers run a release, and describes what is missing otherwise.
func ExampleStatus_Serves() {
	const release = service.ReleaseID("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
	status, err := machine.Read(strings.NewReader(`{
		"phase": "serving", "wanted": "` + string(release) + `", "current": "` + string(release) + `",
		"workers": [
			{"worker": 0, "release": "` + string(release) + `", "ready": true},
			{"worker": 1, "release": "` + string(release) + `", "ready": false}
		],
		"a field of a newer machine": 1
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Serves(release, 2))
	fmt.Println(status.Serves(release, 3))
	// Output:
	// false worker 1 is not ready
	// false 2 workers are there, not 3
}
