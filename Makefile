# One line each: the same scripts that npm runs. `make` alone lists them.
RUN := node tools/bootstrap-node/run.mjs
.DEFAULT_GOAL := help
.PHONY: help setup check format test unit integ e2e conversions kills source-kills cuts bench fuzz golden lockfile new demo run install uninstall clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the pinned Node and all packages
	@$(RUN)

check: ## Types, lint, format, tidy, dead code: under a minute
	@$(RUN) tools/check/check.ts

format: ## Format what was changed by hand
	@$(RUN) tools/check/format.ts

test: ## All tests; narrow with only=packages/disk
	@$(RUN) tools/test/run-tests.ts $(only)

unit: ## Tests that need no other program
	@$(RUN) tools/test/run-tests.ts --project=unit $(only)

integ: ## Tests against real programs
	@$(RUN) tools/test/run-tests.ts --project=integ $(only)

e2e: ## Programs driven as a user types them
	@$(RUN) tools/test/run-tests.ts --project=e2e $(only)

conversions: ## Guests converted by a real virt-v2v, minutes each (root)
	@$(RUN) tools/test/run-tests.ts --project=conversions $(only)

bench: ## Measure, and write bench/RESULTS.md
	@$(RUN) bench/run.ts $(only)

fuzz: ## Damaged input for every reader: make fuzz only=vhdx runs=1000000
	@$(RUN) fuzz/run.ts $(if $(only),only=$(only)) $(if $(runs),runs=$(runs)) $(if $(seed),seed=$(seed)) $(if $(keep),keep=$(keep)) $(if $(show),show=$(show))

golden: ## Bring generated parts of documents up to date
	@$(RUN) tools/tidy/tidy.ts --write

lockfile: ## Complete package-lock.json after npm install
	@$(RUN) tools/lockfile/complete-lockfile.ts

new: ## Start a provider=NAME, format=NAME, endpoint=NOUN.VERB or adr="Title"
	@$(RUN) tools/scaffold/new.ts $(if $(provider),provider "$(provider)") $(if $(format),format "$(format)") $(if $(endpoint),endpoint "$(endpoint)") $(if $(adr),adr "$(adr)")

demo: ## Export a sample disk and prove the copy (npm start)
	@$(RUN) tools/demo/demo.ts

run: ## Run hyperexport: make run args="inspect disk.qcow2"
	@$(RUN) apps/hyperexport/bin/hyperexport.mjs $(args)

install: ## Install the programs below PREFIX (default /usr/local)
	@$(RUN) tools/release/install.ts install

uninstall: ## Take them away again
	@$(RUN) tools/release/install.ts uninstall

clean: ## Remove what set-up and tests made
	@rm -rf node_modules tools/bootstrap-node/node_modules .cache coverage

kills: ## Kill copies at random, KILLS=1000 times; nothing may be lost
	@$(RUN) tools/kills/kill-copies.ts $(KILLS)

source-kills: ## Kill export, QEMU and libvirtd at every step of an export
	@HYPERSDK_KILLS=all $(RUN) tools/test/run-tests.ts libvirt-kills

cuts: ## Cut the power under copies, CUTS=300 times (root)
	@$(RUN) tools/kills/cut-power.ts $(CUTS)
