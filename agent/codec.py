"""Our frozen dataclasses in checkpoints, as tagged JSON (`sim/codec.py`)."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ..memory.record import Record
from ..sim.codec import from_json, to_json
from ..sim.observation import Observation
from ..skills.skill import Outcome
from .checking import Ending
from .types import Candidate, Decision, Errands, Left, Subgoal, Verdict

_KINDS = (Subgoal, Candidate, Decision, Verdict, Ending, Outcome, Observation, Record, Left, Errands)
_STATE = {kind.__name__: kind for kind in _KINDS}
_TAG = "doable"


class StateSerializer(JsonPlusSerializer):
    """Checkpoints hold our dataclasses as tagged JSON; anything else that would need an import is refused.

    LangGraph's own serializer would give tuples back as lists.
    """

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return super().dumps_typed(_tag(obj))

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return _untag(super().loads_typed(data))


def _tag(value: Any) -> Any:
    if type(value).__name__ in _STATE and is_dataclass(value):
        return {_TAG: type(value).__name__, "value": to_json(value)}
    if isinstance(value, tuple):
        if value and all(isinstance(each, Subgoal) and each == Subgoal(each.text, i) for i, each in enumerate(value)):
            return {_TAG: "subgoals", "value": [each.text for each in value]}  # there may be a thousand
        return {_TAG: "tuple", "value": [_tag(item) for item in value]}
    if isinstance(value, list):
        return [_tag(item) for item in value]
    if isinstance(value, dict):
        return {key: _tag(item) for key, item in value.items()}
    return value


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        return [_untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_TAG) == "tuple":
        return tuple(_untag(item) for item in value["value"])
    if value.get(_TAG) == "subgoals":
        return tuple(Subgoal(text, i) for i, text in enumerate(value["value"]))
    if _TAG in value:
        return from_json(_STATE[value[_TAG]], value["value"])
    return {key: _untag(item) for key, item in value.items()}
