# `make run` and `make test` do everything on a machine with Python 3.11, make and git.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# Only what the run itself needs is installed by `make run`; `make test` adds the developers' tools.
RUNTIME := $(VENV)/.runtime
DEVELOP := $(VENV)/.develop
DATA ?=
PARAMS ?= $(if $(DATA),,params.yaml)
WEIGHTS ?=
# Where torch comes from, e.g. an index of CPU builds; empty takes what pip is configured to take.
TORCH_INDEX ?=
SET ?=
REPORT ?=

RUN_FLAGS = $(if $(PARAMS),--params $(PARAMS)) $(if $(DATA),--data $(DATA)) \
	$(if $(WEIGHTS),--weights $(WEIGHTS)) $(foreach pair,$(SET),--set $(pair)) $(if $(REPORT),--report $(REPORT))

.PHONY: help run test test-fast test-all e2e check lint-infra format bench ui clean purge

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(RUNTIME): constraints.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and alone, so that it may come from an index of its own: the build of the plain
	@# index brings gigabytes of CUDA, which a machine without a GPU has no use for.
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt \
		$(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch numpy
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEVELOP): $(RUNTIME)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev,s3,servers,dask]'
	@touch $@

run: $(RUNTIME) ## Install, render the demo dataset if there is none, run the loop with a simulated reviewer
	$(if $(DATA),,@$(BIN)/parley data demo --if-missing)
	@$(BIN)/parley run $(RUN_FLAGS)

test: $(DEVELOP) ## Run the tests that take seconds each
	@$(BIN)/python -m pytest -q -n 2 -m "not e2e"

test-fast: $(DEVELOP) ## Run the quickest tests only
	@$(BIN)/python -m pytest -q -n 2 -m "not slow and not e2e"

test-all: $(DEVELOP) ## Run every test, end-to-end ones included
	@$(BIN)/python -m pytest -q -n 2

e2e: $(DEVELOP) ## Bring up every server of production, tell one story, kill things, tear down
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m topology tests/e2e

lint-infra: $(DEVELOP) ## Lint compose file, manifests, images and proxy
	@infra/lint.sh $(BIN)

check: $(DEVELOP) lint-infra ## Formatting, lint, types and import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(DEVELOP) ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(DEVELOP) ## Run every benchmark and rebuild the README's tables (hours on two cores)
	@$(BIN)/python -m benchmarks.all

ui: $(RUNTIME) ## Open the MLflow UI on the runs of this folder, on 127.0.0.1:5000
	@MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true \
		$(BIN)/mlflow ui --backend-store-uri sqlite:///$(or $(PARLEY_HOME),.parley)/mlflow.db --host 127.0.0.1 --port 5000

# Results of stages are found again by their content, so a run without them computes the same once more.
# Requests keep copies of what they show. All else in .parley has no second copy: reviews, audit log,
# champions and versions, reports, waiting runs, and data's versions in DVC's default remote.
clean: ## Remove what can be computed again: results of stages, caches; end runs first
	@rm -rf .parley/{work,cache} .parley/store/{stages,artifacts}
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage build dist

purge: clean ## Remove all that runs left behind, for good: reviews, audit log, versions of models and data too
	@rm -rf .parley
