"""From files on disk to parts of the evidence store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from mbe_docs.errors import MbeDocsError
from mbe_docs.evidence.locks import adding
from mbe_docs.evidence.manifest import PartEntry
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.project.logs import FoundLog
from mbe_docs.project.pool import run_tasks
from mbe_docs.project.reading import FileResult, Read, Reader, Task, refused, unreadable
from mbe_docs.project.remote import groups
from mbe_docs.records.findings import Finding
from mbe_docs.sources.interface import LogFile, Settings

COMMIT_EVERY = 200
"""Files per manifest: a killed ingest of thousands loses the last batch at most, and reads it again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is."""

    files: int
    all_files: int
    bytes: int
    all_bytes: int


Advance = Callable[[Progress], object]


class Engine(Protocol):
    """Where tasks are run: here, over the processors of this machine, or on a cluster."""

    def __call__(self, tasks: Iterable[Task], reader: Reader) -> Iterator[tuple[Task, tuple[Read, ...]]]:
        """Every task with what became of its logs, in the order given; parts lie in the reader's store."""
        ...


@dataclass(slots=True)
class IngestSummary:
    """What became of all files, in the order they were found."""

    files: list[FileResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def count(self, outcome: Literal["read", "known", "refused", "ignored"]) -> int:
        """Files with this outcome."""
        return sum(result.outcome == outcome for result in self.files)

    @property
    def runs(self) -> int:
        """Runs read in this ingest."""
        return sum(result.runs for result in self.files)

    @property
    def observations(self) -> int:
        """Scores read in this ingest."""
        return sum(result.observations for result in self.files)

    @property
    def skipped_logs(self) -> int:
        """Files that looked like logs and were not read."""
        return sum(result.is_skipped_log for result in self.files)

    @property
    def found_nothing(self) -> bool:
        """Whether no file was a log, readable or not."""
        return self.count("ignored") == len(self.files)


def local(jobs: int) -> Engine:
    """Reading with up to `jobs` processes of this machine."""
    return lambda tasks, reader: run_tasks(tasks, reader, jobs)


def ingest(
    logs: Sequence[FoundLog],
    store: EvidenceStore,
    settings: Settings,
    *,
    engine: Engine | None = None,
    dry_run: bool = False,
    advance: Advance | None = None,
    into: IngestSummary | None = None,
) -> IngestSummary:
    """Read every log the store does not know yet; commit in batches, so nothing half-read is ever visible.

    The summary, and what is stored, do not depend on the engine. A log that cannot be read is said and the
    others are read. What was read before an error that ends the ingest, or an interrupt, is in the store;
    a summary given as `into` says what that was.

    Raises:
        MbeDocsError: the configuration is wrong, or the store cannot be written.
    """
    reader = Reader(store, settings, {entry.source_sha256: entry for entry in store.list()}, dry_run)
    all_bytes = sum(log.size() for log in logs) if advance else 0
    summary = IngestSummary() if into is None else into
    collecting = _Collecting(reader, advance, len(logs), all_bytes, summary)
    guard = nullcontext() if dry_run else adding(store.root)
    with guard:
        _collect(logs, reader, engine or local(1), collecting)
    if collecting.mistake is not None:
        raise collecting.mistake
    return summary


def _collect(logs: Sequence[FoundLog], reader: Reader, engine: Engine, collecting: _Collecting) -> None:
    try:
        for task, reads in engine(_tasks(logs, reader), reader):
            for log, read in zip(task.logs, collecting.checked(task, reads), strict=True):
                collecting.take(log, read)
    finally:
        collecting.commit()


def _tasks(logs: Sequence[FoundLog], reader: Reader) -> Iterator[Task]:
    """What there is to do, in order; local logs that the store knows are settled, and so are copies."""
    remote = [log for log in logs if log.is_remote]
    seen: set[str] = set()
    for log in logs:
        if not log.is_remote:
            yield _task(log, reader, seen)
    for positions in groups([log.place for log in remote]):
        yield Task(tuple(remote[position] for position in positions))


def _task(log: FoundLog, reader: Reader, seen: set[str]) -> Task:
    try:
        sha256 = LogFile(Path(log.place), log.uri).sha256()
    except OSError as error:
        return Task((log,), settled=(refused(log, unreadable(error)),))
    known = (Read(FileResult(log.uri, "known"), sha256),)
    if reader.is_known(sha256):
        return Task((log,), sha256, known)
    if sha256 in seen:
        return Task((log,), sha256, known, is_copy=True)
    seen.add(sha256)
    return Task((log,), sha256)


@dataclass(slots=True)
class _Collecting:
    """One ingest at work."""

    reader: Reader
    advance: Advance | None
    all_files: int
    all_bytes: int
    summary: IngestSummary
    pending: list[PartEntry] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    fatal: dict[str, Read] = field(default_factory=dict)
    bytes: int = 0
    mistake: Exception | None = None

    def checked(self, task: Task, reads: tuple[Read, ...]) -> tuple[Read, ...]:
        """What became of a task. Where the log that it copies was not read, it gets a chance of its own:
        some formats need their neighbours, and it may have them."""
        if not task.is_copy or task.sha256 in self.read:
            return reads
        if task.sha256 in self.fatal:
            first = self.fatal[task.sha256]
            return (replace(first, result=replace(first.result, uri=task.logs[0].uri)),)
        return self.reader.run(replace(task, settled=None))

    def take(self, log: FoundLog, read: Read) -> None:
        """Add what became of a log; of two with the same content the second is known.

        Raises:
            MbeDocsError: no further log can be read.
        """
        if isinstance(read.failure, MbeDocsError):
            raise read.failure
        self.mistake = self.mistake or read.failure
        if read.ended_process and read.sha256:
            self.fatal[read.sha256] = read
        result = read.result
        if result.outcome == "read" and read.sha256 in self.read:
            read = Read(FileResult(result.uri, "known"), read.sha256)
        elif result.outcome == "read" and read.sha256:
            self.read.add(read.sha256)
        if read.entry is not None:
            self.pending.append(read.entry)
        self.summary.files.append(read.result)
        self.summary.findings.extend(read.findings)
        if len(self.pending) >= COMMIT_EVERY:
            self.commit()
        if self.advance:
            self.bytes += log.size()
            self.advance(Progress(len(self.summary.files), self.all_files, self.bytes, self.all_bytes))

    def commit(self) -> None:
        """Have the store show what was read so far."""
        if self.pending:
            self.reader.store.commit(self.pending)
            self.pending = []
