// Package https tests HTTPS on a machine with a machine's own programs: a real
// Nginx with the machine's configuration, the machine's agent, and a real ACME
// authority, Pebble. The machines are folders of this computer and listen on
// loopback, so no container is needed.
package https
