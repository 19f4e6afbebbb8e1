package config

import "path"

// origins reads the hosts whose pages may open WebSockets. It refuses an
// invalid pattern, because that would refuse all pages at run time.
func (r *reader) origins() []string {
	list := r.list(EnvOrigins)
	for _, one := range list {
		if _, err := path.Match(one, ""); err != nil {
			r.bad.Add(EnvOrigins, "%q is not a host or a pattern; for example \"*.example.org\"", one)
		}
	}
	return list
}
