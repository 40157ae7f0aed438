"""The store: nothing acknowledged is lost to a kill, two processes don't meet in a folder, a server is shared."""

import json
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from doable.memory import HashEmbedder, Memory, MemoryFolderError, Record
from doable.memory.shelf import MOST_MATCHES, Filter, Shelf
from doable.memory.transfer import TransferError, lines, parse


def record(text, time=0.0, **more):
    given = {"kind": "episode", "place": None, "objects": (), "outcome": None, "importance": 0.5, "episode": "e"}
    return Record(text=text, time=time, **{**given, **more})


KILLED_FIFTY_TIMES = """
    import os, random, signal, sys, time
    import chromadb, langchain_chroma  # once, before the forks
    from doable.memory import HashEmbedder, Memory, Record
    from doable.memory.shelf import Filter
    folder = sys.argv[1]

    def write(round_, pipe):
        store = Memory(folder, HashEmbedder())
        known = {r.text for r in store.all()}
        os.write(pipe, f"known {len(known)}\\n".encode())
        for i in range(100_000):
            texts = [f"round {round_} write {i} part {j}" for j in range(3)]
            store.remember([Record(t, "episode", 0.0, None, ("a",), None, 0.5, "e") for t in texts])
            os.write(pipe, "".join(t + "\\n" for t in texts).encode())

    random.seed(0)
    acknowledged = set()
    for round_ in range(50):
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.close(ours)
            write(round_, theirs)
        os.close(theirs)
        with os.fdopen(ours) as lines:
            known = int(next(lines).split()[1])
            assert known >= len(acknowledged), (round_, known, len(acknowledged))
            acknowledged.add(next(lines).strip())
            time.sleep(random.random() * 0.05)
            os.kill(child, signal.SIGKILL)
            acknowledged |= {line.strip() for line in lines if line.endswith("\\n")}
            os.waitpid(child, 0)
    store = Memory(folder, HashEmbedder())
    texts = [r.text for r in store.all()]
    assert acknowledged <= set(texts) and len(set(texts)) == len(texts)
    # Every record has its vector. (Texts with the same words have the same one, so the nearest may be another.)
    assert sorted(store._vectors.ids()) == sorted(r.id for r in store.all())
    assert set(store.by_meaning(texts[-1], Filter(), 1)[0].text.split()) == set(texts[-1].split())
    print(len(acknowledged), len(texts), flush=True)
"""


def python(code, *args, **more):
    command = [sys.executable, "-W", "error::UserWarning:doable", "-c", textwrap.dedent(code), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, **more)


def test_fifty_kills_in_a_loop_of_writes_lose_nothing_acknowledged(tmp_path):
    done = python(KILLED_FIFTY_TIMES, tmp_path / "memory")
    assert done.returncode == 0, done.stderr
    acknowledged, kept = map(int, done.stdout.split())
    assert 50 <= acknowledged <= kept


def test_a_second_process_is_refused_and_told_why_until_the_first_lets_go(tmp_path):
    code = (
        "import sys; from doable.memory import HashEmbedder, Memory; print(Memory(sys.argv[1], HashEmbedder()).count())"
    )
    store = Memory(tmp_path, HashEmbedder())
    store.remember([record("a")])
    assert Memory(tmp_path, HashEmbedder()).count() == 1  # the same process may
    refused = python(code, tmp_path)
    assert "MemoryFolderError" in refused.stderr
    assert "another process" in refused.stderr
    assert "--memory URL" in refused.stderr
    store.close()
    assert python(code, tmp_path).stdout.strip() == "1"


@pytest.fixture
def server(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chroma = Path(sys.executable).parent / "chroma"
    command = [sys.executable, "-c", "import sys; from chromadb.cli.cli import app; sys.exit(app())"]
    command = [str(chroma)] if chroma.exists() else command
    log = (tmp_path / "log").open("w")
    running = subprocess.Popen(
        [*command, "run", "--path", str(tmp_path / "served"), "--host", "127.0.0.1", "--port", str(port)],
        stdout=log, stderr=log, env={"PATH": "", "ANONYMIZED_TELEMETRY": "False"},
    )  # fmt: skip
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.kill()
        running.wait()


def test_a_chroma_server_is_shared(server):
    mine, yours = Memory(server, HashEmbedder()), Memory(server, HashEmbedder())
    kept = record("saw the coke at the table", 1.0, kind="sighting", place="table", objects=("coke",), confidence=0.7)
    mine.remember([kept, record("picked up the apple", 2.0, outcome="success")])
    mine.remember([kept])
    assert yours.count() == 2
    assert yours.recall("where is the coke", now=3.0, place="table") == [kept]
    yours.forget([kept.id])
    assert mine.recall("where is the coke", now=3.0, place="table") == []
    yours.remember([record("put down the apple", 3.0)])
    assert [r.text for r in Memory(server, HashEmbedder()).all()] == [r.text for r in mine.all()]
    assert [r.text for r in mine.all()] == ["picked up the apple", "put down the apple"]


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(MemoryFolderError, match="chroma run"):
        Memory("http://127.0.0.1:9", HashEmbedder())


def test_export_import_export_gives_the_same_bytes(tmp_path):
    there, here = Memory(tmp_path / "a", HashEmbedder()), Memory(tmp_path / "b", HashEmbedder())
    there.remember(
        [
            record("saw the coke", 2.5, objects=("coke", "table"), confidence=0.25),
            record("Zoë says: “no cups”\\n", 1e9 + 0.1, kind="fact", told=True),
            record("line\nbreak \u2028 and \x1b[31m colour", 0.1 + 0.2, outcome="failure"),
        ]
    )
    there.end(there.search("no cups", k=1)[0].id, 1e9 + 7)
    exported = "".join(lines(there.all())).encode()
    here.remember(parse(exported.splitlines(keepends=True)))
    assert "".join(lines(here.all())).encode() == exported
    assert here.all() == there.all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"texts": "a"}, "nearest|Did you mean 'text'"),
        ({"kind": "dream"}, "kind among"),
        ({"time": "now"}, "'time' to be a number"),
        ({"objects": "coke"}, "list of names"),
        ({"id": "0"}, "hash of the rest"),
        ({"text": " "}, "say something"),
    ],
)
def test_a_line_that_is_no_record_is_told_with_its_number(change, says):
    good = next(lines([record("a")]))
    bad = json.dumps({**json.loads(good), **change})
    with pytest.raises(TransferError, match=f"Line 2: .*({says})"):
        parse([good.encode(), bad.encode()])


def test_bytes_that_are_not_utf_8_are_told():
    with pytest.raises(TransferError, match="Line 1: Expected UTF-8, got byte 0xff"):
        parse([b"\xff\xfe"])


def test_another_embedder_makes_the_vectors_anew(tmp_path):
    class Reversed(HashEmbedder):
        def embed_query(self, text):
            return super().embed_query(text)[::-1]

    first = Memory(tmp_path, HashEmbedder())
    first.remember([record("saw the coke")])
    first.close()
    with pytest.warns(UserWarning, match="another embedder"):
        second = Memory(tmp_path, Reversed())
    assert second.by_meaning("saw the coke", Filter(), 1)


def test_with_many_records_common_words_give_way_to_rare_ones_and_newest_first(tmp_path):
    shelf = Shelf(tmp_path / "records.sqlite3")
    shelf.add([record(f"saw the coke number {i}", float(i)) for i in range(MOST_MATCHES + 100)])
    shelf.add([record("saw the grapefruit", -1.0)])
    assert [r.text for r in shelf.by_word("saw grapefruit", Filter(), 2)] == [
        "saw the grapefruit", f"saw the coke number {MOST_MATCHES + 99}"
    ]  # fmt: skip
    assert [r.time for r in shelf.by_word("the coke number 17", Filter(), 1)] == [17.0]
    assert [r.time for r in shelf.by_word("coke", Filter(until=50.0), 2)] == [50.0, 49.0]


def test_removed_records_leave_no_words_behind(tmp_path):
    shelf = Shelf(tmp_path / "records.sqlite3")
    kept, gone = record("saw the coke", objects=("coke",)), record("saw the pepsi", objects=("pepsi",))
    shelf.add([kept, gone])
    assert shelf.remove([gone.id, "no such id"]) == [gone.id]
    assert shelf.by_word("pepsi saw", Filter(), 5) == [kept]
    assert shelf.select(Filter(objects=["pepsi"])) == []
    assert shelf.add([gone]) == [gone]
    assert shelf.gone() == []
