package preview

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"

	"escala/infra/engine/offline"
	"escala/infra/plan"
)

func nameOf(u string) string {
	if !urn.URN(u).IsValid() {
		return ""
	}
	return urn.URN(u).Name()
}

func typeOf(u string) string {
	if !urn.URN(u).IsValid() {
		return ""
	}
	return string(urn.URN(u).Type())
}

// providerURN returns the URN part of a provider reference, which ends with the
// provider's id.
func providerURN(reference string) string {
	i := strings.LastIndex(reference, "::")
	if i < 0 {
		return ""
	}
	return reference[:i]
}

// sortTree sorts resources after their parents, and siblings by type and name.
// The engine's order differs from run to run.
func sortTree(resources []plan.Resource) {
	children := map[string][]plan.Resource{}
	for _, r := range resources {
		children[r.Parent] = append(children[r.Parent], r)
	}
	sorted := resources[:0:0]
	var walk func(parent string)
	walk = func(parent string) {
		siblings := children[parent]
		slices.SortFunc(siblings, func(a, b plan.Resource) int {
			return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
		})
		for _, r := range siblings {
			sorted = append(sorted, r)
			walk(r.URN)
		}
	}
	walk("")
	copy(resources, sorted)
}

func secretInputs(one offline.Wanted) map[string]bool {
	secret := map[string]bool{}
	for key, value := range one.Inputs {
		if value.ContainsSecrets() {
			secret[string(key)] = true
		}
	}
	return secret
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
