# heatloop: `make` says what there is. Everything runs in .venv, which the first call makes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/demo
ONLY ?=
TESTS ?= tests

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test bench validate docs lint format wheel clean

help:  ## this list
	@echo "heatloop: digital twin and optimal control of liquid-cooled GPU data centres that give their heat away"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 | \2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

demo: $(VENV)/.installed  ## a 40,000-GPU plant for a week under three controllers, with a report (OUT=folder)
	@$(BIN)/heatloop demo --out $(OUT)

test: $(VENV)/.installed-test  ## the tests (TESTS=tests/plant_models for some of them)
	@$(BIN)/python -m pytest -n 2 $(TESTS)

bench: $(VENV)/.installed-bench  ## the measurements, into benchmarks/results.json (ONLY=plant for some of them)
	@$(BIN)/python -m benchmarks $(ONLY)

validate: $(VENV)/.installed-test  ## every machine beside independent sources, into docs/validation.md; smoothing widths
	@$(BIN)/python -m benchmarks.validation
	@$(BIN)/python -m benchmarks.widths

docs: $(VENV)/.installed-docs  ## the documentation, into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet && echo "site/index.html"

lint: $(VENV)/.installed-lint  ## format, lint, types, import contracts
	@$(BIN)/ruff check --output-format concise
	@$(BIN)/ruff format --check --output-format concise
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.installed-lint  ## format the code as `make lint` wants it
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

wheel: $(VENV)/.installed  ## the wheel, into dist/
	@$(BIN)/python -m pip wheel -q --no-deps -w dist . && ls dist/*.whl

clean:  ## remove what was made here, the environment too
	rm -rf $(VENV) out site dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# One stamp an extra: a second call is quick, a changed pyproject.toml installs again.
$(VENV)/.installed: pyproject.toml .ci/environment.py
	@$(PYTHON) .ci/environment.py $(VENV)
	@touch $@

$(VENV)/.installed-%: pyproject.toml .ci/environment.py
	@$(PYTHON) .ci/environment.py $(VENV) $*
	@touch $@ $(VENV)/.installed
