// Package conformance is the suite of what a service must survive on every
// target: releases, bad releases, rollbacks and faults. Each check runs under a
// load, and every request, WebSocket and message of the load is counted.
//
// There is one list of checks (Checks) and one runner (Run). System hides the
// differences between the targets. Each System is a package beside this one,
// and `make conformance TARGET=…` runs one:
//
//	source   makes releases to roll out, good and bad
//	process  runs api cluster as a process, without a machine
//	local    runs the machine of the local target, through `make up`'s own path
//	cluster  runs the workload on a Kubernetes cluster
//	report   writes the results as JSON and as Markdown
//
// The load comes from infra/testing/loadgen.
package conformance
