package worker

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"escala/service/metrics"
	"escala/service/server"
)

// longestPath is the longest path in a span, in bytes.
const longestPath = 2 << 10

// pathOf returns a copy of the request's path. The path is a part of the request
// line, and a span would otherwise keep the whole line in memory.
func pathOf(r *http.Request) string {
	path := r.URL.Path
	return strings.Clone(path[:min(len(path), longestPath)])
}

// methodOf returns the request's method, and the name of a span without a route.
// Both follow OpenTelemetry's conventions for HTTP
// (opentelemetry.io/docs/specs/semconv/http).
func methodOf(r *http.Request) (method, name string) {
	if method = metrics.Method(r.Method); method == metrics.OtherMethod {
		return "_OTHER", "HTTP"
	}
	return method, method
}

// traced creates a span for every request of the handler, as a part of the trace in
// the caller's traceparent header. Package otlp sends the spans.
func traced(h http.Handler, tracer trace.Tracer) http.Handler {
	var caller propagation.TraceContext
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, name := methodOf(r)
		ctx, span := tracer.Start(caller.Extract(r.Context(), propagation.HeaderCarrier(r.Header)), name,
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(
				attribute.String("http.request.method", method),
				attribute.String("url.path", pathOf(r)),
				attribute.String("client.address", r.RemoteAddr),
				attribute.String("http.request.id", server.RequestID(w))))
		inner := r.WithContext(ctx)
		defer func() {
			// The mux records the route in the inner request, but the metrics
			// read it from the outer one.
			r.Pattern = inner.Pattern
			if r.Pattern != "" {
				span.SetName(r.Pattern)
				span.SetAttributes(attribute.String("http.route", r.Pattern))
			}
			failure := recover()
			status := server.Status(w)
			if failure != nil {
				status = http.StatusInternalServerError
			}
			span.SetAttributes(attribute.Int("http.response.status_code", status))
			if status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, http.StatusText(status))
			}
			span.End()
			if failure != nil {
				panic(failure) // the server recovers from the panic
			}
		}()
		h.ServeHTTP(w, inner)
	})
}
