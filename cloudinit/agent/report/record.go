package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"escala/service"
	"escala/service/machine"
)

// Record is a machine's memory of its events. It survives the agent and a reboot, so
// that nothing is reported twice.
type Record struct {
	// Events are the last events, the latest last.
	Events []machine.Event `json:"events"`

	// Release and Refused are the release that served and the one that was refused
	// last.
	Release service.ReleaseID `json:"release,omitempty"`
	Refused service.ReleaseID `json:"refused,omitempty"`
	// Incident is the last reported incident, IncidentAt the time of that report,
	// and Incidents the number of reports in a row.
	Incident   string `json:"incident,omitempty"`
	IncidentAt int64  `json:"incidentAt,omitempty"`
	Incidents  int    `json:"incidents,omitempty"`
	// IncidentSeen is the last incident, and Unreported the number of incidents since
	// the last report.
	IncidentSeen string `json:"incidentSeen,omitempty"`
	Unreported   int    `json:"untold,omitempty"`
	// Boot is the kernel's id of the last boot.
	Boot string `json:"boot,omitempty"`
	// Failing is the beginning of the present problem. Unwell reports whether it was
	// reported.
	Failing int64 `json:"failing,omitempty"`
	Unwell  bool  `json:"unwell,omitempty"`
	// Serial and CertificateError are those of the last reported certificate.
	Serial           string `json:"serial,omitempty"`
	CertificateError string `json:"certificateError,omitempty"`
	CertificateAt    int64  `json:"certificateAt,omitempty"`
	// CertificateLeft is the time that was left, in seconds, when the end of the
	// certificate was last reported. 0 before the first report, and after a renewal.
	CertificateLeft int64 `json:"certificateLeft,omitempty"`
}

const (
	// lasting is the time after which a problem counts as lasting: a roll, a
	// restart and a short outage of the store are shorter.
	lasting = time.Minute
	// incidentPause is the shortest time between two reported incidents. It doubles
	// with each one in a row, up to incidentPauseMax: a worker that keeps ending
	// must not flood a webhook.
	incidentPause    = time.Minute
	incidentPauseMax = time.Hour
	// certificatePause is the shortest time between two reported errors of
	// certificates, because the text may differ with each try.
	certificatePause = time.Hour
	// certificateSoon and certificateLate decide when a certificate that nothing has
	// renewed is reported: when less than certificateSoon is left, and less than
	// 1/certificateLate of its lifetime. A renewal is due at a third. The report is
	// repeated each time that half of the time that was left has passed, and at the
	// end.
	certificateSoon = 14 * 24 * time.Hour
	certificateLate = 6
	certificateLast = 12 * time.Hour
)

// bootedAgain is the end of the text of an incident that is a reboot.
const bootedAgain = "the machine was started again"

// Update compares a status with what was reported, and returns the new events.
func (r *Record) Update(now time.Time, boot string, s machine.Status) []machine.Event {
	var events []machine.Event
	emit := func(kind machine.EventKind, release service.ReleaseID, text string) {
		events = append(events, machine.Event{Time: now.Unix(), Kind: kind, Release: release, Text: text})
	}
	first := r.Boot == ""
	if boot != "" && boot != r.Boot {
		if !first {
			emit(machine.EventReboot, s.Current, bootedAgain)
		}
		r.Boot = boot
	}
	if s.Phase == machine.Serving && s.Current != "" && s.Current != r.Release {
		emit(machine.EventRelease, s.Current, "")
		r.Release, r.Refused = s.Current, ""
	}
	if s.Phase == machine.Refused && s.Wanted != r.Refused {
		emit(machine.EventRefusal, s.Wanted, s.Reason)
		r.Refused = s.Wanted
	}
	if s.Phase == machine.Serving {
		r.Refused = ""
	}
	r.incident(now, s, emit)
	r.health(now, s, emit)
	r.certificate(now, s, emit)
	r.Events = append(r.Events, events...)
	r.Events = r.Events[max(0, len(r.Events)-machine.MaxEvents):]
	return events
}

type emitter func(kind machine.EventKind, release service.ReleaseID, text string)

func (r *Record) incident(now time.Time, s machine.Status, emit emitter) {
	if s.Incident == "" || s.Incident == r.Incident {
		return
	}
	if s.Incident != r.IncidentSeen {
		r.IncidentSeen, r.Unreported = s.Incident, r.Unreported+1
	}
	since := time.Duration(now.Unix()-r.IncidentAt) * time.Second
	if since < 0 || since > 2*incidentPauseMax {
		// The clock was set back, or the last row of incidents is over.
		r.Incidents, since = 0, incidentPauseMax
	}
	pause := incidentPauseMax
	if r.Incidents < 7 {
		pause = min(pause, incidentPause<<max(0, r.Incidents-1))
	}
	if r.Incidents > 0 && since < pause {
		return // the latest one is reported at the end of the pause
	}
	r.Incident = s.Incident
	if strings.HasSuffix(s.Incident, bootedAgain) {
		return // it was reported with the new boot
	}
	text := s.Incident
	if more := r.Unreported - 1; more > 0 {
		text += fmt.Sprintf("; %d others since the last one that was told", more)
	}
	r.Unreported = 0
	emit(machine.EventIncident, s.Current, text)
	r.IncidentAt, r.Incidents = now.Unix(), r.Incidents+1
}

func (r *Record) health(now time.Time, s machine.Status, emit emitter) {
	switch failing := s.Phase == machine.Failing; {
	case failing && (r.Failing == 0 || r.Failing > now.Unix()):
		r.Failing = now.Unix()
	case failing && !r.Unwell && time.Duration(now.Unix()-r.Failing)*time.Second >= lasting:
		r.Unwell = true
		emit(machine.EventUnwell, s.Current, s.Reason)
	case !failing && s.Phase != machine.Rolling:
		if r.Unwell {
			emit(machine.EventWell, s.Current, "")
		}
		r.Failing, r.Unwell = 0, false
	}
}

func (r *Record) certificate(now time.Time, s machine.Status, emit emitter) {
	c := s.Certificate
	if c == nil {
		return
	}
	if c.Serial != "" && c.Serial != r.Serial {
		emit(machine.EventCertificate, s.Current, "issued by "+c.Issuer+" for "+strings.Join(c.Names, ", ")+", valid until "+time.Unix(c.NotAfter, 0).UTC().Format(time.DateOnly))
		r.Serial = c.Serial
	}
	r.certificateEnds(now, s, emit)
	if c.Error == "" {
		r.CertificateError = ""
		return
	}
	since := time.Duration(now.Unix()-r.CertificateAt) * time.Second
	if r.CertificateError == "" || c.Error != r.CertificateError && (since < 0 || since >= certificatePause) {
		emit(machine.EventCertificate, s.Current, c.Error)
		r.CertificateError, r.CertificateAt = c.Error, now.Unix()
	}
}

// certificateEnds reports that a certificate ends soon, and that it has ended.
func (r *Record) certificateEnds(now time.Time, s machine.Status, emit emitter) {
	c := s.Certificate
	left := c.NotAfter - now.Unix()
	soon := min(int64(certificateSoon/time.Second), (c.NotAfter-c.NotBefore)/certificateLate)
	switch told := r.CertificateLeft; {
	case c.NotAfter == 0 || left > soon:
		r.CertificateLeft = 0
		return
	case left <= 0 && told <= 0 && told != 0,
		left > 0 && told != 0 && (left > told/2 || told < int64(certificateLast/time.Second)):
		return
	}
	r.CertificateLeft = min(left, -1)
	text := "ended on "
	if left > 0 {
		r.CertificateLeft = left
		text = "ends in " + roughly(time.Duration(left)*time.Second) + ", on "
	}
	text = "the certificate for " + strings.Join(c.Names, ", ") + " " + text + time.Unix(c.NotAfter, 0).UTC().Format(time.DateOnly)
	if c.Error != "" {
		text += ", and is not renewed: " + c.Error
	}
	emit(machine.EventCertificate, s.Current, text)
}

// roughly formats a time in whole days, or hours below two days.
func roughly(d time.Duration) string {
	if d >= 48*time.Hour {
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	}
	return strconv.Itoa(int(d/time.Hour)) + " hours"
}

// Silent reports that the agent has not finished a check of its machine for a time.
// The next status ends that problem.
func (r *Record) Silent(now time.Time, since time.Duration) []machine.Event {
	if r.Unwell {
		return nil
	}
	r.Unwell, r.Failing = true, now.Unix()
	e := machine.Event{
		Time: now.Unix(), Kind: machine.EventUnwell, Release: r.Release,
		Text: "the agent has not looked at the machine for " + since.Round(time.Second).String(),
	}
	r.Events = append(r.Events, e)
	r.Events = r.Events[max(0, len(r.Events)-machine.MaxEvents):]
	return []machine.Event{e}
}
