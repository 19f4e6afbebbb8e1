package service

import "time"

// These values define what clients get during a maintenance, on machines and
// clusters.
const (
	// MaintenancePage is the page of a stack that does not configure one.
	MaintenancePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Maintenance</title>
<p>This service is being maintained. Please try again in a few minutes.</p>
</html>
`
	// MaintenanceRetry is the time after which clients should try again
	// (Retry-After).
	MaintenanceRetry = time.Minute
	// MaintenanceHeader is the name of a header that is "on" in each answer of a
	// worker during a maintenance, also on its health and readiness paths.
	MaintenanceHeader = "X-Maintenance"
	// MaxMaintenancePage is the largest page, in bytes.
	MaxMaintenancePage = 64 << 10
)
