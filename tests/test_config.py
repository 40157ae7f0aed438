"""Settings: by flag, environment and file; errors that help."""

from dataclasses import fields

import pytest

from doable.agent.config import Config, ConfigError, defaults, field_docs


@pytest.fixture(autouse=True)
def no_settings_of_a_person(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))


def test_every_field_is_documented():
    assert list(field_docs()) == [field.name for field in fields(Config)]
    assert all(text.strip() for text in field_docs().values())


def test_flag_over_environment_over_file(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("max_steps = 5\nseed = 5\nrecall_k = 5\n")
    environ = {"DOABLE_MAX_STEPS": "7", "DOABLE_SEED": "7"}
    config = Config.load({"max_steps": "9", "seed": None}, file=file, environ=environ)
    assert (config.max_steps, config.seed, config.recall_k) == (9, 7, 5)
    assert Config.load({}, environ={"DOABLE_CONFIG": str(file)}).seed == 5


@pytest.mark.parametrize("name", [field.name for field in fields(Config)])
def test_every_field_can_be_set_by_environment(name):
    value = {
        "world": "symbolic",
        "clutter": "light",
        "embedder": "hash",
        "gui": "true",
        "ask_twice": "true",
        "unsure": "0.4",
        "look_ahead": "2",
        "top_speed": "0.5",
        "top_force": "0.5",
        "prompt_left": "true",
        "floor": "0.2",
        "detector_threshold": "0.2",
        "precision": "int8",
        "search": "best-first",
        "prompt": "cloze",
    }
    value |= {
        "prompt_scene": "none",
        "prompt_memory": "true",
        "prompt_tokens": "512",
        "normalise": "pmi",
        "guards": "false",
        "decompose": "false",
        "restate": "false",
        "checks": "after",
        "authority": "plan",
        "ask_least": "0.5",
        "sure": "0.7",
    }
    value = value.get(name, "3")
    config = Config.load(environ={f"DOABLE_{name.upper()}": value})
    assert getattr(config, name) != defaults()[name]
    assert Config.load({name: value}, environ={}) == config


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"max_steps": "many"}, ["--max-steps", "whole number", "'many'"]),
        ({"max_steps": "0"}, ["max_steps", "at least 1", "0"]),
        ({"max_seconds": "-1"}, ["max_seconds", "more than 0", "-1"]),
        ({"max_seconds": "nan"}, ["max_seconds", "nan"]),
        ({"world": "symbolc"}, ["--world", "physics or symbolic", "Did you mean 'symbolic'"]),
        ({"search": "best-first", "normalise": "length"}, ["'sum'", "best-first", "'length'"]),
        ({"gui": "perhaps"}, ["--gui", "true or false"]),
    ],
)
def test_errors_say_rule_and_value(flags, words):
    with pytest.raises(ConfigError) as caught:
        Config.load(flags, environ={})
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_step = 3", ["'max_step'", "Did you mean 'max_steps'"]),
        ("max_steps = 3.5", ["max_steps in the configuration file", "3.5"]),
        ("max_steps = true", ["whole number"]),
        ("max_steps 3", ["TOML"]),
    ],
)
def test_errors_in_a_file_name_it(tmp_path, text, words):
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Config.load(file=file, environ={})
    assert all(word in str(caught.value) for word in words)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        Config.load(file=tmp_path / "none.toml", environ={})
