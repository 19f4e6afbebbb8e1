package config

import "path"

// origins reads the hosts whose pages may open WebSockets. A pattern that does
// not parse would refuse everybody at run time, so it is refused here.
func (r *reader) origins() []string {
	list := r.list(EnvOrigins)
	for _, one := range list {
		if _, err := path.Match(one, ""); err != nil {
			r.bad.Add(EnvOrigins, "%q is not a host or a pattern; for example \"*.example.org\"", one)
		}
	}
	return list
}
