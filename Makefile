# `make demo` and `make test` need git, make and Python 3.11 or newer; all else they set up in here.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard core/pyproject.toml plugins/*/pyproject.toml))
EDITABLE := $(addprefix -e ,$(MEMBERS))
PROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Three workers keep two cores busy: a test that waits for a process or a page needs none.
JOBS ?= 3
WORKERS = -n $(JOBS) --dist loadscope --no-loadscope-reorder

# Tests of what Hypothesis chooses whose examples are expensive: they run few of them.
REPEATED = $(shell grep -rlE --include=test_*.py "^from (repetitions|machine_limits|interleaving) import" \
	core/tests plugins tests/mturk)

# The machine of runs on Prolific has 50 examples, and 2,000 in `make faults`; there, a run is killed
# at each of its calls.
PROLIFIC_MACHINE := tests/prolific/test_prolific_machine.py tests/prolific/test_prolific_kills.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-lowest coverage lint docs exhaustive gallery constraints wheels bench faults clean

help:
	@echo "make demo         launch the first example at http://localhost:3000; PORT=3001 if that is taken"
	@echo "make test         run the tests; ARGS goes to pytest"
	@echo "make exhaustive   run those that try one by one what others try together or by example"
	@echo "make test-fast    run those that start no processes, build nothing and need no browser"
	@echo "make test-lowest  run the fast tests on the lowest versions of what we depend on"
	@echo "make coverage     run the fast tests and print which lines and branches they reach"
	@echo "make lint         ruff (format and rules), mypy --strict, import-linter"
	@echo "make docs         make docs/reference and docs/commands.md from the code"
	@echo "make gallery      make docs/gallery from what a browser shows"
	@echo "make constraints  write down the versions that are installed here"
	@echo "make wheels       build the wheels into dist/"
	@echo "make faults       kill two thousand processes and check what is left; ARGS=--help"
	@echo "make bench        measure beside this machine's limits; ARGS=--quick for a look"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Famulus needs Python 3.11 or newer; none was found on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"

$(VENV)/.installed: $(PROJECTS) | $(BIN)/python
	$(PIP) install $(EDITABLE)
	touch $@

$(VENV)/.installed-dev: $(PROJECTS) | $(BIN)/python
	$(PIP) install --group dev $(EDITABLE)
	touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/famulus --database .demo/famulus.db launch \
		sdk_examples/simple_static_task/conf/example.yaml $(if $(PORT),architect.port=$(PORT))

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(WORKERS) -m "not exhaustive" $(ARGS)

exhaustive: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(JOBS) --dist load -m exhaustive $(ARGS)

test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(WORKERS) -m "not slow and not browser" $(ARGS)

# Processes that tests start are not measured: almost all of those tests are among the slow ones.
coverage: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(WORKERS) -m "not slow and not browser" \
		--cov --cov-report=term $(ARGS)

$(LOWEST)/.installed: $(PROJECTS) tools/lowest.py
	@test -n "$(PYTHON)" || { echo "Famulus needs Python 3.11 or newer; none was found on the PATH" >&2; exit 1; }
	rm -rf $(LOWEST)
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python tools/lowest.py $(MEMBERS) > $(LOWEST)/pins.txt
	$(LOWEST)/bin/python -m pip --disable-pip-version-check --quiet install \
		--constraint $(LOWEST)/pins.txt gunicorn hypothesis pytest-xdist \
		-e "core[postgres,testing]" $(addprefix -e ,$(filter-out core,$(MEMBERS)))
	touch $@

# Tests in a browser say nothing about these versions, and would need playwright.
test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest $(WORKERS) -m "not slow and not browser" \
		--ignore-glob "*_browser.py" core/tests plugins $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-dev
	$(BIN)/python -m tools.reference

gallery: $(VENV)/.installed-dev
	FAMULUS_GALLERY=1 $(BIN)/python -m pytest tests/docs/test_gallery_browser.py $(ARGS)

constraints: $(VENV)/.installed-dev
	$(BIN)/python -m tools.constraints > constraints.txt.new && mv constraints.txt.new constraints.txt

wheels: $(VENV)/.installed-dev
	for member in $(MEMBERS); do $(BIN)/python -m build --quiet --wheel --outdir dist $$member || exit 1; done

faults: $(VENV)/.installed-dev
	PYTHONPATH=tests/support $(BIN)/python tests/faults/run.py $(ARGS)
	$(if $(ARGS),,FAMULUS_TEST_EXAMPLES=10 FAMULUS_TEST_SECONDS=3000 $(BIN)/python -m pytest $(WORKERS) $(REPEATED))
	$(if $(ARGS),,FAMULUS_TEST_EXAMPLES=40 FAMULUS_TEST_SECONDS=6000 $(BIN)/python -m pytest -n $(JOBS) \
		--dist load $(PROLIFIC_MACHINE))

bench: $(VENV)/.installed-dev
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

clean:
	rm -rf $(VENV) $(LOWEST) .demo dist
