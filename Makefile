# make run    serves the whole thing on http://127.0.0.1:8000, with a database of its own
# make test   passes all tests
# Both set themselves up, in .venv, from the lock files.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes

.PHONY: run test bench check format lock secrets clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' $(MAKEFILE_LIST)

run: .venv/laptop
	@exec $(BIN)/python -m app serve

test: .venv/dev
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

# make bench  measures how fast it is beside others (needs wrk; ARGS=--short: two minutes)
bench: .venv/dev .venv-bench/ready
	@$(BIN)/python -m bench $(ARGS)

# make check  looks at format, lint, types, import contracts, templates and migrations
check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/python -m pytest -q tests/rules/test_project.py

# make format brings the code into the house's form
format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# make secrets makes the files that docker compose wants, each once
secrets: secrets/secret_key secrets/database_password \
	secrets/secret_key_fallbacks secrets/smtp_password

# Empty is "none": both are for you to fill.
secrets/secret_key_fallbacks secrets/smtp_password:
	@mkdir -p -m 700 secrets
	@touch $@ && chmod 644 $@
	@echo "Made $@, empty."

secrets/%:
	@mkdir -p -m 700 secrets
	@$(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))' > $@.new
	@chmod 444 $@.new && mv $@.new $@
	@echo "Made $@. Keep it: without it nobody stays signed in, or the database stays closed."

# make lock   takes the newest packages that pyproject.toml allows (needs uv)
LOCK := uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock"
lock:
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --extra laptop pyproject.toml -o requirements-laptop.lock
	$(LOCK) --extra laptop --extra dev pyproject.toml -o requirements-dev.lock
	$(LOCK) bench/peers/requirements.in -o bench/peers/requirements.lock

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Vestibule needs Python 3.11 or newer as $(PYTHON); name another: make PYTHON=python3.13"; \
		exit 1; }
	@echo "Setting up .venv, once ..."
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "This Python cannot make virtual environments (Debian: apt install python3-venv)."; \
		exit 1; }

.venv/laptop: requirements-laptop.lock | .venv/bin/python
	@echo "Installing packages, by their hashes ..."
	@$(PIP) -r requirements-laptop.lock
	@touch $@

.venv/dev: requirements-dev.lock | .venv/bin/python
	@echo "Installing packages and the tests' own, by their hashes ..."
	@$(PIP) -r requirements-dev.lock
	@touch .venv/laptop $@

.venv-bench/ready: bench/peers/requirements.lock | .venv/bin/python
	@echo "Setting up .venv-bench, for those it is compared with ..."
	@$(BIN)/python -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes \
		-r bench/peers/requirements.lock
	@touch $@

clean:
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
