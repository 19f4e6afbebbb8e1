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

// MakesRecords reports whether a stack makes the DNS records of its names: if
// service.dns asks for it, or if the target's settings name a zone.
func (s Spec) MakesRecords(zone string) bool {
	return s.Host != "" && (s.DNS || zone != "")
}
