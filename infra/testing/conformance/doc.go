// Package conformance is the suite of what a service must survive wherever it
// runs: releases, bad releases, rollbacks and faults, each under a load whose
// every request, WebSocket and message is counted.
//
// There is one list of checks (Checks) and one runner (Run). What differs from
// place to place is behind System; each System is a package of its own beside
// this one, and `make conformance TARGET=…` runs one:
//
//	source   releases to roll out, good and bad
//	process  api cluster as a process, without a machine
//	local    the machine of the local target, through `make up`'s own path
//	cluster  the workload on a Kubernetes cluster
//	report   what came of it, as JSON and as Markdown
//
// The load is infra/testing/loadgen's.
package conformance
