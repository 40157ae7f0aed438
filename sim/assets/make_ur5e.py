"""Writes ur5e_2f85.urdf: UR5e, Robotiq 2F-85, a wrist camera and one that hangs before the arm, as one body.

Run once; its result is kept. Meshes stay in airo-models. Its collision meshes serve as visuals (they render several
times faster); all that collides is capsules, cylinders and boxes, so contacts are fast and states restore to the bit.
The gripper's linkage is reduced to two sliding fingers: docs/decisions/002-parallel-fingers.md says what that costs.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import airo_models

COLOURS = {
    "grey": (0.72, 0.75, 0.78, 1.0),
    "blue": (0.20, 0.52, 0.72, 1.0),
    "dark": (0.13, 0.13, 0.15, 1.0),
    "pad": (0.35, 0.36, 0.38, 1.0),
}
GRASP_POINT = 0.1425
"""From the flange to the middle of the pads when they hold a 40 mm thing: where the linkage brings them."""
KNUCKLE = 0.4603
"""The linkage's angle at that gap, at which its links are drawn, radians."""
TRAVEL = 0.0425
"""Of each finger: the maker's stroke is 85 mm."""
EYE = (0.98, 0.0, 0.95)
"""Where the fixed camera hangs, before the robot, metres from its foot."""
LOOK = (0.42, 0.0, 0.0)
"""The point that it looks at."""

_HALF = math.pi / 2
# Shapes that cover each link's mesh, in the link's frame: (kind, sizes, rpy, xyz); capsules and cylinders lie along z.
COLLISIONS = {
    "base_link_inertia": [("cylinder", (0.074, 0.099), (0, 0, 0), (0, 0, 0.0495))],
    "shoulder_link": [
        ("capsule", (0.062, 0.020), (0, 0, 0), (0, 0, 0)),
        ("capsule", (0.058, 0.03), (_HALF, 0, 0), (0, -0.02, 0)),
    ],
    "upper_arm_link": [
        ("capsule", (0.055, 0.425), (0, _HALF, 0), (-0.2125, 0, 0.138)),
        ("cylinder", (0.060, 0.140), (0, 0, 0), (0, 0, 0.136)),
        ("cylinder", (0.056, 0.130), (0, 0, 0), (-0.425, 0, 0.132)),
    ],
    "forearm_link": [
        ("capsule", (0.047, 0.380), (0, _HALF, 0), (-0.19, 0, 0.012)),
        ("cylinder", (0.056, 0.110), (0, 0, 0), (0, 0, 0.007)),
        ("cylinder", (0.040, 0.090), (0, 0, 0), (-0.3922, 0, 0.015)),
    ],
    "wrist_1_link": [
        ("cylinder", (0.040, 0.110), (0, 0, 0), (0, 0, -0.018)),
        ("cylinder", (0.039, 0.06), (_HALF, 0, 0), (0, -0.03, 0)),
    ],
    "wrist_2_link": [
        ("cylinder", (0.040, 0.110), (0, 0, 0), (0, 0, -0.003)),
        ("cylinder", (0.039, 0.06), (_HALF, 0, 0), (0, 0.025, 0)),
    ],
    "wrist_3_link": [("cylinder", (0.038, 0.046), (0, 0, 0), (0, 0, -0.023))],
}  # fmt: skip
_PAINT = {"shoulder_link": "blue", "wrist_3_link": "dark", "base_link_inertia": "dark"}


def collision(kind: str, sizes: tuple[float, ...], rpy: tuple[float, ...], xyz: tuple[float, ...]) -> str:
    """A collision element: a box by its edges, else (radius, length)."""
    if kind == "box":
        shape = f'<box size="{_join(sizes)}"/>'
    else:
        shape = f'<{kind} radius="{sizes[0]:g}" length="{sizes[1]:g}"/>'
    return f'<collision><origin rpy="{_join(rpy)}" xyz="{_join(xyz)}"/><geometry>{shape}</geometry></collision>'


def visual(shape: str, colour: str, rpy: tuple[float, ...] = (0, 0, 0), xyz: tuple[float, ...] = (0, 0, 0)) -> str:
    """A visual element of a geometry's text."""
    rgba = f'<material name="{colour}"><color rgba="{_join(COLOURS[colour])}"/></material>'
    return f'<visual><origin rpy="{_join(rpy)}" xyz="{_join(xyz)}"/><geometry>{shape}</geometry>{rgba}</visual>'


def link(name: str, mass: float, inertia: float, centre: tuple[float, ...], *parts: str) -> str:
    """A link with its mass at `centre` and a diagonal inertia."""
    text = f'<link name="{name}"><inertial><origin xyz="{_join(centre)}"/><mass value="{mass:g}"/>'
    text += f'<inertia ixx="{inertia:g}" ixy="0" ixz="0" iyy="{inertia:g}" iyz="0" izz="{inertia:g}"/></inertial>'
    return text + "".join(parts) + "</link>"


def box(colour: str, size: tuple[float, ...], at: tuple[float, ...]) -> str:
    """A box that is seen and collides."""
    return visual(f'<box size="{_join(size)}"/>', colour, xyz=at) + collision("box", size, (0, 0, 0), at)


def fixed(parent: str, child: str, at: tuple[float, ...], rpy: tuple[float, ...] = (0, 0, 0)) -> str:
    """A joint that never moves."""
    ends = f'<parent link="{parent}"/><child link="{child}"/>'
    return f'<joint name="{parent}-{child}" type="fixed">{ends}<origin rpy="{_join(rpy)}" xyz="{_join(at)}"/></joint>'


def _join(numbers: tuple[float, ...]) -> str:
    return " ".join(f"{n:.6g}" for n in numbers)


def arm() -> str:
    """The UR5e's moving links and joints up to `tool0`, with collision meshes as visuals and primitives to collide."""
    text = Path(airo_models.get_urdf_path("ur5e")).read_text(encoding="utf-8")
    source = Xml.fromstring(re.sub(r'drake:acceleration="[^"]*"', "", text))
    kept = []
    for element in source:
        name = element.get("name", "")
        if element.tag not in ("link", "joint") or name in ("base", "base_link-base_fixed_joint"):
            continue
        if name in COLLISIONS:
            for old in element.findall("collision"):
                element.remove(old)
            for shape in element.findall("visual"):
                mesh = shape.find("geometry/mesh")
                if mesh is not None:
                    part = mesh.get("filename", "").removeprefix("visual/").replace("base_cable_labels", "base")
                    mesh.set("filename", f"airo_models/arms/ur5e/collision/{part}")
                paint = _PAINT.get(name, "grey")
                shape.append(
                    Xml.fromstring(f'<material name="{paint}"><color rgba="{_join(COLOURS[paint])}"/></material>')
                )
            element.extend(Xml.fromstring(collision(*shape)) for shape in COLLISIONS[name])
        elif element.tag == "link":
            element.extend(Xml.fromstring(link(name, 0.001, 1e-6, (0, 0, 0))))  # Bullet gives a frame 1 kg else
        for limit in element.findall("limit"):
            limit.attrib = {k: v for k, v in limit.attrib.items() if k in ("effort", "lower", "upper", "velocity")}
        kept.append(Xml.tostring(element, encoding="unicode"))
    return "".join(kept)


def finger(side: str, sign: int) -> str:
    """One sliding finger: its frame is where its pad's face is when closed; y is the way it opens."""
    folder = "airo_models/grippers/robotiq_2f_85/meshes/collision/robotiq_arg2f_85_"
    turn = math.pi if sign < 0 else 0.0

    def mesh(name: str, y: float, z: float, roll: float, colour: str = "dark") -> str:
        # y and z in the finger's own outward frame, z from the flange
        shape = f'<mesh filename="{folder}{name}.obj" scale="0.001 0.001 0.001"/>'
        return visual(shape, colour, (roll, 0, turn), (0, sign * y, z - GRASP_POINT))

    c, s = math.cos(KNUCKLE), math.sin(KNUCKLE)
    gap = 0.0306011 + 0.0376 * c - 0.0430 * s - 0.02202 - 0.003175
    at = 0.0306011 - gap, 0.054904
    outer = at[0] + 0.0315 * c + 0.0041 * s, at[1] + 0.0315 * s - 0.0041 * c
    inner = outer[0] + 0.0061 * c - 0.0471 * s, outer[1] + 0.0061 * s + 0.0471 * c
    looks = (
        mesh("outer_knuckle", *at, KNUCKLE, "pad") + mesh("outer_finger", *outer, KNUCKLE)
        + mesh("inner_finger", *inner, 0.0) + mesh("inner_knuckle", 0.0127 - gap, 0.06142, KNUCKLE)
    )  # fmt: skip
    pad = visual('<box size="0.022 0.00635 0.0375"/>', "pad", xyz=(0, sign * 0.003175, 0))
    parts = (
        collision("box", (0.022, 0.00635, 0.0375), (0, 0, 0), (0, sign * 0.003175, 0)),
        collision("box", (0.015, 0.008, 0.058), (0, 0, 0), (0, sign * 0.01035, -0.0115)),
        collision("box", (0.024, 0.014, 0.040), (0, 0, 0), (0, sign * 0.025, -0.040)),
    )
    text = link(f"{side}_finger", 0.06, 4e-5, (0, sign * 0.01, -0.02), looks, pad, *parts)
    ends = f'<parent link="gripper"/><child link="{side}_finger"/><origin xyz="0 0 {GRASP_POINT}"/>'
    limit = f'<axis xyz="0 {sign} 0"/><limit lower="0" upper="{TRAVEL}" effort="235" velocity="0.075"/>'
    return text + f'<joint name="{side}_finger_joint" type="prismatic">{ends}{limit}</joint>'


def hand() -> str:
    """The 2F-85 on the flange, its opening along y, and a camera on its side that sees between the fingers."""
    mesh = '<mesh filename="airo_models/grippers/robotiq_2f_85/meshes/collision/robotiq_arg2f_85_base_link.obj"/>'
    shell = collision("cylinder", (0.0375, 0.055), (0, 0, 0), (0, 0, 0.0275))
    palm = collision("box", (0.05, 0.082, 0.040), (0, 0, 0), (0, 0, 0.070))
    # The camera looks at a point 0.22 m before the flange, on the hand's axis.
    at = (0.065, 0.0, 0.02)
    tilt = math.atan2(at[0], 0.22 - at[2])
    return "".join(
        (
            link("gripper", 0.78, 0.0008, (0, 0, 0.04), visual(mesh, "dark"), shell, palm),
            link("grasp_point", 0.001, 1e-6, (0, 0, 0)),
            link("wrist_camera", 0.07, 2e-5, (0, 0, 0), box("dark", (0.025, 0.09, 0.025), (0, 0, 0))),
            fixed("tool0", "gripper", (0, 0, 0)),
            fixed("gripper", "grasp_point", (0, 0, GRASP_POINT)),
            fixed("gripper", "wrist_camera", at, (0, -tilt, 0)),
            finger("left", 1),
            finger("right", -1),
        )
    )


def post() -> str:
    """The camera that looks at the whole table, on a post from the ceiling; the camera's x axis points ahead."""
    down = math.atan2(EYE[2] - LOOK[2], EYE[0] - LOOK[0])
    return "".join(
        (
            link(
                "post", 3.0, 0.1, (0, 0, 0),
                box("pad", (0.02, 0.02, 0.50), (EYE[0] + 0.03, EYE[1], EYE[2] + 0.25)),
            ),
            link("front_camera", 0.07, 2e-5, (0, 0, 0), box("blue", (0.04, 0.10, 0.04), (-0.025, 0, 0))),
            fixed("base_link", "post", (0, 0, 0)),
            fixed("base_link", "front_camera", EYE, (0, down, math.pi)),
        )
    )  # fmt: skip


def main() -> None:
    """Write the file next to this one."""
    robot = Xml.fromstring(f'<robot name="ur5e_2f85">{arm()}{hand()}{post()}</robot>')
    Xml.indent(robot)
    text = '<?xml version="1.0"?>\n' + Xml.tostring(robot, encoding="unicode") + "\n"
    Path(__file__).with_name("ur5e_2f85.urdf").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
