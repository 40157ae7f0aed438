"""Where a figure comes from: command, code, machine, date and versions, written next to every benchmark's numbers."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_CODE = ("agent", "skills", "sim", "memory", "constraints.txt")
_PACKAGES = ("doable", "torch", "transformers", "pybullet", "langgraph", "chromadb", "numpy")


def origin(**more: Any) -> dict[str, Any]:
    """What a reader needs to get the same figures again; `more` adds what only the benchmark knows."""
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "memory_gb": _memory_gb(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        **more,
    }


def commit() -> str | None:
    """The commit of this checkout, with '+changes' if the code differs from it; None if this is an installed package.

    Results are not code: a benchmark that writes its committed figures anew does not change what it measures.
    """
    root = Path(__file__).resolve().parents[1]
    top = _git(root, "rev-parse", "--show-toplevel")
    # An environment inside somebody's repository must not pass off that repository's commit as ours.
    if top is None or Path(top).resolve() != root:
        return None
    head = _git(root, "rev-parse", "--verify", "HEAD")
    return head and head + ("+changes" if _git(root, "status", "--porcelain", "--", *_CODE) else "")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (ValueError, OSError, AttributeError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
