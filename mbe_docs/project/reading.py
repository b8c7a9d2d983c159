"""One log: from a file to a part of the store, in whichever process or on whichever machine that happens."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final, Literal

from mbe_docs.errors import EvidenceError, Location, MbeDocsError, SourceError
from mbe_docs.evidence.files import is_intact
from mbe_docs.evidence.manifest import PartEntry
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.plugins import discover
from mbe_docs.project.logs import FoundLog
from mbe_docs.project.remote import fetched
from mbe_docs.records.evals import Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.secrets import Detector
from mbe_docs.sources.interface import Item, LogFile, Settings, Source

logger = logging.getLogger(__name__)

UNCLAIMED: Final = "no format claims it"
_ENDED: Final = SourceError(
    "the process that read it was ended from outside, most likely for the memory it took",
    fix="ingest it by itself, or on a machine with more memory",
)


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file."""

    uri: str
    outcome: Literal["read", "known", "refused", "ignored"]
    source: str = ""
    runs: int = 0
    observations: int = 0
    reason: str = ""
    is_named: bool = False
    """Whether it was named itself: such a file was meant to be a log."""

    @property
    def is_skipped_log(self) -> bool:
        """Whether it looked like a log, to a format or to the person who named it, and was not read."""
        return self.outcome == "refused" or (self.outcome == "ignored" and self.is_named)


@dataclass(frozen=True, slots=True)
class Read:
    """One file with what there is to commit of it."""

    result: FileResult
    sha256: str | None = None
    """Of the file, where it could be read."""
    findings: tuple[Finding, ...] = ()
    entry: PartEntry | None = None
    """Of the part that was written; None: nothing was."""
    failure: Exception | None = None
    """What is no fault of the file: wrong configuration, a full disk, a mistake of ours."""
    ended_process: bool = False
    """Whether reading it ended a process: nobody should try again."""


@dataclass(frozen=True, slots=True)
class Task:
    """Logs that are read in one go, one after the other: one log, or a group that is fetched together."""

    logs: tuple[FoundLog, ...]
    sha256: str | None = None
    """Of a single log, where it is known."""
    settled: tuple[Read, ...] | None = None
    """What became of them, where nothing is left to do."""
    is_copy: bool = False
    """Whether a log before it has the same bytes: settled as known, which holds if that one is read."""

    def bytes(self) -> int:
        """Size of all its logs."""
        return sum(log.size() for log in self.logs)


@cache
def sources() -> dict[str, Source]:
    """Every eval format, by name."""
    return {source.name: source for source in discover("sources", "SOURCE").values()}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads logs into the parts of a store. Reading one again writes the same bytes under the same name."""

    store: EvidenceStore
    settings: Settings
    known: Mapping[str, PartEntry] = field(default_factory=dict)
    """What the store lists, by hash of the log."""
    dry_run: bool = False
    intact: frozenset[str] | None = None
    """Hashes of the known logs that are intact, where the files of the store cannot be looked at."""

    def run(self, task: Task) -> tuple[Read, ...]:
        """What became of each log of a task, in order; whatever goes wrong is in there, too."""
        if task.settled is not None:
            return task.settled
        if not any(log.is_remote for log in task.logs):
            local = ((log, LogFile(Path(log.place), log.uri)) for log in task.logs)
            return tuple(self._settle(found, log, task.sha256) for found, log in local)
        with fetched([(log.place, log.uri) for log in task.logs]) as copies:
            pairs = zip(task.logs, copies, strict=True)
            return tuple(
                refused(log, copy) if isinstance(copy, SourceError) else self._settle(log, copy, None)
                for log, copy in pairs
            )

    def is_known(self, sha256: str) -> bool:
        """Whether the store has a log, every byte as it was written; a damaged one is read again."""
        if self.intact is not None:
            return sha256 in self.intact
        entry = self.known.get(sha256)
        if entry is None or not is_intact(self.store.part_path(entry), entry.part):
            return False
        return not entry.excerpts or is_intact(self.store.excerpts_path(entry), entry.excerpts)

    def _settle(self, found: FoundLog, log: LogFile, sha256: str | None) -> Read:
        try:
            sha256 = sha256 or log.sha256()
            if self.is_known(sha256):
                return Read(FileResult(found.uri, "known"), sha256)
            return self._read(found, log, sha256)
        except Exception as error:
            problem = _fault_of_log(error)
            if problem is not None:
                return refused(found, problem, sha256)
            if not isinstance(error, MbeDocsError):
                error.add_note(f"while reading {found.uri}")
            result = FileResult(found.uri, "refused", reason="it could not be read to its end")
            return Read(result, sha256, failure=portable(error))

    def _read(self, found: FoundLog, log: LogFile, sha256: str) -> Read:
        source = claimant(log, sources())
        if source is None:
            return Read(FileResult(found.uri, "ignored", reason=UNCLAIMED, is_named=found.is_named), sha256)
        watched = _Watched(source.read(log, self.settings))
        entry = None
        if self.dry_run:
            findings = self.store.try_part(watched, source_uri=log.uri, source_format=source.name)
        else:
            entry, findings = self.store.write_part(
                watched, source_sha256=sha256, source_uri=log.uri, source_format=source.name
            )
        result = FileResult(log.uri, "read", source.name, len(watched.runs), watched.observations)
        return Read(result, sha256, findings, entry)


def refused(found: FoundLog, error: SourceError, sha256: str | None = None) -> Read:
    """A log that cannot be used, with why; what the reason quotes of the log may hold a secret."""
    problem = Detector().mask(error.problem)
    at, fix = error.at or Location(found.uri), error.fix or "read the log with its own tool"
    finding = Finding("MBE201", "error", problem, at, fix)
    return Read(FileResult(found.uri, "refused", reason=problem), sha256, (finding,))


def ended(log: FoundLog, task: Task) -> Read:
    """A log whose reading ended a process that did nothing else."""
    return replace(refused(log, _ENDED, task.sha256), ended_process=True)


def _fault_of_log(error: Exception) -> SourceError | None:
    """Why just this log cannot be used; None where configuration, the store or we are at fault."""
    match error:
        case SourceError():
            return error
        case EvidenceError() if not isinstance(error.__cause__, OSError):  # a full disk meets every log
            return SourceError(error.problem, at=error.at, fix=error.fix)
        case OSError():
            return unreadable(error)
        case RecursionError():
            return SourceError("something in it is nested too deeply", fix="read the log with its own tool")
        case MemoryError():
            return SourceError("there is not enough memory to read it", fix="read it on a larger machine")
        case _:
            return None


def unreadable(error: OSError) -> SourceError:
    """What the system said of a file, in our words."""
    said = (error.strerror or str(error) or "unknown reason").lower()
    return SourceError(f"the file cannot be read: {said}", fix="mend its permissions, or copy it again")


def portable(error: Exception) -> Exception:
    """The error itself if it survives the way to another process, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes of a line ago
    except Exception:  # whatever its class does when it is made again
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            plain.add_note(note)
        return plain
    return error


def claimant(log: LogFile, formats: dict[str, Source]) -> Source | None:
    """The one format that claims a file, or none.

    Raises:
        SourceError: two formats claim it: that is a bug in one of them, and guessing would be worse.
    """
    head = log.head()
    claiming = [source for source in formats.values() if source.claims(log.path, head)]
    if len(claiming) > 1:
        names = " and ".join(source.name for source in claiming)
        raise SourceError(
            f"claimed by {names}; expected one format", at=Location(log.uri), fix="report this file's head"
        )
    if claiming:
        logger.debug("%s: claimed by %s", log.uri, claiming[0].name)
    return claiming[0] if claiming else None


class _Watched:
    """Counts what streams by."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self.runs: set[str] = set()
        self.observations = 0

    def __iter__(self) -> Iterator[Item]:
        for item in self._items:
            if isinstance(item, Observation):
                self.observations += 1
            elif isinstance(item, Run):
                self.runs.add(item.run_key)
            yield item
