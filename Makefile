# Everything a new machine needs: Python 3.11 or newer, make and git. See README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL ?= local

.PHONY: demo test check fix generate foreign clean

demo: $(VENV)/.demo-$(if $(filter local,$(MODEL)),local,plain)
	$(BIN)/python demo/run.py --model $(MODEL)

test: $(VENV)/.dev foreign
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/test

check: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check

fix: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/fix

generate: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/generate

# Other people's programs that tests compare ours with, each in an environment of its own.
foreign: $(VENV)/.dev
	PYTHON="$(PYTHON)" scripts/foreign sdks litellm llama vscode clients node-clients page

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/.demo-plain: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.demo-local: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-* .foreign-* vscode-client/node_modules vscode-client/dist vscode-client/out .mypy_cache .ruff_cache .pytest_cache .hypothesis
