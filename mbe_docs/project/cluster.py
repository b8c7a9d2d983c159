"""Logs read on a Spark cluster; the store stays where it is.

Each log, or group of logs, is a task of its own. A worker writes the part to a folder of its own and sends
the file back: workers need to reach the logs, by URL or on a shared file system, and nothing of the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mbe_docs.errors import ConfigError, EvidenceError
from mbe_docs.evidence.files import flush, publish, scratch, writing
from mbe_docs.evidence.spark import start, words
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.project.ingest import Engine
from mbe_docs.project.reading import Read, Reader, Task, ended

BATCH_TASKS: Final = 1000
BATCH_BYTES: Final = 4 * 2**30
"""Logs of one job: their parts, a few hundredths of this, are in memory here at once."""

Sent = tuple[tuple[Read, ...], list[tuple[str, bytes]]]
"""What became of a task's logs, and the files they made, by their path in a store."""


def spark(conf: Mapping[str, str]) -> Engine:
    """Reading on Spark, with these settings besides those that Spark finds itself."""
    return lambda tasks, reader: _run(tasks, reader, conf)


def _run(
    tasks: Iterable[Task], reader: Reader, conf: Mapping[str, str]
) -> Iterator[tuple[Task, tuple[Read, ...]]]:
    context: Any = None
    there = reader
    for batch in _batches(tasks):
        todo = [task for task in batch if task.settled is None]
        if todo and context is None:
            context = start(conf).sparkContext
            # Workers cannot look at the store; what it has is said to them.
            there = replace(reader, known={}, intact=reader.store.intact(reader.known))
        done = iter(_read(context, todo, there) if todo else ())
        for task in batch:
            if task.settled is not None:
                yield task, task.settled
                continue
            reads, files = next(done)
            for name, content in files:
                _keep(reader.store.root, name, content)
            yield task, reads


def _batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Tasks in order, as many at once as a job may have."""
    batch: list[Task] = []
    size = count = 0
    for task in tasks:
        batch.append(task)
        if task.settled is None:
            size, count = size + task.bytes(), count + 1
        if size >= BATCH_BYTES or count >= BATCH_TASKS:
            yield batch
            batch, size, count = [], 0, 0
    if batch:
        yield batch


def _read(context: Any, tasks: list[Task], reader: Reader) -> Iterable[Sent]:
    """What workers made of tasks, in order; where a job fails, each of its tasks gets one of its own."""
    work = partial(_work, reader)
    try:
        return list(context.parallelize(tasks, len(tasks)).map(work).collect())
    except Exception:  # Java's and Python's errors of many classes
        _check(context)
        return chain.from_iterable(_alone(context, task, work) for task in tasks)


def _alone(context: Any, task: Task, work: Any) -> list[Sent]:
    try:
        return list(context.parallelize([task], 1).map(work).collect())
    except Exception:  # it failed as often as Spark tries
        _check(context)
        return [(tuple(ended(log, task) for log in task.logs), [])]


def _check(context: Any) -> None:
    """That workers can do anything at all.

    Raises:
        ConfigError: they cannot, so no log is at fault.
    """
    try:
        context.parallelize([0], 1).map(_probe).collect()
    except Exception as error:  # as above
        raise ConfigError(
            f"Spark's workers cannot read logs: {words(error)}",
            fix="install mbe-docs, in the same version and for the same Python, where the workers run",
        ) from error


def _probe(number: int) -> int:
    return number


def _work(reader: Reader, task: Task) -> Sent:
    """On a worker: read a task's logs into a store of one's own."""
    with TemporaryDirectory(prefix="mbe-docs-") as name:
        root = Path(name)
        reads = replace(reader, store=EvidenceStore(root, reader.store.secrets)).run(task)
        made = [path for folder in ("parts", "excerpts") for path in sorted((root / folder).glob("*"))]
        return reads, [(path.relative_to(root).as_posix(), path.read_bytes()) for path in made]


def _keep(root: Path, name: str, content: bytes) -> None:
    """Put a file that a worker sent into the store.

    Raises:
        EvidenceError: it is not what its name says, or cannot be written.
    """
    target = root / name
    if hashlib.sha256(content).hexdigest() != target.stem or target.parent.parent != root:
        raise EvidenceError("a worker sent a damaged part", fix="run the command again")
    with writing(root), scratch(root / "tmp") as (path, file):
        file.write(content)
        flush(file)
        publish(path, target)
