package service

// CountsPath is the path at which a worker with EnvCountsKey answers with Counts, in
// JSON. Requests without the key are the application's.
const (
	CountsPath   = "/-/counts"
	CountsHeader = "X-Counts-Key"
)

// Counts are the numbers of a worker's answers since its start. Answers to probes
// and of a maintenance do not count.
type Counts struct {
	// Release is the release of the worker.
	Release string `json:"release"`
	// All is the number of answers, Failed that of answers with status 500 or above.
	All    int64 `json:"all"`
	Failed int64 `json:"failed"`
}
