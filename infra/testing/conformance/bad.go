package conformance

// Bad is a way in which a release can be bad. Whatever it is, it must not cost
// one request, and the system must say what is wrong with it.
type Bad string

// The first four are programs that are wrong; source.Clone makes them. The
// others are files that are.
const (
	// ExitsAtOnce ends with status 23 and says "cannot find the moon".
	ExitsAtOnce Bad = "exits at once"
	// NeverReady runs, but neither listens nor becomes ready.
	NeverReady Bad = "never ready"
	// Answers500 becomes ready and answers everything else with 500.
	Answers500 Bad = "ready, then answers 500"
	// HangsOnTerm serves well and does not end on SIGTERM.
	HangsOnTerm Bad = "hangs on SIGTERM"
	// WrongChecksum is a release whose bytes are not those that its id names.
	WrongChecksum Bad = "wrong checksum"
	// Truncated is a release of which the end is missing.
	Truncated Bad = "truncated"
	// WrongArchitecture is a good release for another processor.
	WrongArchitecture Bad = "wrong architecture"
)

// Bads are all of them.
func Bads() []Bad {
	return []Bad{ExitsAtOnce, NeverReady, Answers500, HangsOnTerm, WrongChecksum, Truncated, WrongArchitecture}
}
