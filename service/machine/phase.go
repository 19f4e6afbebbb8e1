package machine

// Phase is how far a machine is with the release that it was told to run.
type Phase string

const (
	// Serving is the phase in which all workers run the wanted release and are ready.
	Serving Phase = "serving"
	// Rolling is the phase in which the wanted release is being tried, or workers are being replaced.
	Rolling Phase = "rolling"
	// Failing is the phase in which something is in the way, and the machine goes on trying.
	Failing Phase = "failing"
	// Refused is the phase in which the wanted release was tried and does not serve; the machine is
	// back on the one before.
	Refused Phase = "refused"
)

// Settled reports that the machine has come to a verdict on the wanted release.
// A phase that this program does not know is not settled.
func (p Phase) Settled() bool { return p == Serving || p == Refused }
