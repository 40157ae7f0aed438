"""A language model of one's own: anything that can say how likely a phrase is after a prompt.

python examples/own_model.py
"""

from collections.abc import Sequence

import numpy as np

from doable.agent import Agent, Config

WANTED = ["find the apple", "pick up the apple", "bring it to you", "put down the apple", "done"]


class FirstThingsFirst:
    """Prefers the next phrase of a list; everything else is a hundred times less likely."""

    name = "first-things-first"
    says_skills = False

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> np.ndarray:
        """log p(continuation | prompt), natural log, ≤ 0: (n,)."""
        turn = min(prompt.count("\nRobot: "), len(WANTED) - 1)
        return np.array([-0.1 if WANTED[turn] == text.strip() else -4.7 for text in continuations])

    def generate(self, messages, **how) -> str:
        """Text; not needed for choosing."""
        return ""


if __name__ == "__main__":
    settings = {"world": "symbolic", "values": "declared", "prompt": "transcript", "examples": 0}
    result = Agent(model=FirstThingsFirst(), config=Config.load(settings)).run("bring me the apple")
    print(result.status, [step.decision.phrase for step in result.steps])
