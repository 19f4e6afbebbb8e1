package conformance

// Bad is a defect of a release. A bad release must not cost a single request,
// and the system must report the reason.
type Bad string

// The first four are faulty programs, which source.Clone makes. The others are
// faulty files.
const (
	// ExitsAtOnce ends with status 23 and prints "cannot find the moon".
	ExitsAtOnce Bad = "exits at once"
	// NeverReady runs, but neither listens nor becomes ready.
	NeverReady Bad = "never ready"
	// Answers500 becomes ready, then answers every other request with 500.
	Answers500 Bad = "ready, then answers 500"
	// HangsOnTerm serves normally but does not end on SIGTERM.
	HangsOnTerm Bad = "hangs on SIGTERM"
	// WrongChecksum has contents that do not match its id.
	WrongChecksum Bad = "wrong checksum"
	// Truncated lacks the end of the file.
	Truncated Bad = "truncated"
	// WrongArchitecture is a good release for another processor.
	WrongArchitecture Bad = "wrong architecture"
)

// Bads returns all defects.
func Bads() []Bad {
	return []Bad{ExitsAtOnce, NeverReady, Answers500, HangsOnTerm, WrongChecksum, Truncated, WrongArchitecture}
}
