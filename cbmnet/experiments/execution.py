"""Runs the replications of a design, in this process or in a pool; the rows do not depend on which.

Every point uses the same root seed, so replication k meets the same fate at every point as far as the
points agree: common random numbers. A replication that fails keeps its row with the error.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from cbmnet.experiments.design import Design
from cbmnet.member_file import MemberFile, use
from cbmnet.metrics.measure import Row, measure
from cbmnet.metrics.metric import chosen, with_beside

BATCH = 8
_ROOM: dict[str, Any] = {}  # what a worker process was given once, when it started


def execute(
    design: Design, replications: int, seed: int, jobs: int, advance: Callable[[int], None]
) -> list[Row]:
    """All rows, sorted by point and replication; `advance(n)` is called as n more are done."""
    use(design.files)
    configs, compare = [point.config for point in design.points], design.base.compare
    names = sorted({*chosen(design.base.study.metrics), *with_beside(compare.metrics if compare else ())})
    room = {"configs": configs, "names": names, "seed": seed}
    tasks = list(_batches(len(configs), replications))
    rows: list[Row] = []
    for batch in _run_batches(tasks, room, design.files, jobs):
        rows += batch
        advance(len(batch))
    return sorted(rows, key=lambda row: (row.point, row.replication))


def _batches(points: int, replications: int) -> Iterator[tuple[int, range]]:
    for point in range(points):
        for first in range(0, replications, BATCH):
            yield point, range(first, min(first + BATCH, replications))


def _run_batches(
    tasks: Sequence[tuple[int, range]], room: dict[str, Any], files: Sequence[MemberFile], jobs: int
) -> Iterator[list[Row]]:
    if jobs <= 1:
        _ROOM.update(room)
        yield from map(_run_batch, tasks)
        return
    with ProcessPoolExecutor(jobs, initializer=_enter, initargs=(files, pickle.dumps(room))) as pool:
        try:
            for done in as_completed([pool.submit(_run_batch, task) for task in tasks]):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _enter(files: Sequence[MemberFile], room: bytes) -> None:
    use(files)  # before the configs, which may hold objects of theirs
    _ROOM.update(pickle.loads(room))


def _run_batch(task: tuple[int, range]) -> list[Row]:
    point, replications = task
    return [measure(_ROOM["configs"][point], _ROOM["seed"], k, _ROOM["names"], point) for k in replications]
