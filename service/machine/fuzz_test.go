package machine

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"
)

// FuzzRead reads arbitrary bytes as a machine's status. The reader must never
// crash, and must never report a release as serving with workers that the
// status does not list.
func FuzzRead(f *testing.F) {
	older, err := os.ReadFile("testdata/shell.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(older)
	f.Add([]byte(`{"phase":"serving","wanted":"` + string(one) + `","workers":[{"worker":0,"release":"` + string(one) + `","ready":true},{"worker":1,"release":"` + string(one) + `","ready":true}]}`))
	f.Add([]byte(`{"workers":null,"refused":-1,"checked":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		if ok, missing := s.Serves(one, 2); ok != (missing == "") {
			t.Fatalf("%q: %v, %q", in, ok, missing)
		} else if ok && (s.Wanted != one || s.ReadyOn(one) != 2 || len(s.Workers) != 2) {
			t.Fatalf("%q counts as serving", in)
		}
		if age, ok := s.SinceRefusal(); ok && age < 0 && s.Checked-s.Refused < int64(1<<62/time.Second) {
			t.Fatalf("%q: refused %s ago", in, age)
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if _, err := Read(bytes.NewReader(again)); err != nil {
			t.Fatalf("%q does not survive: %v", in, err)
		}
	})
}
