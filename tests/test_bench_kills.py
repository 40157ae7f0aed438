"""Killed anywhere, resumed: the same run. (The benchmark does it a few hundred times.)"""

import json

from doable.agent.bench_kills import Kill, run_kills_benchmark, summarise


def test_killed_anywhere_and_resumed_a_run_ends_the_same(tmp_path):
    table = run_kills_benchmark(tmp_path, n=3, seed=1)
    figures = json.loads((tmp_path / "summary.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert all(row["same"] for row in rows), rows
    assert figures["n"] == 3
    assert figures["resumed"] >= 1
    assert (tmp_path / "table.md").read_text() == table
    run_kills_benchmark(tmp_path, n=2, seed=1)
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()] == rows
    assert "machine" in json.loads((tmp_path / "origin.json").read_text())


def test_what_differs_is_counted():
    kills = [Kill(0, 10, 2, True, ""), Kill(1, 20, 2, False, "records"), Kill(2, 1, -1, True, "")]
    figures, table = summarise(kills, 100)
    assert (figures["resumed"], figures["same"]) == (2, 0.5)
    assert "| 2 turns | 2 | 1 |" in table
    assert "| nothing was begun | 1 | 1 |" in table
