"""Episodes as a LeRobot dataset, version 3.0: parquet tables and mp4 films in the layout its loaders expect.

    meta/info.json  meta/stats.json  meta/tasks.parquet  meta/subtasks.parquet
    meta/episodes/chunk-000/file-000.parquet      a row an episode: length, tasks, where its rows and pictures are
    data/chunk-000/file-000.parquet               a row a frame: observation.state, action, timestamp, indices
    videos/observation.images.NAME/chunk-000/file-000.mp4     every episode's pictures, one after the other

`observation.state` is where each axis of the robot is, `action` where its motors are told to be (metres and radians,
absolute; the base's in the world frame). A subtask is the skill that runs at a frame. See LeRobotDataset v3.0,
https://huggingface.co/docs/lerobot/lerobot-dataset-v3.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

_DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
_EPISODES = "meta/episodes/chunk-000/file-000.parquet"
_CHUNK, _DATA_MB, _VIDEO_MB = 1000, 100, 200
"""LeRobot's defaults: files a chunk; megabytes after which a new data or video file is begun."""
_VECTORS = ("observation.state", "action")
_INDICES = ("timestamp", "frame_index", "episode_index", "index", "task_index", "subtask_index")


class MissingExtra(ValueError):
    """An optional package that is needed now; the message says how to install it."""


class LeRobotWriter:
    """Writes one dataset, episode by episode: `begin`, then `add` a frame at a time, then `end`; at last `close`."""

    def __init__(
        self,
        folder: str | Path,
        *,
        fps: int,
        axes: Sequence[str],
        cameras: Mapping[str, tuple[int, int]],
        robot_type: str,
    ):
        """`cameras`: name to (width, height), even numbers. Raises ValueError for a folder that holds something."""
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise MissingExtra("Expected pyarrow, which isn't installed. Run: pip install 'doable[lerobot]'") from error
        self.folder = Path(folder)
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise ValueError(f"Expected a new or empty folder for the dataset, got {str(folder)!r}. Choose another.")
        if any(side % 2 for size in cameras.values() for side in size):
            raise ValueError(f"Expected even widths and heights of pictures, got {dict(cameras)}.")
        self.fps, self._axes, self._robot_type = fps, list(axes), robot_type
        self._films = {f"observation.images.{name}": _Film(self, name, size) for name, size in cameras.items()}
        self._rows: dict[str, list[Any]] = {key: [] for key in (*_VECTORS, *_INDICES)}
        self._episodes: list[dict[str, Any]] = []
        self._tasks: dict[str, int] = {}
        self._subtasks: dict[str, int] = {}
        self._task = ""
        self._length = 0

    @property
    def frames(self) -> int:
        """Frames written up to now."""
        return len(self._rows["index"])

    def begin(self, task: str) -> None:
        """A new episode; `task` is its goal in words."""
        self._task, self._length = task, 0
        self._tasks.setdefault(task, len(self._tasks))
        for film in self._films.values():
            film.begin()

    def add(
        self,
        state: NDArray[np.float64],
        action: NDArray[np.float64],
        pictures: Mapping[str, NDArray[np.uint8]],
        subtask: str,
    ) -> None:
        """One frame: state and action (n,), a picture (height, width, 3) for each camera."""
        values = {
            "observation.state": np.asarray(state, dtype=np.float32),
            "action": np.asarray(action, dtype=np.float32),
            "timestamp": self._length / self.fps,
            "frame_index": self._length,
            "episode_index": len(self._episodes),
            "index": self.frames,
            "task_index": self._tasks[self._task],
            "subtask_index": self._subtasks.setdefault(subtask, len(self._subtasks)),
        }
        for key, value in values.items():
            self._rows[key].append(value)
        for key, film in self._films.items():
            film.add(pictures[key.rpartition(".")[2]])
        self._length += 1

    def end(self, **about: Any) -> None:
        """The episode is over. `about` is noted beside it, like success=True. One without a frame is left out."""
        if not self._length:
            return
        last = self.frames
        row: dict[str, Any] = {
            "episode_index": len(self._episodes),
            "tasks": [self._task],
            "length": self._length,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": last - self._length,
            "dataset_to_index": last,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
            **about,
        }
        stats = {key: _stats(np.array(values[-self._length :])) for key, values in self._rows.items()}
        for key, film in self._films.items():
            row |= film.end(key)
            stats[key] = film.stats
        row |= {f"stats/{key}/{name}": value for key, stat in stats.items() for name, value in stat.items()}
        self._episodes.append(row)

    def close(self) -> None:
        """Write the tables. Raises ValueError for a dataset without a frame."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for film in self._films.values():
            film.close()
        if not self._episodes:
            raise ValueError("Expected at least one frame to export, got none: nothing moved in these runs.")
        n = len(self._axes)
        vector = pa.list_(pa.float32(), n)
        columns: dict[str, Any] = {
            key: pa.array([row.tolist() for row in self._rows[key]], type=vector) for key in _VECTORS
        }
        columns["timestamp"] = pa.array(self._rows["timestamp"], type=pa.float32())
        columns |= {key: pa.array(self._rows[key], type=pa.int64()) for key in _INDICES[1:]}
        self._write(_DATA.format(chunk_index=0, file_index=0), pa.table(columns), pq)
        self._write(_EPISODES, pa.Table.from_pylist(self._episodes), pq)
        for name, words in (("task", self._tasks), ("subtask", self._subtasks)):
            self._write(f"meta/{name}s.parquet", _named(pa, name, words), pq)
        (self.folder / "meta/info.json").write_text(json.dumps(self._info(), indent=4) + "\n", encoding="utf-8")
        keys = (*_VECTORS, *_INDICES, *self._films)
        together = {key: _together([_of(row, key) for row in self._episodes]) for key in keys}
        (self.folder / "meta/stats.json").write_text(json.dumps(together, indent=4) + "\n", encoding="utf-8")

    def abandon(self) -> None:
        """Take back what was written: half a dataset helps nobody."""
        for film in self._films.values():
            film.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, table: Any, pq: Any) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="snappy")

    def _info(self) -> dict[str, Any]:
        n = len(self._axes)
        features: dict[str, Any] = {key: film.feature() for key, film in self._films.items()}
        features |= {key: {"dtype": "float32", "shape": [n], "names": self._axes} for key in _VECTORS}
        features["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
        features |= {key: {"dtype": "int64", "shape": [1], "names": None} for key in _INDICES[1:]}
        return {
            "codebase_version": "v3.0",
            "robot_type": self._robot_type,
            "total_episodes": len(self._episodes),
            "total_frames": self.frames,
            "total_tasks": len(self._tasks),
            "chunks_size": _CHUNK,
            "data_files_size_in_mb": _DATA_MB,
            "video_files_size_in_mb": _VIDEO_MB,
            "fps": self.fps,
            "splits": {"train": f"0:{len(self._episodes)}"},
            "data_path": _DATA,
            "video_path": _VIDEO if self._films else None,
            "features": features,
        }


class _Film:
    """One camera's pictures: a file for many episodes, a new one when it has grown large."""

    def __init__(self, dataset: LeRobotWriter, name: str, size: tuple[int, int]):
        self._dataset, self._key, self._size = dataset, f"observation.images.{name}", size
        self._file = -1
        self._writer: Any = None
        self._frames = self._from = 0
        self._sums: list[NDArray[np.float64]] = []

    def _path(self) -> Path:
        chunk, file = divmod(self._file, _CHUNK)
        return self._dataset.folder / _VIDEO.format(video_key=self._key, chunk_index=chunk, file_index=file)

    def begin(self) -> None:
        # ffmpeg makes the file some time after it was told of it.
        if self._writer is None or (self._path().exists() and self._path().stat().st_size > _VIDEO_MB * 2**20):
            self.close()
            self._file += 1
            self._frames = 0
            self._path().parent.mkdir(parents=True, exist_ok=True)
            # A key frame every other picture, as LeRobot has it: any frame is decoded quickly.
            self._writer = imageio_ffmpeg.write_frames(
                str(self._path()), self._size, fps=self._dataset.fps, codec="libx264", pix_fmt_out="yuv420p",
                quality=None, macro_block_size=2,  # type: ignore[arg-type]
                output_params=["-crf", "18", "-g", "2"],
            )  # fmt: skip
            self._writer.send(None)
        self._from, self._sums = self._frames, []

    def add(self, picture: NDArray[np.uint8]) -> None:
        self._writer.send(np.ascontiguousarray(picture))
        self._frames += 1
        flat = picture.reshape(-1, 3) / 255.0
        self._sums.append(np.stack([flat.min(0), flat.max(0), flat.mean(0), (flat**2).mean(0)]))

    def end(self, key: str) -> dict[str, Any]:
        chunk, file = divmod(self._file, _CHUNK)
        rate = self._dataset.fps
        return {
            f"videos/{key}/chunk_index": chunk,
            f"videos/{key}/file_index": file,
            f"videos/{key}/from_timestamp": self._from / rate,
            f"videos/{key}/to_timestamp": self._frames / rate,
        }

    @property
    def stats(self) -> dict[str, Any]:
        """By channel, of values in [0, 1], (3, 1, 1)."""
        low, high, mean, square = np.moveaxis(np.array(self._sums), 1, 0)
        middle = mean.mean(0)
        spread = np.sqrt(np.maximum(square.mean(0) - middle**2, 0.0))
        found = {"min": low.min(0), "max": high.max(0), "mean": middle, "std": spread}
        return {name: v.reshape(3, 1, 1).tolist() for name, v in found.items()} | {"count": [len(self._sums)]}

    def feature(self) -> dict[str, Any]:
        width, height = self._size
        info = {
            "video.height": height, "video.width": width, "video.codec": "h264", "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False, "video.fps": self._dataset.fps, "video.channels": 3, "has_audio": False,
        }  # fmt: skip
        return {"dtype": "video", "shape": [height, width, 3], "names": ["height", "width", "channels"], "info": info}

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _stats(values: NDArray[Any]) -> dict[str, Any]:
    """Of one episode's values (frames, …), each as a list."""
    values = values.reshape(len(values), -1).astype(np.float64)
    found = {"min": values.min(0), "max": values.max(0), "mean": values.mean(0), "std": values.std(0)}
    return {name: value.tolist() for name, value in found.items()} | {"count": [len(values)]}


def _of(row: Mapping[str, Any], key: str) -> dict[str, NDArray[np.float64]]:
    return {name: np.array(row[f"stats/{key}/{name}"], dtype=float) for name in ("min", "max", "mean", "std", "count")}


def _together(stats: Sequence[Mapping[str, NDArray[np.float64]]]) -> dict[str, Any]:
    """The statistics of all episodes from those of each."""
    counts = np.array([s["count"][0] for s in stats])
    share = (counts / counts.sum()).reshape(-1, *[1] * stats[0]["mean"].ndim)
    means = np.array([s["mean"] for s in stats])
    mean = (share * means).sum(0)
    variance = (share * (np.array([s["std"] for s in stats]) ** 2 + (means - mean) ** 2)).sum(0)
    return {
        "min": np.min([s["min"] for s in stats], axis=0).tolist(),
        "max": np.max([s["max"] for s in stats], axis=0).tolist(),
        "mean": mean.tolist(),
        "std": np.sqrt(variance).tolist(),
        "count": [int(counts.sum())],
    }


def _named(pa: Any, name: str, words: Mapping[str, int]) -> Any:
    """A table of words and their numbers, with the words as pandas' index: so LeRobot reads it."""
    table = pa.table({f"{name}_index": pa.array(list(words.values()), type=pa.int64()), name: list(words)})
    described = [
        {"name": column, "field_name": column, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
        for column, kind, numpy in ((f"{name}_index", "int64", "int64"), (name, "unicode", "object"))
    ]
    pandas = {"index_columns": [name], "column_indexes": [], "columns": described, "pandas_version": "2.0"}
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})
