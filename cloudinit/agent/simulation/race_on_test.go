//go:build race

package simulation

// defaultLives is small, since the race detector is ten times slower. It needs each
// kind of event a few times. All lives run without it, and .ci/fuzz runs more of
// them with it.
const defaultLives = 100

const raceEnabled = true
