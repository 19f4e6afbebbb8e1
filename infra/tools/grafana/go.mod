// The test of the dashboard by Grafana's own schema, as the types that Grafana
// generates from it. A module of its own, since nothing of the program needs it.
module escala/infra/tools/grafana

go 1.26.0

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
