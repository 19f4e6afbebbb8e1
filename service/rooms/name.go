package rooms

// maxName is the longest name of a room, in bytes.
const maxName = 64

// ValidName reports whether s is a valid room name: 1 to 64 letters, digits,
// '-', '_' and '.'. The name becomes a part of a Redis channel's name and of
// log lines.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
