package rooms

// maxName bounds a room's name.
const maxName = 64

// ValidName reports whether s is a room's name: 1 to 64 letters, digits,
// '-', '_' and '.'. It becomes part of a Redis channel's name and of log lines.
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
