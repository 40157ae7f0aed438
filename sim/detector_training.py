"""Training the small detector on labelled pictures: every epoch's state is kept, and a run that was stopped goes on."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from .pictures import Picture, load
from .scene import Scene, load_scene
from .segmentation import INPUTS, Segmenter, colour, geometry

_BATCH = 8
_BACKGROUND, _DRAWER = 0.3, 0.5
"""Weights of the labels that fill pictures, against 1 for objects."""
_CROP = (80, 112)
"""Training looks at this much (H, W) of a picture at a time, mostly where something is."""
_KEPT_BACK = 0.05
"""Share of the situations that are not trained on, to see how well it goes."""


@dataclass(frozen=True)
class DetectorRecipe:
    """What a training run is made of."""

    epochs: int = 12
    seed: int = 0
    learning_rate: float = 4e-3
    """Its peak."""


@dataclass(frozen=True)
class _Examples:
    """Pictures of one size as the network takes them."""

    rgb: NDArray[np.uint8]
    """(n, H, W, 3)."""
    geometry: NDArray[np.float16]
    """(n, 5, H, W)."""
    label: NDArray[np.uint8]
    """(n, H, W)."""


def fit(
    data: Path,
    out: Path,
    work: Path,
    recipe: DetectorRecipe,
    *,
    command: str = "",
    threads: int = 1,
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, float]:
    """Train on the pictures in `data`, write `out` (safetensors) and its data card beside it.

    Gives each label's intersection over union on the situations kept back. Raises ValueError if there are too few.
    """
    torch.set_num_threads(threads)
    files = sorted(data.glob("*.npz"))
    if len(files) < 4:
        raise ValueError(
            f"Expected at least 4 files of pictures in {str(data)!r}, got {len(files)}. Collect more first."
        )
    labels = load(files[0])[0]
    back = np.random.default_rng(recipe.seed).permutation(len(files)) < max(1, _KEPT_BACK * len(files))
    train = _examples([f for f, kept in zip(files, back, strict=True) if not kept], labels)
    check = _examples([f for f, kept in zip(files, back, strict=True) if kept], labels)
    log(f"{sum(len(e.rgb) for e in train)} pictures to train on, {sum(len(e.rgb) for e in check)} kept back")
    torch.manual_seed(recipe.seed)
    network = Segmenter(len(labels)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=1e-3)
    start = _resume(work, recipe, network, optimiser)
    weight = torch.ones(len(labels))
    weight[0], weight[-1] = _BACKGROUND, _DRAWER
    per_epoch = sum(math.ceil(len(e.rgb) / _BATCH) for e in train)
    for epoch in range(start, recipe.epochs):
        network.train()
        rng = np.random.default_rng((recipe.seed, epoch))
        losses = []
        for step, (x, y) in enumerate(_batches(train, rng)):
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * _rate((epoch + step / per_epoch) / recipe.epochs)
            loss = torch.nn.functional.cross_entropy(network(x), y, weight)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
        _keep(work, recipe, network, optimiser, epoch + 1)
        shares = overlap(network, check, len(labels))
        log(f"epoch {epoch + 1} of {recipe.epochs}: loss {np.mean(losses):.4f}, mean IoU {np.nanmean(shares[1:]):.3f}")
    shares = overlap(network, check, len(labels))
    figures = {label: float(share) for label, share in zip(labels, shares, strict=True)}
    about = {"inputs": json.dumps(INPUTS), "labels": json.dumps(labels), "recipe": json.dumps(asdict(recipe))}
    out.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, out, {**about, "command": command})
    counts = (sum(len(e.rgb) for e in train), sum(len(e.rgb) for e in check))
    _card(out.with_suffix(".md"), files, counts, figures, recipe, command)
    return figures


def _examples(files: list[Path], labels: tuple[str, ...]) -> list[_Examples]:
    """The pictures of all files, gathered by size."""
    scenes: dict[str, Scene] = {}
    by_size: dict[tuple[int, ...], list[tuple[Picture, NDArray[np.float16]]]] = defaultdict(list)
    for path in files:
        name = path.name.rsplit("-", 2)[0]
        scene = scenes[name] = scenes.get(name) or load_scene(name)
        known, pictures = load(path)
        if known != labels:
            raise ValueError(f"Expected pictures with the same labels in all files, got others in {path.name}.")
        for picture in pictures:
            by_size[picture.label.shape].append((picture, geometry(picture.frame, scene).astype(np.float16)))
    return [
        _Examples(
            np.stack([p.frame.rgb for p, _ in group]), np.stack([g for _, g in group]),
            np.stack([p.label for p, _ in group]),
        )
        for group in by_size.values()
    ]  # fmt: skip


def _batches(examples: list[_Examples], rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """A piece of every example, in random order, changed a little: (B, 8, h, w) and labels (B, h, w)."""
    order = [(e, i) for e in examples for i in np.array_split(rng.permutation(len(e.rgb)), -(-len(e.rgb) // _BATCH))]
    for k in rng.permutation(len(order)):
        group, index = order[int(k)]
        pieces = [(int(i), *_piece(group.label[i], rng)) for i in index]
        y = np.stack([group.label[i][rows, columns] for i, rows, columns in pieces]).astype(np.int64)
        rgb = _recoloured(np.stack([group.rgb[i][rows, columns] for i, rows, columns in pieces]), rng)
        where = np.stack([group.geometry[i][:, rows, columns] for i, rows, columns in pieces]).astype(np.float32)
        x = np.concatenate([rgb, where + _noise(where.shape, rng)], axis=1)
        if rng.random() < 0.5:
            x, y = x[..., ::-1], y[..., ::-1]
        yield _tensor(x), torch.from_numpy(np.ascontiguousarray(y))


def _piece(label: NDArray[np.uint8], rng: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns of a piece of a picture, four times of five with a pixel of something in it."""
    high, wide = (min(a, b) for a, b in zip(label.shape, _CROP, strict=True))
    at = np.argwhere(label > 0)
    if len(at) and rng.random() < 0.8:
        row, column = at[int(rng.integers(len(at)))] - rng.integers((high, wide))
    else:
        row, column = rng.integers(label.shape)
    row, column = (int(np.clip(i, 0, n - m)) for i, n, m in zip((row, column), label.shape, (high, wide), strict=True))
    return slice(row, row + high), slice(column, column + wide)


def _recoloured(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """(n, 3, H, W) in about [-2, 2], as under another light and through another camera."""
    x = rgb.astype(np.float32).transpose(0, 3, 1, 2) / 255.0
    n = len(x)
    gain = rng.uniform(0.75, 1.25, (n, 1, 1, 1)) * rng.uniform(0.92, 1.08, (n, 3, 1, 1))
    lift = rng.uniform(-0.06, 0.06, (n, 1, 1, 1))
    grain = rng.uniform(0, 0.03, (n, 1, 1, 1)) * rng.standard_normal(x.shape, dtype=np.float32)
    return ((np.clip(x * gain + lift + grain, 0, 1) - 0.5) * 4.0).astype(np.float32)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    return (0.02 * rng.standard_normal(shape, dtype=np.float32)).astype(np.float32)


def _tensor(x: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x)).contiguous(memory_format=torch.channels_last)


def _rate(done: float) -> float:
    """The learning rate as a share of its peak, after the share `done` of the training: up, then down a cosine."""
    return done / 0.1 if done < 0.1 else 0.5 * (1 + math.cos(math.pi * (done - 0.1) / 0.9)) + 1e-3


def overlap(network: Segmenter, examples: list[_Examples], labels: int) -> NDArray[np.float64]:
    """Each label's intersection over union (labels,); NaN where it is not in these pictures and is not claimed."""
    network.eval()
    both, either = np.zeros(labels), np.zeros(labels)
    with torch.inference_mode():
        for group in examples:
            for i in range(len(group.rgb)):
                x = np.concatenate([colour(group.rgb[i]), group.geometry[i].astype(np.float32)])
                best = network(_tensor(x[None]))[0].argmax(dim=0).numpy()
                for label in np.union1d(np.unique(best), np.unique(group.label[i])):
                    mine, true = best == label, group.label[i] == label
                    both[label] += (mine & true).sum()
                    either[label] += (mine | true).sum()
    return np.divide(both, either, out=np.full(labels, np.nan), where=either > 0)


def _keep(work: Path, recipe: DetectorRecipe, network: Segmenter, optimiser: torch.optim.Optimizer, done: int) -> None:
    work.mkdir(parents=True, exist_ok=True)
    state = {"recipe": json.dumps(asdict(recipe)), "network": network.state_dict(), "done": done}
    torch.save({**state, "optimiser": optimiser.state_dict()}, work / "state.tmp")
    os.replace(work / "state.tmp", work / "state.pt")


def _resume(work: Path, recipe: DetectorRecipe, network: Segmenter, optimiser: torch.optim.Optimizer) -> int:
    """Load what a stopped run left; gives the number of epochs that are done."""
    path = work / "state.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["recipe"] != json.dumps(asdict(recipe)):
        raise ValueError(f"Expected {path} to be of this recipe, got {state['recipe']}. Take another --work folder.")
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["done"])


def _card(
    path: Path,
    files: list[Path],
    counts: tuple[int, int],
    figures: dict[str, float],
    recipe: DetectorRecipe,
    command: str,
) -> None:
    """The data card: what the detector was trained on, and how well it does on situations kept back."""
    scenes = sorted({file.name.rsplit("-", 2)[0] for file in files})
    lines = [
        "# Data card: learned detector",
        "",
        f"{counts[0]} renders of {len(files)} random situations in {', '.join(f'`{s}`' for s in scenes)}: things that "
        "stand, lie, have fallen or are held, drawers open and closed, random lights. Labels are the renderer's own. "
        f"{counts[1]} pictures of other situations in the same scenes were kept back for the figures below.",
        "",
        f"Made by: `{command}` ({recipe.epochs} epochs, seed {recipe.seed}).",
        "",
        "| label | pixel IoU |",
        "|---|---:|",
        *(f"| {label} | {share:.3f} |" for label, share in figures.items() if not math.isnan(share)),
        "",
        "Limits: one renderer, no real pictures; it knows no types but these. A layout that was not trained on is "
        "measured by `doable bench detector`.",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
