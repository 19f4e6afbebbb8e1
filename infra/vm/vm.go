// Package vm is what machines of every cloud share: how user-data gets to them,
// and how a stable address moves from one machine to the next. A cloud's own
// room makes the resources and calls this one.
//
// One machine stands behind the address today. Several behind a cloud's load
// balancer would pass the same gate, one after the other, before the load
// balancer is told of them: that is where Cutover would get a sibling.
package vm
