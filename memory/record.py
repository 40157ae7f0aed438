"""One thing to remember: what, of which kind, when, where, about what, and how it came out."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["episode", "sighting", "fact", "lesson"]
KINDS: tuple[Kind, ...] = ("episode", "sighting", "fact", "lesson")
LONGEST = 100_000
"""Characters of text that a record keeps; what is longer is cut, and says so."""


@dataclass(frozen=True)
class Record:
    """A memory. Its text is data: it is shown, never obeyed."""

    text: str
    kind: Kind
    time: float
    """Unix seconds."""
    place: str | None
    objects: tuple[str, ...]
    outcome: Literal["success", "failure"] | None
    importance: float
    """In [0, 1]."""
    episode: str
    """Id of the run it comes from."""
    id: str = ""
    """Hash of all the rest, so that nothing is stored twice; computed when not given."""
    told: bool = False
    """Said by the person, not seen or inferred: never forgotten to save room."""
    confidence: float = 1.0
    """In [0, 1]: how sure a sighting was."""
    until: float | None = None
    """Unix seconds from when on it was no longer so; None: it still is. Found out later, so not part of the id."""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("Expected a record to say something, got an empty text.")
        if self.kind not in KINDS:
            raise ValueError(f"Expected a kind among {', '.join(KINDS)}, got {self.kind!r}.")
        if not math.isfinite(self.time):
            raise ValueError(f"Expected a record's time in unix seconds, got {self.time!r}.")
        if not 0.0 <= self.importance <= 1.0:
            raise ValueError(f"Expected an importance in [0, 1], got {self.importance!r}.")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"Expected a confidence in [0, 1], got {self.confidence!r}.")
        if self.outcome not in ("success", "failure", None):
            raise ValueError(f"Expected an outcome 'success', 'failure' or None, got {self.outcome!r}.")
        if len(self.text) > LONGEST:
            object.__setattr__(self, "text", self.text[: LONGEST - 6] + " [cut]")
        # A lone surrogate can't be written as UTF-8, and a database takes a NUL for the end.
        object.__setattr__(self, "text", self.text.encode("utf-8", "replace").decode("utf-8").replace("\0", " "))
        if not self.id:
            rest = {key: value for key, value in asdict(self).items() if key not in ("id", "until")}
            # Fields that came later count only where they say something, so that old ids stay.
            rest = {k: v for k, v in rest.items() if (k, v) not in (("told", False), ("confidence", 1.0))}
            digest = hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
            object.__setattr__(self, "id", digest[:32])

    def sentence(self, now: float) -> str:
        """One line for a prompt or a person: '2 minutes ago, failure: could not pick up the apple at the table'."""
        words = "".join(c if c.isprintable() else " " for c in self.text)
        how = f", {self.outcome}" if self.outcome else ""
        how += ", no longer so" if self.until is not None and self.until <= now else ""
        return f"{ago(now - self.time)}{how}: {' '.join(words.split())}"


def ago(seconds: float) -> str:
    """A time span in words."""
    for name, length in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
