package operate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"escala/cloudinit/agent/store"
	"escala/service/machine"
)

// reported is the knowledge about one machine.
type reported struct {
	at     At
	status *machine.Status
	// clock is the machine's clock when it answered, by its Date header.
	clock   time.Time
	source  string
	httpErr error
	// details and stored are from the release store.
	details   *machine.Details
	storeErr  error
	stored    *machine.Status
	storedErr error
}

// ask queries one machine, by HTTP and in the store at the same time.
func (m Machines) ask(ctx context.Context, at At) reported {
	r := reported{at: at}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var asking sync.WaitGroup
	answers := make([]answer, len(at.URLs))
	for i, url := range at.URLs {
		asking.Go(func() { answers[i] = askMachine(ctx, url, at.ID) })
	}
	if m.Objects == nil {
		r.storeErr, r.storedErr = m.NoObjects, m.NoObjects
	} else {
		asking.Go(func() {
			r.details, r.storeErr = readObject[machine.Details](ctx, m.Objects, at.ID, machine.DetailsName)
		})
		asking.Go(func() { r.stored, r.storedErr = readObject[machine.Status](ctx, m.Objects, at.ID, store.StatusName) })
	}
	asking.Wait()
	r.httpErr = errors.New("its address is not known")
	for _, a := range answers {
		if r.httpErr = a.err; a.err == nil {
			r.status, r.clock, r.source = &a.status, a.clock, "http"
			break
		}
	}
	if r.status == nil && r.stored != nil {
		r.status, r.source = r.stored, "store"
	}
	return r
}

// answer is the status at one address.
type answer struct {
	status machine.Status
	clock  time.Time
	err    error
}

// askMachine queries an address for the status of the machine with an id.
func askMachine(ctx context.Context, url, id string) answer {
	status, clock, err := askHTTP(ctx, url)
	if err == nil && status.Machine != id {
		err = fmt.Errorf("%s leads to machine %s", url, status.Machine)
	}
	return answer{status, clock, err}
}

func askHTTP(ctx context.Context, url string) (machine.Status, time.Time, error) {
	none := machine.Status{}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+machine.StatusPath, nil)
	if err != nil {
		return none, time.Time{}, err
	}
	// Each query goes directly to the machine, on a new connection.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return none, time.Time{}, fmt.Errorf("%s does not answer within %s", url, askTimeout)
		}
		return none, time.Time{}, fmt.Errorf("%s does not answer: %w", url, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return none, time.Time{}, fmt.Errorf("%s%s answers %d", url, machine.StatusPath, resp.StatusCode)
	}
	status, err := machine.Read(resp.Body)
	if err != nil {
		return none, time.Time{}, fmt.Errorf("%s%s: %w", url, machine.StatusPath, err)
	}
	clock, _ := http.ParseTime(resp.Header.Get("Date"))
	return status, clock, nil
}
