package check

import (
	"context"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/unpack"
)

// secrecy finds readable secrets: in user-data, and in inputs that are not
// secret in Pulumi's state.
func secrecy(_ context.Context, s *subject) {
	for _, m := range s.Machines {
		for _, f := range m.Files {
			for _, found := range s.secrets.Found(f.Raw) {
				s.inUserData(m, f, found)
			}
		}
		if len(m.Files) == 0 {
			for _, found := range s.secrets.Found(m.Raw) {
				s.inUserData(m, plan.File{Path: "user-data"}, found)
			}
		}
	}
	for _, r := range s.Resources {
		for _, key := range sortedKeys(r.Raw) {
			if r.Secret[key] || unpack.Carries(r.Type, key) {
				continue
			}
			for _, text := range texts(r.Raw[key]) {
				for _, found := range s.secrets.Found(text) {
					s.add(plan.Error, r.Name+"."+key, "holds "+found+" in the clear", "a Pulumi secret (pulumi config set --secret), or a reference to where it is stored")
				}
			}
		}
	}
}

func (s *subject) inUserData(m plan.Machine, f plan.File, found string) {
	where := m.Name + ": " + f.Path
	if strings.Contains(m.Resource, "escala:local:") {
		s.add(plan.Warning, where, "holds "+found, "only values for tests: the local target has no secret store")
		return
	}
	if !m.Sealed {
		s.add(plan.Error, where, "holds "+found+", which everyone with access to the instance's attributes can read",
			"service.secrets, which the machine reads with its role")
		return
	}
	if !private(f) {
		s.add(plan.Error, where, "holds "+found+" in a file of mode "+mode(f), "a file that only root can read (0600)")
		return
	}
	// A cloud without roles for machines offers no other way.
	s.add(plan.Notice, where, "holds "+found+": root on the machine can read it in the user-data; this cloud offers no other way", "")
}

// private reports whether only the owner may read a file.
func private(f plan.File) bool { return strings.HasSuffix(mode(f), "00") }

func mode(f plan.File) string {
	if f.Mode == "" {
		return "0644"
	}
	return f.Mode
}

// texts returns all texts in a value.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, texts(one)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, key := range sortedKeys(v) {
			all = append(all, texts(v[key])...)
			if value, ok := v[key].(string); ok {
				// Patterns such as "PASSWORD: …" need the name before the value.
				all = append(all, key+": "+value)
			}
		}
		if name, ok := v["name"].(string); ok {
			// A container's environment has the name and the value in two keys.
			if value, ok := v["value"].(string); ok {
				all = append(all, name+": "+value)
			}
		}
		return all
	default:
		return nil
	}
}
