"""Models behind servers, against a local one: exact, patient, clear about what is wrong, and silent about keys."""

import json
import math
import shlex
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from doable.agent import Agent, Config, ScriptedModel, llamacpp, models
from doable.agent.accounts import OverBudget
from doable.agent.cli import app
from doable.agent.language_model import check_language_model
from doable.agent.remote_lm import CompletionsLM
from doable.agent.retrying import Patience
from doable.agent.server import Server, ServerError
from doable.agent.spending import Metered, Purse
from doable.memory.embedding import HashEmbedder
from doable.memory.store import Memory
from doable.sim.symbolic import SymbolicWorld
from doable.skills.baselines import DeclaredValues

TABLE = np.log(np.random.default_rng(0).dirichlet(np.full(256, 0.2), size=256) + 1e-9)
TABLE -= np.log(np.exp(TABLE).sum(axis=1, keepdims=True))
"""Log-probability of each byte after each byte: a language model that can be checked by hand."""
PROMPT, PHRASES = "Robot:", [" find the coke\n", " find the sponge\n", " done\n", " done\n", " çé\n"]
QUICK = Patience(timeout=10.0, total=30.0, pause=0.01)


def by_hand(prompt, text):
    read, value = prompt.encode(), 0.0
    for byte in text.encode():
        value += TABLE[read[-1], byte]
        read += bytes([byte])
    return value


class Endpoint:
    """A server of the byte model. `kind`: which server it behaves like; `faults`: answers that come first."""

    def __init__(self, kind="vllm", faults=()):
        self.kind, self.faults, self.requests, self.headers = kind, list(faults), [], []
        self.closing = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                self.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def answer(self, body):
                endpoint.requests.append((self.path, body))
                endpoint.headers.append(self.headers)
                fault = endpoint.faults.pop(0) if endpoint.faults and body is not None else None
                if fault == "sleep":
                    endpoint.closing.wait(20)
                status, data = (fault, {"error": {"message": "no, Bearer s3cret"}}) if isinstance(fault, int) else (
                    endpoint.answer(self.path, body)
                )  # fmt: skip
                raw = b"<html>hello</html>" if fault == "garbage" else json.dumps(data).encode()
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    pass  # the client has given up

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path, body):
        if path == "/v1/models":
            return 200, {"data": [{"id": "bytes"}]}
        if path == "/v1/chat/completions":
            if self.kind != "vllm":
                return 404, {}
            return 200, {"choices": [{"message": {"content": "hello\nthere"}}]}
        if self.kind == "llama.cpp" and path == "/props":
            return 200, {"default_generation_settings": {}}
        if self.kind == "llama.cpp" and path == "/tokenize":
            return 200, {"tokens": list(body["content"].encode())}
        if self.kind == "llama.cpp" and path == "/completion":
            return 200, self.step(body)
        if path != "/v1/completions":
            return 404, {"error": {"message": "no such path"}}
        if not body.get("echo"):
            return 200, {"choices": [{"text": "word\nword"}]}
        if self.kind == "one by one" and (isinstance(body["prompt"], list) or body["max_tokens"] == 0):
            return 400, {"error": {"message": "max_tokens must be at least 1"}}
        if self.kind in ("llama.cpp", "mute"):
            return 200, {"choices": [{"text": "", "logprobs": {"content": []} if self.kind == "llama.cpp" else None}]}
        if self.kind == "deaf":  # it takes 'echo', and leaves it away
            return 200, {"choices": [{"text": "x", "logprobs": {"tokens": ["x"], "token_logprobs": [-1.0]}}]}
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        choices = [self.echo(i, text, body["max_tokens"]) for i, text in enumerate(prompts)]
        return 200, {"choices": choices[::-1], "usage": {"completion_tokens": body["max_tokens"]}}

    def echo(self, index, text, more):
        read = text.encode()
        values = [None, *(float(TABLE[a, b]) for a, b in pairwise(read)), *[-0.1] * more]
        tokens = [*map(chr, read), *["!"] * more]
        if self.kind == "merging":  # some tokens lie across words
            tokens, values = [text[:2], *[text[i : i + 3] for i in range(2, len(text), 3)]], [None] + [-1.0] * 99
            values = values[: len(tokens)]
        return {"index": index, "text": text + "!" * more, "logprobs": {"tokens": tokens, "token_logprobs": values}}

    def step(self, body):
        row = TABLE[body["prompt"][-1]]
        biased = row.copy()
        for token, bias in body.get("logit_bias", []):
            biased[token] += bias
        sampled = int(biased.argmax())
        top = [{"id": int(i), "logprob": float(row[i])} for i in np.argsort(-row)[: min(body["n_probs"], 20)]]
        return {"completion_probabilities": [{"id": sampled, "logprob": float(row[sampled]), "top_logprobs": top}]}


@pytest.fixture
def serve():
    started = []

    def start(kind="vllm", faults=()):
        started.append(Endpoint(kind, faults))
        return started[-1]

    yield start
    for endpoint in started:
        endpoint.close()


def client(endpoint, **how):
    return CompletionsLM(Server(endpoint.url, patience=QUICK, **how))


@pytest.mark.parametrize("kind", ["vllm", "one by one", "llama.cpp"])
def test_every_kind_of_server_gives_exact_values(serve, kind):
    model = client(serve(kind))
    check_language_model(model)
    expected = [by_hand(PROMPT, text) for text in PHRASES]
    assert model.loglikelihood(PROMPT, PHRASES) == pytest.approx(expected, abs=1e-9)
    assert not model.says_skills


def test_hundreds_of_phrases_go_in_batches(serve):
    endpoint = serve()
    phrases = [f" {a}{b}\n" for a in range(10) for b in range(10)]
    assert client(endpoint).loglikelihood(PROMPT, phrases) == pytest.approx([by_hand(PROMPT, p) for p in phrases])
    assert len(endpoint.requests) == 1 + math.ceil(101 / 32)


def test_llama_cpp_is_asked_once_for_each_inner_node_and_each_unlikely_token(serve):
    endpoint = serve("llama.cpp")
    client(endpoint).loglikelihood("a", [" bc", " bd", " bc"])
    steps = [body for path, body in endpoint.requests if path == "/completion"]
    assert len([body for body in steps if "logit_bias" not in body]) == 3
    assert all(body["cache_prompt"] for body in steps)


def test_messages_go_to_the_chat_endpoint_and_texts_to_the_other(serve):
    turns = [("system", "Be short."), ("human", "Hello")]
    assert client(serve()).generate(turns) == "hello"
    assert client(serve()).generate("Hello") == "word"
    base = serve("one by one")
    assert client(base).generate(turns) == "word"
    assert base.requests[-1][1]["prompt"] == "System: Be short.\nUser: Hello\nAssistant:"


@pytest.mark.parametrize("faults", [[500, 503], [429], ["sleep"]])
def test_what_passes_is_tried_again(serve, faults):
    endpoint = serve(faults=faults)
    patience = Patience(timeout=1.0 if "sleep" in faults else 10.0, total=30.0, pause=0.01)
    model = CompletionsLM(Server(endpoint.url, patience=patience))
    assert model.loglikelihood(PROMPT, PHRASES[:1]) == pytest.approx([by_hand(PROMPT, PHRASES[0])])
    assert len(endpoint.requests) > 1 + len(faults)


def test_what_does_not_pass_is_told(serve):
    endpoint = serve(faults=[500] * 99)
    impatient = CompletionsLM(Server(endpoint.url, patience=Patience(timeout=10.0, total=0.05, pause=0.01)))
    with pytest.raises(ServerError, match=r"try later.*gave 500"):
        impatient.loglikelihood(PROMPT, PHRASES)


def test_a_server_that_never_answers_is_told(serve):
    endpoint = serve(faults=["sleep"] * 3)
    impatient = Patience(timeout=0.1, total=0.2, pause=0.01)
    with pytest.raises(ServerError, match=r"within 0\.1 s, got none"):
        CompletionsLM(Server(endpoint.url, patience=impatient)).loglikelihood(PROMPT, PHRASES)


def test_a_server_that_is_not_there_is_told_when_it_is_needed():
    model = CompletionsLM(Server("http://127.0.0.1:9/v1", patience=Patience(timeout=0.5, total=0.05, pause=0.01)), "m")
    assert model.name == "127.0.0.1:9/v1#m"
    for _ in range(2):
        with pytest.raises(ServerError, match=r"Start it, or correct the URL"):
            model.loglikelihood(PROMPT, PHRASES)
    with pytest.raises(ServerError, match=r"Start it, or correct the URL"):
        model.generate("Hello")


def test_a_server_that_starts_late_is_used_from_then_on(serve):
    server = Server(serve().url, patience=QUICK)
    there, server.url = server.url, "http://127.0.0.1:9/v1"
    model = CompletionsLM(server)
    server.url = there
    with pytest.raises(ServerError, match="Start it"):
        model.loglikelihood(PROMPT, PHRASES[:1])
    assert model.loglikelihood(PROMPT, PHRASES[:1]) == pytest.approx([by_hand(PROMPT, PHRASES[0])])


def test_garbage_is_told_and_not_tried_again(serve):
    endpoint = serve(faults=["garbage"])
    with pytest.raises(ServerError, match=r"Expected JSON .*<html>.*base URL"):
        client(endpoint).loglikelihood(PROMPT, PHRASES)
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("kind", ["mute", "deaf"])
def test_a_server_without_log_probabilities_is_told_with_a_way_out(serve, kind):
    """Above all it does not score everything 0 and go on."""
    with pytest.raises(ServerError, match=r"Expected log-probabilities .* gave none.*vllm serve bytes.*langchain:"):
        client(serve(kind)).loglikelihood(PROMPT, PHRASES)


def test_a_token_across_the_border_is_told(serve):
    with pytest.raises(ServerError, match=r"to end where the prompt does"):
        client(serve("merging")).loglikelihood(PROMPT, [" done\n"])


def test_an_old_llama_cpp_is_told(serve):
    endpoint = serve("llama.cpp")
    endpoint.step = lambda body: {"completion_probabilities": [{"content": "x", "probs": []}]}
    with pytest.raises(ServerError, match="Update llama"):
        client(endpoint).loglikelihood(PROMPT, PHRASES)
    assert llamacpp.found(Server(serve("mute").url, patience=QUICK)) is None


def test_an_unknown_model_is_told_with_the_nearest(serve):
    with pytest.raises(ServerError, match="Did you mean 'bytes'"):
        CompletionsLM(Server(serve().url, patience=QUICK), "byte")


# Keys.


def test_the_key_is_sent_and_never_told(serve):
    endpoint = serve(faults=[401])
    model = client(endpoint, environ={"DOABLE_API_KEY": "s3cret", "OPENAI_API_KEY": "other"})
    assert endpoint.headers[0]["authorization"] == "Bearer s3cret"
    with pytest.raises(ServerError, match="DOABLE_API_KEY") as told:
        model.loglikelihood(PROMPT, PHRASES)
    assert "s3cret" not in str(told.value)
    assert "s3cret" not in model.name


def test_the_key_of_openai_goes_to_openai_only(serve):
    endpoint = serve()
    client(endpoint, environ={"OPENAI_API_KEY": "other"})
    assert endpoint.headers[0]["authorization"] is None
    to_openai = Server("https://api.openai.com/v1", environ={"OPENAI_API_KEY": "other"})
    assert to_openai._client.headers["authorization"] == "Bearer other"


@pytest.mark.parametrize(
    "url", ["http://me:s3cret@host/v1", "http://host/v1?key=s3cret", "ftp://host/s3cret", "s3cret"]
)
def test_a_secret_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(ServerError) as told:
        Server(url)
    assert "s3cret" not in str(told.value)


# By name.


@pytest.mark.parametrize("prefix", ["", "openai:"])
def test_a_url_is_a_model_s_name(serve, prefix, monkeypatch):
    endpoint = serve()
    for name in (f"{prefix}{endpoint.url}#bytes", f"{prefix}{endpoint.url}", f"{prefix}{endpoint.url[:-3]}"):
        model = models.load_model(name)
        assert model.name == f"{endpoint.url.removeprefix('http://')}#bytes"
    assert model.loglikelihood(PROMPT, PHRASES) == pytest.approx([by_hand(PROMPT, text) for text in PHRASES])


def test_a_server_that_fails_in_the_middle_of_a_run_is_told_and_the_run_can_go_on(serve, tmp_path, monkeypatch):
    endpoint = serve(faults=[None, "garbage"])
    settings = {"WORLD": "symbolic", "EMBEDDER": "hash", "VALUES": "declared", "MEMORY": tmp_path / "m"}
    settings |= {"SPARE": "none"}
    for name, value in {
        **settings,
        "MODEL": f"{endpoint.url}#bytes",
        "MAX_STEPS": 1,
        "EXAMPLES": 0,
        "SPARE": "none",
    }.items():
        monkeypatch.setenv(f"DOABLE_{name}", str(value))
    runs = ["--runs", str(tmp_path / "r")]
    failed = CliRunner().invoke(app, ["run", "bring me the coke", *runs])
    assert failed.exit_code == 2
    assert "Expected JSON" in failed.stderr
    words = shlex.split(failed.stderr.split("Go on with: doable ")[1])
    assert CliRunner().invoke(app, words).exit_code in (0, 1)


def test_where_a_server_fails_the_spare_model_goes_on(serve, tmp_path):
    endpoint = serve(faults=[None, "garbage"])
    world = SymbolicWorld()
    world.reset(seed=0)
    config = Config(model=f"{endpoint.url}#bytes", spare="scripted:go to the table;done", examples=0, max_steps=3,
                    runs=str(tmp_path / "runs"))  # fmt: skip
    memory = Memory(tmp_path / "memory", HashEmbedder())
    result = Agent(world, None, memory, DeclaredValues(), config=config).run("go to the table")
    assert result.status == "reached"
    assert "scripted was asked, since: Expected JSON" in result.steps[0].decision.reason
    asked = len(endpoint.requests)
    Agent(world, None, memory, DeclaredValues(), config=config).run("go to the table")
    assert len(endpoint.requests) > asked, "the next run asks it again"


def test_where_no_server_is_from_the_beginning_the_spare_model_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("doable.agent.server.Patience", lambda: QUICK)
    world = SymbolicWorld()
    world.reset(seed=0)
    config = Config(model="http://127.0.0.1:9/v1#m", spare="scripted:go to the table;done", examples=0, max_steps=3,
                    runs=str(tmp_path / "runs"))  # fmt: skip
    result = Agent(world, None, Memory(tmp_path / "m", HashEmbedder()), DeclaredValues(), config=config).run(
        "go to the table"
    )
    assert result.status == "reached"
    assert "scripted was asked, since: Expected a server at" in result.steps[0].decision.reason


def test_where_the_spare_model_is_not_there_the_first_failure_is_told(serve, tmp_path):
    endpoint = serve(faults=[None, "garbage"])
    world = SymbolicWorld()
    world.reset(seed=0)
    config = Config(model=f"{endpoint.url}#bytes", spare=str(tmp_path / "nowhere"), examples=0, runs=str(tmp_path))
    agent = Agent(world, None, Memory(tmp_path / "m", HashEmbedder()), DeclaredValues(), config=config)
    with pytest.raises(ServerError, match="Expected JSON"):
        agent.run("go to the table")


@pytest.mark.parametrize("nonsense", [math.nan, 0.5, -math.inf])
def test_numbers_that_are_no_log_probabilities_are_told(tmp_path, nonsense):
    model = ScriptedModel(lambda prompt, text: nonsense)
    world = SymbolicWorld()
    world.reset(seed=0)
    agent = Agent(world, model, Memory(tmp_path / "m", HashEmbedder()), DeclaredValues(),
                  config=Config(runs=str(tmp_path / "runs")))  # fmt: skip
    with pytest.raises(ServerError, match="log-probabilities of at most 0 from scripted"):
        agent.run("go to the table")


def test_what_is_sent_to_a_server_is_paid_for_by_what_it_says(serve, tmp_path):
    endpoint = serve()
    model = CompletionsLM(Server(endpoint.url, patience=QUICK, environ={}))
    purse = Purse(Config(max_tokens=30), tmp_path, "run")
    Metered(model, purse).loglikelihood(PROMPT, [" a\n"])
    left = purse.left(0, 0.0).tokens
    assert left < 30
    asked = len(endpoint.requests)
    with pytest.raises(OverBudget, match="30 tokens a goal"):
        Metered(model, purse).loglikelihood(PROMPT, PHRASES * 4)
    assert len(endpoint.requests) == asked, "nothing was sent"
    assert purse.left(0, 0.0).tokens == left
