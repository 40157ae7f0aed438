"""The benchmarks of a remembered life, small."""

import json
import re

from doable.agent.bench_life import SearchedWorld, requests, run_life_benchmark
from doable.agent.bench_questions import run_questions_benchmark
from doable.agent.config import Config
from doable.agent.language_model import ScriptedModel
from doable.memory import HashEmbedder
from doable.sim.scene import load_scene
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary


class Copying(ScriptedModel):
    """Reads out the thing of the newest note that is about the place in question."""

    def __init__(self):
        super().__init__(lambda prompt, continuation: 0.0, "copying")

    def generate(self, messages, **how):
        asked = messages[-1][1]
        place = re.search(r"to put on the (.+)\?", asked)[1]
        return (re.findall(rf"asked to 'put the (.+?) on the {place}'", asked) or ["nothing"])[-1]


def test_a_simulated_day_is_answered_from_records(tmp_path, monkeypatch):
    monkeypatch.setattr("doable.agent.bench_questions._ERRANDS", 12)
    table = run_questions_benchmark(tmp_path, HashEmbedder(), days=1, seed=1, reader=Copying())
    figures = json.loads((tmp_path / "summary.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert figures["right"] >= 0.9
    free = [row for row in rows if row["kind"] == "free-form"]
    assert figures["n"] == len(rows) - len(free) >= 50
    assert figures["free-form.n"] == len(free) > 0
    assert all(row["right"] == (row["answer"] == row["truth"][0]) for row in free)
    assert any(row["right"] for row in free)
    assert "what changed" in table
    assert all(row["evidence"] for row in rows if row["right"] and row["kind"] in ("where is", "last seen"))


def test_requests_are_the_same_for_all_and_move_things(tmp_path):
    scene = load_scene("kitchen")
    made = requests(scene, 30, 0)
    assert made == requests(scene, 30, 0) != requests(scene, 30, 1)
    assert made[0].objects != made[-1].objects
    assert 1 < len({request.thing for request in made}) <= 10


def test_search_steps_end_when_the_thing_is_seen():
    scene = load_scene("kitchen")
    world, library = SearchedWorld(scene), SkillLibrary.of(scene)
    [request] = requests(scene, 1, 3)
    world.begin(request, 0)
    execute(library[f"find the {request.thing}"], world, world.observe())
    found = world.drives
    assert found >= 1
    execute(library["go to the trash can"], world, world.observe())
    assert world.drives == found


def test_a_life_is_lived_three_times(tmp_path):
    config = Config(model="scripted:done", values="declared", embedder="hash", world="symbolic", guards=False)
    run_life_benchmark(config, tmp_path, count=2)
    figures = json.loads((tmp_path / "summary.json").read_text())
    rows = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert len(rows) == 6
    assert figures["memory.n"] == figures["no memory.n"] == 2
    assert figures["memory.success"] == 0.0
