// Package acceptance tests the built binary as it is deployed: real processes,
// real signals, a real Redis and a real Nginx. It contains only tests.
package acceptance
