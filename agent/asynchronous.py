"""The steps of a run for both kinds of loop, `for` and `async for`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec

from .types import Step

P = ParamSpec("P")
_OVER = object()


class Steps(Iterator[Step], AsyncIterator[Step]):
    """The steps of one run, each done when it is asked for.

    `async for` does them in one thread of the run's own, so the event loop stays free. Whoever stops early closes it
    (`close()`, or `await aclose()`, which waits for the step that is being done); what was done can be resumed.
    Raises RuntimeError when a loop of the other kind goes on with what one has begun: a run stays in its thread.
    """

    def __init__(self, steps: Generator[Step]):
        self._steps = steps
        self._thread: ThreadPoolExecutor | None = None
        self._kind = ""

    def __next__(self) -> Step:
        self._begin("for")
        return next(self._steps)

    async def __anext__(self) -> Step:
        step = await self._in_thread(lambda: next(self._steps, _OVER))
        if not isinstance(step, Step):
            await self.aclose()
            raise StopAsyncIteration
        return step

    def close(self) -> None:
        """End the run here. In an `async for`, use `aclose`."""
        if self._kind == "async for":
            raise RuntimeError("Expected 'await steps.aclose()' for steps of an 'async for', got close().")
        self._steps.close()

    async def aclose(self) -> None:
        """End the run here, once the step that is being done is over."""
        try:
            await self._in_thread(self._steps.close)
        finally:
            if self._thread is not None:
                self._thread.shutdown(wait=False)
                self._thread = None

    async def _in_thread(self, act: Callable[[], object]) -> object:
        self._begin("async for")
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "doable-run")
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _begin(self, kind: str) -> None:
        if self._kind not in ("", kind):
            raise RuntimeError(f"Expected '{self._kind}' to go on with what it has begun, got '{kind}'.")
        self._kind = kind


def steps(function: Callable[P, Generator[Step]]) -> Callable[P, Steps]:
    """Make a generator of steps serve both `for` and `async for`."""

    @wraps(function)
    def both(*args: P.args, **kwargs: P.kwargs) -> Steps:
        return Steps(function(*args, **kwargs))

    return both
