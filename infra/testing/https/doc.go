// Package https tests HTTPS on a machine with the programs that a machine has: a
// real Nginx with the machine's own configuration, the machine's own agent, and a
// real ACME authority, Pebble. The machines are folders of this computer and
// listen on loopback, so no container is needed.
package https
