"""The page on scenes: its example loads and runs, its error is the real one, its pictures are whole."""

import re
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from doable.agent.cli import app
from doable.sim.catalogue import TABLETOP
from doable.sim.contact_sheet import objects_sheet
from doable.sim.physics_world import PhysicsWorld
from doable.sim.scene import load_scene, scene_names
from doable.sim.scene_file import SceneError, schema
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "scenes.md").read_text(encoding="utf-8")


@pytest.fixture
def mine(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    path = tmp_path / "my.yaml"
    path.write_text(example, encoding="utf-8")
    return path


def test_the_example_runs_in_the_symbolic_world(mine, tmp_path):
    plan = "scripted:find the apple;pick up the apple;bring it to you;put down the apple;done"
    folders = ["--memory", str(tmp_path / "m"), "--runs", str(tmp_path / "r"), "--embedder", "hash"]
    settings = ["--world", "symbolic", "--model", plan, "--values", "declared", "--clutter", "heavy"]
    wanted = '{"at": ["apple", "user"]}'
    command = ["run", "bring me the apple", "--scene", str(mine), *settings, *folders, "--expect", wanted]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output


def test_the_example_can_be_worked_in_with_physics(mine):
    world = PhysicsWorld(str(mine))
    library = SkillLibrary.of(world.scene)
    seen = world.reset(Setup(world.scene.objects, "workbench", clutter="light"), seed=1)
    assert {"apple", "sponge"} <= {o.type for o in seen.objects}
    assert execute(library["open the drawer"], world).status == "done"
    assert library["open the drawer"].effects.holds(world.facts())
    world.close()


def test_the_error_on_the_page_is_the_real_one(mine):
    lines = mine.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines) if "workbench" in line)
    lines[number] = lines[number].replace("height", "heigth")
    mine.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SceneError) as error:
        load_scene(mine)
    first = str(error.value).partition(" (")[0]
    assert first in PAGE.replace("\n", " ")


def test_every_key_and_every_scene_is_on_the_page():
    assert all(f"`{name}`" in PAGE for name in (*schema()["properties"], *scene_names()) if name != "name")


def test_the_pictures_are_small_and_there_for_every_scene():
    pictures = re.findall(r"!\[[^]]*\]\((img/[^)]+)\)", PAGE)
    assert {Path(picture).stem for picture in pictures} >= set(scene_names())
    for picture in pictures:
        assert (DOCS / picture).stat().st_size < 300_000
        assert min(Image.open(DOCS / picture).size) > 200


def test_a_sheet_shows_each_thing_once():
    sheet = objects_sheet(list(TABLETOP.values())[:3], columns=2, side=40)
    assert sheet.size == (80, 2 * 60)
    assert sheet.getpixel((60, 80)) == (24, 26, 30), "nothing in the last cell"
