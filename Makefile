# make demo: sets everything up and runs the main job. make test: sets everything up and passes the tests.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,$(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test torture check bench lock format words clean

demo: $(VENV)/ready
	$(BIN)/sayso demo

test: $(VENV)/ready-to-test check
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# The long tests, then kills at every step that is committed, on both stores, for hours. SECONDS=600 SEED=7 STORE=sqlite
torture: $(VENV)/ready-to-test
	$(BIN)/python -m pytest -m torture
	$(BIN)/python -m tests.torture --store $(or $(STORE),both) --seconds $(or $(SECONDS),14400) $(if $(SEED),--seed $(SEED))

# What must hold before any test runs: style, types, and who may import whom.
check: $(VENV)/ready-to-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# What the program costs, beside what one would pick instead, which is installed under .bench/ first; about 15 minutes.
bench: $(VENV)/ready-to-test
	$(BIN)/python -m bench peers
	$(BIN)/python -m bench

format: $(VENV)/ready-to-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Every text of the inbox in one file, for whoever translates it.
words: $(VENV)/ready-to-test
	$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --keyword words --keyword _ --no-location --sort-output \
		--omit-header --width 120 --output-file templates/inbox/words.pot bot/web templates/inbox

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Sayso needs Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/ready: $(VENV)/made requirements.lock pyproject.toml
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/ready-to-test: $(VENV)/ready tests/requirements.lock
	$(BIN)/pip install --quiet --require-hashes -r tests/requirements.lock
	@touch $@

# The locks name no host, and serve every platform and every Python from 3.11 on.
COMPILE := uv pip compile --quiet --generate-hashes --universal --no-header --no-emit-index-url --python-version 3.11
lock:
	$(COMPILE) --extra build pyproject.toml -o requirements.lock
	$(COMPILE) --extra build --extra test pyproject.toml -o tests/requirements.lock

clean:
	rm -rf $(VENV) .bench .demo .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
