# Synrouter's tasks. Everything lives in .venv and, for downloads, in a cache outside the checkout.
#
#   make demo                     install what is needed and see it work: no key, no network
#   make up ARGS="--port 7500"    install what is needed and run the proxy
#   make test                     install what is needed and run the tests
#   make e2e                      install every client that can be tested and run it on the proxy
#   make lint                     ruff and mypy
#   make bench                    what the proxy adds to a request, measured here
#   make savings TRACES=dir       what recorded sessions would have cost under each policy
#   make picture                  draw the README's picture of the dashboard anew
#   make lock                     pin today's versions anew
#   make clean                    remove what these made in the checkout
#
# ARGS are for the command that a task runs, from the environment too: ARGS="--plain --seconds 5" make demo.
# PYTHON=python3.12 picks the interpreter, VENV=dir the environment. REQUIRE_E2E=1 turns the skips of
# end-to-end tests (no node, no apt) into failures.

SHELL := /bin/sh
VENV ?= .venv
WORKERS ?= 4
export PIP_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/synrouter-dev/pip

installed := pyproject.toml requirements/lock.txt scripts/bootstrap

.DEFAULT_GOAL := help
.PHONY: help demo up test e2e lint format bench savings picture lock clean

help:
	@sed -n 's/^#  *\(make .*\)/\1/p' Makefile

$(VENV)/.run: $(installed)
	@scripts/bootstrap $(VENV) run
	@touch $@

$(VENV)/.dev: $(installed)
	@scripts/bootstrap $(VENV) dev
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run
	@exec $(VENV)/bin/synrouter demo $(ARGS)

up: $(VENV)/.run
	@exec $(VENV)/bin/synrouter up $(ARGS)

test: $(VENV)/.dev
	$(VENV)/bin/pytest -n $(WORKERS) --dist loadgroup $(ARGS)

e2e: $(VENV)/.dev
	REQUIRE_E2E=1 $(VENV)/bin/pytest -m "slow_client or e2e" $(ARGS)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

format: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

bench: $(VENV)/.dev
	$(VENV)/bin/python benchmarks/latency.py $(ARGS)

savings: $(VENV)/.dev
	@test -n "$(TRACES)" || { echo "name the folder of recorded sessions: make savings TRACES=dir" >&2; exit 2; }
	$(VENV)/bin/python benchmarks/savings.py --traces $(TRACES) $(ARGS)

picture: $(VENV)/.dev
	$(VENV)/bin/python tools/make_picture.py

lock:
	@scripts/lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
