# Everything here needs Python >= 3.11 and make; uv is used when it is there.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
STAMP := $(VENV)/.installed

.PHONY: help install demo test check unit system test-compose lint format rules api fuzz lock up down load demo-compose torture bench migration clean dashboards

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## Install everything into .venv from the hashed lock

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Firebreak needs Python >= 3.11 and found none; name one with: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@rm -f $(STAMP)
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt && \
	  uv pip install --quiet --python $(BIN)/python --compile-bytecode --no-build-isolation --no-deps --editable .; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .; \
	fi
	@$(BIN)/python -m compileall -q services observability chaos loadtests testbed
	@touch $(STAMP)

demo: $(STAMP)  ## Prove that a dead Deliveries service stops nobody from ordering (about 150 s; slow machine: 7 minutes)
	@$(BIN)/testbed demo

up: $(STAMP)  ## Start the full stack in containers and leave it running (logs=0: without Loki)
	@$(BIN)/testbed compose up $(if $(filter 0,$(logs)),--no-logs) $(if $(filter 1,$(logs)),--logs)

down: $(STAMP)  ## Stop it (volumes=1: and remove its data)
	@$(BIN)/testbed compose down $(if $(filter 1,$(volumes)),--volumes)

load: $(STAMP)  ## Send it customers from Locust's web page (workers=2: from two processes; stop=1: end)
	@$(BIN)/testbed compose load $(if $(workers),--workers $(workers)) $(if $(filter 1,$(stop)),--stop)

demo-compose: up  ## Run the demo's experiment on the full stack
	@$(BIN)/chaos run delivery-outage --target compose

test: check unit system  ## Everything that must hold before a commit

check: $(STAMP)  ## Lint, formatting, types and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

unit: $(STAMP)  ## Tests that start no process
	@$(BIN)/pytest -q -n logical --maxprocesses 8 --dist worksteal -m "not system and not compose"

system: $(STAMP)  ## Tests that start real processes
	@$(BIN)/pytest -q -m system

test-compose: $(STAMP)  ## Tests that need a Docker engine: FeastFast in containers, built anew unless FIREBREAK_IMAGE names an image
	@$(BIN)/pytest -q -m compose tests/compose

api: $(STAMP)  ## Write docs/api anew from the code; what would break the public contract is named instead
	@$(BIN)/python -m tests.contracts

dashboards: $(STAMP)  ## Write dashboards/*.json anew from the code beside them
	@$(BIN)/python -m dashboards.build

fuzz: $(STAMP)  ## Ask every service what schemathesis can think of, longer than the tests do (about 5 minutes)
	@FUZZ_EXAMPLES=200 FUZZ_SEED=$$(date +%s) $(BIN)/pytest -q tests/contracts/test_fuzz.py

rules: $(STAMP)  ## Compile slo.yaml and the map to what Prometheus, Alertmanager and Grafana are told
	@$(BIN)/python -m observability.slo
	@$(BIN)/python -m testbed.compose.configuration >/dev/null

format: $(STAMP)  ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

torture: $(STAMP)  ## Kill and pause replicas under load for 5 minutes, and check that no order was lost or doubled
	@$(BIN)/python -m benchmarks.torture

bench: $(STAMP)  ## Print every figure of docs/benchmarks.md for this machine, but for torture's
	@missed=0; for each in benchmarks/[a-z]*.py; do \
	  case $$each in benchmarks/torture.py|benchmarks/picture.py) continue;; esac; \
	  echo "== $$each"; $(BIN)/python -m benchmarks.$$(basename $$each .py) || missed=1; \
	done; exit $$missed

migration: $(STAMP)  ## Write a migration from a service's changed tables: make migration service=orders name=add_tip
	@$(BIN)/python -m services.kit.migrations.author "$(service)" "$(name)"
	@$(BIN)/ruff format --quiet services/$(service)/migrations

lock:  ## Resolve the hashed locks anew (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 2; }
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements/core.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra lab pyproject.toml -o requirements/lab.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra lab --extra dev pyproject.toml -o requirements/dev.txt

clean:  ## Remove the environment, caches and all runs
	rm -rf $(VENV) .testbed .mypy_cache .ruff_cache .pytest_cache .hypothesis
