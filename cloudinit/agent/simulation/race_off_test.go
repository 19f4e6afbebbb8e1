//go:build !race

package simulation

// defaultLives is the number of lives of a test run.
const defaultLives = 10_000

const raceEnabled = false
