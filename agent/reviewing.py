"""What is left of a goal of several errands when the last of them is over: what may work by now, and what came undone.

Things that nobody here moved are a surprise. Once there was one, what was brought earlier is looked at again before the
goal counts as reached, and brought again if it is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..sim.observation import Observation
from ..sim.scene import Scene
from .meaning import Meaning
from .scoring import State, failed
from .types import OVER, Step, Subgoal


def left(
    subgoals: Sequence[Subgoal],
    asked: int,
    meant: Mapping[str, Meaning | None],
    steps: Sequence[Step],
    now: Observation,
    scene: Scene,
) -> tuple[str, ...]:
    """Errands to pursue after all `subgoals` are over, in order; none: nothing is left.

    The first `asked` subgoals are the goal's own, the others were added here. `meant`: what the words of each plainly
    ask for. `steps`: the newest of the run; subgoals that ended before them are left alone. No errand is pursued more
    than twice, and no place looked at more than once.
    """
    told = Counter(subgoal.text for subgoal in subgoals)
    end = subgoals[asked - 1].text
    last = meant[end]
    if last is None or last.kind in ("hold", "find"):
        return ()  # The hand is not free any more.
    own = [s for s in subgoals[:asked] if told[s.text] == 1 and not _overtaken(s, subgoals[:asked], meant)]
    over = {s.subgoal: s for s in steps if s.decision.kind in OVER}
    failures = [s for s in own if s in over and over[s].decision.kind == "refuse"]
    finished = [s for s in own if s in over and s not in failures]
    brought = {s: m for s in finished if (m := meant[s.text]) and _in_sight(m, scene)}
    again = [s for s in failures if not s.instead and _may_work(over[s], steps, now, meant[s.text])]
    again += [s for s, meaning in brought.items() if not meaning.reached(now.believed())]
    if again:
        texts = [s.text for s in sorted(again, key=lambda s: s.index)]
        return (*texts, end) if last.kind == "go" and told[end] == 1 and end not in texts else tuple(texts)
    if last.kind == "go" or not surprised(steps):
        return ()
    places = dict.fromkeys(meaning.to for meaning in brought.values() if meaning.to != now.robot.place)
    return tuple(text for place in places if (text := f"go to the {place}") not in told)


def surprised(steps: Sequence[Step]) -> bool:
    """Is a thing no longer where it was seen, though the robot did nothing to it?"""
    for step in steps:
        phrase, after = step.decision.phrase, step.after
        if phrase is None or after is None:
            continue
        before = Counter((o.type, o.place) for o in step.observation.believed().objects)
        gone = {kind for kind, _ in before - Counter((o.type, o.place) for o in after.believed().objects)}
        gone -= {step.observation.robot.holding, after.robot.holding}
        if any(f"the {kind} " not in f"{phrase} " for kind in gone):
            return True
    return False


def _may_work(last: Step, steps: Sequence[Step], now: Observation, meaning: Meaning | None) -> bool:
    """Was an errand given up in another state than this one, though what it is about is known to be here?"""
    if State.of(last.observation) == State.of(now):
        return False
    if meaning is None or not meaning.things:
        return any(failed(step) for step in steps if step.subgoal == last.subgoal)
    return bool(meaning.things & {o.type for o in now.objects if not o.remembered})


def _in_sight(meaning: Meaning, scene: Scene) -> bool:
    """Does it bring things to where they stay in view?"""
    open_places = {p.name for p in scene.places if p.kind != "bin"}
    return meaning.kind == "deliver" and meaning.count > 0 and meaning.to in open_places


def _overtaken(subgoal: Subgoal, subgoals: Sequence[Subgoal], meant: Mapping[str, Meaning | None]) -> bool:
    """Is a later errand about the same things, or one whose words are not plain?"""
    things = mine.things if (mine := meant[subgoal.text]) else frozenset()
    later = [meant[s.text] for s in subgoals if s.index > subgoal.index]
    return any(m is None or m.things & things for m in later)
