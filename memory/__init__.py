"""What happened before: records on disk, found again when they matter."""

from .embedding import EmbedderNotFound, HashEmbedder, MiniLM
from .record import Record
from .store import Memory, MemoryFolderError

__all__ = ["EmbedderNotFound", "HashEmbedder", "Memory", "MemoryFolderError", "MiniLM", "Record"]
