# The template's own chores; a generated project has its own Makefile.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
DIR ?= demo
READY := .venv/ready
PROJECT := $(DIR)/data-science-project
BIN := .venv/bin
# The project's tests and notebook import the package by its rendered name: tests/test_template.py lints them rendered. A
# cache of ruff in the template's folder would be rendered into projects.
CODE := hooks tests docs benchmarks '{{cookiecutter.repo_name}}/src'

.PHONY: help demo test docs check fix clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.13 ...")'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	@.venv/bin/python -m pip install --quiet --group dev
	@touch $(READY)

demo: $(READY) ## render the default project into demo/ (DIR=folder) and carry it to predictions and a report
	@$(BIN)/cookiecutter . --no-input --default-config --overwrite-if-exists --output-dir "$(DIR)"
	@$(MAKE) -C "$(PROJECT)" predict evaluate
	@printf '\nPredictions: '; ls "$(PROJECT)"/data/predictions/*.csv
	@printf 'Report:      '; ls "$(PROJECT)"/reports/*/evaluation.html

test: $(READY) ## render, refuse, install and run everything (long: it makes a project's environment)
	@$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 6 $(ARGS)

docs: $(READY) ## docs/ -> docs/_build/html
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

check: $(READY) ## lint and format check; never writes
	@$(BIN)/ruff check --no-cache $(CODE)
	@$(BIN)/ruff format --no-cache --check $(CODE)

fix: $(READY) ## mend what check can mend; write the digests of the engine
	@$(BIN)/ruff check --no-cache --fix $(CODE)
	@$(BIN)/ruff format --no-cache $(CODE)
	@cd '{{cookiecutter.repo_name}}/src/{{cookiecutter.package_name}}/engine' && find * -type f ! -name MANIFEST.sha256 \
		! -path '*__pycache__*' | LC_ALL=C sort | xargs sha256sum > .MANIFEST && mv .MANIFEST MANIFEST.sha256

clean: ## remove what make built
	@rm -rf .venv .pytest_cache .ruff_cache docs/_build demo
