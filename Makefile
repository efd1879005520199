# Everything here needs only git, make and Python 3.11 or newer; the rest is set up on first use.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
READY := .venv/.ready
CONFIG ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint format crash bench docs clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(READY) ## Start the exporter on simulated clouds, or on yours with CONFIG=my.yaml
	@$(BIN)/cloud-task-exporter $(if $(CONFIG),run --config.file $(CONFIG),demo) $(ARGS)

test: $(READY) ## Run all tests; ARGS are passed on to pytest
	@./.ci/tools
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

lint: $(READY) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY) ## Apply the formatter
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

crash: $(READY) ## Kill the exporter a thousand times and compare its counters with the truth
	CRASH_ROUNDS=1000 $(BIN)/pytest -n auto tests/test_crash.py

bench: $(READY) ## Measure speed and memory against named peers, as JSON
	$(BIN)/python -m benchmarks

docs: $(READY) ## Write the generated pages of docs/ and the dashboards anew
	$(BIN)/python -m docs.generate
	$(BIN)/python -m grafana.generate

clean: ## Remove what was set up and generated
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): uv.lock pyproject.toml
	@./.ci/venv $(PYTHON) $(UV_VERSION)
	@touch $@
