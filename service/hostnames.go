package service

import "slices"

// HostNames returns all host names of the service, Host first. DNS needs a record
// for each of them. Without Host it returns none.
func (s Spec) HostNames() []string {
	if s.Host == "" {
		return nil
	}
	return slices.Concat([]string{s.Host}, s.TLS.Names)
}
