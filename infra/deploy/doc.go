// Package deploy is what the author of a target reads once: the Target
// interface, the request that a target gets, and what targets share. The parts
// are user-data within a cloud's limit, the move of a stable address from one
// machine to the next (Cutover), and the history of a stack's releases.
//
// One machine stands behind the address today. Several machines behind a
// cloud's load balancer would pass the same gate, one after the other, before
// the load balancer learns of them: Cutover would get a sibling for that.
package deploy
