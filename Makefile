# Each target does all its set-up: a virtual environment in .venv with the tested versions of constraints.txt.
# Needs Python 3.11 or newer and make, nothing else. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
PROCESSES ?= 3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ALL := .venv-all
AUDIT := .venv-audit
PEERS := boosters pytabkit autogluon

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format docs audit peers clean

help:  ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile

demo: $(READY)  ## Set up, then init -> train -> submit through a host on this machine
	@rm -rf .demo
	@$(BIN)/aicomp demo --through-host --into .demo

# Each process takes whole files, whose tests share fixtures. Three keep two cores busy, as a test waits now and then;
# with more cores: make test PROCESSES=8 (about 2 GB each).
test: lint  ## Set up, then every check and every test
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile

test-all: test $(ALL)/.ready  ## The same, and the tests of packages that want an environment of their own (TensorFlow, Ray; 3 GB)
	@$(ALL)/bin/python -m pytest -m heavy

lint: $(READY)  ## Style, types and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(READY)  ## Correct style and formatting in place
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(READY)  ## Build the documentation into site/: every link is checked, and nothing is loaded from elsewhere
	@cd docs && ../$(BIN)/python -m make_site --into ../site

# In an environment of its own, so that nothing of it is audited; with no way to install or to ask, it says so.
audit:  ## Look the tested versions of constraints.txt up among known vulnerabilities
	@test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && timeout 180 $(AUDIT)/bin/python -m pip install \
	  --quiet --disable-pip-version-check pip-audit >/dev/null 2>&1; } || rm -rf $(AUDIT)
	@$(PYTHON) .ci/audit $(AUDIT)/bin/pip-audit

peers: $(PEERS:%=.peers/%/.ready)  ## Set up the libraries that benchmarks/ compares with, each kind in an environment of its own (7 GB)

clean:  ## Remove what the other targets made
	rm -rf $(VENV) $(ALL) $(AUDIT) .peers .demo site dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "aicomp needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1)"; \
	  echo "hint: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs,parquet,boost,text,large,seq2seq,simulation,keras]'
	@touch $@

# TensorFlow pins versions of packages that others want newer.
$(ALL)/.ready: pyproject.toml constraints.txt
	@test -x $(ALL)/bin/python || $(PYTHON) -m venv $(ALL)
	@echo "installing into $(ALL) (minutes)"
	@$(ALL)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	@$(ALL)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,keras,ray,storage]' tensorflow-cpu
	@touch $@

# torch first, or another package takes a build with CUDA. torchvision of the registry does not fit a torch without
# CUDA and then breaks the imports of others; no tabular model needs it.
.peers/%/.ready: benchmarks/peers/requirements/%.txt | $(READY)
	@test -x .peers/$*/bin/python || $(PYTHON) -m venv .peers/$*
	@echo "installing into .peers/$* (minutes)"
	@grep '^torch==' $< | xargs -r .peers/$*/bin/python -m pip install --quiet --disable-pip-version-check
	@.peers/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@.peers/$*/bin/python -m pip uninstall --quiet --yes torchvision 2>/dev/null
	@touch $@
