"""Tasks over several processes: results in the order of the tasks, whatever becomes of a process."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import chain
from typing import Final

from mbe_docs.errors import ConfigError
from mbe_docs.project.reading import Read, Reader, Task, ended

logger = logging.getLogger(__name__)

ENOUGH_BYTES: Final = 32 * 2**20
"""Work below which starting processes costs more than it saves: they take about as long to start as one
needs to read this."""
FILE_BYTES: Final = 100_000
"""What opening and storing a file costs, as bytes to read."""
AHEAD: Final = 4
"""Tasks in flight for each process: one that takes long does not keep the others waiting."""

_WARM: Final = [__name__, "pyarrow.parquet", "mbe_docs.sources.inspect_ai", "mbe_docs.sources.tabular"]


def run_tasks(tasks: Iterable[Task], reader: Reader, jobs: int) -> Iterator[tuple[Task, tuple[Read, ...]]]:
    """Every task with what became of its logs, in the order given.

    Processes are started once there is enough to do for more than one, and `jobs` allows it. A log whose
    reading ends a process is refused; the others are not harmed.
    """
    coming = iter(tasks)
    waiting: deque[Task] = deque()
    work = todo = 0
    for task in coming if jobs > 1 and _can_travel(reader) else ():
        if task.settled is not None and not waiting:
            yield task, task.settled
            continue
        waiting.append(task)
        if task.settled is None:
            work, todo = work + task.bytes() + FILE_BYTES * len(task.logs), todo + 1
        if work >= ENOUGH_BYTES and todo > 1:
            logger.info("reading with %s processes", jobs)
            pool = _Pool(reader, jobs)
            with closing(pool):
                yield from pool.run(chain(waiting, coming))
            return
    for task in chain(waiting, coming):
        yield task, reader.run(task)


def _can_travel(reader: Reader) -> bool:
    """Whether what reading depends on can be sent to a process; a scorer made on the spot cannot."""
    try:
        pickle.dumps(reader.settings)
    except Exception:  # pickle's errors are of many classes
        logger.info("reading with one process: a scorer cannot be sent to another")
        return False
    return True


class _Pool:
    def __init__(self, reader: Reader, jobs: int) -> None:
        self._reader, self._jobs = reader, jobs
        self._executor = self._started(jobs)

    def _started(self, jobs: int) -> ProcessPoolExecutor:
        # Not `fork`: a copy of a process with threads, such as Arrow's, may stand still for ever.
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        context.set_forkserver_preload(_WARM)  # imported once, not by each process
        return ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(self._reader,))

    def close(self) -> None:
        self._executor.shutdown(cancel_futures=True)

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, tuple[Read, ...]]]:
        flying: deque[tuple[Task, Future[tuple[Read, ...]] | None]] = deque()
        while True:
            while len(flying) < AHEAD * self._jobs and (task := next(tasks, None)) is not None:
                flying.append((task, None if task.settled is not None else self._submit(task)))
            if not flying:
                return
            task, future = flying.popleft()
            try:
                yield task, task.settled or () if future is None else future.result()
            except BrokenProcessPool:
                logger.info("a process was ended from outside; reading what was in flight one by one")
                yield from self._one_by_one([(task, future), *flying])
                flying.clear()

    def _submit(self, task: Task) -> Future[tuple[Read, ...]]:
        try:
            return self._executor.submit(_run, task)
        except BrokenProcessPool as error:  # noticed before the tasks in flight are
            failed: Future[tuple[Read, ...]] = Future()
            failed.set_exception(error)
            return failed

    def _one_by_one(
        self, flying: Sequence[tuple[Task, Future[tuple[Read, ...]] | None]]
    ) -> Iterator[tuple[Task, tuple[Read, ...]]]:
        """What becomes of tasks of which one ended a process: each is read with nobody else at work."""
        self._restart(1)
        for task, future in flying:
            if future is None:
                yield task, task.settled or ()
            elif future.done() and future.exception() is None:
                yield task, future.result()
            else:
                try:
                    yield task, self._executor.submit(_run, task).result()
                except BrokenProcessPool:
                    self._restart(1)
                    yield task, tuple(ended(log, task) for log in task.logs)
        self._restart(self._jobs)

    def _restart(self, jobs: int) -> None:
        """Begin with new processes.

        Raises:
            ConfigError: none can be started, so it was no log that ended those before.
        """
        self._executor.shutdown(cancel_futures=True)
        self._executor = self._started(jobs)
        try:
            self._executor.submit(os.getpid).result()
        except BrokenProcessPool as error:
            raise ConfigError("no process can be started to read logs", fix="write --jobs 1") from error


_reader: Reader | None = None


def _begin(reader: Reader) -> None:
    """What a process does first."""
    global _reader  # noqa: PLW0603 - one for the life of the process
    _reader = reader
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends without a trace; the parent says what happened
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed takes its processes with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(task: Task) -> tuple[Read, ...]:
    assert _reader is not None
    return _reader.run(task)
