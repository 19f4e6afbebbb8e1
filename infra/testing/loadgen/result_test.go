package loadgen_test

import (
	"encoding/json"
	"strings"
	"testing"

	"escala/infra/testing/loadgen"
)

// TestResultAsTextAndJSON checks that both published forms of a result are
// complete.
func TestResultAsTextAndJSON(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, func(v visit) bool {
		if v.inAll%10 == 0 {
			return v.answer("HTTP/1.1 502 No\r\nX-Release: r2\r\nContent-Length: 0\r\n\r\n")
		}
		return v.ok()
	})
	r := run(t, brief(f))

	var table strings.Builder
	if err := r.Table(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"get", "post", "p99.9", "failed: status 20", "status: 200 180, 502 20", "r1 180, r2 0 and 20 failed"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in the table:\n%s", want, table.String())
		}
	}

	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back loadgen.Result
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Total.Kinds[loadgen.BadStatus] != 20 || back.Total.Status[502] != 20 || back.Streams[1].OK+back.Streams[0].OK != 180 {
		t.Errorf("read back: %+v", back.Total)
	}
	if len(back.Series) != 2 || back.Series[0].Failed[loadgen.BadStatus]+back.Series[1].Failed[loadgen.BadStatus] != 20 || back.Series[1].At != 0.25 || back.Latency != r.Latency {
		t.Errorf("read back: series %+v, latency %+v", back.Series, back.Latency)
	}
}
