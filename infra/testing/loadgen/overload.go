package loadgen

import "fmt"

// maxLag is the highest 99th percentile of the generator's lag, in
// milliseconds, at which failures count against the service. On a quiet
// computer the lag is 1 to 3 ms. If the generator gets the processor a quarter
// of a second late, the service on the same computer does not get it either.
const maxLag = 250

// Overload returns why a load with this lag proves nothing against the service,
// or "" if the lag is low enough. It ignores whether requests failed.
func Overload(lag Latency) string {
	if lag.P99 <= maxLag {
		return ""
	}
	return fmt.Sprintf("this computer was overloaded, so the service is not proven wrong: the load itself was %.0f ms late at p99; %d ms is the most that proves anything", lag.P99, maxLag)
}
