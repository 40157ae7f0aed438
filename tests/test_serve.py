"""The HTTP task API: what it takes and refuses, events that nobody misses, and servers that die in the middle."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="make setup installs it")
pytest.importorskip("prometheus_client", reason="make setup installs it")
import httpx

from doable.agent.api_guard import Rates
from doable.agent.bench_serve import Load, quantile
from doable.agent.cli import app as cli
from doable.agent.cli_serve import checked_token
from doable.agent.config import Config
from doable.agent.task_api import make_app
from doable.agent.task_store import _SCHEMA, Conflict, QueueFull, TaskStore
from doable.agent.worker_pool import Pool, _own

TOKEN = "a-token-of-sixteen-letters"
PLAN = "scripted:find the sponge;pick up the sponge;bring it to you;put down the sponge;done"
SODA = "scripted:find the coke;pick up the pepsi;bring it to you;put down the pepsi;done"
SKILLS = ["find the sponge", "pick up the sponge", "bring it to you", "put down the sponge"]


def test_workers_have_folders_of_their_own_and_share_a_memory_server(tmp_path):
    url = "http://localhost:8000"
    assert [_own(Config(memory=url), tmp_path, tmp_path, i).memory for i in (0, 1)] == [url, url]
    assert _own(Config(memory="m"), tmp_path, tmp_path, 1).memory == str(Path("m") / "worker-2")
    assert _own(Config(), tmp_path, tmp_path, 0).memory == str(tmp_path / "memory" / "worker-1")


# The store, by itself.


@pytest.fixture
def store(tmp_path):
    made = TaskStore(tmp_path / "tasks.sqlite", most_queued=6)
    yield made
    made.close()


def test_turns_go_round_between_clients(store):
    for goal in ("a1", "a2", "a3"):
        store.create("a", goal, "auto", {})
    for goal in ("b1", "b2"):
        store.create("b", goal, "auto", {})
    assert [store.take().goal for _ in range(5)] == ["a1", "b1", "a2", "b2", "a3"]
    assert store.take() is None


def test_the_queue_is_bounded_and_keys_make_one_task(store):
    first, made = store.create("a", "x", "auto", {"seed": 1}, key="k")
    again, made_again = store.create("a", "x", "auto", {"seed": 1}, key="k")
    other, _ = store.create("b", "x", "auto", {"seed": 1}, key="k")
    assert (made, made_again, again.id) == (True, False, first.id)
    assert other.id != first.id, "another client's key"
    with pytest.raises(Conflict, match="Idempotency-Key"):
        store.create("a", "y", "auto", {}, key="k")
    for _ in range(4):
        store.create("c", "x", "auto", {})
    with pytest.raises(QueueFull, match="6"):
        store.create("c", "x", "auto", {})
    assert store.create("a", "x", "auto", {"seed": 1}, key="k")[0].id == first.id, "a known key needs no room"


def test_a_server_that_ended_is_gone_on_with(store, tmp_path):
    one, two, three = (store.create("a", goal, "auto", {})[0].id for goal in "123")
    store.take(), store.take()
    store.tell(one, "began", {"run_id": "r1"}, run_id="r1")
    store.cancel(two)
    store.close()
    later = TaskStore(tmp_path / "tasks.sqlite")
    later.recover()
    assert [later.get(t).state for t in (one, two, three)] == ["queued", "cancelled", "queued"]
    assert later.take().run_id == "r1", "what was at work comes first"
    assert [e.number for e in later.events(one)] == [1, 2, 3]
    assert later.requeue(two, "resumed").state == "queued"
    with pytest.raises(Conflict, match="queued"):
        later.requeue(two, "resumed")
    later.close()


# The application, without workers.


def ask(store, *requests, token=None, rate=0.0, host="127.0.0.1:8000"):
    """Answers of an application that has no workers, to (method, path, further arguments)."""

    async def asking():
        app = make_app(Pool(store, Config(), 0, Path("unused")), store, token=token, rate=rate)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
            return [await http.request(method, path, **more) for method, path, more in requests]

    return asyncio.run(asking())


def post(body, **headers):
    return "POST", "/v1/tasks", {"json": body, "headers": headers}


def test_tasks_are_made_listed_and_cancelled(store):
    made, again = ask(
        store, post({"goal": "x"}, **{"Idempotency-Key": "k"}), post({"goal": "x"}, **{"Idempotency-Key": "k"})
    )
    task = made.json()["id"]
    assert (made.status_code, again.status_code, again.json()["id"]) == (201, 200, task)
    assert made.headers["location"] == f"/v1/tasks/{task}"
    got, listed, cancelled, twice, approved, events = ask(
        store,
        ("GET", f"/v1/tasks/{task}", {}),
        ("GET", "/v1/tasks?state=queued", {}),
        ("POST", f"/v1/tasks/{task}/cancel", {}),
        ("POST", f"/v1/tasks/{task}/cancel", {}),
        ("POST", f"/v1/tasks/{task}/approve", {"json": {"yes": True}}),
        ("GET", f"/v1/tasks/{task}/events", {}),
    )
    assert got.json()["state"] == "queued"
    assert [t["id"] for t in listed.json()["tasks"]] == [task]
    assert (cancelled.json()["state"], twice.status_code, approved.status_code) == ("cancelled", 409, 409)
    assert [line for line in events.text.splitlines() if line.startswith("event")] == [
        "event: queued",
        "event: cancelled",
    ]


def test_lists_come_in_pages(store):
    ids = [store.create("a", f"{i}", "auto", {})[0].id for i in range(5)][::-1]
    [page] = ask(store, ("GET", "/v1/tasks?limit=3", {}))
    [rest] = ask(store, ("GET", f"/v1/tasks?limit=3&before={page.json()['before']}", {}))
    assert [t["id"] for t in page.json()["tasks"] + rest.json()["tasks"]] == ids
    assert rest.json()["before"] is None


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post({}), 422),
        (post({"goal": "  "}), 422),
        (post({"goal": "x", "model": "http://evil"}), 422),
        (post({"goal": "x", "settings": {"memory": "/etc"}}), 422),
        (post({"goal": "x", "settings": {"scene": "/etc/passwd"}}), 422),
        (post({"goal": "x", "settings": {"seed": False}}), 422),
        (post({"goal": "x" * 70_000}), 413),
        (("POST", "/v1/tasks", {"content": b'{"goal": "x"}', "headers": {"Content-Type": "text/plain"}}), 422),
        (("GET", "/v1/tasks/0123456789abcdef", {}), 404),
        (("GET", "/v1/tasks/..%2F..%2Fetc", {}), 404),
        (("GET", "/v1/tasks/0123456789abcdef/artefacts/passwd", {}), 422),
        (("DELETE", "/v1/tasks", {}), 405),
        (("GET", "/readyz", {}), 503),
        (("GET", "/healthz", {}), 200),
    ],
)
def test_what_is_refused(store, request_, status):
    [answer] = ask(store, request_)
    assert answer.status_code == status, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert store.counts()["queued"] == 0


def test_without_a_token_it_is_for_this_machine_alone(store):
    assert ask(store, ("GET", "/v1/tasks", {}), host="evil.example")[0].status_code == 403
    other = {"headers": {"Origin": "http://evil.example"}}
    assert ask(store, ("GET", "/v1/tasks", other))[0].status_code == 403
    assert ask(store, ("GET", "/v1/tasks", {}), host="localhost:8000")[0].status_code == 200


def test_with_a_token_nothing_goes_without_it(store):
    right, wrong, none, query = ask(
        store,
        ("GET", "/v1/tasks", {"headers": {"Authorization": f"Bearer {TOKEN}"}}),
        ("GET", "/v1/tasks", {"headers": {"Authorization": "Bearer x"}}),
        ("GET", "/metrics", {}),
        ("GET", f"/v1/tasks?token={TOKEN}", {}),
        token=TOKEN,
        host="robots.example",
    )
    assert [a.status_code for a in (right, wrong, none, query)] == [200, 401, 401, 401]
    assert wrong.headers["www-authenticate"] == "Bearer"


def test_leave_is_the_tasks_to_ask_for():
    refused = CliRunner().invoke(cli, ["serve", "--authority", "ask-each"])
    assert refused.exit_code == 2
    assert "got 'ask-each'" in refused.output


def test_a_token_is_a_must_beyond_loopback():
    with pytest.raises(ValueError, match="TLS"):
        checked_token("0.0.0.0", None)
    with pytest.raises(ValueError, match="16"):
        checked_token("0.0.0.0", "short")
    assert checked_token("127.0.0.1", None) is None
    assert checked_token("0.0.0.0", TOKEN) == TOKEN
    refused = CliRunner().invoke(cli, ["serve", "--host", "0.0.0.0"], env={"DOABLE_TOKEN": None})
    assert refused.exit_code == 2
    assert "DOABLE_TOKEN" in refused.stderr


def test_rates_are_limited_by_client(store):
    now = [0.0]
    rates = Rates(2.0, now=lambda: now[0])
    assert [rates.wait("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert rates.wait("b") == 0
    now[0] = 0.5
    assert (rates.wait("a"), rates.wait("a")) == (0, 0.5)
    answers = ask(store, *[("GET", "/v1/tasks", {})] * 4, rate=1.0)
    assert [a.status_code for a in answers] == [200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_it_describes_itself(store):
    schema, metrics, page = ask(store, ("GET", "/openapi.json", {}), ("GET", "/metrics", {}), ("GET", "/", {}))
    assert schema.json()["openapi"].startswith("3.1")
    assert {"/v1/tasks", "/v1/tasks/{task}/events"} <= set(schema.json()["paths"])
    assert 'doable_tasks{state="queued"} 0.0' in metrics.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


# The whole: server and workers as processes.


class Server:
    """`doable serve` over stand-ins, in a folder."""

    def __init__(self, folder, plan=PLAN, ask_least=0.08, patience=20.0):
        env = {**os.environ, "DOABLE_WORLD": "symbolic", "DOABLE_MODEL": plan, "DOABLE_VALUES": "declared",
               "DOABLE_EMBEDDER": "hash", "DOABLE_ASK_LEAST": str(ask_least)}  # fmt: skip
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from doable.agent.cli import main; main()", "serve", "--port", str(port),
             "--workers", "1", "--data", str(folder), "--rate", "0", "--patience", str(patience)],
            env=env, start_new_session=True,
        )  # fmt: skip
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=120)
        self.until(lambda: self.http.get("/readyz").status_code == 200)

    @staticmethod
    def until(true):
        for _ in range(1200):
            try:
                if value := true():
                    return value
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError("it never happened")

    def new(self, **body):
        return self.http.post("/v1/tasks", json={"goal": "bring me the sponge", **body}).json()["id"]

    def get(self, task):
        return self.http.get(f"/v1/tasks/{task}").json()

    def say(self, task, yes=True):
        self.until(lambda: self.get(task)["state"] == "waiting")
        return self.http.post(f"/v1/tasks/{task}/approve", json={"yes": yes}).json()

    def events(self, task, after=0):
        """(number, kind, data) until the task is over."""
        text = self.http.get(f"/v1/tasks/{task}/events", headers={"Last-Event-ID": str(after)}).text
        blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n") if block]
        return [(int(b["id"]), b["event"], json.loads(b["data"])) for b in blocks if "id" in b]

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("serve"))
    yield made
    made.kill()


def test_a_task_is_done_and_its_events_are_heard_once_and_in_order(server):
    task = server.new()
    events = server.events(task)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert [data["phrase"] for _, kind, data in events if kind == "step"] == [*SKILLS, None]
    assert (events[0][1], events[-1][1]) == ("queued", "ended")
    assert server.events(task, after=5) == events[5:]
    done = server.get(task)
    assert (done["state"], done["status"]) == ("ended", "reached")
    assert done["artefacts"] == ["journal.jsonl", "report.html"]
    report = server.http.get(f"/v1/tasks/{task}/artefacts/report.html")
    assert "bring me the sponge" in report.text
    assert "sandbox" in report.headers["content-security-policy"]
    assert server.http.get(f"/v1/tasks/{task}/camera").status_code == 204, "nothing to see in a symbolic world"


def test_a_person_says_no_then_goes_on(server):
    task = server.new(mode="ask")
    server.say(task)
    server.say(task, yes=False)
    server.until(lambda: server.get(task)["state"] == "cancelled")
    assert "pick up the sponge" in server.get(task)["reason"]
    assert server.http.post(f"/v1/tasks/{task}/resume").status_code == 200
    for _ in SKILLS[1:]:
        server.say(task)
    events = server.events(task)
    assert [d["phrase"] for _, kind, d in events if kind == "step"] == [*SKILLS, None], "no skill twice, none unasked"
    assert [d["phrase"] for _, kind, d in events if kind == "approved"] == SKILLS


def test_what_waits_can_be_cancelled(server):
    task = server.new(mode="ask")
    server.until(lambda: server.get(task)["state"] == "waiting")
    server.http.post(f"/v1/tasks/{task}/cancel")
    assert server.events(task)[-1][1] == "cancelled"
    assert server.http.get("/readyz").status_code == 200


def test_what_waits_for_long_holds_no_worker(tmp_path):
    server = Server(tmp_path, patience=0.2)
    try:
        task, other = server.new(mode="ask"), server.new()
        assert server.events(other)[-1][1] == "ended", "the one worker did it while the first task waits"
        assert server.get(task)["state"] == "waiting"
        told = server.http.post(f"/v1/tasks/{task}/approve", json={"yes": True}).json()
        assert (told["state"], told["question"]) == ("queued", None)
        for _ in SKILLS[1:]:
            server.say(task)
        events = server.events(task)
        assert [d["phrase"] for _, kind, d in events if kind == "step"] == [*SKILLS, None]
        assert [d["phrase"] for _, kind, d in events if kind == "approved"] == SKILLS, "each was asked once"
        assert server.get(task)["status"] == "reached"
        left = server.new(mode="ask")
        server.until(lambda: server.get(left)["state"] == "waiting")
        server.http.post(f"/v1/tasks/{left}/cancel")
        server.until(lambda: server.get(left)["state"] == "cancelled")
    finally:
        server.kill()


def test_a_killed_server_goes_on_where_it_was(tmp_path):
    first = Server(tmp_path)
    task = first.new(mode="ask")
    first.say(task)
    first.until(lambda: first.get(task)["state"] == "waiting")
    heard = first.http.get(f"/v1/tasks/{task}/events?follow=false").text.count("\nevent: ")
    first.kill()
    second = Server(tmp_path)
    try:
        for _ in SKILLS[1:]:
            second.say(task)
        events = second.events(task, after=heard)
        assert events[0][0] == heard + 1
        phrases = [d["phrase"] for _, kind, d in second.events(task) if kind == "step"]
        assert phrases == [*SKILLS, None], "what was done is not done again, what was not approved waits"
        assert second.get(task)["status"] == "reached"
    finally:
        second.kill()


def test_a_question_waits_for_its_answer_over_a_restart_and_in_the_page(tmp_path, browser):
    first = Server(tmp_path, SODA, 1e-6)
    task = first.new(goal="bring me the soda", mode="unclear")
    first.until(lambda: first.get(task)["state"] == "waiting")
    asked = first.get(task)["question"]
    assert asked["kind"] == "answer"
    assert "the coke" in asked["text"]
    assert {"find the coke", "find the pepsi"} <= set(asked["options"])

    def refused(server, task, door="answer", **body):
        answer = server.http.post(f"/v1/tasks/{task}/{door}", json=body)
        assert answer.status_code == 409, answer.text
        return answer.json()["error"]

    assert refused(first, task, "approve", yes=True) == "NotAsking"
    assert refused(first, task, answer="the spoon") == "NoSuchAnswer"
    first.kill()
    second = Server(tmp_path, SODA, 1e-6)
    try:
        assert second.get(task)["state"] == "waiting"
        assert second.get(task)["question"] == asked
        told = second.http.post(f"/v1/tasks/{task}/answer", json={"answer": "the pepsi"}).json()
        assert (told["state"], told["question"]) == ("queued", None)
        events = second.events(task)
        assert next(d["phrase"] for _, kind, d in events if kind == "step") == "find the pepsi"
        assert [d["question"] for _, kind, d in events if kind == "waiting"] == [asked]
        assert [d["answer"] for _, kind, d in events if kind == "answered"] == ["the pepsi"]
        assert second.get(task)["status"] == "reached"
        assert refused(second, task, answer="the pepsi") == "NotAsking"

        browser.size(390, 800)
        browser.open(second.url + "/")
        browser.run("goal.value = 'get me the soda'; document.getElementById('new').requestSubmit()")
        browser.until("!question.hidden && what.textContent.startsWith('Which one')")
        assert browser.run("document.documentElement.scrollWidth") <= 390
        browser.run(
            "[...document.querySelectorAll('#options button')].find((b) => b.textContent.includes('pepsi')).click()"
        )
        browser.until("state.textContent === 'reached' && question.hidden")
        assert "find the pepsi" in browser.run("document.getElementById('turn-1').textContent")
        assert browser.problems == []
    finally:
        second.kill()


def test_who_asks_nothing_takes_no_answer(store, tmp_path):
    task = store.create("a", "x", "unclear", {})[0].id
    for body, status in (({"answer": "1"}, 409), ({"answer": " "}, 422), ({}, 422), ({"answer": 1}, 422)):
        [answer] = ask(store, ("POST", f"/v1/tasks/{task}/answer", {"json": body}))
        assert answer.status_code == status
    [answer] = ask(store, ("POST", f"/v1/tasks/{task}/answer", {"json": {"answer": "1"}}))
    assert answer.json() == {
        "error": "NotAsking", "detail": "Expected a task that waits for a person, this one is queued.",
    }  # fmt: skip


def test_a_question_without_options_takes_any_words(store):
    for options, status in (((), 200), (("the coke", "the pepsi"), 409)):
        task = store.create("a", "x", "unclear", {})[0].id
        question = json.dumps({"kind": "answer", "text": "What do you mean by 'x'?", "options": options})
        store.tell(task, "waiting", {}, state="waiting", question=question)
        words = {"answer": "bring me the apple, and then throw away the sponge"}
        [answer] = ask(store, ("POST", f"/v1/tasks/{task}/answer", {"json": words}))
        assert answer.status_code == status, answer.text


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    path = tmp_path / "tasks.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(_SCHEMA.replace(", question TEXT, said TEXT", ""))
    store = TaskStore(path)
    assert store.create("a", "x", "auto", {})[0].question is None
    store.close()


@pytest.mark.parametrize(("number", "status"), [(81.0, 201), (81, 201), (81.5, 422), (True, 422), ("81", 422)])
def test_whole_numbers_are_those_of_json(store, number, status):
    assert ask(store, post({"goal": "x", "settings": {"max_steps": number}}))[0].status_code == status


def test_the_page_shows_a_task_and_takes_a_yes(server, browser):
    browser.size(390, 800)
    browser.open(server.url + "/")
    browser.run("goal.value = '<b>bring</b> me the sponge'; document.getElementById('mode').value = 'ask'")
    browser.run("document.getElementById('new').requestSubmit()")
    for skill in SKILLS:
        browser.until(f"document.getElementById('what').textContent === '{skill}?' && !question.hidden")
        browser.run("document.querySelector('#options button').click()")
    browser.until("document.querySelectorAll('#turns .card').length === 5")
    browser.until("state.textContent === 'reached'")
    assert browser.run("title.textContent") == "<b>bring</b> me the sponge"
    assert browser.run("document.querySelectorAll('.meter').length") > 15
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.problems == []
    assert all(u.startswith((server.url, "data:", "blob:")) for u in browser.requests)


def test_figures_of_a_load():
    assert quantile([float(i) for i in range(1, 101)], 0.99) == 99
    assert quantile([3.0], 0.99) == 3
    load = Load(2, 1.0, posted={"a"}, finished=["a"], reads=[0.1, 0.2])
    assert load.figures()["read.p99"] == 0.2
    assert "| tasks | 1 |" in load.table()


def test_it_does_as_its_schema_says(server, tmp_path):
    """A short run of schemathesis; the whole one is `schemathesis run URL/openapi.json`."""
    pytest.importorskip("schemathesis", reason="make setup installs it")
    run = "from schemathesis.cli import schemathesis; schemathesis()"
    done = subprocess.run(
        [sys.executable, "-c", run, "run", server.url + "/openapi.json", "--max-examples", "3", "--seed", "1",
         "--phases", "coverage,fuzzing"], capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
