// Package deploy is for authors of targets. It has the Target interface, the
// request that a target gets, and the parts that targets share: user-data
// within a cloud's limit, the move of a stable address from one machine to the
// next (Cutover), and the history of a stack's releases.
//
// Today one machine is behind the address. Several machines behind a cloud's
// load balancer would pass the same gate, one after the other, before the load
// balancer uses them: that would need a variant of Cutover.
package deploy
