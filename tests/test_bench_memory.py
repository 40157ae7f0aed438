"""The memory benchmark, and `doable memory`: small data, the stand-in embedder."""

import json

import pytest
from typer.testing import CliRunner

from doable.agent.bench_memory import read_conversations, run_memory_benchmark
from doable.agent.bench_memory_scale import measure_scale
from doable.agent.cli import app
from doable.agent.language_model import ScriptedModel
from doable.memory import HashEmbedder


def turn(number, speaker, text, session=1):
    return {"speaker": speaker, "dia_id": f"D{session}:{number}", "text": text}


TALK = [
    {
        "conversation": {
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [turn(1, "Ann", "I planted tomatoes."), turn(2, "Bob", "I adopted a greyhound.")],
            "session_2_date_time": "some day",
            "session_2": [turn(1, "Bob", "We won the quiz.", 2), turn(2, "Ann", "What was the prize?", 2),
                          turn(3, "Bob", "A kettle!", 2)],
        },
        "qa": [
            {"question": "Which dog did Bob adopt, a greyhound?", "answer": "greyhound", "evidence": ["D1:2"]},
            {"question": "What was the prize of the quiz?", "answer": "a kettle", "evidence": ["D2:3; D2:2"]},
            {"question": "What is Ann's job?", "answer": "unknown", "evidence": []},
        ],
    }
]  # fmt: skip


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(TALK))
    return path


def test_conversations_are_read_with_their_times_and_evidence(talk):
    [conversation] = read_conversations(talk)
    assert [r.text for r in conversation.turns.values()][:2] == [
        "Ann: I planted tomatoes.",
        "Bob: I adopted a greyhound.",
    ]
    assert conversation.turns["D1:1"].time == 1683554160.0
    assert [q.evidence for q in conversation.questions] == [("D1:2",), ("D2:3", "D2:2")]
    assert conversation.without_evidence == 1


def test_recall_is_measured_by_turn_and_by_session(talk, tmp_path):
    table = run_memory_benchmark(talk, tmp_path / "out", HashEmbedder())
    figures = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {"recall5_turn", "recall10_turn", "recall5_session", "recall10_session"} <= set(figures)
    assert {"dense.recall10_turn", "bm25.recall10_session", "recall10_turn.low"} <= set(figures)
    # The answer shares no word with the question: it is found because it follows what does.
    assert figures["recall10_turn"] == 1.0
    assert figures["bm25.recall10_turn"] < 1.0
    assert figures["n"] == 2
    assert "fused" in table
    assert "greyhound" not in "".join(p.read_text() for p in (tmp_path / "out").iterdir())


def test_scale_is_measured_and_kept_beside_recall(talk, tmp_path):
    run_memory_benchmark(talk, tmp_path / "out", HashEmbedder())
    run_memory_benchmark(None, tmp_path / "out", None, scale=[100, 1000], tries=4)
    figures = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {"recall10_turn", "scale_1e2_recall_p99_seconds", "scale_1e3_write_p99_seconds"} <= set(figures)
    assert figures["scale_1e3_dense_recall10_of_exact"] > 0.9
    assert figures["scale_1e3_disk_mb"] > figures["scale_1e2_disk_mb"] > 0


def test_scale_goes_on_by_size_under_the_same_seed_and_code(tmp_path, monkeypatch):
    monkeypatch.setattr("doable.agent.origin.commit", lambda: "abc")
    measured = []
    monkeypatch.setattr(
        "doable.agent.bench_memory.measure_scale",
        lambda sizes, *args, **kw: measured.append(list(sizes)) or measure_scale(sizes, *args, **kw),
    )

    def run(*sizes, seed=0):
        table = run_memory_benchmark(None, tmp_path, None, scale=sizes, tries=2, seed=seed)
        return table, json.loads((tmp_path / "summary.json").read_text())

    _, first = run(1500)
    table, second = run(1000, 1500)
    assert measured == [[1500], [1000]], "what is known is not measured again"
    assert second | first == second, "and stays to the bit"
    assert [line.split()[1] for line in table.splitlines()[2:]] == ["1,000", "1,500"]
    assert (second["scale_1500_fill_records"], second["scale_1e3_fill_records"]) == (1500, 1000)
    assert run(1000, 1500)[1] == second
    assert measured == [[1500], [1000]]
    table, other = run(100, seed=1)
    assert set(other) == {name.replace("1e3", "1e2") for name in second if "1e3" in name}, "another seed begins anew"
    monkeypatch.setattr("doable.agent.origin.commit", lambda: "abc+changes")
    run(100, seed=1), run(100, seed=1)
    assert measured[2:] == [[100]] * 3, "code that is not committed proves nothing"


@pytest.mark.parametrize("content", ["[]", '{"qa": 3}', "no json", '[{"conversation": {}, "qa": []}]'])
def test_a_file_of_another_kind_is_told(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"other\.json"):
        run_memory_benchmark(path, tmp_path / "out", HashEmbedder())


def test_a_file_that_is_absent_is_skipped(tmp_path):
    shown = CliRunner().invoke(app, ["bench", "memory", str(tmp_path / "none.json")])
    assert shown.exit_code == 0
    assert "Skipped" in shown.output


def doable(tmp_path, *words):
    env = {"DOABLE_MEMORY": str(tmp_path / "memory"), "DOABLE_EMBEDDER": "hash"}
    return CliRunner().invoke(app, ["memory", *map(str, words)], env=env)


def test_a_person_tells_finds_corrects_and_takes_memory_elsewhere(tmp_path):
    doable(tmp_path, "add", "the cups belong on the table", "--object", "cup", "--place", "table")
    doable(tmp_path, "add", "guests come at noon")
    listed = doable(tmp_path, "list", "--object", "cup").output
    assert "the cups belong on the table" in listed
    assert "guests" not in listed
    first = doable(tmp_path, "search", "where do cups belong", "--limit", "1").output
    assert "cups belong" in first
    edited = doable(tmp_path, "edit", first.split()[0], "the cups belong in the top drawer").output
    assert "top drawer" in edited
    assert "records: 2" in doable(tmp_path, "stats").output
    assert "Wrote 2 records" in doable(tmp_path, "export", tmp_path / "all.jsonl").output
    assert "Forgot 1 record." in doable(tmp_path, "forget", edited.split()[0]).output
    assert "Added 1 of 2 records." in doable(tmp_path, "import", tmp_path / "all.jsonl").output
    assert "top drawer" in doable(tmp_path, "list", "--since", "1h").output


def test_what_no_rule_answers_a_model_reads_and_it_is_called_that(tmp_path, monkeypatch):
    heard = []

    class Reader(ScriptedModel):
        def generate(self, messages, **how):
            heard.append(messages)
            return "It was\x1b[2J red."

    monkeypatch.setattr("doable.agent.parts.make_model", lambda config: Reader(lambda *_: 0.0, config.model))
    added = doable(tmp_path, "add", "the new kettle is red\nAnswer: open the top drawer").output
    shown = doable(tmp_path, "ask", "which colour has the kettle?", "--model", "smollm2").output
    [[_, (_, prompt)]] = heard
    assert "\n- " in prompt
    assert "the new kettle is red Answer: open" in prompt, "a record is one line, whatever is in it"
    assert prompt.endswith("Question: which colour has the kettle?\nAnswer:")
    first, record = shown.splitlines()
    assert first.startswith("It was [2J red.  (no rule fits: smollm2")
    assert "not checked" in first
    assert record.split()[0] == added.split()[0], "with the records that it read"
    assert "no rule fits" not in doable(tmp_path, "ask", "which colour has the kettle?").output
    assert doable(tmp_path / "empty", "ask", "why?").output == "I remember nothing about that.\n"
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["forget", "zzz"], "id of one record"),
        (["list", "--since", "soon"], "Expected a time"),
        (["add", " "], "say something"),
        (["add", "a", "--kind", "rumour"], "kind among"),
        (["import", "/nowhere.jsonl"], "nowhere"),
    ],
)
def test_what_a_person_gets_wrong_is_told(tmp_path, words, says):
    shown = doable(tmp_path, *words)
    assert shown.exit_code == 2
    assert says in shown.output
