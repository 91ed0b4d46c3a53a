# make demo: install, and make a video of the built-in song. make test: install, and pass the tests.
PYTHON ?= python3
VENV := .venv
TORCH ?= torch
PY := $(VENV)/bin/python

.PHONY: demo test test-failed test-beat-this test-local check lock clean

demo: $(VENV)/.run
	$(PY) run.py song=demo style=neon

CHAOS := $(wildcard tests/service/*/test_chaos.py)

test: $(VENV)/.dev  ## all but chaos side by side; what kills workers wants the machine to itself, as do the others
	$(PY) -m pytest -n auto --dist worksteal --ignore $(CHAOS)
	$(PY) -m pytest $(CHAOS)

test-failed: $(VENV)/.dev  ## what failed at the last `make test`, one at a time, and what kills workers
	$(PY) -m pytest --last-failed --last-failed-no-failures none
	$(PY) -m pytest $(CHAOS)

test-beat-this:  ## the tracker beat_this with its real package and torch, in an environment of its own (gigabytes)
	$(PYTHON) -m venv $(VENV)-beat-this
	$(VENV)-beat-this/bin/python -m pip install --quiet -e '.[beat-this]' pytest
	$(VENV)-beat-this/bin/python -m pytest tests/plugins/tracker/real_beat_this.py

test-local:  ## the provider diffusers with its real packages and torch, in an environment of its own (gigabytes)
	$(PYTHON) -m venv $(VENV)-local
	$(VENV)-local/bin/python -m pip install --quiet '$(TORCH)' -e '.[local]' pytest pytest-xdist
	$(VENV)-local/bin/python -m pytest -n auto tests/plugins/image/real_diffusers.py

check: $(VENV)/.dev  ## lint and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "QMV needs Python 3.11 to 3.13, and $(PYTHON) is %d.%d; name one: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	$(PY) -m pip install --quiet --require-hashes -r requirements/run.lock
	$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(VENV)/bin/python
	$(PY) -m pip install --quiet --require-hashes -r requirements/dev.lock
	$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

lock:  ## writes requirements/*.lock anew (needs uv); no addresses, only hashes
	printf 'editables\nhatchling\n' | uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --generate-hashes --extra dev pyproject.toml - -o requirements/dev.lock
	grep -oE '^[a-z0-9-]+==[^ ]+' requirements/dev.lock > .constraints
	printf 'editables\nhatchling\n' | uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --generate-hashes -c .constraints pyproject.toml - -o requirements/run.lock
	rm .constraints

clean:
	rm -rf outputs/cache outputs/runs outputs/sweeps
