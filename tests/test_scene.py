"""Scenes: the kitchen is consistent, its geometry turns back and forth, and a broken file says what is wrong."""

import math
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from doable.sim import catalogue
from doable.sim import scene as scene_module
from doable.sim.catalogue import UnknownName
from doable.sim.observation import Observation, RobotState
from doable.sim.scene import load_scene, scene_names, training_scene
from doable.sim.scene_file import SceneError
from doable.sim.scene_parts import Place
from doable.skills.navigate import blocks, dock_pose, find_path, stand_pose

KITCHEN = load_scene("kitchen")
KITCHEN_FILE = Path(scene_module.__file__).with_name("kitchen.yaml")
KITCHENS = [load_scene(name) for name in ("kitchen", "kitchen-wall", "kitchen-island")]
each_kitchen = pytest.mark.parametrize("kitchen", KITCHENS, ids=lambda scene: scene.name)
NOTHING_SEEN = Observation(0.0, RobotState((0.0, 0.0), 0.0, None, None))

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


@each_kitchen
def test_no_two_places_and_no_two_drawers_share_a_name(kitchen):
    for things in (kitchen.places, kitchen.drawers):
        names = [name for thing in things for name in (thing.name, *thing.synonyms)]
        assert len(names) == len(set(names))
        assert all(name == name.lower() for name in names)


@each_kitchen
def test_every_synonym_leads_to_its_place_or_drawer_whatever_the_case(kitchen):
    for place in kitchen.places:
        assert all(kitchen.place(alias.upper()) is place for alias in (place.name, *place.synonyms))
    for drawer in kitchen.drawers:
        assert all(kitchen.drawer(alias.upper()) is drawer for alias in (drawer.name, *drawer.synonyms))


@each_kitchen
def test_the_places_of_the_paper_are_there(kitchen):
    assert {"table", "close counter", "far counter", "trash can", "user"} <= {p.name for p in kitchen.places}
    assert len(kitchen.drawers) >= 2
    assert {"trash can", "user"}.isdisjoint(p.name for p in kitchen.surfaces())


@each_kitchen
def test_the_kitchen_holds_every_object_of_the_catalogue_on_a_surface(kitchen):
    assert {kind for kind, _ in kitchen.objects} == set(catalogue.KITCHEN)
    assert {place for _, place in kitchen.objects} <= {p.name for p in kitchen.surfaces()}


@each_kitchen
def test_furniture_and_the_robot_in_front_of_it_fit_into_the_room(kitchen):
    (x0, x1), (y0, y1) = kitchen.room
    for place in kitchen.places:
        length, depth = place.size
        points = [place.to_world(along, deep) for along in (-length / 2, length / 2) for deep in (0, depth)]
        for x, y in [*points, place.stand()[:2]]:
            assert x0 - 1e-9 <= x <= x1 + 1e-9, place.name
            assert y0 - 1e-9 <= y <= y1 + 1e-9, place.name


@each_kitchen
def test_no_two_pieces_of_furniture_overlap_and_nobody_stands_in_one(kitchen):
    for one, other in combinations(kitchen.places, 2):
        corners = [other.to_world(a * other.size[0] / 2, d * other.size[1]) for a in (-1, 0, 1) for d in (0, 0.5, 1)]
        assert not any(one.contains(*corner) for corner in corners), (one.name, other.name)
    for place in kitchen.places:
        assert not any(other.contains(*place.stand()[:2]) for other in kitchen.places)


@each_kitchen
def test_drawers_fit_below_the_top_of_their_cabinet(kitchen):
    for drawer in kitchen.drawers:
        assert 0 < drawer.height < kitchen.place(drawer.cabinet).height
        assert 0 < drawer.travel < kitchen.place(drawer.cabinet).size[1]


@each_kitchen
def test_the_kitchens_have_the_same_places_drawers_and_things(kitchen):
    for names in ("place_names", "drawer_names"):
        assert set(getattr(KITCHEN, names).values()) == set(getattr(kitchen, names).values())
        assert set(getattr(KITCHEN, names)) <= set(getattr(kitchen, names))
    assert kitchen.types == KITCHEN.types == tuple(catalogue.KITCHEN)
    assert kitchen.robot == KITCHEN.robot
    assert kitchen.clutter["light"] < kitchen.clutter["medium"] < kitchen.clutter["heavy"]


@each_kitchen
def test_every_place_can_be_reached_from_every_other_whatever_drawers_are_open(kitchen):
    """`NOTHING_SEEN`: all drawers may stand open."""
    walls = blocks(kitchen, NOTHING_SEEN)
    docks = [dock_pose(kitchen, NOTHING_SEEN, place)[:2] for place in kitchen.places]
    assert all(find_path(kitchen, walls, a, b) for a in docks for b in docks if a != b)


@each_kitchen
def test_a_robot_that_stands_at_a_place_is_at_that_place(kitchen):
    for place in kitchen.places:
        assert kitchen.standing_at(*stand_pose(kitchen, NOTHING_SEEN, place)) == place.name
        assert kitchen.standing_at(*place.stand()) == place.name


def test_one_layout_is_held_out_of_training():
    assert [k.name for k in KITCHENS if k.held_out] == ["kitchen-island"]
    assert training_scene("kitchen-wall").name == "kitchen-wall"
    with pytest.raises(ValueError, match=r"Expected a scene to train in, got 'kitchen-island', which is held out"):
        training_scene("kitchen-island")


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


def kitchen_with(tmp_path, old, new):
    """The kitchen's own text with the one line that holds `old` changed; gives the file and that line's number."""
    lines = KITCHEN_FILE.read_text(encoding="utf-8").splitlines()
    (number,) = [i for i, line in enumerate(lines) if old in line]
    lines[number] = lines[number].replace(old, new)
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path, number + 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "0.55, facing: west",
            "0.55, faceing: west",
            "Expected a place key among name, kind, of, centre, size, height, facing, synonyms; got 'faceing'. "
            "Did you mean 'facing'?",
        ),
        ("robot: {model", "robott: {model", "Expected a scene key among name"),
        ("size: [1.4, 0.70], ", "", "Expected a place to have the key 'size', found only name, kind"),
        ("[0.9, 2.2], size: [0.8, 0.55], height: 0.85, ", "[0.9, 2.2], size: [0.8, 0.55], ", "have the key 'height'"),
        ("size: [1.4, 0.70]", "size: 0.7", "Expected size to be two numbers [length along the edge"),
        ("size: [1.4, 0.70]", "size: [1.4, deep]", "Expected an entry to be a number above 0, got 'deep'."),
        (
            "height: 0.55",
            "height: -1",
            "Expected height to be the height of its surface",
        ),
        ("facing: west", "facing: wset", "got 'wset'. Did you mean 'west'?"),
        ("kind: cabinet", "kind: cabinett", "got 'cabinett'. Did you mean 'cabinet'?"),
        ("model: mobile-panda", "model: mobile-pander", "got 'mobile-pander'. Did you mean 'mobile-panda'?"),
        ("{model: mobile-panda, at: user}", "{model: mobile-panda}", "to have the key 'at' or 'base'"),
        ("at: user}", "at: usr}", "Expected the name of a place, got 'usr'. Did you mean 'user'?"),
        ("type: coke", "type: coce", "Expected the name of an object, got 'coce'. Did you mean 'coke'?"),
        ("type: coke", "type: blue bowl", "an object of this scene's types, got 'blue bowl'"),
        ("{type: coke, at: table}", "{type: coke, at: tabel}", "a place, got 'tabel'. Did you mean 'table'?"),
        ("name: top drawer, in: cabinet", "name: top drawer, in: closet", "Expected the name of a place, got 'closet'"),
        ("name: top drawer, in: cabinet", "name: top drawer, in: table", "to be in a cabinet, got a table"),
        ("name: far counter", "name: close counter", "Expected 'close counter' to name one thing"),
        ("name: far counter", "name: Far counter", "Expected names in lower case, got 'Far counter'"),
        ("name: far counter", "name: far counter, name: back", "Expected the key 'name' once"),
        ("light: 3", "light: some", "Expected light to be a whole number of at least 0, got 'some'"),
        ("eye: [-3.9, -4.1, 4.6]", "eye: [-3.9, -4.1]", "Expected eye to be three numbers [x, y, z]"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, old, new, message):
    path, line = kitchen_with(tmp_path, old, new)
    with pytest.raises(SceneError) as error:
        load_scene(path)
    assert str(error.value).startswith(f"mine.yaml, line {line}: Expected ")
    assert message in str(error.value)


def test_how_much_more_is_wrong_is_told(tmp_path):
    with pytest.raises(SceneError, match=r"\(2 more like this in the file\.\)"):
        load_scene(written(tmp_path, lambda data: [place.pop("size") for place in data["places"][:3]]))


def test_a_missing_part_is_named(tmp_path):
    with pytest.raises(SceneError, match=r"mine\.yaml, line 1: Expected a scene to have the key 'places'"):
        load_scene(written(tmp_path, lambda data: data.pop("places")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nplaces: }\n", "line 2: Expected YAML"),
        ("", "Expected a scene with keys like name and places, got nothing"),
        ("just words", "got str"),
        ("[1, 2]", "got list"),
        (b"\xff\xfe\x00", "Expected a text file in UTF-8"),
    ],
)
def test_a_file_that_is_no_mapping_at_all_is_named(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SceneError) as error:
        load_scene(path)
    assert str(error.value).startswith("mine.yaml")
    assert message in str(error.value)


def test_a_spot_is_a_part_of_a_place_that_stands_before_it(tmp_path):
    def change(data):
        data["places"].insert(
            0, {"name": "corner", "kind": "spot", "of": "table", "centre": [2, 0], "size": [0.2, 0.2]}
        )

    with pytest.raises(SceneError, match=r"line \d+: Expected the name of a place before it in the file, got 'table'"):
        load_scene(written(tmp_path, change))


def test_of_a_table_and_a_spot_on_it_the_spot_is_told():
    tabletop = load_scene("tabletop")
    for spot in (p for p in tabletop.places if p.kind == "spot"):
        assert tabletop.resting_on(*spot.centre, spot.height + 0.02) == spot.name
        assert tabletop.place("table").contains(*spot.centre)
    assert tabletop.resting_on(0.29, 0.0, 0.74) == "table"
    assert tabletop.resting_on(0.29, 0.0, 0.2) is None
    assert [p.name for p in tabletop.surfaces()] == ["table"]


@pytest.mark.parametrize("name", scene_names())
def test_every_scene_has_a_picture_of_the_whole_and_a_robot(name):
    scene = load_scene(name)
    assert scene.name == name
    assert scene.camera("overview").fov < math.pi / 2
    assert scene.place(scene.robot_at)
    assert set(dict(scene.objects)) <= set(scene.types)
    with pytest.raises(UnknownName, match=r"a camera, got 'overvew'\. Did you mean 'overview'"):
        scene.camera("overvew")
