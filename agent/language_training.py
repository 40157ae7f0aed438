"""Fine-tuning the language model to say the next skill: LoRA on the robot's words of training episodes.

The loss is the cross-entropy of the tokens the robot should have said, and of nothing else (LoRA: Hu et al. 2021; the
recipe is behaviour cloning of the teacher). Episodes whose instruction is a paraphrase of one that the project reports
results on are left out, as judged by an embedding model that takes no other part in this.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from ..sim.catalogue import KITCHEN
from ..sim.facts import All, At, Closed, Condition, Holding, Not, Open, RobotAt
from ..sim.scene import training_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Task, read_tasks
from .bench_files import write_whole
from .episodes import TrainingEpisode, episodes
from .families import family_of
from .models import DEFAULT, plain_folder
from .restatements import restatements
from .teacher import Errand
from .token_batches import marks, padded

Embed = Callable[[list[str]], np.ndarray]
Encoded = tuple[list[int], list[bool]]
"""Token ids and, for each, whether it is the robot's."""

FORMAT = "doable-lora-1"
SAVE_EVERY = 50
"""Steps between two states on disk."""


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    episodes: int = 3000
    """Training episodes, each seen once."""
    tokens_per_step: int = 1536
    """Tokens of one optimiser step, padding included."""
    rank: int = 16
    alpha: float = 32.0
    learning_rate: float = 6e-4
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises; it falls as a cosine afterwards."""
    spoken: float = 0.5
    """Share of the episodes in whole sentences of different people."""
    teach: Literal["skills", "errands"] = "skills"
    """What is to be said: a robot's next skill, or a goal's errands in plain words (`restatements.py`)."""
    max_tokens: int = 1024
    """Longer episodes are left out."""
    seed: int = 0
    same_words: float = 0.85
    """Cosine similarity from which an instruction counts as a paraphrase of a reported one."""
    same_goal: float = 0.5
    """The same, if it has the same goal."""
    start: str = ""
    """SHA-256 of the adapter that training starts from; none: from the plain model."""
    base: str = DEFAULT
    """The model that is trained, by its name; a folder of one's own with the digest of its weights."""


def reported_tasks() -> list[Task]:
    """The tasks that the project reports results on: none of them, nor a paraphrase, is trained on."""
    names = ("tasks", "demo_rewordings", "spoken", "spoken_dev", "spoken_later", "spoken_latest")
    folder = Path(__file__).parent
    return [task for name in names for task in read_tasks(folder / f"{name}.jsonl")]


def distinct_episodes(
    recipe: Recipe, reported: Sequence[Task], embed: Embed | None, part: str = "train"
) -> Iterator[TrainingEpisode]:
    """The recipe's episodes without paraphrases of the instructions that results are reported on.

    Left out is what is nearly the same sentence (cosine ≥ `same_words`), and what has the same goal in similar words
    (cosine ≥ `same_goal`). `embed` maps n texts to (n, d) unit vectors; None leaves nothing out.
    """
    taught = episodes if recipe.teach == "skills" else restatements
    stream = taught(training_scene(), part, recipe.seed, spoken=recipe.spoken)
    if embed is None or not reported:
        yield from stream
        return
    known = np.asarray(embed([task.instruction for task in reported]))
    goals = [asked_for(task) for task in reported]
    while True:
        block = list(itertools.islice(stream, 256))
        alike = np.asarray(embed([e.instruction.text for e in block])) @ known.T  # (256, reported)
        for episode, row in zip(block, alike, strict=True):
            errands = episode.instruction.errands
            if not any(
                cosine >= recipe.same_words or (cosine >= recipe.same_goal and has_goal(errands, goal))
                for cosine, goal in zip(row, goals, strict=True)
            ):
                yield episode


def asked_for(task: Task) -> list[Condition]:
    """What a task wants to become true; what it wants untouched, or is true at the start, is set aside."""
    goal = task.goal
    wanted = [part for part in (goal.parts if isinstance(goal, All) else (goal,)) if not isinstance(part, Not)]
    world = SymbolicWorld(task.scene)
    world.reset(task.setup)
    wanted = [part for part in wanted if part != Holding(None)]
    return [part for part in wanted if not part.holds(world.facts())] or wanted


def has_goal(errands: Sequence[Errand], wanted: Sequence[Condition]) -> bool:
    """Does every errand ask for one of these conditions?"""
    return all(any(_asks(errand, part) for part in wanted) for errand in errands)


def _asks(errand: Errand, wanted: Condition) -> bool:
    match wanted:
        case At(what, place):
            return errand.to == place and all(_is_a(kind, what) for kind in errand.what)
        case Holding(what) if what is not None:
            return errand.kind == "hold" and all(_is_a(kind, what) for kind in errand.what)
        case RobotAt(place):
            return errand.kind == "find" or (errand.kind == "go" and errand.target == place)
        case Open(drawer) | Closed(drawer):
            return errand.target == drawer and errand.kind == ("open" if isinstance(wanted, Open) else "close")
        case _:
            return False


def _is_a(kind: str, what: str) -> bool:
    """Is `kind` a `what`? Things that go by other names are none of the catalogue's."""
    return kind in KITCHEN and KITCHEN[kind].is_a(what)


def encode(episode: TrainingEpisode, tokenizer: Any, mark: Sequence[int] = ()) -> Encoded:
    """Token ids and, for each, whether it is the robot's. Segments are tokenised one by one behind `mark`, as scoring
    does it."""
    ids: list[int] = list(mark)
    learn: list[bool] = [False] * len(ids)
    for segment in episode.segments:
        tokens = tokenizer(segment.text, add_special_tokens=False)["input_ids"]
        ids += tokens
        learn += [segment.learn] * len(tokens)
    return ids, learn


def batches(encoded: Sequence[Encoded], recipe: Recipe) -> list[list[int]]:
    """Indices of episodes of like length, `tokens_per_step` a batch, in random order."""
    rng = np.random.default_rng(recipe.seed)
    made: list[list[int]] = []
    for first in range(0, len(encoded), 512):
        pool = sorted(range(first, min(first + 512, len(encoded))), key=lambda i: len(encoded[i][0]))
        rows: list[list[int]] = [[]]
        for i in pool:
            if rows[-1] and (len(rows[-1]) + 1) * len(encoded[i][0]) > recipe.tokens_per_step:
                rows.append([])
            rows[-1].append(i)
        made += [rows[int(k)] for k in rng.permutation(len(rows))]
    return made


def base_of(model: str) -> str:
    """What names the model in its adapter."""
    if not Path(model).is_dir():
        return model.removesuffix(":plain")
    files = sorted(file for kind in ("*.safetensors", "*.bin") for file in Path(model).glob(kind))
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as weights:
            digest.update(hashlib.file_digest(weights, "sha256").digest())
    return f"{Path(model).resolve().name} (weights {digest.hexdigest()[:16]})"


def train(
    model: str,
    out: Path,
    work: Path,
    recipe: Recipe,
    reported: Sequence[Task],
    embed: Embed | None,
    *,
    start: Path | None = None,
    threads: int = 1,
    log: Callable[[str], None] = print,
) -> None:
    """Train and write `out` (safetensors). `work` keeps the state; a run that was stopped goes on from there.

    `model`: a causal one that can be on this machine, named as for `load_model`. `start`: an adapter of the same rank
    to train further; None: a fresh one. Raises ValueError for another kind of model, or an adapter of another one.
    """
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = plain_folder(model)
    if (family := family_of(AutoConfig.from_pretrained(folder))) != "causal":
        raise ValueError(f"Expected a causal language model to train, got {model!r}, whose family is {family}.")
    recipe = replace(recipe, base=base_of(model))
    if start is not None:
        recipe = replace(recipe, start=hashlib.sha256(start.read_bytes()).hexdigest())
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    mark, _ = marks(tokenizer)
    encoded = _drawn(work / "episodes.json", recipe, lambda: _encoded(recipe, reported, embed, tokenizer, mark))
    plan = batches(encoded, recipe)
    log(f"{len(encoded)} episodes, {sum(len(i) for i, _ in encoded)} tokens, {len(plan)} steps")

    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    config = LoraConfig(r=recipe.rank, lora_alpha=int(recipe.alpha), target_modules="all-linear", lora_dropout=0.0)
    tuned = get_peft_model(plain, config)
    weights = [p for p in tuned.parameters() if p.requires_grad]
    for p in weights:
        p.data = p.data.float()
    optimiser = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0, betas=(0.9, 0.98))
    if start is not None:
        given, mine = read_adapter(start), get_peft_model_state_dict(tuned)
        if {name: value.shape for name, value in given.items()} != {name: value.shape for name, value in mine.items()}:
            raise ValueError(
                f"Expected an adapter for {model!r} of rank {recipe.rank} to start from, got {start.name}."
            )
        set_peft_model_state_dict(tuned, given)
    state = work / "state.pt"
    first = 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        if saved["recipe"] == json.dumps(asdict(recipe)):
            set_peft_model_state_dict(tuned, saved["lora"])
            optimiser.load_state_dict(saved["optimiser"])
            first = saved["step"]
            log(f"going on from step {first}")
    began = time.monotonic()
    recent: list[float] = []
    for step in range(first, len(plan)):
        rate = recipe.learning_rate * _schedule(step / len(plan), recipe.warmup)
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = robots_loss(tuned, [encoded[i] for i in plan[step]])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        recent = [*recent[-19:], float(loss.detach())]
        if step % 10 == 0:
            left = (time.monotonic() - began) / (step - first + 1) * (len(plan) - step - 1)
            log(f"step {step + 1}/{len(plan)}  loss {np.mean(recent):.3f}  {left / 60:.0f} min left")
        if (step + 1) % SAVE_EVERY == 0:
            saved = {"recipe": json.dumps(asdict(recipe)), "lora": get_peft_model_state_dict(tuned),
                     "optimiser": optimiser.state_dict(), "step": step + 1}  # fmt: skip
            torch.save(saved, state.with_suffix(".tmp"))
            os.replace(state.with_suffix(".tmp"), state)
            save_adapter(get_peft_model_state_dict(tuned), work / "partial.safetensors", recipe)
    save_adapter(get_peft_model_state_dict(tuned), out, recipe)


def _encoded(
    recipe: Recipe, reported: Sequence[Task], embed: Embed | None, tokenizer: Any, mark: Sequence[int]
) -> list[Encoded]:
    """The recipe's episodes as tokens, without those that are too long."""
    stream = distinct_episodes(recipe, reported, embed)
    encoded = [encode(e, tokenizer, mark) for e in itertools.islice(stream, recipe.episodes)]
    return [(ids, learn) for ids, learn in encoded if len(ids) <= recipe.max_tokens]


def _drawn(file: Path, recipe: Recipe, draw: Callable[[], list[Encoded]]) -> list[Encoded]:
    """What is kept in `file` of this recipe, or else what is drawn now, and kept: drawing takes minutes."""
    key = json.dumps(asdict(recipe))
    if file.exists() and (saved := json.loads(file.read_text(encoding="ascii")))["recipe"] == key:
        return [(ids, [bool(flag) for flag in learn]) for ids, learn in saved["episodes"]]
    encoded = draw()
    write_whole(file, json.dumps({"recipe": key, "episodes": [(ids, [*map(int, learn)]) for ids, learn in encoded]}))
    return encoded


def save_adapter(state: dict[str, torch.Tensor], out: Path, recipe: Recipe) -> None:
    """One file, bfloat16: '<module>.lora_A' (r, in) and '<module>.lora_B' (out, r) a layer, the recipe as metadata."""
    tensors = {
        name.removeprefix("base_model.model.").removesuffix(".weight"): value.to(torch.bfloat16).contiguous()
        for name, value in state.items()
    }
    metadata = {
        "format": FORMAT, "rank": str(recipe.rank), "alpha": str(recipe.alpha), "base": recipe.base,
        "recipe": json.dumps(asdict(recipe)),
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out, metadata)


def read_adapter(path: Path) -> dict[str, torch.Tensor]:
    """The inverse of `save_adapter`, in float32."""
    return {f"base_model.model.{name}.weight": value.float() for name, value in load_file(path).items()}


def _schedule(done: float, warmup: float) -> float:
    if done < warmup:
        return (done + 1e-3) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def robots_loss(model, rows: Sequence[Encoded]) -> torch.Tensor:
    """Mean cross-entropy over the robot's tokens of rows of (token ids, which are the robot's).

    It is the model's own forward pass, whatever that does to the logits; only the head is given no more than the states
    that the robot's tokens are predicted from: a fifth less work with SmolLM2, more where the vocabulary is larger.
    """
    ids, mask = padded([tokens for tokens, _ in rows], 0)  # (B, T)
    learn, _ = padded([flags for _, flags in rows], 0)
    robots = learn[:, 1:].bool()

    def pick(_head, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (given[0][:, :-1][robots][None],)  # (B, T, D) to (1, N, D)

    hook = model.get_base_model().get_output_embeddings().register_forward_pre_hook(pick)
    try:
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[0].float()  # (N, V)
    finally:
        hook.remove()
    return torch.nn.functional.cross_entropy(logits, ids[:, 1:][robots])
