"""From files on disk to parts of the evidence store."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mbe_docs.errors import ConfigError, Location, SourceError
from mbe_docs.evidence.manifest import PartEntry
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.plugins import discover
from mbe_docs.records.evals import Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.secrets import Detector
from mbe_docs.sources.interface import Item, LogFile, Settings, Source

logger = logging.getLogger(__name__)

COMMIT_EVERY = 200
"""Files per manifest: a killed ingest of thousands loses the last batch at most, and reads it again."""

Advance = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file."""

    uri: str
    outcome: Literal["read", "known", "refused", "ignored"]
    source: str = ""
    runs: int = 0
    observations: int = 0
    reason: str = ""


@dataclass(slots=True)
class IngestSummary:
    """What became of all of them."""

    files: list[FileResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def count(self, outcome: str) -> int:
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


def sources() -> dict[str, Source]:
    """Every eval format, by name."""
    return {source.name: source for source in discover("sources", "SOURCE").values()}


def find_logs(paths: Sequence[str], extensions: Iterable[str]) -> Iterator[LogFile]:
    """Files named by paths, folders and globs, each once, in name order.

    In a folder only files with a known ending are looked at; a file named by hand always is.

    Raises:
        ConfigError: a path matches nothing.
    """
    endings = tuple(extensions)
    seen: set[Path] = set()
    for given in paths:
        path = Path(given).expanduser()
        if path.is_dir():
            inside = sorted(
                entry for entry in path.rglob("*") if entry.is_file() and _is_visible(entry, path)
            )
            found = [
                (entry, entry.relative_to(path).as_posix())
                for entry in inside
                if entry.name.lower().endswith(endings)
            ]
        elif path.is_file():
            found = [(path, path.name)]
        else:
            found = [
                (Path(entry), Path(entry).name)
                for entry in sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  the path may be absolute
            ]
            found = [(entry, name) for entry, name in found if entry.is_file()]
            if not found:
                raise ConfigError(
                    f"nothing is at {given}; expected a log, a folder or a glob",
                    fix="check the path; quote a glob so that the shell leaves it alone",
                )
        for entry, uri in found:
            key = entry.resolve()
            if key not in seen:
                seen.add(key)
                # A name that is not UTF-8 holds lone surrogates, which no record can.
                yield LogFile(entry, os.fsencode(uri).decode("utf-8", "backslashreplace"))


def _is_visible(path: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(root).parts)


def ingest(
    logs: Sequence[LogFile],
    store: EvidenceStore,
    settings: Settings,
    *,
    dry_run: bool = False,
    advance: Advance | None = None,
) -> IngestSummary:
    """Read every log the store does not know yet; commit in batches, so nothing half-read is ever visible.

    What was read before an error that ends the ingest is in the store.
    """
    digests = [_digest(log) for log in logs]
    known = set(store.intact([digest for digest in digests if isinstance(digest, str)]))
    reading = _Reading(store, settings, sources(), dry_run=dry_run)
    try:
        for position, (log, digest) in enumerate(zip(logs, digests, strict=True)):
            if isinstance(digest, SourceError):
                reading.refuse(log, digest)
            elif digest in known:
                reading.summary.files.append(FileResult(log.uri, "known"))
            elif reading.read(log, digest):
                known.add(digest)
            if len(reading.pending) >= COMMIT_EVERY:
                reading.commit()
            if advance:
                advance(position + 1, len(logs))
    finally:
        reading.commit()
    return reading.summary


def _digest(log: LogFile) -> str | SourceError:
    try:
        return log.sha256()
    except OSError as error:
        return _unreadable(error)


def _unreadable(error: OSError) -> SourceError:
    said = (error.strerror or "unknown reason").lower()
    return SourceError(f"the file cannot be read: {said}", fix="mend its permissions, or copy it again")


@dataclass(slots=True)
class _Reading:
    """One ingest at work."""

    store: EvidenceStore
    settings: Settings
    formats: dict[str, Source]
    dry_run: bool = field(kw_only=True)
    summary: IngestSummary = field(default_factory=IngestSummary)
    pending: list[PartEntry] = field(default_factory=list)

    def read(self, log: LogFile, digest: str) -> bool:
        """Whether a format read the log; what became of it is in the summary."""
        try:
            source = claimant(log, self.formats)
            if source is None:
                self.summary.files.append(FileResult(log.uri, "ignored", reason="no format claims it"))
                return False
            watched = _Watched(source.read(log, self.settings))
            if self.dry_run:
                findings = self.store.try_part(watched, source_uri=log.uri, source_format=source.name)
            else:
                entry, findings = self.store.write_part(
                    watched, source_sha256=digest, source_uri=log.uri, source_format=source.name
                )
                self.pending.append(entry)
        except SourceError as error:
            self.refuse(log, error)
            return False
        except OSError as error:
            self.refuse(log, _unreadable(error))
            return False
        except Exception as error:
            error.add_note(f"while reading {log.uri}")
            raise
        self.summary.findings.extend(findings)
        self.summary.files.append(
            FileResult(log.uri, "read", source.name, len(watched.runs), watched.observations)
        )
        return True

    def refuse(self, log: LogFile, error: SourceError) -> None:
        """Say that a log cannot be used, and why."""
        problem = Detector(self.store.secrets.allow).mask(error.problem)
        self.summary.files.append(FileResult(log.uri, "refused", reason=problem))
        at, fix = error.at or Location(log.uri), error.fix or "read the log with its own tool"
        self.summary.findings.append(Finding("MBE201", "error", problem, at, fix))

    def commit(self) -> None:
        """Have the store show what was read so far."""
        if self.pending:
            self.store.commit(self.pending)
            self.pending = []


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
