"""What the robot of a symbolic world has seen."""

from __future__ import annotations

import json
from dataclasses import replace

from doable.sim.observation import Observation, RobotState, SeenObject
from doable.sim.sightings import Sightings

COKE = SeenObject("coke", (0.0, 0.0, 0.8), "table", last_seen=3.0)
APPLE = SeenObject("apple", (0.0, 0.0, 0.8), "far counter", last_seen=4.0)


def test_they_come_back_from_json():
    seen = Sightings({1: ("table", 2.0)}, {1: "coke"}, {"top drawer": (1.0, 2.0)}, {"table": 2.0}, ["table"], ["user"])
    assert Sightings.from_state(json.loads(json.dumps(seen.state()))) == seen


def test_what_is_taken_is_forgotten_and_the_rest_moves_up():
    seen = Sightings({0: ("table", 1.0), 2: ("user", 2.0)}, {0: "coke", 2: "apple"})
    seen.taken(1)
    assert (seen.things, seen.types) == ({0: ("table", 1.0), 1: ("user", 2.0)}, {0: "coke", 1: "apple"})


def test_what_is_remembered_was_not_seen():
    robot = RobotState((0.0, 0.0), 0.0, "user", None)
    known = (replace(COKE, remembered=True), APPLE)
    seen = Sightings.of(Observation(5.0, robot, known, looked_at=("far counter",)), known)
    assert seen.things == {1: ("far counter", 4.0)}
    assert seen.types == {0: "coke", 1: "apple"}
    assert seen.looked == ["far counter"]
