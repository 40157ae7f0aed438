"""OWL-type models as detectors: a tiny random one, made here, gives the same scores as its own forward pass."""

import json

import numpy as np
import pytest
import torch

from doable.sim.camera import Frame, View
from doable.sim.catalogue import CATALOGUE
from doable.sim.detector import FEWEST_PIXELS
from doable.sim.detectors import make_detector
from doable.sim.scene import load_scene
from doable.sim.zero_shot import BadZeroShotModel, ZeroShotDetector, outline

HEIGHT, WIDTH = 48, 64


def make_model(folder, kind):
    """A random model of 2 layers, with a tokenizer of letters, as `from_pretrained` reads it."""
    from transformers import (
        CLIPTokenizer,
        Owlv2Config,
        Owlv2ForObjectDetection,
        Owlv2ImageProcessor,
        Owlv2Processor,
        OwlViTConfig,
        OwlViTForObjectDetection,
        OwlViTImageProcessor,
        OwlViTProcessor,
    )

    letters = "abcdefghijklmnopqrstuvwxyz0123456789ñ"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    folder.mkdir(parents=True)
    # Id 0 marks a padded query, so no text may begin with it.
    vocabulary.write_text(json.dumps({"!": 0} | {word: i for i, word in enumerate(words, 1)}))
    merges.write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(vocabulary), str(merges), model_max_length=16, pad_token="!")
    text = {
        "vocab_size": len(words) + 1, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 16,
        "eos_token_id": 2, "bos_token_id": 1, "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 64, "patch_size": 16,
    }  # fmt: skip
    torch.manual_seed(0)
    if kind == "owlv2":
        config, model = Owlv2Config, Owlv2ForObjectDetection
        processor, images = Owlv2Processor, Owlv2ImageProcessor
    else:
        config, model = OwlViTConfig, OwlViTForObjectDetection
        processor, images = OwlViTProcessor, OwlViTImageProcessor
    model(config(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    processor(images(size={"height": 64, "width": 64}), tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["owlv2", "owlvit"])
def folder(request, tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / f"tiny-{request.param}", request.param)


@pytest.fixture(scope="module")
def scene():
    return load_scene("kitchen")


@pytest.fixture(scope="module")
def detector(folder, scene):
    return ZeroShotDetector(folder, scene, threshold=0.0)


@pytest.fixture(scope="module")
def frame(scene):
    """A wall of noise over the table, 1 m away."""
    place = scene.place("table")
    x, y = place.centre
    view = View((x - 1.0, y, 1.5), (x, y, place.height), 1.0, WIDTH, HEIGHT)
    rgb = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    unset = np.full((HEIGHT, WIDTH), -1, dtype=np.int32)
    return Frame(view, rgb, np.full((HEIGHT, WIDTH), 1.0, dtype=np.float32), unset, unset)


def test_cached_queries_score_as_the_models_own_forward_pass(detector, frame):
    given = detector._processor(text=[list(detector.queries)], images=frame.rgb, return_tensors="pt", truncation=True)
    with torch.inference_mode():
        own = detector._model(**given)
    mine = detector.scores(frame.rgb)
    assert torch.allclose(mine.logits, own.logits, atol=1e-5)
    assert torch.equal(mine.logits.argmax(-1), own.logits.argmax(-1))
    assert torch.allclose(mine.pred_boxes, own.pred_boxes, atol=1e-5)


def test_it_asks_for_everything_by_name_and_synonym(detector):
    assert detector.queries["a photo of a coke can"] == "coke"
    assert set(detector.queries.values()) == set(load_scene("kitchen").types)
    assert detector.name.startswith("owl")
    assert "tiny" in detector.name


def test_its_detections_are_like_any_others(detector, frame):
    found = detector.detect(frame)
    assert found
    for one in found:
        assert one.type in CATALOGUE
        assert one.mask.shape == (HEIGHT, WIDTH)
        assert one.mask.sum() >= FEWEST_PIXELS
        assert 0 <= one.confidence <= 1
    assert [d.confidence for d in found] == sorted((d.confidence for d in found), reverse=True)


def test_less_sure_than_the_threshold_is_not_told(detector, folder, scene, frame):
    scores = sorted(one.confidence for one in detector.detect(frame))
    middle = (scores[0] + scores[-1]) / 2
    found = ZeroShotDetector(folder, scene, threshold=middle).detect(frame)
    assert 0 < len(found) < len(scores)
    assert min(one.confidence for one in found) > middle
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        ZeroShotDetector(folder, scene, threshold=1.0)


def test_a_world_takes_it_by_its_folder(folder, scene):
    from doable.sim.physics_world import PhysicsWorld
    from doable.sim.task import Setup

    detector = make_detector(str(folder), scene, threshold=0.5)
    world = PhysicsWorld(scene, detector=detector)
    seen = world.reset(Setup((("coke", "table"),), "cabinet", None, ("top drawer",)))
    assert world.detector == detector.name
    assert {d.name: d.opening for d in seen.drawers}["top drawer"] == pytest.approx(1.0, abs=0.1)
    world.close()


def test_an_outline_is_what_stands_in_the_middle_of_the_box():
    depth = np.full((20, 20), 1.0, dtype=np.float32)
    height = np.zeros((20, 20))
    depth[5:12, 6:10], height[5:12, 6:10] = 0.9, 0.1
    depth[5:12, 12:14], height[5:12, 12:14] = 0.4, 0.1  # something nearer at the edge of the box
    mask = outline(np.array([5.0, 4.0, 14.0, 13.0]), depth, height, 0.12)
    expected = np.zeros((20, 20), dtype=bool)
    expected[5:12, 6:10] = True
    assert (mask == expected).all()


@pytest.mark.parametrize(
    ("config", "message"),
    [(None, "config.json"), ("{", "config.json"), ('{"model_type": "clip"}', "got 'clip'"),
     ('{"model_type": "owlv2"}', "whole owlv2 model")],
)  # fmt: skip
def test_a_folder_that_holds_something_else_is_refused(tmp_path, scene, config, message):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(BadZeroShotModel, match=message):
        ZeroShotDetector(tmp_path, scene)
