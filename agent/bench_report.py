"""The report of a task benchmark: one self-contained HTML page, and a page for every episode whose journal is kept.

The page reads what `doable bench tasks` left in its folder. Episodes of other settings or code, which stay in
`episodes.jsonl` when a benchmark is run again, are left out: of a task and seed the newest one counts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..sim.task import read_tasks
from .bench import TASKS, read_episodes
from .bench_files import write_whole
from .html import error_bar, reliability, render
from .journal import Journal, JournalError
from .report import page as episode_page
from .report import promise, report_path, worked
from .statistics import Episode, summarise
from .terminal import plain


def bench_report(folder: Path, out: Path) -> str:
    """Write the page of the results in `folder` to `out`, the episodes' beside it; what was written.

    Raises ValueError for a folder without results.
    """
    episodes = read_episodes(folder / "episodes.jsonl")
    if not episodes:
        raise ValueError(
            f"Expected results of a benchmark in {str(folder)!r}, got no episodes.jsonl. "
            f"Make some with: doable bench tasks --out {folder}"
        )
    newest = {(e.task, e.seed): e for e in episodes}
    report_path(out)
    beside = out.with_name(f"{out.stem}-episodes")
    journals: dict[str, Journal] = {}
    for episode in newest.values():
        path = folder / "journals" / f"{episode.key}.jsonl"
        if not path.is_file():
            continue
        try:
            journals[episode.key] = Journal.read(path)
        except JournalError:  # one that can't be read has no page; the others have theirs
            continue
        beside.mkdir(exist_ok=True)
        write_whole(beside / f"{episode.key}.html", episode_page(journals[episode.key], None, "No film was kept."))
    links = {key: f"{beside.name}/{key}.html" for key in journals}
    write_whole(out, page(list(newest.values()), journals, links, _origin(folder)))
    return f"{len(newest)} episodes in {out}, {len(links)} of them with a page of their own"


def page(episodes: list[Episode], journals: dict[str, Journal], links: dict[str, str], origin: dict[str, Any]) -> str:
    """The page as HTML; `links` is an episode's page by its key."""
    mixed = len({e.execution_success is None for e in episodes}) > 1
    if mixed:  # planned only and executed: what was executed tells more
        episodes = [e for e in episodes if e.execution_success is not None]
    summary = summarise(episodes)
    words = _words(episodes, journals)
    told = [_told(e, words, links) for e in episodes]
    done = [s for j in journals.values() for s in j.steps if s.outcome is not None and s.verdict is not None]
    overall = summary.overall
    return render(
        "bench.html",
        command=str(origin.get("command", "doable bench tasks")),
        about=_about(origin),
        bar=error_bar,
        overall=overall,
        best=(overall.execution or overall.plan).value,
        executed=overall.execution is not None,
        families=[*summary.families.items(), ("all", overall)],
        tasks=[
            {"name": name, "words": words.get(name, ""), "episodes": [t for t in told if t["task"] == name]}
            for name in dict.fromkeys(e.task for e in episodes)
        ],
        failures=[t for t in told if not t["good"]],
        promised=len(done),
        plot=reliability([promise(s) for s in done], [worked(s) for s in done]),
        costs=[
            ("simulated time", f"{sum(e.seconds for e in episodes) / 60:.1f} min"),
            ("time on the clock", f"{sum(e.wall_seconds for e in episodes) / 60:.1f} min"),
            ("turns", f"{sum(e.steps for e in episodes):,}"),
            ("skills done", f"{sum(len(e.phrases) for e in episodes):,}"),
        ],
        versions=", ".join(f"{name} {version}" for name, version in (origin.get("versions") or {}).items()),
    )  # fmt: skip


def _about(origin: dict[str, Any]) -> str:
    """What was measured, on what, when; what is not known is left out."""
    machine, parts, code = origin.get("machine") or {}, origin.get("parts") or {}, origin.get("commit")
    told = (
        parts.get("model"),
        parts.get("world"),
        f"{machine.get('cpu')}, {machine.get('cores')} cores" if machine else None,
        origin.get("date"),
        f"code {code[:12]}" if code else None,
    )
    return "; ".join(str(item) for item in told if item)


def _told(episode: Episode, words: dict[str, str], links: dict[str, str]) -> dict[str, Any]:
    return {
        "task": episode.task, "seed": episode.seed, "good": episode.success, "status": episode.status,
        "why": episode.reason, "phrases": episode.phrases, "events": episode.events,
        "link": links.get(episode.key), "words": words.get(episode.task, ""),
    }  # fmt: skip


def _words(episodes: list[Episode], journals: dict[str, Journal]) -> dict[str, str]:
    """What was asked, by task: as the journals say, or as the project's own tasks do."""
    own = {task.id: task.instruction for task in read_tasks(TASKS)}
    asked = {e.task: plain(journals[e.key].header.goal) for e in episodes if e.key in journals}
    return {e.task: own.get(e.task, "") for e in episodes} | asked


def _origin(folder: Path) -> dict[str, Any]:
    """Where the figures come from; empty if that is not known."""
    try:
        data = json.loads((folder / "origin.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
