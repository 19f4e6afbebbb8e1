package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"escala/cloudinit/agent/store"
	"escala/service"
	"escala/service/event"
	"escala/service/machine"
)

// Machines are the machines of a stack, and how the operator reaches them: by HTTP
// at their address, and in the release store.
type Machines struct {
	Stack *Stack
	// At are the machines.
	At []At
	// Objects is the part of the release store that machines write to. NoObjects is
	// the reason why it cannot be read, if it is nil.
	Objects   Objects
	NoObjects error
	// Client asks the service's public address. Default: one that verifies
	// certificates with this computer's authorities.
	Client *http.Client
	// Now is this computer's clock. Default time.Now.
	Now func() time.Time
}

// At is one machine.
type At struct {
	// ID is the cloud's id.
	ID string
	// URLs are addresses that may lead to it, without a slash at their ends. A cloud
	// may take a machine's own address away once it has the stable one, and give it to
	// another customer.
	URLs []string
	// Replaced reports that an update began to replace it.
	Replaced bool
}

// URLs returns the URL of an IP address, or none for "".
func URLs(address string) []string {
	if address == "" {
		return nil
	}
	return []string{"http://" + address}
}

// Limits of one question, each.
const (
	askTimeout  = 3 * time.Second
	answerLimit = 1 << 20
	// maxInstances is more than the workers of any machine.
	maxInstances = 200
	// silentFor is the time without a word from a machine that is reached by HTTP
	// after which it is unwell. A machine looks at least every minute, unless it
	// waits for a worker.
	silentFor = 2 * time.Minute
	// diskLow is the part of a disk that should be free.
	diskLow = 0.05
	// certificateSoon is the time before the end of a certificate in which a failed
	// renewal counts as a problem.
	certificateSoon = 7 * 24 * time.Hour
)

// reported is what is known of one machine.
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

// Status asks all machines at once and returns the status of the stack.
func (m Machines) Status(ctx context.Context) Status {
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	s := Begin(m.Stack, now())
	all := make([]reported, len(m.At))
	var asking sync.WaitGroup
	for i, at := range m.At {
		asking.Go(func() { all[i] = m.ask(ctx, at) })
	}
	var public Reached
	asking.Go(func() { public = Reach(ctx, m.Stack, m.Client) })
	asking.Wait()
	if len(m.At) == 0 {
		s.Problem("the stack has no machine")
	}
	for _, one := range all {
		m.add(&s, one, now())
	}
	s.Add(public)
	s.End()
	return s
}

// ask asks one machine, by HTTP and in the store at the same time.
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

// askMachine asks an address for the machine with an id.
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
	// The machine is asked directly, each time anew.
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

// readObject reads an object of a machine.
func readObject[T any](ctx context.Context, objects Objects, id, name string) (*T, error) {
	content, err := Read(ctx, objects, store.MachineKey(id, name), answerLimit)
	if err != nil {
		return nil, err
	}
	var value T
	if err := json.Unmarshal(content, &value); err != nil {
		return nil, fmt.Errorf("reading %s of machine %s: %w", name, id, err)
	}
	return &value, nil
}

// add adds what is known of a machine to the status.
func (m Machines) add(s *Status, r reported, now time.Time) {
	one := Machine{ID: Plain(r.at.ID), Source: r.source, Replaced: r.at.Replaced}
	label := "machine " + one.ID
	switch {
	case r.status == nil:
		s.Problem("%s: %s", label, Plain(r.httpErr.Error()))
		s.Problem("%s: %s", label, Plain(r.storedErr.Error()))
	case r.source == "http":
		m.heard(s, &one, r.status, r.clock, now)
	default:
		s.Problem("%s: %s", label, Plain(r.httpErr.Error()))
		m.written(s, &one, r, now)
	}
	if r.details != nil {
		one.DiskFree, one.DiskTotal = known(r.details.Disk.Free, r.details.Disk.Total), known(r.details.Disk.Total, r.details.Disk.Total)
		one.MemoryFree, one.MemoryTotal = known(r.details.Memory.Free, r.details.Memory.Total), known(r.details.Memory.Total, r.details.Memory.Total)
		one.Booted = at(r.details.Booted)
		if total := r.details.Disk.Total; total > 0 && float64(r.details.Disk.Free) < diskLow*float64(total) {
			s.Problem("%s: the disk has %s of %s left", label, Bytes(r.details.Disk.Free), Bytes(total))
		}
	} else {
		s.NotKnown("since, restarts, memory and disk of %s: %s", label, Plain(r.storeErr.Error()))
	}
	s.Machines = append(s.Machines, one)
	if r.status != nil {
		m.judge(s, label, *r.status, r.details, now)
	}
}

// heard is for a machine that answered: its age is by its own clock.
func (m Machines) heard(s *Status, one *Machine, status *machine.Status, clock, now time.Time) {
	one.Phase = machine.Phase(Plain(string(status.Phase)))
	one.Heard = at(status.Checked)
	if clock.IsZero() || status.Checked == 0 {
		s.NotKnown("when machine %s looked last: it gives no time", one.ID)
		return
	}
	age := int64(clock.Sub(time.Unix(status.Checked, 0)) / time.Second)
	one.Age = &age
	if age > int64(silentFor/time.Second) && status.Phase != machine.Rolling {
		s.Problem("machine %s: its agent has not looked for %s", one.ID, Ago(time.Duration(age)*time.Second))
	}
	if apart := clock.Sub(now); apart.Abs() > time.Minute {
		s.NotKnown("times of machine %s: its clock and this one are %s apart", one.ID, Ago(apart.Abs()))
	}
}

// written is for a machine that is only known from the store. How old that is
// follows from this computer's clock, which may be wrong.
func (m Machines) written(s *Status, one *Machine, r reported, now time.Time) {
	one.Phase = machine.Phase(Plain(string(r.status.Phase)))
	last, every := r.status.Checked, int64(0)
	if r.details != nil && r.details.Time >= last {
		last, every = r.details.Time, r.details.Every
	}
	one.Heard = at(last)
	age := now.Unix() - last
	switch {
	case last == 0, age < -60:
		s.NotKnown("how old the last word of machine %s is: its clock is ahead of this one", one.ID)
	case every > 0 && age > 3*every:
		one.Age = &age
		s.Problem("machine %s: not heard of for %s; it writes every %s", one.ID, Ago(time.Duration(age)*time.Second), Ago(time.Duration(every)*time.Second))
	default:
		one.Age = &age
	}
}

// judge adds the workers, and what is wrong with them.
func (m Machines) judge(s *Status, label string, status machine.Status, details *machine.Details, now time.Time) {
	wanted := s.Wanted
	if wanted == "" {
		wanted = ID(status.Wanted)
		s.Wanted = wanted
	}
	switch ok, missing := status.Serves(wanted, m.Stack.Spec.Workers.Count); {
	case !ok:
		s.Problem("%s: %s", label, Plain(missing))
	case status.Phase != machine.Serving:
		s.Problem("%s is %s", label, Plain(string(status.Phase)))
	}
	s.Maintenance = s.Maintenance || status.Maintenance
	for _, w := range status.Workers[:min(len(status.Workers), maxInstances)] {
		one := Instance{Name: strconv.Itoa(w.Worker), Release: ID(w.Release), Ready: w.Ready, Trouble: Plain(w.Trouble)}
		if len(m.At) > 1 {
			one.Name = Plain(status.Machine) + "/" + one.Name
		}
		if details != nil {
			for _, d := range details.Workers {
				if d.Worker == w.Worker {
					one.Since, one.Restarts, one.MemoryBytes = at(d.Started), &d.Restarts, known(d.Memory, d.Memory)
				}
			}
		}
		s.Instances = append(s.Instances, one)
	}
	if trouble := Plain(status.Trouble()); trouble != "" {
		s.Problem("%s: %s", label, trouble)
	}
	if incident := Plain(status.Incident); incident > s.Incident {
		s.Incident = incident
	}
	if status.Certificate != nil {
		s.certify(*status.Certificate, now)
	}
}

// certify adds a certificate, and what is wrong with it.
func (s *Status) certify(c machine.Certificate, now time.Time) {
	for i := range c.Names {
		c.Names[i] = Plain(c.Names[i])
	}
	for i := range c.Missing {
		c.Missing[i] = Plain(c.Missing[i])
	}
	c.Issuer, c.Serial, c.Error = Plain(c.Issuer), Plain(c.Serial), Plain(c.Error)
	s.Certificate = &c
	switch {
	case !c.Valid(now) && c.Error != "":
		s.Problem("no valid certificate: %s", c.Error)
	case !c.Valid(now):
		s.Problem("there is no valid certificate yet")
	case len(c.Missing) > 0:
		s.Problem("no certificate for %s: %s", strings.Join(c.Missing, ", "), c.Error)
	case c.Error != "" && time.Unix(c.NotAfter, 0).Sub(now) < certificateSoon:
		s.Problem("the certificate ends %s and is not renewed: %s", time.Unix(c.NotAfter, 0).UTC().Format(time.DateOnly), c.Error)
	}
}

// Events returns the events that the machines wrote to the store.
func (m Machines) Events(ctx context.Context, since time.Time) ([]event.Event, error) {
	if m.Objects == nil {
		return nil, m.NoObjects
	}
	var all []event.Event
	for _, at := range m.At {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		list, err := readObject[[]machine.Event](ctx, m.Objects, at.ID, machine.EventsName)
		cancel()
		if errors.Is(err, store.ErrNotFound) {
			continue // an agent older than events, or a machine that has none yet
		}
		if err != nil {
			return all, fmt.Errorf("the events of machine %s: %w", at.ID, err)
		}
		for _, e := range *list {
			if when := time.Unix(e.Time, 0); !when.Before(since) {
				all = append(all, event.Event{
					Time: when, Kind: event.Kind(Plain(string(e.Kind))), Stack: m.Stack.Project + "/" + m.Stack.Name,
					Instance: Plain(at.ID), Release: ID(e.Release), Text: Plain(e.Text),
				})
			}
		}
	}
	return all, nil
}

// ID returns a release's id as it is known from a machine or a cluster, or "" for
// what is no id.
func ID(id service.ReleaseID) service.ReleaseID {
	if !id.Valid() {
		return ""
	}
	return id
}

func at(seconds int64) *time.Time {
	if seconds <= 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}

// known returns a number if what decides it is known.
func known(value, decides int64) *int64 {
	if decides <= 0 {
		return nil
	}
	return &value
}
