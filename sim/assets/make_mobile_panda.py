"""Writes mobile_panda.urdf: the Panda of pybullet_data on a planar base with a mast. Run once; its result is kept.

Meshes stay in pybullet_data and are found through its search path. The collision meshes serve as visuals as well: they
render 20 times faster. Hand and fingers collide as boxes, which makes contacts at the fingertips fast and repeatable.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pybullet_data

COLOURS = {
    "grey": (0.30, 0.32, 0.36, 1.0),
    "dark": (0.12, 0.12, 0.14, 1.0),
    "white": (0.93, 0.93, 0.95, 1.0),
    "accent": (0.10, 0.45, 0.65, 1.0),
}
# Metres in the parent's frame: the platform's is at the floor under its middle, x forward.
MOUNT = (0.12, 0.0, 0.55)
MAST = (-0.21, 0.21, 1.55)
HEAD = (0.03, 0.20, 1.60)


def link(name: str, mass: float, inertia: float, *shapes: tuple[str, tuple[float, ...], tuple[float, ...]]) -> str:
    """A link of boxes, each (colour, centre, size); visual and collision are the same. The mass is at the first."""
    centre = shapes[0][1] if shapes else (0.0, 0.0, 0.0)
    text = f'<link name="{name}"><inertial><origin xyz="{_join(centre)}"/><mass value="{mass}"/>'
    text += f'<inertia ixx="{inertia}" ixy="0" ixz="0" iyy="{inertia}" iyz="0" izz="{inertia}"/></inertial>'
    for colour, at, size in shapes:
        body = f'<origin xyz="{_join(at)}"/><geometry><box size="{_join(size)}"/></geometry>'
        rgba = f'<material name="{colour}"><color rgba="{_join(COLOURS[colour])}"/></material>'
        text += f"<visual>{body}{rgba}</visual><collision>{body}</collision>"
    return text + "</link>"


def joint(name: str, kind: str, parent: str, child: str, at: tuple[float, ...], axis: str = "", limit: str = "") -> str:
    """A joint; `limit` is the attributes of the URDF's limit element."""
    text = f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
    text += f'<origin xyz="{_join(at)}"/>' + (f'<axis xyz="{axis}"/>' if axis else "")
    return text + (f"<limit {limit}/>" if limit else "") + "</joint>"


def _join(numbers: tuple[float, ...]) -> str:
    return " ".join(f"{n:g}" for n in numbers)


def base() -> str:
    """World to mount: three planar joints, the platform with its column, the mast and the two joints of the head."""
    slide = 'lower="-20" upper="20" effort="800" velocity="1.0"'
    turn = 'effort="400" velocity="1.5"'
    head = 'lower="-3.2" upper="3.2" effort="10" velocity="6"'
    return "\n".join(
        (
            link("floor", 0.0, 0.0),
            link("slide_x", 1.0, 0.01),
            link("slide_y", 1.0, 0.01),
            link(
                "platform", 90.0, 4.0,
                ("grey", (0.0, 0.0, 0.20), (0.50, 0.50, 0.30)),
                ("dark", (0.0, 0.0, 0.035), (0.44, 0.44, 0.03)),
                ("grey", (MOUNT[0] - 0.04, 0.0, (0.35 + MOUNT[2]) / 2), (0.22, 0.20, MOUNT[2] - 0.35)),
                ("dark", (MAST[0], MAST[1], (0.35 + MAST[2]) / 2), (0.04, 0.04, MAST[2] - 0.35)),
                ("dark", ((MAST[0] + HEAD[0]) / 2, 0.205, MAST[2]), (HEAD[0] - MAST[0], 0.03, 0.03)),
            ),
            link("head", 0.2, 0.001),
            link("camera", 0.3, 0.001, ("accent", (-0.03, 0.0, 0.0), (0.05, 0.10, 0.04))),
            joint("base_x", "prismatic", "floor", "slide_x", (0, 0, 0), "1 0 0", slide),
            joint("base_y", "prismatic", "slide_x", "slide_y", (0, 0, 0), "0 1 0", slide),
            joint("base_yaw", "continuous", "slide_y", "platform", (0, 0, 0), "0 0 1", turn),
            joint("head_pan", "revolute", "platform", "head", HEAD, "0 0 1", head),
            joint("head_tilt", "revolute", "head", "camera", (0.04, 0, 0), "0 1 0", head),
            joint("mount", "fixed", "platform", "panda_link0", MOUNT),
        )
    )  # fmt: skip


def arm() -> str:
    """The Panda's links and joints, with boxes for hand and fingers."""
    source = Path(pybullet_data.getDataPath(), "franka_panda", "panda.urdf").read_text(encoding="utf-8")
    source = source.replace("meshes/visual/", "meshes/collision/").replace("package://", "franka_panda/")
    robot = Xml.fromstring(source)
    boxes = {
        "panda_hand": ("0 0 0.02", "0.063 0.204 0.092"),
        "panda_leftfinger": ("0 0.0075 0.0295", "0.018 0.015 0.048"),
        "panda_rightfinger": ("0 -0.0075 0.0295", "0.018 0.015 0.048"),
    }
    for element in robot.findall("link"):
        for material in element.iter("material"):
            material.clear()
            finger = "finger" in element.get("name", "")
            material.set("name", "dark" if finger else "white")
        if element.get("name") in boxes:
            at, size = boxes[element.get("name", "")]
            collision = Xml.fromstring(
                f'<collision><origin xyz="{at}"/><geometry><box size="{size}"/></geometry></collision>'
            )
            element.remove(element.findall("collision")[0])
            element.append(collision)
    text = "".join(Xml.tostring(child, encoding="unicode") for child in robot)
    return re.sub(r"<(safety_controller|mimic)[^>]*/>", "", text)


def main() -> None:
    """Write the file next to this one."""
    robot = Xml.fromstring(f'<robot name="mobile_panda">{base()}{arm()}</robot>')
    Xml.indent(robot)
    text = '<?xml version="1.0"?>\n' + Xml.tostring(robot, encoding="unicode") + "\n"
    Path(__file__).with_name("mobile_panda.urdf").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
