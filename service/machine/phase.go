package machine

// Phase is the progress of a machine with its wanted release.
type Phase string

const (
	// Serving is the phase in which all workers run the wanted release and are ready.
	Serving Phase = "serving"
	// Rolling is the phase in which the wanted release is being tried, or workers are being replaced.
	Rolling Phase = "rolling"
	// Baking is the phase in which all workers serve the wanted release, and the
	// machine watches whether it fails more often than the previous one.
	Baking Phase = "baking"
	// Failing is the phase in which a problem prevents progress and the machine
	// keeps trying.
	Failing Phase = "failing"
	// Refused is the phase in which the wanted release was tried and does not
	// serve. The machine runs the previous release again.
	Refused Phase = "refused"
)
