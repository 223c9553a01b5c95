# Two commands do everything: `make demo` and `make test`. Both make the same .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := src tests benchmarks examples docs/making

# Demo and tests start some hundreds of processes; each would compile koekao anew where Python may not keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check style coverage chromium wheel format fuzz soak mutation reliability bench docs lock sbom audit clean

demo: $(VENV)/.installed  ## the main job on synthetic takes; results in out/demo
	$(BIN)/koekao demo --out out/demo

test: check  ## everything that must hold: style, types, tests; what CI runs

check: style chromium  # three processes for two cores: tests also wait, for servers, browsers and the disk
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

style: $(VENV)/.installed  ## ruff and mypy alone, a minute
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

coverage: $(VENV)/.installed  ## the lines that no test runs, in out/coverage; fails under 92 %
	rm -rf out/coverage && mkdir -p out/coverage
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -n 2 --dist loadfile
	$(BIN)/coverage combine --quiet
	rm -f out/coverage/lines.*  # of processes that tests kept from writing files
	$(BIN)/coverage html --quiet --fail-under=0
	status=0; $(BIN)/coverage report > out/coverage/table.txt || status=$$?; tail -3 out/coverage/table.txt; exit $$status

# Never fails: without one the tests of the pages are skipped, and say so.
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=20
chromium:  ## Debian's browser for the tests of the pages, where none is there and installing it needs no password
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ]; then as=env; else as="sudo -n env"; fi; \
	if ! command -v apt-get >/dev/null || ! $$as true 2>/dev/null; then \
		echo "no Chromium here, and none can be installed: the tests of the pages will be skipped"; \
	elif ! { $$as $(APT) update && $$as $(APT) install --yes --no-install-recommends chromium; } >/dev/null 2>&1 </dev/null; then \
		echo "no Chromium here, and apt-get cannot install it: the tests of the pages will be skipped"; \
	fi

LIBRARY := src/koekao/viewer/browser
wheel: $(VENV)/.installed  ## into dist/; built where npm is, it also holds what runs models in a page (koekao view --model)
	rm -rf $(LIBRARY)
	@if command -v npm >/dev/null; then \
		cd web && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build:library; \
	else echo "no npm here: the wheel will not hold what runs models in a page"; fi
	$(BIN)/python -m hatchling build -t wheel

format: $(VENV)/.installed
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

fuzz: $(VENV)/.installed  ## 100,000 damaged files for every reader; what breaks one is kept in out/fuzz
	KOEKAO_FUZZ_CASES=100000 OMP_NUM_THREADS=1 $(BIN)/pytest tests/fuzz -n 2 --dist worksteal

soak: $(VENV)/.installed  ## 20 minutes of training, killing and resuming, an hour of live sound, 200 kills of each writer
	KOEKAO_COMPILE=inductor OMP_NUM_THREADS=1 $(BIN)/pytest tests/training/test_precision.py -k compiled
	KOEKAO_KILLS=200 OMP_NUM_THREADS=1 $(BIN)/pytest tests/faults/test_fault_34_killed.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/soak.py

mutation: $(VENV)/.installed  ## do the tests of the exact rooms notice small faults? two hours; results in docs/mutation.md
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/mutation.py
	$(BIN)/python benchmarks/mutation.py --markdown

reliability: $(VENV)/.installed  ## every fault of the matrix, and the page that tells what became of it
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/faults -n 2 --dist worksteal --reliability docs/reliability.md

bench: out/bench/.installed  ## koekao beside its neighbours, into docs/benchmarks.md; half an hour, alone on the machine
	out/bench/bin/python benchmarks/loaders.py
	out/bench/bin/python benchmarks/mel.py

docs: $(VENV)/.installed  ## the site of docs/ with the API reference, every link followed; out/site/index.html
	$(BIN)/python docs/making/plan_pictures.py
	$(BIN)/python docs/making/website.py

# The lock is for every platform and Python from 3.11 on; `pip install --require-hashes -r requirements-dev.lock`.
lock: out/supply/.installed  ## which release of what development is done with, by hash
	out/supply/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --default-index https://pypi.org/simple --custom-compile-command "make lock" \
		--output-file requirements-dev.lock --quiet $(LOCK)

sbom: out/supply/.installed $(VENV)/.installed  ## what is in .venv, with licences, as CycloneDX JSON
	mkdir -p dist
	out/supply/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --mc-type library \
		--output-reproducible --output-format JSON --output-file dist/koekao.cdx.json

audit: $(VENV)/.installed  ## has any release in the lock a known vulnerability? ends with 2 where the index cannot say
	$(BIN)/python benchmarks/audit.py

clean:
	rm -rf $(VENV) out dist build

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'koekao needs Python 3.11 or newer')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

out/supply/.installed: Makefile
	$(PYTHON) -m venv out/supply
	out/supply/bin/python -m pip install --quiet "uv>=0.9" "cyclonedx-bom>=7"
	touch $@

# torchvision comes with mosaicml-streaming, for its image data sets; a wheel that does not fit the torch fails to import.
out/bench/.installed: pyproject.toml
	$(PYTHON) -m venv out/bench
	out/bench/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	out/bench/bin/python -m pip install --quiet --editable . --group peers
	out/bench/bin/python -m pip uninstall --quiet --yes torchvision
	touch $@
