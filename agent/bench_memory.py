"""Finding what was said: recall of a question's evidence in long conversations, in the schema of LoCoMo.

Every turn of a conversation becomes a record that was told, by the memory's own `remember`; every question is asked of
`search`, the first half of what the agent's recall does (the second half, recency and importance, means nothing here).
Recall@k by turn is the share of a question's evidence among the k best records, by session the share of the evidence's
sessions among the k first that the records come from; both are means over the questions that have evidence.
(Maharana et al. 2024, Evaluating Very Long-Term Conversational Memory of LLM Agents.)

The data stays outside: only figures are written, into `summary.json`, `recall.md`, `scale.md` and `origin.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from rich.console import Console

from ..memory.record import Record
from ..memory.shelf import Filter
from ..memory.store import Memory
from .bench_files import as_json, progress, results_folder, write_whole
from .bench_memory_scale import TRIES, Scale, measure_scale, scale_table
from .origin import origin

WAYS = ("fused", "dense", "bm25")
CUTS = (5, 10)
_POOL = 64
_RESAMPLES = 1000


@dataclass(frozen=True)
class Question:
    """A question, and the ids of the turns that answer it."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Conversation:
    """Turns as records (their `episode` is the session), and the questions about them."""

    turns: Mapping[str, Record]
    """Turn id to record, in order."""
    questions: tuple[Question, ...]
    without_evidence: int


@dataclass(frozen=True)
class RecallSummary:
    """Recall by way, unit and cut: one value in [0, 1] a question."""

    values: Mapping[str, Sequence[float]]
    """'fused.recall10_turn' and its like, to the questions' values."""
    counts: Mapping[str, int]

    def figures(self) -> dict[str, float]:
        """One flat object; the fused figures also go without their way's name. Intervals: bootstrap, 95%."""
        flat: dict[str, float] = dict(self.counts)
        for name, values in self.values.items():
            low, high = _interval(values)
            for key in {name, name.removeprefix("fused.")} - ({name} if name.startswith("fused.") else set()):
                flat |= {key: float(np.mean(values)), f"{key}.low": low, f"{key}.high": high}
        return flat

    def table(self) -> str:
        """A line a way."""
        heads = [f"R@{k} by {unit}" for unit in ("turn", "session") for k in CUTS]
        rows = [["search", *heads], ["---", *["---:"] * len(heads)]]
        for way in WAYS:
            cells = []
            for unit in ("turn", "session"):
                for k in CUTS:
                    values = self.values[f"{way}.recall{k}_{unit}"]
                    low, high = _interval(values)
                    cells.append(f"{np.mean(values):.1%} [{low:.1%}, {high:.1%}]")
            rows.append([way, *cells])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def run_memory_benchmark(
    path: str | Path | None,
    out: str | Path,
    embedder: Embeddings | None,
    *,
    scale: Sequence[int] = (),
    seed: int = 0,
    tries: int = TRIES,
    console: Console | None = None,
) -> str:
    """Measure recall on a file of conversations, and memories of the sizes in `scale`; the tables.

    `tries`: how many writes and recalls are timed at each size. Figures of recall that `out` has stay; those of sizes
    stay, and are not measured again, if seed, tries, code, machine and versions are the same (`_resumes`), else they
    go. Raises ValueError for a file of another kind.
    """
    if bad := [size for size in scale if not 100 <= size <= 10**7]:
        raise ValueError(f"Expected sizes of 100 to 10,000,000 records, got {bad[0]}.")
    out = results_folder(out)
    known = _known(out / "summary.json")
    parts = _known(out / "origin.json").get("parts", {})
    if path is not None and embedder is not None:
        summary = measure_recall(path, embedder, console=console)
        known = {k: v for k, v in known.items() if k.startswith("scale_")} | summary.figures()
        write_whole(out / "recall.md", summary.table())
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        data = {"file": Path(path).name, "sha256": digest}
        parts["recall"] = origin(embedder=type(embedder).__name__, data=data)
        _write(out, known, parts)
    if scale:
        here = origin(seed=seed, tries=tries)
        scales = _scales(known) if _resumes(parts.get("scale", {}), here) else {}
        todo = sorted({*scale} - {*scales})
        for measured in measure_scale(todo, seed, tries=tries, console=console) if todo else ():
            scales[measured.records] = measured
            known = {name: value for name, value in known.items() if not name.startswith("scale_")}
            known |= _flat(scales.values())
            parts["scale"] = here
            write_whole(out / "scale.md", scale_table(list(scales.values())))
            _write(out, known, parts)
    tables = [(out / name).read_text() for name in ("recall.md", "scale.md") if (out / name).exists()]
    return "\n".join(tables)


def _resumes(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Do figures of two origins belong in one table? Not if code was changed and not committed: who knows how."""
    when = ("command", "date")
    same = {k: v for k, v in before.items() if k not in when} == {k: v for k, v in now.items() if k not in when}
    return same and not str(now["commit"]).endswith("+changes")


def _flat(scales: Iterable[Scale]) -> dict[str, float]:
    """'scale_1e3_write_p99_seconds' and its like; a size that is no power of ten stands as it is."""
    flat: dict[str, float] = {}
    for scale in scales:
        power = str(scale.records).strip("0") == "1"
        size = f"1e{len(str(scale.records)) - 1}" if power else scale.records
        flat |= {f"scale_{size}_{figure}": value for figure, value in scale.figures.items()}
    return flat


def _scales(figures: Mapping[str, float]) -> dict[int, Scale]:
    """What `_flat` made flat, by size."""
    found: dict[int, dict[str, float]] = {}
    for name, value in figures.items():
        if match := re.fullmatch(r"scale_(1e\d+|\d+)_(.+)", name):
            found.setdefault(int(float(match[1])), {})[match[2]] = value
    return {size: Scale(size, mine) for size, mine in found.items()}


def _known(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write(out: Path, figures: Mapping[str, float], parts: Mapping[str, Any]) -> None:
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "origin.json", as_json({"parts": parts}))


def measure_recall(path: str | Path, embedder: Embeddings, *, console: Console | None = None) -> RecallSummary:
    """Recall on a file of conversations. Raises ValueError for a file of another kind."""
    conversations = read_conversations(path)
    values: dict[str, list[float]] = {f"{w}.recall{k}_{u}": [] for w in WAYS for k in CUTS for u in ("turn", "session")}
    with progress(console) as bar:
        job = bar.add_task("questions", total=sum(len(c.questions) for c in conversations))
        for conversation in conversations:
            with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
                memory = Memory(folder, embedder)
                memory.remember(conversation.turns.values())
                for question in conversation.questions:
                    for name, value in _measure(memory, conversation, question):
                        values[name].append(value)
                    bar.update(job, advance=1)
                memory.close()
    counts = {
        "n": sum(len(c.questions) for c in conversations),
        "n_without_evidence": sum(c.without_evidence for c in conversations),
        "n_conversations": len(conversations),
        "n_turns": sum(len(c.turns) for c in conversations),
    }
    return RecallSummary(values, counts)


def read_conversations(path: str | Path) -> list[Conversation]:
    """The conversations of a file in LoCoMo's schema. Raises ValueError, saying what is expected."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        found = [_conversation(entry) for entry in (data if isinstance(data, list) else [data])]
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"Expected {Path(path).name} to hold conversations (conversation.session_N[].{{speaker, dia_id, text}}, "
            f"qa[].{{question, evidence}}), got {type(error).__name__}: {error}."
        ) from error
    if not any(c.questions for c in found):
        raise ValueError(f"Expected questions with evidence in {Path(path).name}, found none.")
    return found


def _conversation(entry: Mapping[str, Any]) -> Conversation:
    talk, turns = entry["conversation"], {}
    sessions = sorted((k for k in talk if re.fullmatch(r"session_\d+", k)), key=lambda k: int(k.split("_")[1]))
    for number, session in enumerate(sessions):
        began = _time(talk.get(f"{session}_date_time", ""), number)
        for i, turn in enumerate(talk[session]):
            turns[turn["dia_id"]] = Record(
                text=f"{turn['speaker']}: {turn['text']}", kind="fact", time=began + i, place=None, objects=(),
                outcome=None, importance=0.5, episode=session, told=True,
            )  # fmt: skip
    questions, without = [], 0
    for asked in entry["qa"]:
        # Some list several ids in one string.
        named = [i for item in asked.get("evidence") or () for i in re.split(r"[;,\s]+", item)]
        evidence = tuple(dict.fromkeys(i for i in named if i in turns))
        if evidence:
            questions.append(Question(asked["question"], evidence))
        else:
            without += 1
    return Conversation(turns, tuple(questions), without)


def _time(text: str, number: int) -> float:
    """Unix seconds of '1:56 pm on 8 May, 2023'; for anything else a day a session."""
    try:
        return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return number * 86400.0


def _measure(memory: Memory, conversation: Conversation, question: Question) -> Iterator[tuple[str, float]]:
    found = {
        "fused": memory.search(question.text, k=_POOL),
        "dense": memory.by_meaning(question.text, Filter(), _POOL),
        "bm25": memory.by_word(question.text, Filter(), _POOL),
    }
    wanted = {conversation.turns[i].id for i in question.evidence}
    sessions = {conversation.turns[i].episode for i in question.evidence}
    for way, records in found.items():
        seen = list(dict.fromkeys(record.episode for record in records))
        for k in CUTS:
            yield f"{way}.recall{k}_turn", len(wanted & {record.id for record in records[:k]}) / len(wanted)
            yield f"{way}.recall{k}_session", len(sessions & set(seen[:k])) / len(sessions)


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """95% of the means of resampled questions; seeded."""
    rng, data = np.random.default_rng(0), np.asarray(values)
    means = data[rng.integers(len(data), size=(_RESAMPLES, len(data)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
