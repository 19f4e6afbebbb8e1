# The targets by which this repository runs escala: `include escala.mk`.

STACK ?= local

# escala comes from a clone of it on this computer: the one in .escala/clone, or
#   make ESCALA_CLONE=../escala
# or else from the archives of a release: ESCALA_ARCHIVES is the URL of their
# folder, and escala.sum has their SHA-256.
ESCALA_CLONE ?= $(shell cat .escala/clone 2>/dev/null)
ESCALA_VERSION ?= [[.Version]]
ESCALA_ARCHIVES ?= [[.Archives]]

# A clone has a smaller program for the target local: it compiles in less time.
ESCALA_PROGRAM = $(if $(and $(ESCALA_CLONE),$(filter local,$(STACK))),local,escala)
ESCALA = .escala/bin/$(ESCALA_PROGRAM) --stack $(STACK) $(if $(WAIT),--wait $(WAIT))
plan plan-diff manifests: ESCALA_PROGRAM = escala

.PHONY: escala up preview plan plan-diff manifests rollback unpin refresh down outputs status events unlock logs restart maintenance exec run shell

# The first target is the default: make alone lists the targets.
escala_file := $(lastword $(MAKEFILE_LIST))
.PHONY: escala-help
escala-help:
	@echo "make TARGET [STACK=local]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(escala_file)

up: escala ## Create or update the stack: build, release, wait until it serves
	@$(ESCALA) up

plan: escala ## Show what STACK (or all) would be, without an account (FORMAT=json|markdown, OUT=folder, FILES=all, BUDGET=40 dollars a month)
	@$(ESCALA) plan --format $(or $(FORMAT),text) $(if $(BUDGET),--budget $(BUDGET)) $(if $(OUT),--out "$(OUT)") $(if $(FILES),--files)

plan-diff: escala ## Show what the working tree changes in the plans of all stacks (BASE=main)
	@.escala/bin/$(ESCALA_PROGRAM) plan-diff --stack $(if $(filter file,$(origin STACK)),all,$(STACK)) --base $(or $(BASE),main) --format $(or $(FORMAT),text) $(if $(BUDGET),--budget $(BUDGET))

rollback: escala ## Go back to the release before (or TO=…), until make unpin
	@$(ESCALA) rollback $(if $(TO),--to $(TO))

status: escala ## Show how the stack is; the exit status is 2 if it is not well (JSON=1)
	@$(ESCALA) status $(if $(JSON),--json)

events: escala ## List what happened to the stack (SINCE=7d, JSON=1)
	@$(ESCALA) events $(if $(SINCE),--since "$(SINCE)") $(if $(JSON),--json)

logs: escala ## Print the logs (FOLLOW=1, SINCE=15m, GREP=text, SOURCE=worker-0, LINES=20, JSON=1)
	@$(ESCALA) logs $(if $(FOLLOW),--follow) $(if $(SINCE),--since "$(SINCE)") $(if $(GREP),--grep "$(GREP)") $(if $(SOURCE),--source "$(SOURCE)") $(if $(LINES),--lines "$(LINES)") $(if $(JSON),--json)

maintenance: escala ## Answer with a page and status 503: ON=1 begins, ON=0 ends (PAGE=file.html)
	@$(ESCALA) maintenance $(if $(ON),$(if $(filter 1 on yes true,$(ON)),on,off)) $(if $(PAGE),--page "$(PAGE)")

exec: escala ## Run CMD where the service runs, or open a shell (INSTANCE=pod)
	@$(ESCALA) exec $(if $(INSTANCE),--instance "$(INSTANCE)") $(if $(CMD),-- $(CMD))

run: escala ## Run the command of a process or a schedule once, now (NAME=report)
	@$(ESCALA) run --name "$(NAME)"

preview: ## Show what up would change
manifests: ## Write a cluster stack's objects to manifests/STACK, for kubectl apply
unpin: ## End a rollback: release what the source makes again
refresh: ## Compare the stack's state with what exists
down: ## Destroy the stack, and its state
outputs: ## Print the stack's outputs as JSON
unlock: ## Remove the stack's lock, left by a make on another computer
restart: ## Replace all workers by new processes of the same release, without losing a request
shell: ## Open a shell on the local machine
preview manifests unpin refresh down outputs unlock restart shell: escala
	@$(ESCALA) $@

# .escala/bin/escala is what Pulumi.yaml names.
escala_os = $(shell uname -s | tr A-Z a-z)
escala_arch = $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(shell uname -m)))
escala_name = escala_$(ESCALA_VERSION)_$(escala_os)_$(escala_arch)
escala:
ifneq ($(ESCALA_CLONE),)
	@$(MAKE) --no-print-directory -C "$(ESCALA_CLONE)" escala PROGRAM=$(ESCALA_PROGRAM)
	@mkdir -p .escala/bin
	@ln -sfn "$(abspath $(ESCALA_CLONE))/bin/$(ESCALA_PROGRAM)" .escala/bin/$(ESCALA_PROGRAM)
	@ln -sfn $(ESCALA_PROGRAM) .escala/bin/pulumi-resource-escala
else ifneq ($(ESCALA_ARCHIVES),)
	@test -x .escala/$(escala_name)/escala || { set -e; mkdir -p .escala/$(escala_name).part; cd .escala/$(escala_name).part; \
		curl --silent --show-error --fail --location --output $(escala_name).tar.gz "$(ESCALA_ARCHIVES)/$(escala_name).tar.gz"; \
		grep " $(escala_name).tar.gz$$" ../../escala.sum | { sha256sum --check --quiet || shasum -a 256 --check --quiet; }; \
		tar -xzf $(escala_name).tar.gz; rm $(escala_name).tar.gz; cd ..; rm -rf $(escala_name); mv $(escala_name).part $(escala_name); }
	@mkdir -p .escala/bin
	@ln -sfn ../$(escala_name)/escala .escala/bin/escala
	@ln -sfn escala .escala/bin/pulumi-resource-escala
else
	@echo "where is escala? make ESCALA_CLONE=path/to/a/clone, which .escala/clone can name" >&2; exit 1
endif
