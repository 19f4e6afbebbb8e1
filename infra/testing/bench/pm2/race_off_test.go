//go:build !race

package pm2

const raceDetector = false
