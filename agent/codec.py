"""Our frozen dataclasses as plain JSON and back, by their type hints: for the journal and for checkpoints.

Numbers that JSON does not know (inf, -inf, nan) are written as strings.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ..memory.record import Record
from ..sim.observation import Observation
from ..skills.skill import Outcome
from .checking import Ending
from .types import Candidate, Decision, Subgoal, Verdict


def to_json(value: Any) -> Any:
    """`value` (dataclasses, tuples, lists, dicts, numbers, strings, None) as what `json.dumps` writes."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def from_json(kind: Any, data: Any) -> Any:
    """The inverse of `to_json` for a type hint. Raises ValueError naming the rule and the value."""
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        if not isinstance(data, dict) or not set(data) <= set(hints):
            raise ValueError(f"Expected a {kind.__name__} with the fields {', '.join(hints)}, got {data!r:.200}.")
        try:
            return kind(**{name: from_json(hints[name], item) for name, item in data.items()})
        except TypeError as error:
            raise ValueError(f"Expected a whole {kind.__name__}, got {data!r:.200}: {error}") from error
    if origin in (Union, UnionType):
        if data is None and NoneType in args:
            return None
        return from_json(next(arg for arg in args if arg is not NoneType), data)
    if origin is tuple:
        if not isinstance(data, list) or (args[-1] is not Ellipsis and len(data) != len(args)):
            raise ValueError(f"Expected a list for {kind}, got {data!r:.200}.")
        kinds = (args[0],) * len(data) if args[-1] is Ellipsis else args
        return tuple(from_json(each, item) for each, item in zip(kinds, data, strict=True))
    if origin is Literal:
        if data not in args:
            raise ValueError(f"Expected one of {', '.join(map(str, args))}, got {data!r:.200}.")
        return data
    if kind is float and (isinstance(data, int | float) or data in ("inf", "-inf", "nan")):
        return float(data)
    if not isinstance(data, kind):
        raise ValueError(f"Expected {kind.__name__}, got {data!r:.200}.")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


_STATE = {kind.__name__: kind for kind in (Subgoal, Candidate, Decision, Verdict, Ending, Outcome, Observation, Record)}
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
    if _TAG in value:
        return from_json(_STATE[value[_TAG]], value["value"])
    return {key: _untag(item) for key, item in value.items()}
