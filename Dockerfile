# The same static binary as on a machine, on an empty base: same flags, same Go,
# same hash, so that X-Release tells whether a pod and a machine run the same.
# It needs BuildKit (docker build, docker buildx build --platform …).
ARG GO_VERSION=1.26.8
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-bookworm AS build
ARG TARGETOS=linux
ARG TARGETARCH=amd64
WORKDIR /src
COPY go.mod go.sum ./
COPY service ./service
# What could change the binary without a change of the source is said here.
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS= GOEXPERIMENT= GOAMD64=v1 GOARM64=v8.0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -tags grpcnotrace -ldflags '-s -w -buildid=' -o /out/api ./service/cmd/api

# What stands beside the binary, as in the image that the program itself makes
# (infra/build/image), whose authorities are Mozilla's too, but from a Go module.
RUN mkdir -p /base/etc/ssl/certs && mkdir -m 1777 /base/tmp \
    && printf 'root:x:0:0:root:/:/sbin/nologin\napi:x:65532:65532:api:/:/sbin/nologin\n' >/base/etc/passwd \
    && printf 'root:x:0:\napi:x:65532:\n' >/base/etc/group \
    && cp /etc/ssl/certs/ca-certificates.crt /base/etc/ssl/certs/

FROM scratch
# The certificates are for rediss:// and traces over HTTPS.
COPY --from=build /base/ /
COPY --from=build /out/api /api
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENV PORT=3000
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["/api", "health"]
ENTRYPOINT ["/api"]
CMD ["serve"]
