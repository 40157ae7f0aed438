"""Frozen dataclasses as plain JSON and back, by their type hints.

Numbers that JSON does not know (inf, -inf, nan) are written as strings.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


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
