package request

// Query selects log lines.
type Query struct {
	// Source is a source of lines: "worker-0", "nginx", "escala-agent". "" selects
	// all.
	Source string `json:"source,omitempty"`
	// Since is the time of the oldest line, in milliseconds since 1970. 0 selects
	// the last lines.
	Since int64 `json:"since,omitempty"`
	// Tail is the number of last lines of each source, if there is neither Since nor
	// Cursor. 0 has no limit.
	Tail int `json:"tail,omitempty"`
	// Contains selects lines with this text. It is not a pattern.
	Contains string `json:"contains,omitempty"`
	// Cursor continues an earlier answer.
	Cursor Cursor `json:"cursor,omitempty"`
}

// Line is one line of a log.
type Line struct {
	// Source is as in Query.
	Source string `json:"s"`
	// Time is in milliseconds since 1970; 0 if the line has none.
	Time int64  `json:"t,omitempty"`
	Text string `json:"l"`
}

// Cursor is the position at which an answer ended, by the log's name. Only the
// machine reads it.
type Cursor map[string]string
