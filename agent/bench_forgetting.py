"""`doable bench forgetting`: what a model that was taught to say skills has forgotten of everything else.

Perplexity of plain English of our own (`plain_english.yaml`: each text is read on from its first sentence), and answers
to what a person may ask, of the tuned model and of the model it was made from. Answers are told as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from .bench_files import as_json, results_folder, write_whole
from .budget import Count
from .config import Config
from .language_model import LanguageModel
from .models import DEFAULT
from .origin import origin
from .parts import make_model

_TOKENS = 40


def perplexity(model: LanguageModel, texts: Sequence[Sequence[str]]) -> float:
    """exp of the mean negative log-probability of a token, over all texts: (beginning, how it goes on)."""
    count: Count = getattr(model, "count_tokens", lambda text: len(text.split()))
    told = [float(model.loglikelihood(first, [rest])[0]) for first, rest in texts]
    return math.exp(-float(np.sum(told)) / sum(count(rest) for _, rest in texts))


def run_forgetting_benchmark(config: Config, out: str | Path) -> dict[str, Any]:
    """Writes `summary.json` (figures), `table.md` and `origin.json`; gives the figures."""
    out = results_folder(out)
    data = yaml.safe_load((Path(__file__).parent / "plain_english.yaml").read_text(encoding="utf-8"))
    name = config.model or DEFAULT
    models = {"tuned": make_model(config), "plain": make_model(replace(config, model=f"{name}:plain"))}
    found = {way: perplexity(model, data["texts"]) for way, model in models.items()}
    figures = {f"perplexity.{way}": value for way, value in found.items()}
    figures["perplexity_ratio"] = found["tuned"] / found["plain"]
    rows = ["| | tuned | plain |", "| --- | --- | --- |"]
    rows += [f"| perplexity of {len(data['texts'])} texts | {found['tuned']:.1f} | {found['plain']:.1f} |"]
    for log, question in data["questions"]:
        asked = [("human", f"{log} {question}".strip())]
        said = {way: " ".join(model.generate(asked, max_new_tokens=_TOKENS).split()) for way, model in models.items()}
        rows.append(f"| {question} | {said['tuned'] or '-'} | {said['plain'] or '-'} |")
    write_whole(out / "table.md", "\n".join(rows) + "\n")
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "origin.json", as_json(origin(parts={way: model.name for way, model in models.items()})))
    return figures
