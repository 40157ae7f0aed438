"""One stream for both kinds of loop."""

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from doable.agent import Agent, Config, Task
from doable.sim.task import Task as SimTask

PLAN = ["find the sponge", "pick up the sponge", "bring it to you", "put down the sponge", None]


@pytest.fixture
def agent(tmp_path):
    settings = {
        "world": "symbolic",
        "values": "declared",
        "embedder": "hash",
        "model": "scripted:" + ";".join(PLAN[:4]) + ";done",
    }
    return Agent(
        config=Config.load({**settings, "runs": str(tmp_path / "r"), "memory": str(tmp_path / "m")}, environ={})
    )


def test_the_same_steps_either_way(agent):
    async def walk():
        beats, steps = 0, []

        async def beat():
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        beating = asyncio.create_task(beat())
        async for step in agent.stream("bring me the sponge"):
            steps.append(step.decision.phrase)
        beating.cancel()
        return beats, steps

    beats, phrases = asyncio.run(walk())
    assert phrases == PLAN
    assert beats > 5, "the event loop stayed free"
    assert agent.result.status == "reached"


def test_agents_in_threads_of_their_own_do_not_meet(tmp_path):
    """As docs/reference.md says: made here, run in threads at once, and what comes out can be pickled."""

    def run(number):
        plan = PLAN if number % 2 else ["find the coke", "pick up the coke", None]
        model = "scripted:" + ";".join([*filter(None, plan), "done"])
        folders = {"runs": str(tmp_path / f"r{number}"), "memory": str(tmp_path / f"m{number}")}
        settings = {"world": "symbolic", "values": "declared", "embedder": "hash", "guards": False, "model": model}
        result = Agent(config=Config.load({**settings, **folders}, environ={})).run("bring it")
        assert [step.decision.phrase for step in result.steps] == plan
        return pickle.loads(pickle.dumps(result)) == result

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(run, range(4)))


def test_stopped_early_it_can_be_resumed(agent):
    async def one():
        steps = agent.stream("bring me the sponge")
        first = await anext(steps)
        with pytest.raises(RuntimeError, match="async for"):
            next(steps)
        await steps.aclose()
        return first.decision.phrase

    assert asyncio.run(one()) == PLAN[0]
    assert [s.decision.phrase for s in agent.stream_resumed(agent.run_id)] == PLAN[1:]


def test_an_error_reaches_who_waits(agent):
    async def none():
        async for _ in agent.stream(" "):
            pass

    with pytest.raises(ValueError, match="goal in words"):
        asyncio.run(none())


def test_task_is_the_one_of_task_files():
    assert Task is SimTask
