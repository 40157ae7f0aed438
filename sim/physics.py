"""One PyBullet client, wrapped: its time, its steps and its hooks. No global state; two of these never meet."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STEP = 1 / 240
"""Seconds of one physics step."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what C code prints nowhere: Bullet's greetings would stand between the person and the agent's words."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        saved = os.dup(1), os.dup(2)
    except (OSError, ValueError):
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            ctypes.CDLL(None).fflush(None)  # what C has buffered goes the same way
            for stream, copy in enumerate(saved, 1):
                os.dup2(copy, stream)
                os.close(copy)


with quiet():
    import pybullet as pb
    import pybullet_data
    from pybullet_utils.bullet_client import BulletClient


class Physics:
    """A physics world of rigid bodies: metres, kilograms, seconds, gravity along -z."""

    def __init__(self, *, gui: bool = False):
        with quiet():
            self.p: Any = BulletClient(pb.GUI if gui else pb.DIRECT)
        self.time = 0.0
        """Simulated seconds."""
        self.episode = 0
        """Grows whenever all bodies are removed: what was remembered before can't be gone back to."""
        self.on_step: list[Callable[[], None]] = []
        """Called after every physics step; a recorder looks on from here."""
        self.laws: list[Callable[[], None]] = []
        """Called after every physics step, in imagination too: what Bullet does not know of by itself."""
        if gui:
            self.p.configureDebugVisualizer(pb.COV_ENABLE_GUI, 0)
        self.clear()

    def clear(self) -> None:
        """Remove every body and set the clock to zero."""
        self.episode += 1
        self.laws.clear()
        self.p.resetSimulation()
        self.p.setAdditionalSearchPath(pybullet_data.getDataPath())
        self.p.setGravity(0.0, 0.0, -9.81)
        # Deterministic order of overlapping pairs: the same commands give the same states, bit by bit. The solver ends
        # when no contact is off by more than 3 mm/s: what lies about creeps by a millimetre in half a minute. After no
        # more than 50 rounds a moving hand's squeeze is not solved, and a block in it tumbles.
        self.p.setPhysicsEngineParameter(
            fixedTimeStep=STEP, numSolverIterations=100, solverResidualThreshold=1e-5, deterministicOverlappingPairs=1
        )
        self.time = 0.0

    def step(self, count: int = 1) -> None:
        """Advance by `count` steps of 1/240 s."""
        client = self.p._client
        for _ in range(count):
            pb.stepSimulation(client)  # not by way of the client object, which looks each name up anew
            self.time += STEP
            for law in self.laws:
                law()
            for hook in self.on_step:
                hook()

    def save(self, path: Path) -> None:
        """Write every body's state, contacts included, to a file."""
        self.p.saveBullet(str(path))

    def load(self, path: Path) -> None:
        """Restore from such a file; the same bodies must have been made in the same order."""
        self.p.restoreState(fileName=str(path))

    def remember(self) -> int:
        """Keep every body's state, contacts included, in memory; gives its number. Needs `forget`."""
        return self.p.saveState()

    def go_back(self, number: int) -> None:
        """Restore what was remembered; bodies may have been neither made nor removed since. Not the motors' orders."""
        self.p.restoreState(number)

    def forget(self, number: int) -> None:
        """Give back the memory of what was remembered."""
        self.p.removeState(number)

    def close(self) -> None:
        """Let go of the client."""
        if self.p.isConnected():
            self.p.disconnect()
