# Every target sets up what it needs first (make setup), which takes a moment when nothing has changed.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:

BIN := .venv/bin
MYPY := $(BIN)/mypy --strict --explicit-package-bases vedette tests $(wildcard bench) scripts
step = @printf '\n== %s\n' '$(1)'

.PHONY: help setup demo test bench fmt lint types arch docs reference web web-test clip peers faults long lock

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: ## .venv, dependencies, the web app, the demo clip; quick when nothing has changed
	@scripts/setup.sh

demo: setup ## the whole system on two virtual cameras; VIDEO=FILE or rtsp://… plays yours
	@exec $(BIN)/vedette demo $(if $(VIDEO),--video '$(VIDEO)')

test: setup peers ## everything that must hold, as continuous integration runs it
	$(call step,format: ruff)
	@$(BIN)/ruff format --check .
	$(call step,lint: ruff)
	@$(BIN)/ruff check .
	$(call step,types: mypy --strict)
	@$(MYPY)
	$(call step,imports: import-linter)
	@$(BIN)/lint-imports
	$(call step,documentation: mkdocs)
	@$(BIN)/mkdocs build --strict
	$(call step,web tests)
	@scripts/npm.sh test
	$(call step,tests: pytest)
	@$(BIN)/pytest -m 'not long'

bench: setup peers ## figures beside a peer, printed as a table
	@exec $(BIN)/python -m bench $(ARGS)

faults: setup peers ## power cuts, kills, bad disks, clocks and cameras; ARGS='--seed N' plays a run again
	@exec $(BIN)/pytest -m 'not long' tests/faults $(ARGS)

long: setup peers ## the long campaigns, of faults too
	@exec $(BIN)/pytest -m long

fmt: setup ## format the Python code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: setup ## ruff: format and rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: setup ## mypy --strict, code and tests
	@$(MYPY)

arch: setup ## the import contracts
	@$(BIN)/lint-imports

docs: setup ## the documentation, into site/
	@$(BIN)/mkdocs build --strict

reference: setup ## what is generated from the code: vedette.yaml, docs/ref, OpenAPI documents
	@$(BIN)/python scripts/reference.py

web: setup ## the web app, into vedette/web/ (setup has done it when its sources changed)
	@scripts/npm.sh run build

web-test: setup ## the web app's tests
	@scripts/npm.sh test

clip: setup ## ask again for the demo's pedestrian video
	@$(BIN)/python scripts/fetch_demo_clip.py --require

peers: setup ## the programs that only tests use: Chromium, ffmpeg
	@$(BIN)/python scripts/test_peers.py

lock: ## resolve pyproject.toml into requirements/ (ARGS=--upgrade takes the newest of everything)
	@scripts/lock.sh $(ARGS)
