// Package stackconfig reads a stack's configuration once, into typed values. It
// reports all violations at once, before any resource is registered.
package stackconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"escala/service"
	"escala/service/config"
)

// Config is a stack's configuration without the target's own section.
type Config struct {
	// Target is the name of the target. It is the only key without a default.
	Target string `config:"target"`
	// Service describes the service.
	Service service.Spec `config:"service"`
	// Secrets holds the values of Service.Secrets by their names.
	Secrets map[string]string `config:"secrets"`
	// Release pins an earlier release, by its id or a prefix of it, instead of the
	// release that the source code produces. Default none.
	Release string `config:"release"`
	// Gate configures how long an update waits for the service.
	Gate Gate `config:"gate"`
	// Notify configures the receivers of the stack's events and alarms.
	Notify Notify `config:"notify"`
}

// Gate limits the time that an update waits.
type Gate struct {
	// Timeout is the time that a machine or a rollout has until the release serves
	// on all workers. After that, the update fails. Default 5 min.
	Timeout time.Duration `config:"timeout"`
}

// Source provides configuration: Pulumi's, or a test's.
type Source interface {
	// Keys returns all keys that are set, with their namespace ("escala:target").
	Keys() []string
	// Get returns a key's value. Objects and lists are in JSON.
	Get(key string) (string, bool)
	// File returns the file that contains the values as typed. It returns the zero
	// File if there is none.
	File() File
}

// Section is one target's own section of the configuration.
type Section struct {
	// Target is the target's name, a value of the key "target".
	Target string
	// Key is the section's key. Several targets may share one.
	Key string
	// Settings is a pointer to the target's settings, filled with their defaults.
	Settings any
}

// notSet is a time that the stack's file does not set. Its default depends on other
// keys.
const notSet time.Duration = -1

// Load reads the configuration of project from source. It returns the common
// part and fills the Settings of the chosen target's section. The error holds
// all violations.
func Load(project string, source Source, sections []Section) (Config, error) {
	c := Config{
		Service: service.NewSpec(),
		Gate:    Gate{Timeout: notSet},
	}
	// The defaults of these two depend on service.runtime.
	c.Service.Workers.Mode, c.Service.ReadyPath = "", ""
	var v service.Violations
	values := map[string]any{}
	for _, key := range source.Keys() {
		name, mine := strings.CutPrefix(key, project+":")
		raw, set := source.Get(key)
		if !mine || !set {
			// Other namespaces are the providers' ("aws:region").
			continue
		}
		values[name] = typed(source.File().at(key), parse(raw))
	}

	if plain, ok := values["target"].(literal); ok {
		values["target"] = plain.text
	}
	chosen := c.chooseTarget(values, sections, &v)
	fields := map[string]reflect.Value{
		"service": reflect.ValueOf(&c.Service).Elem(),
		"secrets": reflect.ValueOf(&c.Secrets).Elem(),
		"release": reflect.ValueOf(&c.Release).Elem(),
		"gate":    reflect.ValueOf(&c.Gate).Elem(),
		"notify":  reflect.ValueOf(&c.Notify).Elem(),
	}
	if chosen != nil {
		fields[chosen.Key] = reflect.ValueOf(chosen.Settings).Elem()
	}
	known := append(sortedKeys(fields), "target")
	for _, key := range sortedKeys(values) {
		if key == "target" {
			continue
		}
		field, ok := fields[key]
		switch {
		case ok:
			decode(key, values[key], field, &v)
		case slices.ContainsFunc(sections, func(s Section) bool { return s.Key == key }):
			if chosen == nil {
				continue // it may be the section of the target that was meant
			}
			v.Add(key, "belongs to another target than %q; remove it", c.Target)
		default:
			v.Add(key, "is not a key; %s", suggest(key, "known here:", known))
		}
	}

	c.Service.FillDefaults()
	if c.Gate.Timeout == notSet {
		c.Gate.Timeout = 5 * time.Minute
		if c.Service.ReleaseCommand.Set() {
			c.Gate.Timeout += c.Service.ReleaseCommand.Timeout
		}
		c.Gate.Timeout += max(0, c.Service.Bake.Time)
	}
	if c.Gate.Timeout < 10*time.Second {
		v.Add("gate.timeout", "%s is below 10s: no release rolls out in less", c.Gate.Timeout)
	}
	if command := c.Service.ReleaseCommand; command.Set() && c.Gate.Timeout <= command.Timeout {
		v.Add("gate.timeout", "%s is not above service.release.timeout (%s): the update would give up while the release command still runs", c.Gate.Timeout, command.Timeout)
	}
	if bake := c.Service.Bake; bake.On() {
		need, of := bake.Time, "service.release.bake"
		if command := c.Service.ReleaseCommand; command.Set() {
			need, of = need+command.Timeout, of+" and service.release.timeout"
		}
		if c.Gate.Timeout <= need {
			v.Add("gate.timeout", "%s is not above %s (%s): the update would give up while the release is still watched", c.Gate.Timeout, of, need)
		}
	}
	v = append(v, c.Notify.violations().Under("notify")...)
	// A field that could not be read keeps its default, so Validate finds only the
	// remaining violations.
	var ofSpec service.Violations
	if err := c.Service.Validate(); errors.As(err, &ofSpec) {
		v = append(v, ofSpec.Under("service")...)
	} else {
		v = append(v, c.planned()...)
	}
	return c, append(v, c.secretViolations()...).Err()
}

// planned returns the violations that a worker would find in its environment with
// this configuration.
func (c *Config) planned() service.Violations {
	var out service.Violations
	for _, one := range config.Planned(c.Service, c.Secrets) {
		if !strings.HasPrefix(one.Path, "secrets.") {
			one.Path = "service." + one.Path
		}
		out = append(out, one)
	}
	return out
}

// secretViolations returns the mismatches between the listed secrets and their
// values.
func (c *Config) secretViolations() service.Violations {
	var v service.Violations
	for _, name := range c.Service.Secrets {
		if c.Secrets[name] == "" {
			v.Add("secrets."+name, "is not set, but service.secrets lists it: pulumi config set --secret --path 'escala:secrets.%s'", name)
		}
	}
	certificate := c.Service.TLS.Certificate
	if certificate != "" && c.Secrets[certificate] == "" {
		v.Add("secrets."+certificate, "is not set, but service.tls.certificate names it: pulumi config set --secret --path 'escala:secrets.%s' < fullchain-and-key.pem", certificate)
	}
	for _, name := range sortedKeys(c.Secrets) {
		switch {
		case name == certificate:
		case !slices.Contains(c.Service.Secrets, name):
			v.Add("secrets."+name, "is set, but service.secrets does not list it")
		case strings.ContainsRune(c.Secrets[name], 0):
			v.Add("secrets."+name, "has a NUL in its value, which no environment variable can have")
		}
	}
	return v
}

func (c *Config) chooseTarget(values map[string]any, sections []Section, v *service.Violations) *Section {
	var names []string
	for _, s := range sections {
		names = append(names, s.Target)
	}
	switch t := values["target"].(type) {
	case nil:
		v.Add("target", "is not set; it is one of %s", strings.Join(names, ", "))
	case string:
		c.Target = t
		if i := slices.Index(names, t); i >= 0 {
			return &sections[i]
		}
		v.Add("target", "%q is not a target; %s", t, suggest(t, "it is one of", names))
	default:
		v.Add("target", "%s is not the name of a target; it is one of %s", show(t), strings.Join(names, ", "))
	}
	return nil
}

// parse decodes objects and lists, which Pulumi provides as JSON. All other values
// stay text, as in the stack's file.
func parse(raw string) any {
	if trimmed := strings.TrimSpace(raw); !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return raw
	}
	dec := json.NewDecoder(bytes.NewBufferString(raw))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return raw
	}
	return value
}

// Error formats violations as one error for people. It returns other errors
// unchanged.
func Error(stack string, err error) error {
	var v service.Violations
	if !errors.As(err, &v) {
		return err
	}
	return fmt.Errorf("the configuration of stack %s cannot be used, nothing was changed:\n  %s", stack,
		strings.ReplaceAll(v.Error(), "\n", "\n  "))
}
