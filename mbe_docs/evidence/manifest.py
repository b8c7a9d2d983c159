"""Manifests: numbered lists of everything in the store, each complete, none ever changed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from mbe_docs.errors import EvidenceError, Location

FORMAT: Final = 1
_DIGITS: Final = 8


class RunEntry(msgspec.Struct, frozen=True):
    """What the manifest says of one run of a part; the whole `Run` is in the part itself."""

    run_key: str
    status: str
    task: str
    model_requested: str
    started_at: str | None
    finished_at: str | None
    superseded_by: str | None = None
    """`source_sha256` of the log that holds the newer version of this run."""


class PartEntry(msgspec.Struct, frozen=True):
    """One ingested log."""

    source_sha256: str
    source_uri: str
    source_format: str
    part: str
    """SHA-256 of the Parquet file, which is also its name: `parts/<part>.parquet`."""
    excerpts: str | None
    """The same for `excerpts/<excerpts>.parquet`; None: no text of attempts was kept."""
    bytes: int
    """Size of the part."""
    rows: int
    """Observations in the part."""
    runs: tuple[RunEntry, ...]
    """In the order of their keys; at least one."""
    superseded: bool = False
    """All its runs are superseded: listed, never counted."""
    shared: bool | msgspec.UnsetType = msgspec.UNSET
    """True: compaction put several logs into the part; this log's rows are those of its runs."""

    def live(self) -> frozenset[str]:
        """Keys of its runs that no other log supersedes."""
        return frozenset(run.run_key for run in self.runs if run.superseded_by is None)


class Manifest(msgspec.Struct, frozen=True):
    """One state of the store."""

    number: int
    """From 1; 0 is the empty store, which has no file."""
    previous: str | None
    """SHA-256 of the manifest this one was made from."""
    parts: tuple[PartEntry, ...]
    """In the order of `source_sha256`."""
    format: int = FORMAT
    sha256: str = ""
    """Of this manifest encoded with an empty string here: a changed digit is noticed."""


EMPTY: Final = Manifest(number=0, previous=None, parts=())


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest manifest that can be relied on, and what lies around it."""

    manifest: Manifest
    sha256: str | None
    """Of its file."""
    damaged: tuple[Path, ...]
    """Manifests above it that are not what was written, newest first."""


def sealed(manifest: Manifest) -> Manifest:
    """The manifest with its own `sha256`."""
    bare = encode(msgspec.structs.replace(manifest, sha256=""))
    return msgspec.structs.replace(manifest, sha256=hashlib.sha256(bare).hexdigest())


def encode(manifest: Manifest) -> bytes:
    """The file of a manifest: one JSON document, one log a line."""
    head = msgspec.json.encode(msgspec.structs.replace(manifest, parts=()))
    start, end = head.split(b'"parts":[]')
    lines = b",\n".join(msgspec.json.encode(entry) for entry in manifest.parts)
    return start + b'"parts":[\n' + lines + b"\n]" + end + b"\n"


def decode(data: bytes, number: int) -> Manifest | None:
    """The manifest that a file holds, or None where the file is not what was written.

    Raises:
        EvidenceError: a newer version of this program wrote it.
    """
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError:
        found = None
    if found is None or found.format != FORMAT:
        _refuse_newer(data)
        return None
    is_whole = found.number == number and found == sealed(found) and encode(found) == data
    return found if is_whole else None


def _refuse_newer(data: bytes) -> None:
    try:
        version = msgspec.json.decode(data)["format"]
    except (msgspec.MsgspecError, TypeError, KeyError):
        return
    if isinstance(version, int) and version > FORMAT:
        raise EvidenceError(
            f"the evidence store has format {version}; this version of mbe-docs knows up to {FORMAT}",
            fix="install a newer mbe-docs",
        )


def path_of(folder: Path, number: int) -> Path:
    """Where the manifest of a number lies."""
    return folder / f"{number:0{_DIGITS}}.json"


def latest(folder: Path) -> Latest:
    """The highest valid manifest of a folder; of no folder, or an empty one, `EMPTY`."""
    damaged: list[Path] = []
    for number in sorted(_numbers(folder), reverse=True):
        path = path_of(folder, number)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _unreadable(error, path) from error
        manifest = decode(data, number)
        if manifest is not None:
            return Latest(manifest, hashlib.sha256(data).hexdigest(), tuple(damaged))
        damaged.append(path)
    return Latest(EMPTY, None, tuple(damaged))


def _numbers(folder: Path) -> Iterator[int]:
    try:
        # Not `glob`: to it, a folder that cannot be read is an empty one.
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(error, folder) from error
    for name in names:
        stem = name.removesuffix(".json")
        if stem.isdecimal() and path_of(folder, int(stem)).name == name:
            yield int(stem)


def _unreadable(error: OSError, path: Path) -> EvidenceError:
    return EvidenceError(
        f"cannot read: {error.strerror}", at=Location(str(path)), fix="mend its permissions, or the disk"
    )


def settle(entries: Iterable[PartEntry]) -> tuple[PartEntry, ...]:
    """The entries with their superseded runs marked, in the order of their logs' hashes.

    Of the versions of one run the newest counts: the one whose log states the later end (or start, where it
    states no end), then the one whose log has the higher hash. When it was ingested plays no part.
    """
    ordered = sorted(entries, key=lambda entry: entry.source_sha256)
    versions: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for entry in ordered:
        for run in entry.runs:
            versions[run.run_key].append((_instant(run), entry.source_sha256))
    newest = {key: max(found)[1] for key, found in versions.items()}
    return tuple(_marked(entry, newest) for entry in ordered)


def _marked(entry: PartEntry, newest: dict[str, str]) -> PartEntry:
    winners = [newest[run.run_key] for run in entry.runs]
    mine = entry.source_sha256
    runs = tuple(
        msgspec.structs.replace(run, superseded_by=None if winner == mine else winner)
        for run, winner in zip(entry.runs, winners, strict=True)
    )
    return msgspec.structs.replace(entry, runs=runs, superseded=all(winner != mine for winner in winners))


def _instant(run: RunEntry) -> float:
    """When the log says that the run ended, else began, in seconds; unknown is before everything."""
    for text in (run.finished_at, run.started_at):
        try:
            moment = datetime.fromisoformat(text or "")
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float("-inf")
