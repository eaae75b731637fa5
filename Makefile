# Everything runs from .venv, which every target makes for itself. Needs Python 3.11+ and make.

PY := .venv/bin/python
STAMP := .venv/.complete
DEMANDLINK := .venv/bin/demandlink

# Imports are 2.5 times slower without compiled files; a machine may have switched them off.
export PYTHONDONTWRITEBYTECODE :=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Twice as many as there are processors: the tests of the whole service wait more than they work.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2); \
	n=$$((n * 2)); if [ $$n -gt 8 ]; then echo 8; elif [ $$n -lt 4 ]; then echo 4; else echo $$n; fi)

.DEFAULT_GOAL := help
.PHONY: help venv demo up test test-breadth test-all simulate fuzz chaos test-browser pictures test-ops lint format docs site requirements clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv with the pinned dependencies and this project

$(STAMP): requirements.txt pyproject.toml
	@bash deploy/make-venv.sh

demo: $(STAMP) ## play a day of Commerce traffic from order to invoice, and show it
	@$(DEMANDLINK) demo

up: $(STAMP) ## the same stack as the demo's, kept running until Ctrl-C
	@$(DEMANDLINK) up

test: $(STAMP) ## the test suite, on real PostgreSQL and Redis
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadgroup -m "not breadth and not browser and not chaos" $(ARGS)

test-breadth: $(STAMP) ## every turn of every rule and switch, generated orders, the demo, the docs
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadgroup -m breadth $(ARGS)

test-all: test test-breadth ## both

simulate: $(STAMP) ## days of orders under virtual time and faults: SEEDS=1000, or SEED=123, ARGS=--small
	@PYTHONHASHSEED=0 $(PY) -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100)) $(ARGS)

fuzz: $(STAMP) ## bad input at every edge: EXAMPLES=2000 of each kind
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),500) $(PY) -m pytest -q -n $(WORKERS) --dist loadgroup --timeout 3600 tests/fuzz $(ARGS)

chaos: $(STAMP) ## real processes killed, frozen, cut off: a minute, or MINUTES=10 SEED=7
	@$(if $(MINUTES),nice -n 5 $(PY) -m tests.chaos --minutes $(MINUTES) --seed $(or $(SEED),1) $(ARGS),$(PY) -m pytest -q -s -n 0 -m chaos tests/chaos $(ARGS))

test-browser: $(STAMP) ## the console in real Chromium; skipped with a reason where there is none
	@command -v chromium >/dev/null || [ -n "$$CHROMIUM" ] || [ "$$(id -u)" != 0 ] || \
		! command -v apt-get >/dev/null || \
		(apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium) >/dev/null || true
	@$(PY) -m pytest -q -n 0 -rs -m browser tests/browser $(ARGS)

pictures: $(STAMP) ## make the pictures of the console in docs/pictures anew
	@PICTURES=docs/pictures $(PY) -m pytest -q -n 0 -m browser tests/browser -k whole

test-ops: ## the alert rules, by promtool
	@bash deploy/test-ops.sh

lint: $(STAMP) ## style, format, types and the walls between the layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

format: $(STAMP) ## lay out the code, mend what needs no thought, write .env.example
	.venv/bin/ruff check --fix --exit-zero .
	.venv/bin/ruff format .
	$(PY) -m tests.env_example

docs: $(STAMP) ## write the pages of docs/ that are made from code
	$(PY) -m tests.docs.generate

site: $(STAMP) ## build README and docs/ into pages in .site; a link that leads nowhere is an error
	@bash deploy/site/build.sh

requirements: ## pin the newest fitting versions again (needs uv)
	@command -v uv >/dev/null || { echo "make requirements needs uv: pip install uv"; exit 1; }
	UV_CUSTOM_COMPILE_COMMAND="make requirements" uv pip compile --quiet --upgrade \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--all-extras pyproject.toml -o requirements.txt
	UV_CUSTOM_COMPILE_COMMAND="make requirements" uv pip compile --quiet \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--extra build -c requirements.txt pyproject.toml -o requirements-runtime.txt
	UV_CUSTOM_COMPILE_COMMAND="make requirements" uv pip compile --quiet \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		-c requirements.txt --group pyproject.toml:site -o deploy/site/requirements.txt

clean: ## remove .venv and caches; data stays (.demandlink)
	rm -rf .venv .site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find app workers sandbox tests -name __pycache__ -type d -prune -exec rm -rf {} +
