# Two commands are enough: `make demo` and `make test`. Both create .venv when it is missing.
PY ?= python3
BIN := .venv/bin
JOBS ?= 2

.PHONY: demo test lint types bench soak clean

.venv/.installed: pyproject.toml constraints.txt Makefile tests/interop/package-lock.json
	$(PY) -c 'import sys; sys.exit("cbmnet needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PY) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	if command -v npm >/dev/null; then cd tests/interop && npm ci --ignore-scripts --no-audit --no-fund --silent || \
	  echo "npm could not install: the tests of the second implementation will say that they are skipped"; fi
	touch $@

demo: .venv/.installed
	$(BIN)/cbmnet demo --jobs $(JOBS)

test: .venv/.installed
	$(BIN)/python -m pytest -n $(JOBS)

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/.installed
	$(BIN)/mypy

# Ratios to SimPy as documented and to peers, taken in one run; peers live in an environment of their own.
bench: .venv/.installed .bench-venv/.installed
	.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
	$(BIN)/python tests/bench/run.py --peers .bench-venv/bin/python

.bench-venv/.installed: tests/bench/requirements.txt
	$(PY) -m venv .bench-venv
	.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	touch $@

# The whole counts of what `make test` carries a tenth of.
soak: .venv/.installed
	CBMNET_SOAK=1 $(BIN)/python -m pytest -n $(JOBS) tests/messages tests/interop tests/validation tests/testing \
	  tests/test_readme.py
	$(BIN)/cbmnet validate

clean:
	rm -rf .venv .bench-venv results tests/interop/node_modules
