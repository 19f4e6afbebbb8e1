// Package acceptance runs complete cloud stacks through the real Pulumi engine,
// against clouds that record the requests and machines that simulate the agent.
package acceptance
