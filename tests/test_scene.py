"""Scenes: the kitchen is consistent, its geometry turns back and forth, and a broken file says what is wrong."""

import math
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from doable.sim import scene as scene_module
from doable.sim.catalogue import CATALOGUE, UnknownName
from doable.sim.scene import Place, load_scene

KITCHEN = load_scene("kitchen")
KITCHEN_FILE = Path(scene_module.__file__).with_name("kitchen.yaml")

metres = st.floats(-3, 3)
places = st.sampled_from(KITCHEN.places)
anywhere = st.builds(
    Place,
    name=st.just("somewhere"),
    kind=st.just("table"),
    centre=st.tuples(metres, metres),
    size=st.tuples(st.floats(0.2, 2), st.floats(0.2, 2)),
    height=st.just(0.8),
    facing=st.floats(-math.pi, math.pi),
)


def written(tmp_path, change):
    """The kitchen's file after `change` has had its way with it."""
    data = yaml.safe_load(KITCHEN_FILE.read_text(encoding="utf-8"))
    change(data)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_no_two_places_and_no_two_drawers_share_a_name():
    for things in (KITCHEN.places, KITCHEN.drawers):
        names = [name for thing in things for name in (thing.name, *thing.synonyms)]
        assert len(names) == len(set(names))
        assert all(name == name.lower() for name in names)


def test_every_synonym_leads_to_its_place_or_drawer_whatever_the_case():
    for place in KITCHEN.places:
        assert all(KITCHEN.place(alias.upper()) is place for alias in (place.name, *place.synonyms))
    for drawer in KITCHEN.drawers:
        assert all(KITCHEN.drawer(alias.upper()) is drawer for alias in (drawer.name, *drawer.synonyms))


def test_the_places_of_the_paper_are_there():
    assert {"table", "close counter", "far counter", "trash can", "user"} <= {p.name for p in KITCHEN.places}
    assert len(KITCHEN.drawers) >= 2
    assert {"trash can", "user"}.isdisjoint(p.name for p in KITCHEN.surfaces())


def test_the_kitchen_holds_every_object_of_the_catalogue_on_a_surface():
    assert {kind for kind, _ in KITCHEN.objects} == set(CATALOGUE)
    assert {place for _, place in KITCHEN.objects} <= {p.name for p in KITCHEN.surfaces()}


def test_furniture_and_the_robot_in_front_of_it_fit_into_the_room():
    (x0, x1), (y0, y1) = KITCHEN.room
    for place in KITCHEN.places:
        length, depth = place.size
        points = [place.to_world(along, deep) for along in (-length / 2, length / 2) for deep in (0, depth)]
        for x, y in [*points, place.stand()[:2]]:
            assert x0 - 1e-9 <= x <= x1 + 1e-9, place.name
            assert y0 - 1e-9 <= y <= y1 + 1e-9, place.name


def test_no_two_pieces_of_furniture_overlap_and_nobody_stands_in_one():
    for one, other in combinations(KITCHEN.places, 2):
        corners = [other.to_world(a * other.size[0] / 2, d * other.size[1]) for a in (-1, 0, 1) for d in (0, 0.5, 1)]
        assert not any(one.contains(*corner) for corner in corners), (one.name, other.name)
    for place in KITCHEN.places:
        assert not any(other.contains(*place.stand()[:2]) for other in KITCHEN.places)


def test_drawers_fit_below_the_top_of_their_cabinet():
    for drawer in KITCHEN.drawers:
        assert 0 < drawer.height < KITCHEN.place(drawer.cabinet).height
        assert 0 < drawer.travel < KITCHEN.place(drawer.cabinet).size[1]


@given(anywhere, metres, metres)
def test_local_and_world_coordinates_turn_back_into_each_other(place, along, deep):
    assert place.to_local(*place.to_world(along, deep)) == pytest.approx((along, deep), abs=1e-9)


@given(anywhere, metres, metres, metres, metres)
def test_the_turn_keeps_distances(place, a, b, c, d):
    assert math.dist(place.to_world(a, b), place.to_world(c, d)) == pytest.approx(math.dist((a, b), (c, d)), abs=1e-9)


@given(anywhere)
def test_the_middle_of_the_footprint_is_the_centre(place):
    assert place.to_world(0, place.size[1] / 2) == pytest.approx(place.centre)


@given(anywhere, st.floats(-0.49, 0.49), st.floats(0.01, 0.99))
def test_what_is_on_the_footprint_is_contained_and_what_is_beside_it_is_not(place, along, deep):
    length, depth = place.size
    assert place.contains(*place.to_world(along * length, deep * depth))
    assert not place.contains(*place.to_world(length / 2 + 0.05, deep * depth))
    assert place.contains(*place.to_world(length / 2 + 0.05, deep * depth), margin=0.1)
    assert not place.contains(*place.to_world(along * length, -0.05))


@given(anywhere, st.floats(-0.5, 0.5), st.floats(0.1, 1))
def test_the_robot_stands_before_the_edge_and_looks_at_the_place(place, along, gap):
    x, y, yaw = place.stand(along, gap)
    assert place.to_local(x, y) == pytest.approx((along, -gap), abs=1e-9)
    ahead = x + gap * math.cos(yaw), y + gap * math.sin(yaw)
    assert place.to_local(*ahead) == pytest.approx((along, 0), abs=1e-9)


def test_a_scene_of_ones_own_is_read_from_its_path(tmp_path):
    path = written(tmp_path, lambda data: data.update(name="mine", objects=[{"type": "Coke Can", "at": "table"}]))
    mine = load_scene(path)
    assert (mine.name, mine.objects) == ("mine", (("coke", "table"),))


def test_unknown_names_are_met_with_the_nearest_known_one():
    with pytest.raises(UnknownName, match=r"a scene, got 'kitchn'\. Did you mean 'kitchen'\?"):
        load_scene("kitchn")
    with pytest.raises(UnknownName, match=r"a place, got 'tabel'\. Did you mean 'table'\?"):
        KITCHEN.place("tabel")
    with pytest.raises(UnknownName, match=r"a drawer, got 'topp drawer'\. Did you mean 'top drawer'\?"):
        KITCHEN.drawer("topp drawer")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"Expected a scene file, got '.*none\.yaml', which does not exist"):
        load_scene(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("places"),
        lambda data: data.pop("robot"),
        lambda data: data["places"][0].pop("centre"),
        lambda data: data["places"][0].update(facing="up"),
        lambda data: data["places"][0].update(size=0.5),
        lambda data: data.update(places=None),
    ],
    ids=["no places", "no robot", "no centre", "bad facing", "bad size", "null places"],
)
def test_a_file_that_is_not_a_scene_is_named(tmp_path, change):
    with pytest.raises(ValueError, match=r"Expected mine\.yaml to be a scene like kitchen\.yaml, got"):
        load_scene(written(tmp_path, change))


@pytest.mark.parametrize("text", ["places: [", "", "just words", "[1, 2]"])
def test_a_file_that_is_no_mapping_at_all_is_named(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"Expected mine\.yaml to be a scene"):
        load_scene(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["robot"].update(at="tabel"), "a place, got 'tabel'. Did you mean 'table'?"),
        (lambda data: data["objects"].append({"type": "aple", "at": "table"}), "an object, got 'aple'. Did you mean"),
        (lambda data: data["objects"].append({"type": "apple", "at": "shelf"}), "a place, got 'shelf'"),
        (lambda data: data["drawers"][0].update({"in": "closet"}), "a place, got 'closet'"),
    ],
)
def test_names_inside_a_scene_must_be_known(tmp_path, change, message):
    with pytest.raises(UnknownName) as error:
        load_scene(written(tmp_path, change))
    assert message in str(error.value)
