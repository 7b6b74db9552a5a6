# Every task of the project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := components pipelines tests

.DEFAULT_GOAL := help
.PHONY: help run test lint format lock clean

help: ## List every task
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(INSTALLED) ## Train and score a digit classifier on the shipped MNIST; ARGS="--recipe tutorial"
	$(BIN)/mnist-pipeline run $(ARGS)

test: $(INSTALLED) ## Run the tests that need no network, GPU or Docker; ARGS="-k idx"
	$(BIN)/pytest -n 2 --dist loadfile -m "not docker and not gpu and not browser" $(ARGS)

lint: $(INSTALLED) ## Check style, types and that the locked dependencies fit pyproject.toml
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(INSTALLED) ## Format the code and mend what ruff can mend
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lock: $(INSTALLED) ## Resolve pyproject.toml's dependencies into requirements.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra local --group dev --universal \
	  --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes \
	  -o requirements.lock

clean: ## Remove the environment and everything that tools left behind
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache

# The stamp is written last, so that an interrupted set-up starts over.
$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python 3.11 to 3.13 is needed, this is %d.%d: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
