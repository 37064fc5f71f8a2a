# Every command sets up what it needs by itself, in .venv and nowhere else; `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench scale calibrate faults serve lock openapi docs messages

PYTHON ?= python3
BIN := .venv/bin
UV := .venv/bootstrap/bin/uv
export UV_PYTHON_INSTALL_DIR := $(CURDIR)/.venv/python
export UV_CUSTOM_COMPILE_COMMAND := make lock
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.13

help: ## list the commands
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || grep '## ' $(MAKEFILE_LIST)

setup: .venv/ready ## make the environment from the lock files

$(UV): requirements-uv.lock
	$(PYTHON) -m venv .venv/bootstrap
	.venv/bootstrap/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

# Byte-compiled now, or the heavy libraries take half a minute to import later.
.venv/ready: $(UV) requirements-dev.lock pyproject.toml
	$(UV) venv --quiet --allow-existing --python 3.13 .venv
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements-dev.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --offline --python $(BIN)/python --editable .
	$(BIN)/python -m service.web.vendor
	@touch $@

# Clients of Segment and RudderStack want python-dateutil 2, pandas has 4: they speak from an environment of their own.
.venv/clients/ready: requirements-clients.lock | setup
	$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv/clients
	$(UV) pip sync --quiet --require-hashes --python .venv/clients/bin/python requirements-clients.lock
	@touch $@

# Segment's client for Node: without npm, or without its registry, its test skips and says so.
tests/clients/node_modules/ready: tests/clients/package-lock.json
	if command -v npm >/dev/null && npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund; \
	then touch $@; else echo "@segment/analytics-node could not be installed"; fi

# gbstats wants pandas 1, which the newest Python that has it is 3.11.
.venv/gbstats/ready: requirements-gbstats.lock | setup
	$(UV) venv --quiet --allow-existing --python 3.11 .venv/gbstats
	$(UV) pip sync --quiet --require-hashes --python .venv/gbstats/bin/python requirements-gbstats.lock
	@touch $@

demo: setup ## run the main job, from registration to verdicts; ONCE=1 writes demo-levers.json and ends
	$(BIN)/leverboard demo $(if $(ONCE),--once)

test: setup .venv/clients/ready tests/clients/node_modules/ready ## run every test
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

messages: setup ## bring the catalogues of languages up to the words that are said
	$(BIN)/python -m tests.messages

check: setup ## lint, types, import contracts, the committed OpenAPI document
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m service.app | diff openapi/openapi.json -

bench: setup .venv/gbstats/ready ## measure: start and memory of the API, ingest, the analysis, other tools
	$(BIN)/python tests/bench/start.py
	$(BIN)/python -m tests.bench.ingest
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.compare
	$(BIN)/python -m tests.bench.fold
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.effects
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.rule
	$(BIN)/python -m tests.bench.report
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.board

scale: setup ## measure a run over a hundred million outcomes against ten million, within 4 GiB; some GB of disk
	$(BIN)/python -m tests.bench.scale

# One thread a process: these matrices are small, and two processes share the rows.
calibrate: setup ## simulate all error rates again that are of older code, up to hours; R=1000 replications a row
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.calibration \
	  --replications $(or $(R),1000) --only "$(ONLY)" --write docs/calibration.md

faults: setup ## kill ingest, folds and compactions for half an hour or more; R=200 rounds a database
	$(BIN)/python -W ignore -m tests.faults --rounds $(or $(R),200) --write docs/faults.md

serve: setup ## run the service and a worker on this machine
	$(BIN)/leverboard serve

openapi: setup ## write openapi/openapi.json from the code
	$(BIN)/python -m service.app > openapi/openapi.json

docs: setup ## write docs/methods, one page a method, from docstrings and its catalogue
	$(BIN)/python -W error -m tests.methods

lock: $(UV) ## resolve the dependencies anew, within pyproject.toml's bounds; UPGRADE=1 takes newer versions
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra pdf --output-file requirements.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra chat --extra demo --extra pdf --extra spark --group dev --constraint requirements.lock \
	  --output-file requirements-dev.lock
	printf 'moto[server,s3]\nrudder-sdk-python\nsegment-analytics-python\n' | $(COMPILE) $(if $(UPGRADE),--upgrade) - \
	  --output-file requirements-clients.lock
	echo gbstats | $(COMPILE:3.13=3.11) $(if $(UPGRADE),--upgrade) - --output-file requirements-gbstats.lock
	echo uv | $(COMPILE) $(if $(UPGRADE),--upgrade) - --output-file requirements-uv.lock
