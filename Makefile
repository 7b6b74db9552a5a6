# Every task of the project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := components pipelines tests docker benchmarks docs

.DEFAULT_GOAL := help
# What docker/build.sh reads; empty counts as unset.
export REGISTRY TAG ACCELERATOR BASE_IMAGE

.PHONY: help run test test-docker test-jax test-browser screenshots reliability bench bench-strong bench-record lint format lock images sbom clean

help: ## List every task
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(INSTALLED) ## Train and score a digit classifier on the shipped MNIST; ARGS="--recipe tutorial"
	$(BIN)/mnist-pipeline run $(ARGS)

test: $(INSTALLED) ## Run the tests that need no network, GPU or Docker; ARGS="-k idx"
	$(BIN)/pytest -n 2 --dist loadfile -m "not docker and not gpu and not browser and not jax" $(ARGS)

test-docker: $(INSTALLED) images ## Test the images, and the pipeline in them
	$(BIN)/pytest -m docker tests/docker $(ARGS)

test-jax: $(INSTALLED) ## Train on JAX, and compare with TensorFlow
	$(BIN)/pip install -q --disable-pip-version-check --upgrade --target build/jax --require-hashes -r requirements-jax.lock
	PYTHONPATH=build/jax $(BIN)/pytest -m jax $(ARGS)

test-browser: $(INSTALLED) ## Open every page in headless Chromium; screenshots go to test-output/
	$(BIN)/pytest -m browser $(ARGS)

screenshots: $(INSTALLED) ## Run two recipes and make the README's pictures of their pages; needs Chromium
	PYTHONPATH=tests/support $(BIN)/python docs/screenshots.py

reliability: $(INSTALLED) ## Try every fault 20 times and write docs/reliability.md; takes minutes
	PYTHONPATH=tests/support $(BIN)/python tests/reliability/report.py

bench: $(INSTALLED) ## Measure speed and accuracy side by side; writes benchmarks/results/
	$(BIN)/python benchmarks/bench.py

bench-strong: $(INSTALLED) ## Measure the error of recipe strong: three trainings of some minutes each
	$(BIN)/python benchmarks/recipe.py strong 3

bench-record: $(INSTALLED) ## Measure the error of recipe record; wants a GPU
	$(BIN)/python benchmarks/recipe.py record 1

lint: $(INSTALLED) ## Check style, types, the Dockerfile, and that the locks fit pyproject.toml
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/python docker/lock.py --check

format: $(INSTALLED) ## Format the code and mend what ruff can mend
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lock: $(INSTALLED) ## Pin pyproject.toml's dependencies by version and hash; ARGS=--upgrade renews
	$(BIN)/python docker/lock.py $(ARGS)

images: ## Build the images for the CPU; ACCELERATOR=cuda REGISTRY=... TAG=... BASE_IMAGE=...
	docker/build.sh

sbom: $(INSTALLED) ## Write a bill of materials per image into sbom/
	PATH="$(CURDIR)/$(BIN):$$PATH" docker/sbom.sh

clean: ## Remove the environment and everything that tools left behind
	rm -rf $(VENV) build sbom test-output *.egg-info .pytest_cache .mypy_cache .ruff_cache

# The stamp is written last, so that an interrupted set-up starts over.
$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python 3.11 to 3.13 is needed, this is %d.%d: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
