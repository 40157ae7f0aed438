"""Episode sets: runs seen again, sampled at a fixed rate while the robot moves, written for others to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..sim.lerobot import LeRobotWriter
from ..sim.physics_world import PhysicsWorld
from ..sim.sampling import Sampler
from ..sim.views import check_camera
from .replay import Replay
from .turn import Turn


class _Nobody:
    """A watcher that looks away."""

    def loading(self, what: str) -> None: ...

    def phase(self, name: str, turn: Turn) -> None: ...


def write_lerobot(
    runs: Sequence[str],
    out: str | Path,
    folder: str | Path | None = None,
    fps: int = 10,
    cameras: Sequence[str] | None = None,
    *,
    only_reached: bool = False,
) -> str:
    """One dataset of all `runs` (ids in `folder`, or run folders). Gives a line that tells what it holds.

    `cameras`: None takes the robot's own.

    Raises ValueError for runs that can't be read or seen again, robots that differ, or a folder that isn't empty.
    """
    writer: LeRobotWriter | None = None
    episodes = 0
    for name in runs:
        again = Replay(name, folder)
        try:
            footer = again.journal.footer
            reached = footer is not None and footer.status == "reached"
            if only_reached and not reached:
                continue
            cameras = again.world.robot.cameras if cameras is None else cameras
            writer = writer or _writer(again.world, out, fps, cameras)
            writer.begin(again.journal.header.goal)
            with Sampler(again.world, fps, cameras, writer) as sampler:
                again.run(_Nobody(), sampler.told)
            writer.end(success=reached, run_id=again.journal.header.run_id)
            episodes += 1
        except BaseException:
            if writer:
                writer.abandon()
            raise
        finally:
            again.close()
    if writer is None:
        raise ValueError("Expected at least one run to export, got none that reached its goal.")
    writer.close()
    return f"{episodes} episodes, {writer.frames} frames at {fps} a second in {out}"


def _writer(world: PhysicsWorld, out: str | Path, fps: int, cameras: Sequence[str]) -> LeRobotWriter:
    for name in cameras:
        check_camera(world.scene, name)
    sizes = {name: Sampler.size(name) for name in cameras}
    axes = [f"{axis.name} ({axis.unit})" for axis in world.robot.axes]
    return LeRobotWriter(out, fps=fps, axes=axes, cameras=sizes, robot_type=world.scene.robot.model)
