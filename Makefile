# Each target runs the few commands that one would type.
# The newest of the three that works; a shim or a Debian package may be there without what a venv needs.
WORKS := -c 'import ensurepip, sqlite3, ssl, sys, venv; assert (3, 11) <= sys.version_info[:2] <= (3, 13)' 2>/dev/null
PYTHON ?= $(or $(firstword $(foreach name,python3.13 python3.12 python3.11,$(shell $(name) $(WORKS) && echo $(name)))),\
    $(error no Python here; should be python3.11, python3.12 or python3.13, with its venv))
PYTHONS ?= python3.11 python3.12 python3.13 $(wildcard $(HOME)/.pyenv/versions/3.1[123].*/bin/python)
BIN := .venv/bin
CORES ?= 2
CONFIG ?= config/config.yaml
WITHOUT_TORCH := tests/corpora tests/evaluation tests/fusion $(addprefix tests/test_,$(addsuffix .py,\
    configuration contracts credentials memory odd_configs parts provenance scores splits study tables written))
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: setup demo test cluster test-pythons faults mutants check lint format ui benchmark gpu lock fetch docs

setup: .venv/installed

# The lock is complete but for torch, so nothing is resolved, and pip refuses a file of another SHA-256 than it says.
# torch comes last, with what its build needs besides (nothing for the CPU, CUDA's libraries); one that is here stays.
.venv/installed: envs/requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes -r envs/requirements.lock
	$(BIN)/pip install --quiet --no-warn-conflicts $$(grep '^torch==' envs/requirements.txt)
	$(BIN)/pip install --quiet --no-deps -e .
	touch $@

demo: setup
	$(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG)

# A process per core: threads besides would only take these from each other.
test: setup
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(CORES) -m 'not slurm'

# A study on SLURM, wherever it answers; with a job that is killed and a node that is lost.
cluster: setup
	$(BIN)/pytest -m slurm

# What needs no torch, with every Python from 3.11 to 3.13 that is here, each once.
test-pythons:
	tried=; for python in $(PYTHONS); do \
	    $$python $(WORKS) || continue; \
	    version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    case "$$tried" in *"$$version"*) continue;; esac; tried="$$tried $$version"; echo "Python $$version"; \
	    rm -rf .venv-test && $$python -m venv .venv-test || exit 1; \
	    .venv-test/bin/pip install --quiet --no-deps --require-hashes -r envs/requirements.lock || exit 1; \
	    PYTHONPATH=workflow .venv-test/bin/pytest -q -n $(CORES) -m 'not slow' $(WITHOUT_TORCH) || exit 1; \
	done; rm -rf .venv-test

# A study's config, its corpora's labels and its folds, before anything runs; of broken YAML it names the line.
check: setup
	$(BIN)/python -m emofuse.check $(CONFIG)

# What comes back of studies that are killed, out of room or damaged, what is refused of broken inputs, and how many small
# faults in the library the tests notice: a quarter of an hour. The shipped studies are killed, too, where they have run.
# FAULTS="--minutes 60 --kills 400 --mutants 400" tries more, FAULTS="--seed 1" others.
faults: .venv/mutmut
	$(BIN)/python tests/faults/run.py --cores $(CORES) --minutes 14 $(FAULTS)
	$(BIN)/pytest -n $(CORES) -m 'faults and not slow' --thorough

# The small faults alone, more of them. MUTANTS="--sample all" tries every one, for hours.
mutants: .venv/mutmut
	$(BIN)/python tests/faults/mutants.py --cores $(CORES) $(MUTANTS)

.venv/mutmut: .venv/installed envs/faults.txt
	grep -o '^[^ ]*==[^ ]*' envs/requirements.lock > .venv/constraints.txt  # without hashes, which all would need then
	$(BIN)/pip install --quiet -c .venv/constraints.txt -r envs/faults.txt
	touch $@

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
# Then the SHA-256 of every file that these versions have on PyPI, for any Python and machine. torch has none: which of
# its files is right depends on the index that it is installed from.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	grep -v '^openai-whisper' envs/requirements.txt > .venv-lock/requirements.txt
	.venv-lock/bin/pip install --quiet -r .venv-lock/requirements.txt more-itertools numba tiktoken
	.venv-lock/bin/pip install --quiet --no-deps $$(grep '^openai-whisper' envs/requirements.txt)
	.venv-lock/bin/pip freeze | grep -v '^torch==' > .venv-lock/frozen.txt
	.venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile --quiet --no-deps --universal --generate-hashes --no-annotate --no-header \
	    --output-file .venv-lock/hashed.txt .venv-lock/frozen.txt
	(echo "# Made by make lock from requirements.txt: all but torch."; cat .venv-lock/hashed.txt) > envs/requirements.lock
	rm -rf .venv-lock
