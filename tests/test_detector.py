"""Detectors: pixels gathered into things, training that goes on where it stopped, and figures that can be trusted."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from doable.agent.bench_agent import ConfiguredAgents
from doable.agent.bench_detector import bench_detector
from doable.agent.config import Config, ConfigError
from doable.sim.catalogue import UnknownName
from doable.sim.detector import OracleLabels
from doable.sim.detector_training import DetectorRecipe, fit
from doable.sim.detectors import make_detector
from doable.sim.learned_detector import WEIGHTS, BadDetector, LearnedDetector, groups
from doable.sim.physics_world import PhysicsWorld
from doable.sim.pictures import LABELS, collect, load, situation
from doable.sim.scene import load_scene
from doable.sim.segmentation import INPUTS, Segmenter, inputs
from doable.sim.task import Setup

SCENE = load_scene("kitchen")


class Told(torch.nn.Module):
    """A network that is told the answer."""

    def __init__(self):
        super().__init__()
        self.label = np.zeros((1, 1), dtype=np.uint8)

    def forward(self, x):
        return (
            9.0 * torch.nn.functional.one_hot(torch.from_numpy(self.label).long(), len(LABELS)).permute(2, 0, 1)[None]
        )


@pytest.fixture(scope="module")
def world():
    made = PhysicsWorld(SCENE)
    yield made
    made.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    assert collect(folder, [SCENE], states=4, seed=5) == 4
    return folder


def shared(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def test_pixels_that_hang_together_in_the_room_are_one_thing():
    labels = np.zeros((6, 8), dtype=np.int64)
    labels[1:5, 1:7] = 1
    points = np.stack([*np.mgrid[0:6, 0:8] * 0.01, np.zeros((6, 8))], axis=-1)
    assert [m.sum() for m in groups(labels, points)] == [24]
    points[:, 4:, 2] = 0.2  # the right half is nearer
    assert [m.sum() for m in groups(labels, points)] == [12, 12]
    labels[1:5, 1:4] = 2
    points[:, 4:, 2] = 0.0
    assert [m.sum() for m in groups(labels, points)] == [12, 12], "of one label"


def test_perfect_pixels_give_what_the_oracle_gives(world):
    network = Told()
    learned = LearnedDetector(network, LABELS, SCENE)  # type: ignore[arg-type]
    count = 0
    for state in range(4):
        for picture in situation(world, seed=3, state=state):
            network.label = picture.label
            oracle = OracleLabels(world.types)
            truth = [d for d in oracle.detect(picture.frame) if d.mask.sum() > 30]
            mine = [d for d in learned.detect(picture.frame) if d.type not in SCENE.drawer_names]
            for thing in truth:
                count += 1
                assert any(d.type == thing.type and shared(d.mask, thing.mask) > 0.5 for d in mine), thing.type
    assert count > 20


def test_a_drawer_is_told_by_the_map(world):
    network = Told()

    class Learned(LearnedDetector):
        def detect(self, frame):
            drawers = np.isin(frame.body, [c.body for c in world._cabinets.values()]) & (frame.link >= 0)
            network.label = np.where(drawers, LABELS.index("drawer"), 0).astype(np.uint8)
            return super().detect(frame)

    own = PhysicsWorld(SCENE, detector=Learned(network, LABELS, SCENE))  # type: ignore[arg-type]
    setup = Setup((), "cabinet", None, ("bottom drawer",))
    seen, truth = own.reset(setup), world.reset(setup)
    for mine, theirs in zip(seen.drawers, truth.drawers, strict=True):
        assert mine.opening == pytest.approx(theirs.opening, abs=0.03)
    own.close()


def test_pictures_are_the_same_for_the_same_seed_and_are_not_taken_twice(data, tmp_path):
    first = sorted(data.glob("*.npz"))[1]
    labels, pictures = load(first)
    assert labels == LABELS
    before = first.stat().st_mtime_ns
    collect(data, [SCENE], states=4, seed=5)
    assert first.stat().st_mtime_ns == before
    collect(tmp_path, [SCENE], states=2, seed=5)
    again = load(tmp_path / first.name)[1]
    assert len(again) == len(pictures) > 0
    for a, b in zip(pictures, again, strict=True):
        assert (a.frame.rgb == b.frame.rgb).all()
        assert (a.label == b.label).all()
        assert a.frame.view == b.frame.view


def test_no_pictures_are_taken_of_a_scene_that_is_held_out(tmp_path):
    with pytest.raises(ValueError, match="held out"):
        collect(tmp_path, [replace(SCENE, held_out=True)], states=1, seed=0)


def test_training_goes_on_where_it_stopped_and_its_weights_load(data, tmp_path):
    recipe = DetectorRecipe(epochs=2, seed=1)
    lines: list[str] = []

    def stop(line):
        lines.append(line)
        if line.startswith("epoch 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(data, tmp_path / "a.safetensors", tmp_path / "work", recipe, log=stop)
    fit(data, tmp_path / "a.safetensors", tmp_path / "work", recipe, log=lines.append)
    fit(data, tmp_path / "b.safetensors", tmp_path / "whole", recipe)
    assert sum(line.startswith("epoch 1") for line in lines) == 1
    picture = load(sorted(data.glob("*.npz"))[1])[1][0]
    a, b = (LearnedDetector.load(tmp_path / f"{name}.safetensors", SCENE) for name in "ab")
    assert np.allclose(a.probabilities(picture.frame), b.probabilities(picture.frame), atol=1e-4)
    assert a.probabilities(picture.frame).shape == (len(LABELS), *picture.label.shape)
    assert "| coke |" in (tmp_path / "a.md").read_text()
    with pytest.raises(ValueError, match="recipe"):
        fit(data, tmp_path / "c.safetensors", tmp_path / "work", DetectorRecipe(epochs=3, seed=1))


def test_inputs_are_a_few_units_around_zero(data):
    for picture in load(sorted(data.glob("*.npz"))[1])[1]:
        x = inputs(picture.frame, SCENE)
        assert x.shape == (len(INPUTS), *picture.label.shape)
        assert np.isfinite(x).all()
        assert np.abs(x).max() < 6


def test_the_oracle_measured_against_itself_is_perfect(tmp_path):
    table = bench_detector("oracle", ["kitchen"], situations=3, seed=7, out=tmp_path)
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert figures["kitchen.precision"] == figures["kitchen.recall"] == 1.0
    # Specks of a few pixels are labels, but too few to be trusted as a detection.
    assert figures["kitchen.mean_iou"] > 0.999
    assert figures["kitchen.position_error"] == figures["kitchen.oracle_position_error"] < 0.03
    assert "| **all** |" in table
    assert json.loads((tmp_path / "origin.json").read_text())["detector"] == "oracle labels"


def test_a_detector_has_a_name_a_file_or_a_folder(tmp_path):
    assert make_detector("oracle", SCENE) is None
    with pytest.raises(UnknownName, match="learned"):
        make_detector("lerned", SCENE)
    with pytest.raises(BadDetector, match="safetensors"):
        make_detector(str(tmp_path / "missing.safetensors"), SCENE)
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(BadDetector, match="Train one"):
        make_detector(str(tmp_path / "broken.safetensors"), SCENE)
    with pytest.raises(ConfigError, match="detector_threshold"):
        Config(detector_threshold=1.0)


def test_a_benchmark_names_its_detector():
    agents = ConfiguredAgents(Config(model="scripted:done", values="declared"))
    assert agents.describe()["detector"] == "oracle labels"


def test_the_network_is_small():
    assert sum(p.numel() for p in Segmenter(len(LABELS)).parameters()) < 400_000


def test_the_detector_that_ships_sees_in_a_layout_that_it_was_not_trained_in(tmp_path):
    scene = load_scene("kitchen-island")
    assert scene.held_out
    assert scene.name not in WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")
    assert WEIGHTS.stat().st_size < 2_000_000
    bench_detector("learned", [scene.name], situations=4, seed=11, out=tmp_path)
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert figures["kitchen-island.recall_clear"] > 0.7
    assert figures["kitchen-island.precision"] > 0.6
    assert figures["kitchen-island.position_error"] < 0.02


def test_a_world_can_see_by_the_learned_detector():
    detector = make_detector("learned", SCENE)
    world = PhysicsWorld(SCENE, detector=detector)
    seen = world.reset(Setup((("pepsi", "table"), ("sea salt chips", "table")), "table", "lime soda"), seed=4)
    assert world.detector.startswith("learned")
    assert {o.type for o in seen.objects} == {"pepsi", "sea salt chips"}
    assert all(o.confidence < 1.0 for o in seen.objects), "a network is never quite sure"
    assert seen.carried.visible
    seen = world.reset(Setup((("7up", "top drawer"),), "cabinet", None, ("top drawer",)), seed=4)
    assert seen.believed().open_drawers == {"top drawer"}
    assert [(o.type, o.place, o.state) for o in seen.objects] == [("7up", "top drawer", "inside")]
    world.close()
