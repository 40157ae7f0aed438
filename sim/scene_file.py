"""Scene files: YAML checked against `scene.schema.json`. What is wrong is told with its line and the nearest key."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Much faster where libyaml is there."""

Path_ = Sequence[str | int]
"""The keys and positions that lead to a value in the file."""


class SceneError(ValueError):
    """A scene file that breaks a rule; the message names the file, the line, the rule and the value."""


class SceneFile:
    """A file's `data` as plain dicts and lists, and the line of each value in it.

    Raises `SceneError` if it can't be read, is not YAML, or does not keep the schema.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not self.path.is_file():
            raise SceneError(f"Expected a scene file, got {str(path)!r}, which does not exist. Pass a YAML file.")
        try:
            text = self.path.read_text(encoding="utf-8")
            loader = _Loader(text)
            self._root = loader.get_single_node()
            self.data: Any = None if self._root is None else loader.construct_document(self._root)
        except UnicodeDecodeError as error:
            raise SceneError(f"{self.path.name}: Expected a text file in UTF-8: {error}.") from error
        except yaml.MarkedYAMLError as error:
            line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            raise SceneError(f"{self.path.name}{line}: Expected YAML: {error.problem}.") from error
        except yaml.YAMLError as error:
            raise SceneError(f"{self.path.name}: Expected YAML: {error}.") from error
        if not isinstance(self.data, dict):
            got = type(self.data).__name__ if self.data is not None else "nothing"
            raise SceneError(f"{self.path.name}: Expected a scene with keys like name and places, got {got}.")
        self._refuse_twice(self._root)
        # A wrong key first: it often is the reason why another one is missing.
        errors = sorted(
            (error.validator != "additionalProperties", self._line(where), rule)
            for error in _validator().iter_errors(self.data)
            for where, rule in _rules(error)
        )
        if errors:
            _, line, rule = errors[0]
            more = f" ({len(errors) - 1} more like this in the file.)" if len(errors) > 1 else ""
            raise SceneError(f"{self.path.name}, line {line}: {rule}{more}")

    def check(self, where: Path_, read: Callable[[], Any]) -> Any:
        """What `read` gives; a ValueError that it raises is told with the line of the value at `where`."""
        try:
            return read()
        except ValueError as error:
            raise self.error(where, str(error)) from error

    def error(self, where: Path_, rule: str) -> SceneError:
        """The error of a value at `where` that breaks `rule`."""
        return SceneError(f"{self.path.name}, line {self._line(where)}: {rule}")

    def _line(self, where: Path_) -> int:
        """The line, from 1, of the key or the list entry that `where` ends in; of the nearest thing that is there."""
        node, line = self._root, 1
        for step in where:
            if isinstance(node, yaml.MappingNode):
                pairs = {key.value: (key, value) for key, value in node.value}
                if step not in pairs:
                    break
                line, node = pairs[str(step)][0].start_mark.line + 1, pairs[str(step)][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    def _refuse_twice(self, node: yaml.Node | None) -> None:
        """YAML would silently take the last of two equal keys."""
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if key.value in seen:
                    raise SceneError(
                        f"{self.path.name}, line {line}: Expected the key {key.value!r} once, "
                        f"it is also in line {seen[key.value]}."
                    )
                seen[key.value] = line
                self._refuse_twice(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                self._refuse_twice(value)


@functools.cache
def schema() -> dict[str, Any]:
    """The shipped JSON schema of scene files."""
    return json.loads(Path(__file__).with_name("scene.schema.json").read_text(encoding="utf-8"))


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def _rules(error: jsonschema.ValidationError) -> Iterator[tuple[list[str | int], str]]:
    """What the schema's complaint means in words: where, and the rule, the value and the nearest known name."""
    where = list(error.absolute_path)
    rules: Any = error.schema
    given: Any = error.instance
    wanted: Any = error.validator_value
    name = where[-1] if where and isinstance(where[-1], str) else "an entry"
    match error.validator:
        case "additionalProperties":
            known = list(rules["properties"])
            role = rules["title"].split(" ", 1)[1]
            for key in (str(key) for key in given if key not in known):
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
                rule = f"Expected a {role} key among {', '.join(known)}; got {key!r}. Did you mean {near!r}?"
                yield [*where, key], rule
        case "required":
            missing = next(key for key in wanted if f"{key!r} is a required" in error.message)
            thing = rules.get("title", "a place")
            yield where, f"Expected {thing} to have the key {missing!r}, found only {', '.join(map(str, given))}."
        case "anyOf":
            either = " or ".join(repr(option["required"][0]) for option in wanted)
            yield where, f"Expected {rules['title']} to have the key {either}."
        case "enum" if isinstance(given, str):
            near = difflib.get_close_matches(given, wanted, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            yield where, f"Expected {name} to be {rules['description']}, got {given!r}.{hint}"
        case _:
            yield where, f"Expected {name} to be {rules.get('description', rules.get('title'))}, got {given!r}."
