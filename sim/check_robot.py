"""Does a robot keep the contract? Run it once on a robot of your own; it moves the robot about where it stands."""

from __future__ import annotations

import json
import math

import numpy as np

from .arm import ArmRobot


def check_robot(robot: ArmRobot) -> None:
    """Raises ValueError at the first promise of `Robot` that is not kept: what was expected, and what was seen."""
    _check_limits(robot)
    _check_kinematics(robot)
    _check_cameras(robot)
    _check_refusals(robot)
    _check_motions(robot)
    _check_memory(robot)


def _expect(kept: bool, expected: str, seen: object) -> None:
    if not kept:
        raise ValueError(f"Expected {expected}, got {seen}. See docs/robots.md.")


def _check_limits(robot: ArmRobot) -> None:
    limits, count = robot.limits, len(robot.arm.joints)
    for name in ("lower", "upper", "velocity", "effort"):
        values = getattr(limits, name)
        _expect(len(values) == count, f"{count} values in limits.{name}, one a joint", len(values))
    _expect(all(np.less(limits.lower, limits.upper)), "each lower limit below its upper one", limits)
    _expect(min(limits.velocity) > 0 and min(limits.effort) > 0, "positive speeds and efforts", limits)
    stronger = np.greater(robot.arm.effort, limits.effort)
    _expect(not stronger.any(), "motors no stronger than limits.effort", robot.arm.effort)
    for home in robot.homes:
        inside = np.all(home >= limits.lower) and np.all(home <= limits.upper)
        _expect(bool(inside), "homes within the joints' limits", home)
    pressed = max(robot.gripper.state()["force"])
    _expect(pressed <= limits.grip_force, f"fingers that press with at most {limits.grip_force} N", pressed)
    _expect(robot.can_drive == (limits.base_speed > 0), "can_drive where the base has a speed", robot.can_drive)


def _check_kinematics(robot: ArmRobot) -> None:
    hand = robot.hand_pose()
    p = robot.physics.p
    state = p.getLinkState(robot.body, robot.grasp_link, computeForwardKinematics=1)
    off = float(np.linalg.norm(hand[:3, 3] - state[4]))
    _expect(off < 1e-3, "kinematics that agree with the body's grasp point to 1 mm", f"{off * 1000:.2f} mm")
    axes = np.reshape(p.getMatrixFromQuaternion(state[5]), (3, 3))
    _expect(np.allclose(hand[:3, :3], axes, atol=1e-3), "the grasp point's axes to be the link's", hand[:3, :3] - axes)
    planned = robot.plan_hand([hand])
    _expect(planned is not None, "a plan for the pose that the hand has", planned)
    back = robot.mount() @ robot.kinematics.forward((planned or [robot.arm.goal])[0])
    off = float(np.linalg.norm(back[:3, 3] - hand[:3, 3]))
    _expect(off < 1e-3, "inverse kinematics that lead back to 1 mm", f"{off * 1000:.2f} mm")
    far = hand.copy()
    far[:3, 3] += (50.0, 0.0, 0.0)
    _expect(robot.plan_hand([far]) is None, "None for a pose 50 m away", "a plan")


def _check_cameras(robot: ArmRobot) -> None:
    _expect("wrist" in robot.cameras and len(robot.cameras) >= 2, "a camera on the wrist and one more", robot.cameras)
    for name in robot.cameras:
        axes = robot.camera_pose(name)[:3, :3]
        proper = np.allclose(axes.T @ axes, np.eye(3), atol=1e-4) and np.linalg.det(axes) > 0
        _expect(bool(proper), f"right-handed unit axes of the {name} camera", axes)


def _check_refusals(robot: ArmRobot) -> None:
    beyond = robot.joints()
    beyond[0] = robot.limits.upper[0] + 0.1
    for what, motion in (
        ("a joint beyond its limit", robot.move_joints([beyond])),
        ("a speed above 1", robot.move_joints([robot.joints()], 1.5)),
        ("a speed that is no number", robot.move_joints([robot.joints()], math.nan)),
    ):
        _expect(motion.status == "refused" and bool(motion.reason), f"{what} to be refused with a reason", motion)
    if not robot.can_drive:
        motion = robot.drive_to(0.0, 0.0, 0.0)
        _expect(motion.status == "refused", "a fixed robot to refuse to drive", motion)


def _check_motions(robot: ArmRobot) -> None:
    _expect(robot.holding is None and robot.gripped is None, "an empty hand at first", robot.gripped)
    for name in ("ready", "tuck"):
        motion = getattr(robot, name)()
        _expect(motion.ok, f"{name}() to get there", motion)
    motion = robot.ready()
    hand = robot.hand_pose()
    _expect(bool(hand[2, 2] < -0.99), "the hand to point down when ready", hand[:3, 2])
    _expect(
        bool(hand[2, 3] > robot.carry_height - 0.03), f"a ready hand at {robot.carry_height:.2f} m or above", hand[2, 3]
    )
    gap = robot.grip()
    _expect(gap < 0.01, "fingers that meet when nothing is between them", f"{gap:.3f} m")
    robot.release()
    _expect(abs(robot.gripper.gap - robot.hand.opening) < 0.005, "fingers as wide as hand.opening", robot.gripper.gap)
    _expect(robot.tuck().ok, "tuck() to get there from ready()", robot.joints())


def _check_memory(robot: ArmRobot) -> None:
    state = json.loads(json.dumps(robot.state()))
    robot.set_state(state)
    _expect(json.loads(json.dumps(robot.state())) == state, "a state that is JSON and comes back", robot.state())
