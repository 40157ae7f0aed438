"""Work spread over processes, or over the actors of a Ray cluster: the same function, the same results in order.

Each worker has its own physics clients, made when first needed and kept as long as it lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

J = TypeVar("J")
R = TypeVar("R")

LOCAL = "local"
"""The address of a Ray of one's own on this machine."""


def run_all(work: Callable[[J], R], jobs: Sequence[J], workers: int = 1, ray: str | None = None) -> Iterator[R]:
    """`work(job)` of each job, in the order of the jobs. Raises ValueError if Ray is asked for and not there."""
    if not jobs:
        return
    if ray is not None:
        yield from _by_ray(work, jobs, workers, ray)
    elif workers <= 1:
        yield from map(work, jobs)
    else:
        # Spawned, not forked: a physics client does not survive a fork.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            futures = [pool.submit(work, job) for job in jobs]
            try:
                for future in futures:
                    yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _by_ray(work: Callable[[J], R], jobs: Sequence[J], workers: int, address: str) -> Iterator[R]:
    try:
        import ray
        from ray.util import ActorPool
    except ImportError as error:
        raise ValueError(
            f"Expected Ray for --ray, which is not installed ({error}). Install doable[ray], or leave --ray out."
        ) from error
    client: Any = ray
    mine = not client.is_initialized()
    if mine:
        try:
            where = {"num_cpus": workers, "include_dashboard": False} if address == LOCAL else {"address": address}
            client.init(log_to_driver=False, logging_level="ERROR", **where)
        except ConnectionError as error:
            raise ValueError(
                f"Expected a Ray cluster at {address!r}: {error}. Start one, or use --ray local."
            ) from error
    try:
        actor = client.remote(num_cpus=1)(_Worker)
        pool = ActorPool([actor.remote() for _ in range(max(1, workers))])
        made: Any = pool.map(lambda worker, job: worker.run.remote(work, job), list(jobs))
        yield from made
    finally:
        if mine:
            client.shutdown()


class _Worker:
    """A Ray actor: one process."""

    def run(self, work: Callable[[Any], Any], job: Any) -> Any:
        return work(job)
