package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
)

// Update is a past operation on a stack.
type Update struct {
	// Kind is "update", "refresh", "destroy", ….
	Kind string
	// Start and End are in seconds since 1970.
	Start, End int64
	// Result is "succeeded" or "failed".
	Result string
	// Message is the first line of the commit's message, if the operation had one.
	Message string
	// Environment describes where the operation ran: "git.head", "ci.system", ….
	Environment map[string]string
	// Changes counts the resources by operation: "create", "same", ….
	Changes map[string]int
	// Keys are the configuration keys that were set, with their namespaces.
	Keys []string
}

// historyBatch is the number of file names that are read at a time.
const historyBatch = 4096

// History returns the last updates since a time, the latest last, at most limit of
// them. It returns none for a stack without history.
func (s *Stack) History(since time.Time, limit int) ([]Update, error) {
	names, err := s.store.historyNames(since, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	updates := make([]Update, 0, len(names))
	for _, name := range names {
		u, err := s.store.historyEntry(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the stack was removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("reading the history: %w", err)
		}
		updates = append(updates, u)
	}
	return updates, nil
}

// historyMark is a part of the names of the history's entries. An extension of a
// compression may follow.
const historyMark = ".history.json"

// historyNames returns the names of the last entries. It holds no more names than
// it needs, however many there are.
func (s store) historyNames(since time.Time, limit int) ([]string, error) {
	folder, err := os.Open(s.path("history", s.project, s.stack))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	type entry struct {
		name string
		at   int64
	}
	var kept []entry
	trim := func() {
		slices.SortFunc(kept, func(a, b entry) int { return int(min(1, max(-1, a.at-b.at))) })
		kept = slices.Clone(kept[max(0, len(kept)-limit):])
	}
	for {
		names, err := folder.Readdirnames(historyBatch)
		for _, name := range names {
			before, _, ok := strings.Cut(name, historyMark)
			at, atErr := strconv.ParseInt(before[strings.LastIndexByte(before, '-')+1:], 10, 64)
			if ok && atErr == nil && at >= since.UnixNano() {
				kept = append(kept, entry{name, at})
			}
		}
		if len(kept) > limit+historyBatch {
			trim()
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	trim()
	out := make([]string, 0, len(kept))
	for _, e := range kept {
		out = append(out, e.name)
	}
	return out, nil
}

func (s store) historyEntry(name string) (Update, error) {
	path := s.path("history", s.project, s.stack, name)
	text, err := os.ReadFile(path)
	if err != nil {
		return Update{}, err
	}
	var read struct {
		Kind            string                     `json:"kind"`
		StartTime       int64                      `json:"startTime"`
		EndTime         int64                      `json:"endTime"`
		Message         string                     `json:"message"`
		Environment     map[string]string          `json:"environment"`
		Config          map[string]json.RawMessage `json:"config"`
		Result          string                     `json:"result"`
		ResourceChanges map[string]int             `json:"resourceChanges"`
	}
	format := encoding.Compress(encoding.JSON, encoding.DetectCompression(text))
	if err := format.Unmarshal(text, &read); err != nil {
		return Update{}, fmt.Errorf("%s: %w", path, err)
	}
	u := Update{
		Kind: read.Kind, Start: read.StartTime, End: read.EndTime, Result: read.Result, Message: read.Message,
		Environment: read.Environment, Changes: read.ResourceChanges,
	}
	for key := range read.Config {
		u.Keys = append(u.Keys, key)
	}
	slices.Sort(u.Keys)
	return u, nil
}
