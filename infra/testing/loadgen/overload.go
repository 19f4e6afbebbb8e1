package loadgen

import "fmt"

// mostLag is how late the generator may be at its 99th percentile, in milliseconds,
// for what it counts to be the service's doing. On a quiet computer it is 1 to 3 ms;
// a generator that gets the processor a quarter of a second late shares it with a
// service that does not get it either.
const mostLag = 250

// Overload returns why a load that was this late proves nothing against the service,
// or "" if it does. Whether there was a failure is not looked at.
func Overload(lag Latency) string {
	if lag.P99 <= mostLag {
		return ""
	}
	return fmt.Sprintf("this computer was overloaded, so the service is not proven wrong: the load itself was %.0f ms late at p99; %d ms is the most that proves anything", lag.P99, mostLag)
}
