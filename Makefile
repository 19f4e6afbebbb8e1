# escala: one Go service, described once. `make` lists the targets.

STACK ?= local

# Pulumi's Go language host compiles programs with -trimpath. With the same flag
# here, `make` and `pulumi up` share what is compiled.
export GOFLAGS := $(strip $(filter-out -trimpath,$(GOFLAGS)) -trimpath)

# Every target that runs the program goes through bin/escala, which has Pulumi's
# engine in it, or through bin/local, which is the same without the clouds' SDKs:
# they are most of what there is to compile. Go's own cache decides what must be.
PROGRAM = $(if $(filter local,$(STACK)),local,escala)
ESCALA = bin/$(PROGRAM) --stack $(STACK) $(if $(WAIT),--wait $(WAIT))
plan plan-diff manifests: PROGRAM = escala

.DEFAULT_GOAL := help
.PHONY: conformance help init up preview plan plan-diff manifests rollback unpin refresh down outputs status events shell boot-times logs restart maintenance exec run test test-unit test-all test-rest tools lint format bench bench-tutorial clean escala unlock test-cli vulnerabilities release-snapshot

help: ## List the targets
	@echo "make TARGET [STACK=local]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: escala ## Create or update the stack: build, release, wait until it serves (WAIT=5m: for another make)
	@$(ESCALA) up

init: PROGRAM = local
init: escala ## Prepare the repository in DIR, with a service of its own (DIR=../my-api, PACKAGE=./cmd/api, NAME=api, or COMMAND="python3 app.py", FOLDER=app)
	@bin/$(PROGRAM) init --dir "$(or $(DIR),.)" $(if $(PACKAGE),--package "$(PACKAGE)") $(if $(NAME),--name "$(NAME)") $(if $(COMMAND),--command "$(COMMAND)") $(if $(FOLDER),--folder "$(FOLDER)")

preview: escala ## Show what up would change
	@$(ESCALA) preview

# What is printed is the plan and nothing else, so that it can go to a file.
plan: escala ## Show what STACK (or all) would be, without an account (FORMAT=json|markdown, OUT=folder, FILES=all, BUDGET=40 dollars a month)
	@$(ESCALA) plan --format $(or $(FORMAT),text) $(if $(BUDGET),--budget $(BUDGET)) $(if $(OUT),--out "$(OUT)") $(if $(FILES),--files)

manifests: escala ## Write a cluster stack's objects to manifests/STACK, for kubectl apply
	@$(ESCALA) manifests

plan-diff: escala ## Show what the working tree changes in the plans of all stacks (BASE=main, FORMAT and BUDGET as above)
	@bin/$(PROGRAM) plan-diff --stack $(if $(filter file,$(origin STACK)),all,$(STACK)) --base $(or $(BASE),main) --format $(or $(FORMAT),text) $(if $(BUDGET),--budget $(BUDGET))

rollback: escala ## Go back to the release before (or TO=…), until make unpin
	@$(ESCALA) rollback $(if $(TO),--to $(TO))

unpin: escala ## End a rollback: release what the source makes again
	@$(ESCALA) unpin

refresh: escala ## Compare the stack's state with what exists
	@$(ESCALA) refresh

down: escala ## Destroy the stack, and its state
	@$(ESCALA) down

outputs: escala ## Print the stack's outputs as JSON
	@$(ESCALA) outputs

status: escala ## Show how the stack is; the exit status is 2 if it is not well (JSON=1)
	@$(ESCALA) status $(if $(JSON),--json)

events: escala ## List what happened to the stack (SINCE=7d, JSON=1)
	@$(ESCALA) events $(if $(SINCE),--since "$(SINCE)") $(if $(JSON),--json)

unlock: escala ## Remove the stack's lock, left by a make on another computer
	@$(ESCALA) unlock

logs: escala ## Print the logs (FOLLOW=1, SINCE=15m, GREP=text, SOURCE=worker-0, LINES=20, PREVIOUS=1, JSON=1)
	@$(ESCALA) logs $(if $(FOLLOW),--follow) $(if $(SINCE),--since "$(SINCE)") $(if $(GREP),--grep "$(GREP)") $(if $(SOURCE),--source "$(SOURCE)") $(if $(LINES),--lines "$(LINES)") $(if $(PREVIOUS),--previous) $(if $(JSON),--json)

restart: escala ## Replace all workers by new processes of the same release, without losing a request
	@$(ESCALA) restart

maintenance: escala ## Answer with a page and status 503: ON=1 begins, ON=0 ends (PAGE=file.html)
	@$(ESCALA) maintenance $(if $(ON),$(if $(filter 1 on yes true,$(ON)),on,off)) $(if $(PAGE),--page "$(PAGE)")

# The shell here divides CMD into words. Its globs are the machine's.
exec: escala ## Run CMD where the service runs, or open a shell (CMD="journalctl --lines 5", INSTANCE=pod)
	@set -f; $(ESCALA) exec $(if $(INSTANCE),--instance "$(INSTANCE)") $(if $(CMD),-- $(CMD))

run: escala ## Run the command of a process or a schedule once, now, and show its output (NAME=report)
	@$(ESCALA) run --name "$(NAME)"

shell: escala ## Open a shell on the local machine
	@$(ESCALA) shell

boot-times: escala ## Show where the seconds of the local machine's first boot went
	@$(ESCALA) shell <infra/targets/local/boot-times.sh

test-unit: ## Run the tests that need no root, no machine and no cloud's SDK (a minute, once compiled)
	@.ci/test unit

test: ## Run those, the built service, the program and one machine (root on Debian; some minutes)
	@.ci/packages
	@.ci/test

test-all: test test-rest ## Run that and what is heavy to compile or long (kube-apiserver, race, conformance)

# Tests that need a control plane, Pulumi's Kubernetes plugin or an S3 server fail
# without them here, instead of being skipped.
test-rest: export ESCALA_CONTROL_PLANE = $(CURDIR)/bin/kubernetes
test-rest: export ESCALA_KUBERNETES_PLUGIN = $(CURDIR)/bin/plugins/kubernetes
test-rest: export ESCALA_S3_SERVER = $(CURDIR)/bin/versitygw
test-rest: tools
	@.ci/packages
	@.ci/test rest

# What only test-rest needs.
tools: bin/kubernetes/controlplane bin/plugins/kubernetes/pulumi-resource-kubernetes bin/versitygw

test-cli: bin/pulumi ## Take a stack through Pulumi's CLI and make's engine in turns
	ESCALA_PULUMI=$(CURDIR)/bin/pulumi go test -count 1 -run TestTurnsWithTheCLI -v ./infra/engine

lint: ## gofumpt, golangci-lint, shellcheck, actionlint
	.ci/lint

bin/golangci-lint: .ci/tools/go.mod
	cd .ci/tools && go build -o ../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

format: bin/golangci-lint ## Format all Go code
	bin/golangci-lint fmt ./...

# TARGET=cluster needs no cluster: it is one of this computer's processes. From there
# Go reaches no module proxy, so what it builds is built before, too.
ifeq ($(TARGET),cluster)
conformance: export ESCALA_CONTROL_PLANE = $(CURDIR)/bin/kubernetes
conformance: export ESCALA_KUBERNETES_PLUGIN = $(CURDIR)/bin/plugins/kubernetes
conformance: bin/kubernetes/controlplane bin/plugins/kubernetes/pulumi-resource-kubernetes
endif
conformance: ## Release to, break and mend TARGET=process, local, cluster or kubernetes under load; ARGS="-releases 20"
	$(if $(filter cluster,$(TARGET)),go build ./service/...)
	go run ./infra/testing/conformance/cmd/$(or $(TARGET),process) $(ARGS)

bench: ## Measure the service beside a plain net/http server
	cd infra/testing/bench && go run ./cost

bench-tutorial: ## Measure beside the tutorial's own NestJS, PM2 and Nginx; ARGS="-machines 0"
	@.ci/packages
	cd infra/testing/bench && go run ./cmd/pm2 $(ARGS)

vulnerabilities: ## Look for known vulnerabilities in what is called (asks Go's database)
	@.ci/vulnerabilities

release-snapshot: ## Build the command's release into bin/dist, without publishing
	@.ci/release --snapshot

clean: ## Remove what was built and kept (make down first)
	@if [ -d .escala/podman ] && [ -n "$$(ls .escala/machines .escala/addresses 2>/dev/null | grep -v :)" ]; then \
		echo "something still runs: make down first" >&2; exit 1; fi
	rm -rf bin .escala

escala:
	@.ci/compile bin/$(PROGRAM) ./infra/cmd/$(PROGRAM)

# The CLI of the engine's version, for the one test that needs it.
bin/pulumi: infra/tools/pulumi/go.mod
	@echo "building the Pulumi CLI, once (about five minutes on two cores)" >&2
	@cd infra/tools/pulumi && version=$$(go list -m -f '{{.Version}}' github.com/pulumi/pulumi/pkg/v3) && \
		go build -o ../../../bin/pulumi \
			-ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$$version" \
			github.com/pulumi/pulumi/pkg/v3/cmd/pulumi

# A real S3 server, for tests.
bin/versitygw: infra/tools/versitygw/go.mod
	@echo "building the S3 server of the tests, once (about two minutes on two cores)"
	@cd infra/tools/versitygw && go build -o ../../../bin/versitygw -ldflags "-s -w" github.com/versity/versitygw/cmd/versitygw

# Kubernetes' control plane, for tests. It shares what Go has compiled of its own
# library for the program, so it is built with its flags.
bin/kubernetes/controlplane: infra/tools/kubernetes/go.mod infra/tools/kubernetes/main.go
	@echo "building Kubernetes' control plane and etcd, once (about five minutes on two cores)"
	@cd infra/tools/kubernetes && out=../../../bin/kubernetes && \
		version=$$(go list -m -f '{{.Version}}' k8s.io/kubernetes) && \
		minor=$${version#v1.} && stamp=k8s.io/component-base/version && \
		for program in kube-apiserver kube-controller-manager; do \
			go build -o $$out/$$program -ldflags "-s -w -X $$stamp.gitVersion=$$version \
				-X $$stamp.gitMajor=1 -X $$stamp.gitMinor=$${minor%%.*} -X $$stamp.gitTreeState=clean" \
				k8s.io/kubernetes/cmd/$$program || exit; \
		done && \
		go build -o $$out/etcd -ldflags "-s -w" go.etcd.io/etcd/server/v3 && \
		go build -o $$out/controlplane -ldflags "-s -w" .

# Pulumi's Kubernetes plugin, for tests. It reads the two files beside it, which the
# plugin's own build embeds.
bin/plugins/kubernetes/pulumi-resource-kubernetes: infra/tools/pulumi-kubernetes/go.mod infra/tools/pulumi-kubernetes/main.go
	@echo "building Pulumi's Kubernetes plugin, once (about eight minutes on two cores)"
	@cd infra/tools/pulumi-kubernetes && out=../../../bin/plugins/kubernetes && \
		module=github.com/pulumi/pulumi-kubernetes/provider/v4 && \
		version=$$(go list -m -f '{{.Version}}' $$module) && \
		files=$$(go list -m -f '{{.Dir}}' $$module)/cmd/pulumi-resource-kubernetes && \
		mkdir -p $$out && \
		sed "1s/{/{\"version\": \"$${version#v}\",/" "$$files/schema.json" >$$out/schema.json && \
		cat "$$files/terraform-mapping.json" >$$out/terraform-mapping.json && \
		go build -o $$out/pulumi-resource-kubernetes -ldflags "-s -w -X $$module/pkg/version.Version=$${version#v}" .
