"""A free way from one arm posture to another: straight if it can be, else by OMPL's RRT-Connect, made short afterwards.

The same question has the same answer: the seed is fixed and the search ends by the number of postures it has looked at,
not by the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ompl import base as ob
from ompl import geometric as og
from ompl import util

from .kinematics import Joints

_STRIDE = 0.8
"""Longest edge of the search's trees, radians in joint space."""
_MOST = 6000
"""Postures that are looked at before the search gives up."""
_FINE = 0.15
"""Radians in joint space between two postures that are looked at on an edge."""

util.setLogLevel(util.LOG_NONE)


def find_way(
    free: Callable[[Joints], bool], start: Joints, goal: Joints, lower: Joints, upper: Joints, *, seed: int = 1
) -> list[Joints] | None:
    """Postures from the first after `start` to `goal` whose straight connections are free; None: none was found.

    `free` tells of a posture whether it may be taken. Joints may go half a turn beyond start and goal, within
    [`lower`, `upper`].
    """
    count = len(start)
    space = ob.RealVectorStateSpace(count)
    bounds = ob.RealVectorBounds(count)
    for i in range(count):
        bounds.setLow(i, max(float(lower[i]), min(start[i], goal[i]) - np.pi))
        bounds.setHigh(i, min(float(upper[i]), max(start[i], goal[i]) + np.pi))
    space.setBounds(bounds)
    looked_at = 0

    def valid(state: Any) -> bool:
        nonlocal looked_at
        looked_at += 1
        return bool(free(np.array([state[i] for i in range(count)])))

    info = ob.SpaceInformation(space)
    info.setStateValidityChecker(valid)
    info.setStateValidityCheckingResolution(_FINE / space.getMaximumExtent())
    info.setup()
    util.RNG.setSeed(seed)
    problem = ob.ProblemDefinition(info)
    ends: tuple[Any, Any] = space.allocState(), space.allocState()
    for state, joints in zip(ends, (start, goal), strict=True):
        for i in range(count):
            state[i] = float(joints[i])
    problem.setStartAndGoalStates(*ends)
    if info.checkMotion(*ends):
        return [goal]
    planner = og.RRTConnect(info)
    planner.setRange(_STRIDE)
    planner.setProblemDefinition(problem)
    planner.setup()
    if not planner.solve(ob.PlannerTerminationCondition(lambda: looked_at > _MOST)):
        return None
    path: Any = problem.getSolutionPath()
    if problem.hasApproximateSolution():
        return None
    shorter = og.PathSimplifier(info)
    shorter.reduceVertices(path)
    shorter.partialShortcutPath(path)
    way = [np.array([path.getState(k)[i] for i in range(count)]) for k in range(path.getStateCount())]
    return [*way[1:-1], goal]
