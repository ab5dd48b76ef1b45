# Two commands are enough: `make run` and `make test`. The rest is for maintainers.
PYTHON ?= python3
BIN := .venv/bin
LINT := .venv-lint/bin
HOME_DIR ?= $(or $(METERHOUSE_HOME),data)
PORT ?= 3000
FUZZ_SECONDS ?= 600
export DAGSTER_DISABLE_TELEMETRY := true
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1

.PHONY: help setup run test ui lint format docs bench fuzz lock clean

help:  ## Show these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 10

setup: .venv/ready  ## Make .venv from the lock file

.venv/ready: requirements/run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Meterhouse needs Python 3.11 to 3.13; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv from requirements/run.lock (once, a minute or two)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pipelines.publish.plotly_js
	@touch $@

.venv/test-ready: .venv/ready requirements/test.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/test.lock
	@touch $@

.venv-lint/ready: requirements/lint.lock
	@$(PYTHON) -m venv .venv-lint
	@$(LINT)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lint.lock
	@touch $@

.venv-bench/ready: requirements/bench.lock
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/bench.lock
	@touch $@

.venv-fuzz/ready: requirements/run.lock requirements/test.lock requirements/fuzz.lock
	@$(PYTHON) -m venv .venv-fuzz
	@for name in run test fuzz; do .venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes -r requirements/$$name.lock || exit 1; done
	@touch $@

run: .venv/ready  ## Run the main job on the home (a demo home is written first if there is none)
	@$(BIN)/meterhouse run --or-demo --home "$(HOME_DIR)"

ui: .venv/ready  ## Dagster's web UI on the same home
	@$(BIN)/meterhouse ui --home "$(HOME_DIR)" --port $(PORT)

test: .venv/test-ready lint  ## Linters, then all tests
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: .venv/ready .venv-lint/ready  ## ruff, mypy and sqlfluff
	@$(LINT)/ruff check .
	@$(LINT)/ruff format --check --quiet .
	@$(LINT)/mypy --python-executable $(BIN)/python
	@$(LINT)/sqlfluff lint --nocolor --disable-progress-bar --processes 2 dbt_project pipelines

format: .venv-lint/ready  ## Apply the formatters
	@$(LINT)/ruff check --fix .
	@$(LINT)/ruff format .

docs: .venv/ready  ## Renew the generated pages of docs/
	@$(BIN)/python -m pipelines.reference

bench: .venv/test-ready .venv-bench/ready  ## Measure: fixed overhead, ratios to bare DuckDB scripts, pricing peers
	@$(BIN)/python -m tests.bench --peers .venv-bench/bin/python

fuzz: .venv-fuzz/ready  ## Fuzz the readers with atheris, FUZZ_SECONDS (600) a target
	@for target in lines array csv land; do .venv-fuzz/bin/python -m tests.landing.fuzz.harness $$target \
		-max_total_time=$(FUZZ_SECONDS) || exit 1; done

lock: .venv-lint/ready  ## Renew the lock files from requirements/*.in
	@$(LINT)/python -m pip install --quiet uv
	@for name in run test lint bench fuzz; do $(LINT)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate -o requirements/$$name.lock requirements/$$name.in; done

clean:  ## Remove environments and caches; homes stay
	rm -rf .venv .venv-lint .venv-bench .venv-fuzz .tools dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache
