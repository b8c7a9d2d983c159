# `make site` and `make test` need Python ≥ 3.11 and make; everything else is set up here.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# What to install besides the program; `dev,spark` adds what the tests of the Spark engine need (400 MB, Java 17).
EXTRAS ?= dev
comma  := ,
STAMP  := $(VENV)/.ready-$(subst $(comma),-,$(EXTRAS))
UV     := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help site serve test lint types golden hostile kills bench clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / — /'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mbe-docs needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=…"; exit 2; }
ifeq ($(UV),)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
else
	@test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV)
	@uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]'
endif
	@touch $@

site: $(STAMP) ## ingest the logs that ship with the project, build site/
	@$(BIN)/mbe-docs ingest behaviors/logs --allow-unreadable
	@$(BIN)/mbe-docs build

serve: $(STAMP) ## live preview
	@$(BIN)/mbe-docs ingest behaviors/logs --allow-unreadable
	@$(BIN)/mbe-docs serve

test: $(STAMP) ## everything this machine can test; says what it could not, and why
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered $(ARGS)

lint: $(STAMP) ## style, types, house limits
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

golden: $(STAMP) ## expected statistics from outside: make golden FILE=…
	@$(BIN)/python tests/stats/run_golden.py $(FILE)

hostile: $(STAMP) ## a site full of hostile text, opened in Chromium: make hostile CORPUS=…
	@$(BIN)/python tests/hostile/run_hostile.py $(CORPUS)

kills: $(STAMP) ## ingests killed at every system call on the store, and at random moments; needs strace
	@$(BIN)/python tests/evidence/run_kills.py

bench: $(STAMP) ## us and the peers, side by side
	@bad=0; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || bad=1; done; exit $$bad

clean: ## what was built, not what was written
	@rm -rf build site dist .pytest_cache .mypy_cache .ruff_cache .coverage
