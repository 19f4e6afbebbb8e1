// Package acceptance runs the cloud stacks whole, through the real Pulumi
// engine, against clouds that record what they are asked for and machines that
// play the agent.
package acceptance
