package loadgen

import "testing"

func TestTextSurvivesAnyWrapping(t *testing.T) {
	want := text{client: 12, number: 34567}
	tests := map[string]struct {
		message string
		ok      bool
	}{
		"as it is":       {want.encode("r1"), true},
		"in JSON":        {`{"from":"x;:","text":"` + want.encode("r1") + `"}`, true},
		"another run":    {want.encode("r12"), false},
		"cut":            {"escala:r1:m:12:34", false},
		"no number":      {"escala:r1:m:12:x;", false},
		"no client":      {"escala:r1:m:y:1;", false},
		"too few fields": {"escala:r1:m:1;", false},
		"nothing":        {"", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := decode("r1", []byte(test.message))
			if ok != test.ok || ok && got != want {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, want, test.ok)
			}
		})
	}
	probe := text{probe: true, client: 1, number: 2}
	if got, ok := decode("r1", []byte(probe.encode("r1"))); !ok || got != probe {
		t.Errorf("got %+v, %v, want %+v", got, ok, probe)
	}
}
