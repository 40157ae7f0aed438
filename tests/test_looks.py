"""Looks: what is seen of a thing is where the thing is, and has its label."""

import math

import numpy as np
import pytest
from PIL import Image

from doable.sim import looks
from doable.sim.camera import View, take
from doable.sim.catalogue import CATALOGUE, KITCHEN
from doable.sim.objects import add_object
from doable.sim.physics import Physics


@pytest.fixture(scope="module")
def physics():
    made = Physics()
    yield made
    made.close()


def test_every_kitchen_thing_has_a_look_of_its_own():
    pictures = [looks.draw(kind).tobytes() for kind in KITCHEN.values()]
    assert len(set(pictures)) == len(KITCHEN)


@pytest.mark.parametrize("kind", KITCHEN.values(), ids=lambda kind: kind.name)
def test_the_surface_fills_the_size_that_the_catalogue_gives(kind):
    mesh = looks.surface(kind)
    low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
    assert np.abs(high - low - kind.size).max() < 0.008
    assert low[2] == pytest.approx(-kind.size[2] / 2, abs=0.002)
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-6)
    assert mesh.uvs.min() >= -1e-9
    assert mesh.uvs.max() <= 1 + 1e-9
    assert mesh.triangles.max() < len(mesh.points)
    assert len(mesh.triangles) < 500, "cheap to draw"


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.name)
def test_what_is_seen_of_a_body_is_labelled_as_that_body(physics, kind):
    physics.clear()
    body = add_object(physics, kind, (0, 0, kind.size[2] / 2), 0.4)
    frame = take(physics, View((0.1, -0.4, 0.4), (0, 0, kind.size[2] / 2), math.radians(40), 96, 96))
    seen = frame.body == body
    assert seen.sum() > 60
    points = frame.points()[seen]
    assert points[:, 2].max() == pytest.approx(kind.size[2], abs=0.012)
    reach = math.hypot(*kind.size[:2]) / 2 + 0.01
    assert np.linalg.norm(points[:, :2], axis=1).max() < reach


def test_pictures_are_drawn_once_a_process():
    first = looks.picture_file("only once", lambda: Image.new("RGB", (4, 4)))
    assert first == looks.picture_file("only once", lambda: pytest.fail("drawn again"))
