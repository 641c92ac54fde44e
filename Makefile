# Each target runs the few commands that one would type.
PYTHON ?= python3.11
BIN := .venv/bin
CORES ?= 2
CONFIG ?= config/config.yaml
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: setup demo test mutants lint format ui benchmark gpu lock fetch docs

setup: .venv/installed

# The lock is complete, so nothing is resolved; torch comes first and with what its build needs (CPU or CUDA).
.venv/installed: envs/requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $$(grep '^torch==' envs/requirements.lock)
	$(BIN)/pip install --quiet --no-deps -r envs/requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	touch $@

demo: setup
	$(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG)

test: setup
	$(BIN)/pytest -n $(CORES)

# Small faults in the library: how many of a sample do the tests notice? MUTANTS="--sample all" tries every one, for hours.
mutants: setup
	$(BIN)/pip install --quiet -c envs/requirements.lock -r envs/faults.txt
	$(BIN)/python tests/faults/mutants.py --cores $(CORES) $(MUTANTS)

lint: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/python .ci/lint.py config/*.yaml

format: setup
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/snakefmt Snakefile workflow/rules

# config/README.md, below what is written by hand, and config/schema.json, from the types of a config.
docs: setup
	$(BIN)/python -m emofuse.documentation config

# The MLflow UI over results/mlflow.db, on http://127.0.0.1:5000
ui: setup
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow server --backend-store-uri sqlite:///$(CURDIR)/results/mlflow.db \
	    --artifacts-destination $(CURDIR)/results/mlartifacts \
	    --host 127.0.0.1 --port 5000 --workers 1

benchmark: setup
	for file in tests/benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

# On a machine with a GPU: the tests that listen and write down, the demo, speed and how far a CPU says the same.
gpu: setup
	$(BIN)/pytest tests/test_audio.py tests/speech tests/text
	$(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG) --config device=auto --profile profiles/gpu \
	    --forcerun embeddings transcripts sentiment
	$(BIN)/python tests/benchmarks/gpu.py

# Checkpoints, ahead of time, for machines whose compute nodes have no network.
fetch: setup
	$(BIN)/python workflow/scripts/fetch.py $(CONFIG)

# In a new environment: the direct dependencies and what they need, but no triton: only CUDA builds use (and bring) it.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	grep -v '^openai-whisper' envs/requirements.txt > .venv-lock/requirements.txt
	.venv-lock/bin/pip install --quiet -r .venv-lock/requirements.txt more-itertools numba tiktoken
	.venv-lock/bin/pip install --quiet --no-deps $$(grep '^openai-whisper' envs/requirements.txt)
	(echo "# Made by make lock from requirements.txt."; .venv-lock/bin/pip freeze | sed 's/+cpu$$//') > envs/requirements.lock
	rm -rf .venv-lock
