# make up      everything on this machine, with a demo organization: PORT=8000 DATA=.holdfast
# make test    the whole suite: ARGS="-k name" to choose
# Both set up what they need; `make setup` alone does only that.

PYTHON ?= python3
PORT ?= 8000
DATA ?= .holdfast
ARGS ?=
WORKERS ?= 2
UV ?= uv

.DEFAULT_GOAL := help
.PHONY: help setup up test lint format bench faults lock clean

BIN := .venv/bin
STAMP := .venv/.made
SOURCES := activities api bench commands db demo domain playbooks runtime tests workflows cli.py worker.py

help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile
	@echo 'make setup   make lint   make format   make bench   make faults   make lock   make clean'

setup: $(STAMP)

# One stamp: what is installed follows from the lock, from pyproject.toml and from the Python used.
$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Holdfast needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}. Name another one: make setup PYTHON=python3.12")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'Python has no venv here; install it (on Debian and Ubuntu: apt install python3-venv) and call make again.'; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@echo 'Installing the locked packages into .venv …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	@touch $@

up: setup
	@exec $(BIN)/holdfast up --data-dir '$(DATA)' --port $(PORT) $(ARGS)

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(wildcard $(SOURCES))
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python -m bench $(ARGS)

faults: setup
	$(BIN)/python -m pytest tests/faults -m '' $(ARGS)

# Needs uv, and only when pyproject.toml changed; the locks name no registry.
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' pyproject.toml
lock:
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
