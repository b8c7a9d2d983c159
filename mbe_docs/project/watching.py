"""Logs read as they appear: one look at a time, each at what has come to rest since the last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from mbe_docs.errors import ConfigError
from mbe_docs.project.ingest import IngestSummary
from mbe_docs.project.logs import FoundLog

Signature = tuple[object, ...]
"""What differs once a file was written to."""


class Watch:
    """New and changed logs of some places. A file that differs from the last look is still being written.

    `find` lists the logs that there are; `read` ingests some, and fills the summary that it is given. Nothing
    here knows a clock: who calls `look` decides how often.
    """

    def __init__(
        self,
        find: Callable[[], Sequence[FoundLog]],
        read: Callable[[Sequence[FoundLog], IngestSummary], object],
    ) -> None:
        self._find, self._read = find, read
        self._last: dict[str, Signature] = {}
        self._done: dict[str, Signature] = {}
        self._refused: dict[str, Signature] = {}
        self.total = IngestSummary()
        """What became of all files so far; of one that was read twice, both times."""

    def look(self) -> IngestSummary:
        """Read what is new and at rest, and say what became of it; empty where nothing is."""
        logs = self._found()
        seen = {log.place: signature for log in logs if (signature := _signature(log)) is not None}
        around = _by_folder(seen)
        before = _by_folder(self._last)
        ready = [
            log
            for log in logs
            if log.place in seen
            and seen[log.place] == self._last.get(log.place)
            and self._done.get(log.place) != seen[log.place]
            # A log that needs its neighbours is tried again when one of them has come or changed.
            and (
                log.place not in self._refused
                or self._refused[log.place] != around[_folder(log.place)] == before.get(_folder(log.place))
            )
        ]
        self._last = seen
        summary = IngestSummary()
        try:
            if ready:
                self._read(ready, summary)
        finally:
            self.total.files += summary.files
            self.total.findings += summary.findings
        refused = {result.uri for result in summary.files if result.outcome == "refused"}
        for log in ready:
            if log.uri in refused:
                self._refused[log.place] = around[_folder(log.place)]
            else:
                self._done[log.place] = seen[log.place]
                self._refused.pop(log.place, None)
        return summary

    def _found(self) -> Sequence[FoundLog]:
        """What is there; a place where nothing is may have something at the next look."""
        try:
            return self._find()
        except ConfigError:
            return ()


def _signature(log: FoundLog) -> Signature | None:
    if log.is_remote:
        return (log.bytes, log.version)
    try:
        stat = Path(log.place).stat()
    except OSError:
        return None
    return (stat.st_size, stat.st_mtime_ns, stat.st_ino)


def _folder(place: str) -> str:
    return place.replace("\\", "/").rpartition("/")[0]


def _by_folder(seen: dict[str, Signature]) -> dict[str, Signature]:
    """What differs once any file of a folder was written to."""
    found: dict[str, list[object]] = defaultdict(list)
    for place in sorted(seen):
        found[_folder(place)].append((place, *seen[place]))
    return {folder: tuple(files) for folder, files in found.items()}
