# Set-up, run and tests by one word each; needs only make and a Python (macOS's make 3.81 will do).

PY := .venv/bin/python
GRID ?= quick
# a longer grid takes the time that it needs, unless MINUTES is given
MINUTES ?= $(if $(filter quick,$(GRID)),3)
ARGS ?=
EXTRAS ?=
TEST_EXTRAS ?= jax torch
# many tests wait, so more processes than cores share them; each may hold a framework in memory
WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN); echo $$((cores < 7 ? cores + 1 : 8)))
FAULTS ?= 200
SEED ?= 1
SHARED := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
COVERAGE := --cov=bench --cov=mnist_bench --cov-report=term:skip-covered
export PYTHON
# what a user's shell holds for other programs would lead ours astray
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP CDPATH

.PHONY: help setup setup-test run test test-fast coverage docs reference dist perf evidence chaos \
	fuzz lint clean
.NOTPARALLEL:

help:
	@echo 'make run               set up, then measure this machine for three minutes (MINUTES=3; MINUTES='
	@echo '                       runs the grid alone; GRID=full runs all and takes the time it needs)'
	@echo 'make test              set up with the test tools, then run the whole test suite and print'
	@echo '                       how long it took and its slowest tests'
	@echo 'make test-fast         the tests that need no cluster, no real Ray and no training'
	@echo 'make coverage          the whole test suite, then the lines that it has reached (in its own'
	@echo '                       process alone: jobs run in processes of their own, which are not'
	@echo '                       traced)'
	@echo 'make setup             set up .venv alone (EXTRAS="jax torch" or gpu adds backends)'
	@echo 'make docs              build the manual as a web site, build/manual, and check its links'
	@echo 'make reference         write the pages of docs/reference/, which are made from the code, again'
	@echo 'make dist              build the wheel and the source archive into dist/'
	@echo 'make perf              measure the benchmark itself, in pairs, in about 10 minutes'
	@echo 'make evidence          simulate how often brackets and findings are right, in about 10 minutes'
	@echo '                       (SITTINGS=folder: compare the sittings of one machine with each other)'
	@echo 'make chaos             make FAULTS=200 seeded faults (signals, kills, damaged files, full disks, cut'
	@echo '                       links) in small runs, and say which of them broke a promise; an hour or'
	@echo '                       more, as root'
	@echo 'make fuzz              feed 20,000 bent files and command lines, in about 10 minutes'
	@echo 'make lint              check style, format and types'
	@echo 'make clean             remove .venv and caches; reports/ stays'
	@echo
	@echo 'ARGS="..." is handed on to the command: make run ARGS="--seeds 3", make test ARGS="-k x".'
	@echo 'make test TEST_EXTRAS= leaves JAX and PyTorch out; their tests are then skipped.'
	@echo 'WORKERS=3 says how many processes share the tests (0: none beside make test itself; without'
	@echo 'it, one more than there are cores, and at most 8).'
	@echo 'PYTHON=python3.12 chooses the Python that .venv is made with.'
	@echo 'make ends with 2 on any failure; the "Error N" that it prints is the exit code of the'
	@echo 'command itself (0 all jobs measured, 1 some failed, 2 the request is wrong).'

setup:
	@sh tools/setup.sh $(EXTRAS)

setup-test:
	@sh tools/setup.sh test docs $(TEST_EXTRAS) $(EXTRAS)

run: setup
	@$(PY) -m mnist_bench.run --grid '$(GRID)' $(if $(MINUTES),--minutes '$(MINUTES)') $(ARGS)

test: setup-test
	@sh tools/lab-setup.sh
	@$(PY) -m pytest --durations=15 $(SHARED) $(ARGS)

test-fast: setup-test
	@$(PY) -m pytest -m 'not slow' $(SHARED) $(ARGS)

# apart from `test`: tracing takes half as much again of the time of a test in its own process
coverage: setup-test
	@sh tools/lab-setup.sh
	@$(PY) -m pytest $(SHARED) $(COVERAGE) $(ARGS)

# without -q: a quiet MkDocs counts no warnings, so it would refuse nothing
docs: setup-test
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build
	@echo 'the manual: build/manual/index.html'

dist: setup-test
	@$(PY) -m build --no-isolation --outdir dist .

reference: setup-test
	@$(PY) -m tools.reference

perf: setup-test
	@$(PY) tests/perf/perf.py $(ARGS)

evidence: setup-test
	@$(PY) tests/perf/evidence/evidence.py $(if $(SITTINGS),--sittings '$(SITTINGS)') $(ARGS)

chaos: setup-test
	@$(PY) -m tests.chaos.chaos --faults $(FAULTS) --seed $(SEED) $(ARGS)

fuzz: setup-test
	@$(PY) tests/fuzz/fuzz.py $(ARGS)

lint: setup-test
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .
	@$(PY) -m mypy

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .coverage
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
