"""Somebody who looks on: how long each phase of the loop took, and what was weighed.

python examples/watch_phases.py
"""

import time
from collections import Counter

from doable.agent import Agent, Config

PLAN = "scripted:find the sponge;pick up the sponge;done"


class Clock:
    """A `Watcher` that adds up seconds by phase."""

    def __init__(self):
        self.spent: Counter[str] = Counter()
        self._last = time.perf_counter()

    def loading(self, what):
        print(f"loading {what}")

    def phase(self, name, turn):
        now = time.perf_counter()
        self.spent[name] += now - self._last
        self._last = now
        if name == "choose":
            print(f"turn {turn['index'] + 1}: {turn['decision'].phrase} of {len(turn['candidates'])} skills")


if __name__ == "__main__":
    clock = Clock()
    config = Config.load({"world": "symbolic", "values": "declared", "model": PLAN})
    print(Agent(config=config, watcher=clock).run("find the sponge and pick it up").status)
    print("phases seen:", ", ".join(clock.spent))
