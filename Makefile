# Every target makes its own environment first. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
# Two test processes, one thread each: two cores suffice, and results do not depend on how many there are.
TEST := OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help env train sweep test test-slow check lint types imports format docs notebooks clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

env: $(VENV)/.installed ## Make the environment in .venv

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or later is needed, $(PYTHON) is {sys.version.split()[0]}: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --use-pep517 --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

train: env ## Train BERT and a CRF on the embedded English sample (about two minutes on two cores)
	$(RUN) -m ner_lightning.train +experiment=crf

sweep: env ## Run a small sweep on the embedded sample, CRF against softmax (a few minutes)
	$(RUN) -m ner_lightning.train -m +experiment=crf,softmax seed=1,2 data.limit=200 trainer.max_epochs=2 sweep.name=sample

test: env ## Run the tests
	$(TEST) -m "not slow"

test-slow: env ## Run the tests that take minutes
	$(TEST) -m slow

lint: env ## Check style
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: env ## Check types
	$(RUN) -m mypy

imports: env ## Check that imports flow one way
	$(VENV)/bin/lint-imports

check: lint types imports test ## Everything that must pass before a change lands

format: env ## Rewrite the code in the house style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

docs: env ## Write docs/config_reference.md anew from conf/
	$(RUN) -m tests.config_reference

notebooks: env ## Execute the notebooks and write them anew, minutes
	$(RUN) -m tests.notebooks

clean: ## Remove the environment and what tools left
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
