"""Reports: one file that needs nothing else, shows what the journal says, and lets no text become markup."""

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from doable.agent.album import Album
from doable.agent.cli import app
from doable.agent.html import error_bar, reliability
from doable.agent.journal import Journal
from doable.agent.report import page
from doable.agent.statistics import wilson

EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)"> & "quoted"'
PLAN = "scripted:find the sponge;pick up the sponge;bring it to you;put down the sponge;done"


def doable(*arguments):
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code in (0, 1), done.output
    return done


def played(folder, goal="bring me the sponge", *arguments, world="symbolic", model=PLAN):
    doable(
        "run", goal, "--world", world, "--model", model, "--values", "declared", "--embedder", "hash",
        "--memory", folder / "memory", "--runs", folder / "runs", *arguments,
    )  # fmt: skip
    return max((folder / "runs").glob("*-*-*"))


def alone(browser):
    """Nothing was asked of a network, and nothing went wrong."""
    assert browser.problems == []
    assert [u for u in browser.requests if not u.startswith(("file:", "data:", "blob:"))] == []


def test_the_page_of_a_run_shows_its_turns(tmp_path):
    run = played(tmp_path)
    done = doable("report", run, "--out", tmp_path / "a.html")
    assert "5 turns" in done.stdout
    assert "nothing to see" in done.stdout, "a symbolic world has no film"
    html = (tmp_path / "a.html").read_text()
    tokens = int(re.search(r"<th>tokens</th><td>([\d,]+)</td>", html)[1].replace(",", ""))
    assert tokens > 1000, "what a prompt and its options take, at five turns"
    for words in ("bring me the sponge", "pick up the sponge", "the hand holds the sponge", "at the far counter",
                  "Brier", "reached", run.name):  # fmt: skip
        assert words in html
    assert html.count('class="card" id="turn-') == 5
    assert "<video" not in html


def test_a_goal_of_several_errands_is_told_plainly(tmp_path):
    run = played(tmp_path, "bring me the sponge and bring me the apple")
    doable("report", run, "--out", tmp_path / "a.html")
    assert "<p>Plainly: bring me the sponge; bring me the apple</p>" in (tmp_path / "a.html").read_text()


def test_no_text_becomes_markup(tmp_path, browser):
    run = played(tmp_path, EVIL)
    journal = Journal.read(run / "journal.jsonl")
    steps = tuple(
        replace(s, decision=replace(s.decision, reason=EVIL), verdict=replace(s.verdict, explanation=EVIL))
        for s in journal.steps
    )
    path = tmp_path / "evil.html"
    path.write_text(page(Journal(journal.path, journal.header, steps, journal.footer)), encoding="utf-8")
    assert path.read_text(encoding="utf-8").count("<script>") == 1
    browser.open(path.as_uri())
    assert "alert(1)" in browser.run("document.querySelector('h1').textContent")
    assert browser.run("document.querySelectorAll('img').length") == 0
    alone(browser)


def test_a_live_report_has_a_film_in_step_with_the_turns(tmp_path, browser):
    played(tmp_path, "go to the cabinet", "--report", tmp_path / "a.html", world="physics",
           model="scripted:go to the cabinet;done")  # fmt: skip
    html = (tmp_path / "a.html").read_text()
    assert "clock, score" in html
    assert html.count("data:image/jpeg") >= 2
    browser.size(390, 800, dark=True)
    browser.open((tmp_path / "a.html").as_uri())
    assert browser.run("document.documentElement.scrollWidth") <= 390, "it fits a phone"
    assert browser.until("document.querySelector('video').duration > 1")
    browser.run("document.querySelectorAll('.line a')[1].click()")
    browser.until("document.querySelector('section.now').id === 'turn-2'")
    begins = browser.run("Number(document.querySelector('#turn-2').dataset.begins)")
    assert browser.run("document.querySelector('video').currentTime") == pytest.approx(begins, abs=0.1)
    alone(browser)


def test_a_run_that_was_interrupted_has_a_page_too(tmp_path):
    run = played(tmp_path)
    lines = (run / "journal.jsonl").read_text().splitlines(keepends=True)
    (run / "journal.jsonl").write_text("".join(lines[:3]))
    doable("report", run, "--out", tmp_path / "a.html", "--no-film")
    html = (tmp_path / "a.html").read_text()
    assert f"doable resume {run.name}" in html
    assert html.count('class="card" id="turn-') == 2


def test_what_is_told_of_time_is_what_passed():
    ticks = iter(range(100))
    made = Album(now=lambda: next(ticks))
    for phase, index in (("observe", 0), ("choose", 0), ("remember", 1), ("observe", 1)):
        made.phase(phase, {"index": index})
    assert made.moments[0].spent == {"observe": 1, "choose": 1, "remember": 1}
    assert made.moments[1].spent == {"observe": 1}


def test_bad_names_are_told(tmp_path):
    for arguments in (
        ["report", "20990101", "--runs", str(tmp_path)],
        ["run", "x", "--report", str(tmp_path / "a.pdf")],
        ["run", "x", "--report", str(tmp_path / "no" / "a.html")],
        ["bench", "report", str(tmp_path)],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2, done.output
        assert "Expected" in done.stderr


def test_a_benchmark_has_a_page_with_its_failures_one_click_away(tmp_path, browser):
    tasks = [
        {"id": name, "family": "nouns", "scene": "kitchen", "instruction": words, "max_steps": 5,
         "objects": [{"type": "sponge", "at": "far counter"}], "robot": {"at": "user", "holding": None},
         "disturbances": [], "goal": {"at": ["sponge", place]}}
        for name, words, place in (("one", "bring me the sponge", "user"), ("two", "<b>no</b>", "table"))
    ]  # fmt: skip
    (tmp_path / "tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)))
    doable("bench", "tasks", tmp_path / "tasks.jsonl", "--plan-only", "--out", tmp_path / "bench", "--model", PLAN,
           "--values", "declared", "--embedder", "hash")  # fmt: skip
    doable("bench", "report", tmp_path / "bench")
    html = (tmp_path / "bench" / "report.html").read_text()
    assert "50%" in html
    assert "<b>no</b>" not in html
    browser.open((tmp_path / "bench" / "report.html").as_uri())
    alone(browser)
    browser.run("document.querySelector('h4 a').click()")
    browser.until("document.querySelector('h1')?.textContent === '<b>no</b>'")
    alone(browser)


def test_pictures_of_numbers():
    assert 'aria-label="50% [24%, 76%]"' in error_bar(wilson(5, 10))
    assert error_bar(wilson(0, 0)) == ""
    plot = reliability([0.9, 0.9, 0.1], [True, False, False])
    assert "promised 0.90, kept 1 of 2" in plot
    assert len(re.findall("<circle", plot)) == 2
