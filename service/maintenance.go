package service

import "time"

// What clients get during a maintenance, wherever the service runs.
const (
	// MaintenancePage is the page of a stack without one.
	MaintenancePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Maintenance</title>
<p>This service is being maintained. Please try again in a few minutes.</p>
</html>
`
	// MaintenanceRetry is what the page asks clients to wait.
	MaintenanceRetry = time.Minute
	// MaintenanceHeader is "on" in each answer of a worker during a maintenance, also
	// in those of its health and readiness paths.
	MaintenanceHeader = "X-Maintenance"
	// MaxMaintenancePage is the largest page, in bytes.
	MaxMaintenancePage = 64 << 10
)
