package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"go.yaml.in/yaml/v3"

	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

// fakeMachine simulates a machine's Nginx and agent. It uses only its user-data
// and the bucket named there.
type fakeMachine struct {
	world    *world
	id       string
	userData string
	files    map[string]string
	host     string
	server   *httptest.Server
	running  service.ReleaseID
}

// boot creates a machine and returns its automatic address.
func (w *world) boot(id, userData string) (string, error) {
	var config struct {
		WriteFiles []struct{ Path, Content string } `yaml:"write_files"`
	}
	if err := yaml.Unmarshal([]byte(userData), &config); err != nil {
		return "", fmt.Errorf("machine %s cannot read its user-data: %w", id, err)
	}
	m := &fakeMachine{world: w, id: id, userData: userData, files: map[string]string{}}
	for _, f := range config.WriteFiles {
		m.files[f.Path] = f.Content
	}
	m.host, m.server = w.serve(m)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.machines[id] = m
	w.note("boot %s", id)
	return m.host, nil
}

func (w *world) terminate(id string) {
	w.mu.Lock()
	m := w.machines[id]
	delete(w.machines, id)
	w.note("terminate %s", id)
	w.mu.Unlock()
	m.server.Close()
}

// setting returns a value from one of the machine's shell files.
func (m *fakeMachine) setting(file, name string) string {
	for _, line := range strings.Split(m.files[file], "\n") {
		if value, ok := strings.CutPrefix(line, name+"='"); ok {
			return strings.TrimSuffix(value, "'")
		}
	}
	return ""
}

// bucket returns the bucket that the machine follows.
func (m *fakeMachine) bucket() string {
	host := strings.TrimPrefix(m.setting("/etc/escala/bootstrap.conf", "STORE_URL"), "https://")
	name, _, _ := strings.Cut(host, ".")
	return name
}

// follow runs one round of the agent.
func (m *fakeMachine) follow() machine.Status {
	status := machine.Status{Machine: m.id, Phase: "serving", Current: m.running}
	if why := m.world.broken(m.userData); why != "" {
		status.Phase, status.Reason = "refused", why
	}
	pointer, _ := m.world.object(m.bucket(), service.PointerKey)
	wanted, err := service.ParseWanted(pointer)
	if err != nil {
		status.Phase, status.Reason = "failing", "reading the release pointer: "+err.Error()
		return status
	}
	status.Wanted, status.RequestedAt = wanted.ID, wanted.RequestedAt
	why := m.world.refusing[string(wanted.ID)]
	_, stored := m.world.object(m.bucket(), wanted.Key())
	switch {
	case status.Phase == "refused":
	case !stored:
		status.Phase, status.Reason = "failing", "the release store has no object "+wanted.Key()
	case why != "":
		status.Phase, status.Reason = "refused", why
	default:
		m.running = wanted.ID
	}
	status.Current = m.running
	if m.running == "" {
		return status
	}
	var config struct{ Workers int }
	_ = json.Unmarshal([]byte(m.files[host.ConfigFile]), &config)
	for n := range config.Workers {
		status.Workers = append(status.Workers, machine.Worker{Worker: n, Release: m.running, Ready: true})
	}
	return status
}

func (m *fakeMachine) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	// The world's lock guards the journal and the machine's state.
	status := m.round()
	if r.URL.Path == machine.StatusPath {
		_ = json.NewEncoder(rw).Encode(status)
		return
	}
	if status.Current == "" {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	rw.Header().Set("X-Release", string(status.Current))
	rw.Header().Set("X-Machine", m.id)
	_, _ = rw.Write([]byte("ok"))
}

// round calls follow, one request at a time.
func (m *fakeMachine) round() machine.Status {
	following.Lock()
	defer following.Unlock()
	return m.follow()
}
