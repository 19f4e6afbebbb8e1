package service

import "slices"

// HostNames returns all names of the service, Host first: those that records in
// DNS are for. There are none without Host.
func (s Spec) HostNames() []string {
	if s.Host == "" {
		return nil
	}
	return slices.Concat([]string{s.Host}, s.TLS.Names)
}
