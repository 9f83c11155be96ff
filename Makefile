VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
EXIT ?=
KILLS ?= 50

.PHONY: setup demo test sure bench soak cuts shape browser pins sbom vulnerabilities

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --require-hashes --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.ready browser ## leaves .venv/bin/appraisal ready, and what the tests need

browser:
	@sh deploy/browser.sh

demo: setup ## one year of an example agency, for real; EXIT=1 stops after the summary
	$(BIN)/appraisal demo $(if $(EXIT),--exit,)

test: setup ## all tests, on SQLite and PostgreSQL, browser tests included
	$(BIN)/python -m pytest -n 2 --dist loadgroup

sure: setup ## what must pass before every push
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

bench: setup ## speed and cost, each beside a yardstick
	$(BIN)/python -m benchmarks

soak: setup ## kill -9 of dispatchers at random; KILLS=1000 is a thorough one
	$(BIN)/python -m benchmarks.soak --kills $(KILLS)

SUPPLY := $(VENV)/supply

$(SUPPLY)/.ready: deploy/supply.txt $(VENV)/.ready
	$(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet --require-hashes --requirement deploy/supply.txt
	@touch $@

pins: $(SUPPLY)/.ready ## pin what pyproject.toml asks for, with digests; UPGRADE=1 takes newer versions
	PATH="$(SUPPLY)/bin:$$PATH" sh deploy/pins.sh $(if $(UPGRADE),--upgrade,)

sbom: $(SUPPLY)/.ready ## a software bill of materials (CycloneDX) of what is installed: build/sbom.json
	@mkdir -p build
	$(SUPPLY)/bin/cyclonedx-py environment --output-reproducible --of JSON --output-file build/sbom.json $(BIN)/python
	@echo "build/sbom.json"

vulnerabilities: $(SUPPLY)/.ready ## known vulnerabilities of the pins; OSV=FILE: from a copy of the OSV database
	PATH="$(SUPPLY)/bin:$$PATH" $(BIN)/python deploy/vulnerabilities.py constraints.txt $(if $(OSV),--osv $(OSV),)

cuts: setup ## worker and run killed together, and the machine cut, in the middle of a year's steps; KILLS=200 is a thorough one
	$(BIN)/python -m benchmarks.cuts --kills $(KILLS)

shape: setup ## what reading this code costs: sizes, widths and names
	$(BIN)/python -m benchmarks.shape
