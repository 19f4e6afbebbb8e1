//go:build !race

package tutorial

const raceDetector = false
