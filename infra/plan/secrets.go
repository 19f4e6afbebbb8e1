package plan

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Masked replaces a secret in a report.
const Masked = "[secret]"

// Secrets holds the values that no report may show.
type Secrets struct {
	// labels maps a secret value to its label.
	labels map[string]string
}

// shortestSecret is the least length, in bytes, of a value that is searched for
// in texts. Shorter values match by chance.
const shortestSecret = 8

// Add adds a secret value with a label. The first label of a value stays.
func (s *Secrets) Add(label, value string) {
	if s.labels == nil {
		s.labels = map[string]string{}
	}
	if len(value) >= shortestSecret && s.labels[value] == "" {
		s.labels[value] = label
	}
}

// Found returns the labels of the secrets in a text, and the kinds of the texts
// that look like keys.
func (s *Secrets) Found(text string) []string {
	var found []string
	for _, value := range s.values() {
		if strings.Contains(text, value) {
			found = append(found, s.labels[value])
			text = strings.ReplaceAll(text, value, Masked)
		}
	}
	for _, k := range keys {
		if slices.ContainsFunc(k.pattern.FindAllString(text, -1), func(match string) bool { return !strings.Contains(match, Masked) }) {
			found = append(found, k.kind)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Mask replaces the secrets in a text, and all texts that look like keys.
func (s *Secrets) Mask(text string) string {
	for _, value := range s.values() {
		text = strings.ReplaceAll(text, value, Masked)
	}
	for _, k := range keys {
		text = k.pattern.ReplaceAllString(text, k.masked)
	}
	return text
}

// values returns the secrets, the longest first, since one may be part of
// another.
func (s *Secrets) values() []string {
	values := make([]string, 0, len(s.labels))
	for value := range s.labels {
		values = append(values, value)
	}
	slices.SortFunc(values, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	return values
}

// keys lists the patterns of keys and passwords of known services.
var keys = []struct {
	kind    string
	pattern *regexp.Regexp
	masked  string
}{
	{"a private key", regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`), Masked},
	{"an AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`), Masked},
	{"a DigitalOcean token", regexp.MustCompile(`\bdo[opr]_v1_[0-9a-f]{64}\b`), Masked},
	{"a GitHub token", regexp.MustCompile(`\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{60,})\b`), Masked},
	{"a Slack token", regexp.MustCompile(`\bxox[abeprs]-[0-9A-Za-z-]{10,}`), Masked},
	{"a Stripe key", regexp.MustCompile(`\b[rs]k_live_[0-9A-Za-z]{16,}\b`), Masked},
	{"a Pulumi token", regexp.MustCompile(`\bpul-[0-9a-f]{40}\b`), Masked},
	{"a JSON web token", regexp.MustCompile(`\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}`), Masked},
	{"a password in a URL", regexp.MustCompile(`\b([a-z][a-z0-9+.-]*://[^\s:/@'"$]*:)[^\s/@'"$]+(@[^\s/@'"$])`), "${1}" + Masked + "${2}"},
	{
		"a password in an assignment",
		regexp.MustCompile(`(?mi)^([ \t]*(?:export[ \t]+)?"?[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|SECRET_KEY|API_?KEY|PRIVATE_KEY|AUTH_TOKEN|ACCESS_TOKEN)"?[ \t]*[=:][ \t]*)(?:'[^'$\n]{4,}'|"[^"$\n]{4,}"|[^\s'"$({][^\s'"$]{3,})`),
		"${1}" + Masked,
	},
}
