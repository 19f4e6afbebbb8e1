package tracing

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"escala/service/server"
)

// Handler creates a span for every request of the handler, as a part of the
// trace in the caller's traceparent header.
func Handler(h http.Handler, tracer trace.Tracer) http.Handler {
	var caller propagation.TraceContext
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(caller.Extract(r.Context(), propagation.HeaderCarrier(r.Header)), r.Method,
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(
				attribute.String("http.request.method", r.Method),
				attribute.String("url.path", r.URL.Path),
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
				panic(failure) // the server handles the panic
			}
		}()
		h.ServeHTTP(w, inner)
	})
}
