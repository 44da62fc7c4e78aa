# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
unexport PYTHONDONTWRITEBYTECODE  # the tests start Python many times: what is compiled stays

.PHONY: demo test bench pictures lint clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(BIN)/steelyard demo $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench $(ARGS)

pictures: $(VENV)/.dev
	$(BIN)/python -m tests.pictures

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV): a few minutes the first time"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[reward,demo]'
	touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV): a few minutes the first time"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[reward,demo,postgres,dev]'
	touch $@ $(VENV)/.demo
