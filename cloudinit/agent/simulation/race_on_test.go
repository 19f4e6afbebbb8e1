//go:build race

package simulation

// defaultLives is small, since the race detector is ten times slower. It needs each
// kind of event a few times; the invariants have all lives without it.
const defaultLives = 1000

const raceEnabled = true
