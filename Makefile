# Everything runs in .venv, which is made from pyproject.toml when it is missing or older than that.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml)

# Where torch comes from: PyTorch's own CPU wheels if there is no NVIDIA GPU and they can be reached. Empty leaves the
# choice to pip, which finds a local CPU wheel by its own settings (PIP_FIND_LINKS) and else takes what PyPI has.
CPU_WHEELS := https://download.pytorch.org/whl/cpu
PROBE := import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)
CPU_INDEX = $(shell $(PYTHON) -c '$(PROBE)' $(CPU_WHEELS)/torch/ 2>/dev/null && echo $(CPU_WHEELS))
TORCH_INDEX ?= $(if $(shell nvidia-smi 2>/dev/null),,$(CPU_INDEX))

.DEFAULT_GOAL := help
.PHONY: help demo test slow format bench chaos fuzz fuzz-api load compose-test lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: .venv/.local ## start the whole stack, evaluate a bundled Atari policy, leave demo/report.html
	$(BIN)/saddlepoint demo

test: .venv/.dev ## format check, lint, types, boundaries and the default suite
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

slow: .venv/.dev ## the tests marked slow
	$(BIN)/pytest -m slow

format: .venv/.dev ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.dev ## the benchmarks, written to bench/results.json
	$(BIN)/python -m tests.benchmarks

chaos: .venv/.dev ## kill, freeze and starve a whole stack (FAULTS=500 SEED=1), check its history, written to build/chaos
	$(BIN)/python -m tests.chaos $(if $(FAULTS),--faults $(FAULTS)) $(if $(SEED),--seed $(SEED))

load: .venv/.dev ## polls, submissions, crowds and, with SOAK_MINUTES=15, a soak of a whole stack, written to build/load
	$(BIN)/python -m tests.load $(if $(SOAK_MINUTES),--soak-minutes $(SOAK_MINUTES))

fuzz: .venv/.dev ## damaged policy files through the validator (N=100000 SEED=1), findings in build/fuzz
	$(BIN)/python -W ignore -m tests.fuzz uploads $(if $(N),--number $(N)) $(if $(SEED),--seed $(SEED))

fuzz-api: .venv/.dev ## requests made from the OpenAPI document (N=20000 SEED=1), findings in build/fuzz
	$(BIN)/python -m tests.fuzz api $(if $(N),--number $(N)) $(if $(SEED),--seed $(SEED))

compose-test: .venv/.dev ## build the images and drive the stack with the client (needs a container engine)
	TORCH_INDEX="$(CPU_INDEX)" $(BIN)/pytest -m compose tests/compose

lock: ## pin the packages of the images anew, with hashes: docker/*.lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet uv==0.13.9
	UV=build/lock/bin/uv TORCH_WHEELS="$(PIP_FIND_LINKS)" docker/lock.sh

clean: ## remove the environment and everything that was made
	rm -rf .venv build dist demo bench *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# torch comes first and alone, so that nothing resolved later can bring another build of it.
.venv/.torch: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --no-deps $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	touch $@

.venv/.local: .venv/.torch
	$(PIP) --editable '.[local]'
	touch $@

.venv/.dev: .venv/.local
	$(PIP) --editable '.[dev]'
	touch $@
