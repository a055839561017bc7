# Two commands do everything: `make run` and `make test`. Both set up what they need, as root or as an ordinary user.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
AGENT ?=
DRILL ?= pocketos
TASK ?=

.PHONY: run test corpus compiled compiled-test check lint types contracts licences scan bench sabotage lock clean system-run system-test

run: $(VENV)/.run system-run
	@$(BIN)/yett $(if $(AGENT),run $(if $(TASK),--task "$$TASK") -- $(AGENT),drill $(DRILL))

test: $(VENV)/.test system-test check
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -q --ignore=tests/corpus --ignore=tests/compiled $(TESTS)

# What is said of SQL, held against what two real servers do, in two thousand runs, and every test of the databases on
# both of them, and what reads SQL and undoes it: the above takes one each, and of many cases a third
# (YETT_ALL_TESTS=1 make test takes all in the other rooms, too).
corpus: $(VENV)/.test system-test
	YETT_ALL_TESTS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -q \
	  tests/corpus tests/databases tests/operations/sql tests/providers/postgres tests/gateway/postgres tests/faults

# The wheel with the PostgreSQL wire's parser compiled, into dist/: it takes a C compiler and Python's headers.
compiled: $(VENV)/.test
	$(BIN)/python -m tools.compiled

# Whether that one does what the source does: five minutes, apart from `make test` because of the compiler.
compiled-test: $(VENV)/.test system-test
	$(BIN)/pytest -q tests/compiled

check: lint types contracts licences

lint: $(VENV)/.test
	$(BIN)/ruff check src tests bench tools
	$(BIN)/ruff format --check src tests bench tools

types: $(VENV)/.test
	$(BIN)/mypy

contracts: $(VENV)/.test
	$(BIN)/lint-imports

licences: $(VENV)/.test
	$(BIN)/python tools/licences.py

scan: $(VENV)/.test
	$(BIN)/yett scan . --fail-on high

bench: $(VENV)/.test system-test
	$(BIN)/python -m bench

sabotage: $(VENV)/.test system-test
	$(BIN)/python -m tools.sabotage

lock:
	$(PYTHON) tools/lock.py

system-run:
	@sh tools/system.sh run

system-test:
	@sh tools/system.sh test

$(VENV)/.run: requirements/run.lock pyproject.toml
	@sh tools/venv.sh $(PYTHON) $(VENV) run

$(VENV)/.test: requirements/test.lock pyproject.toml
	@sh tools/venv.sh $(PYTHON) $(VENV) test

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
