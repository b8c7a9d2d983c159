"""Housekeeping: many small parts into few, and away with files that no manifest lists."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from mbe_docs.errors import EvidenceError, Location
from mbe_docs.evidence import columns, locks, parts
from mbe_docs.evidence.files import sweep, writing
from mbe_docs.evidence.manifest import PartEntry, decode
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.hashing import canonical_json

SMALL_BYTES: Final = 2**20
"""Parts below it are put together …"""
TARGET_BYTES: Final = 16 * 2**20
"""… until they have about this size."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did."""

    parts_before: int
    parts_after: int
    deleted_files: int
    deleted_bytes: int
    at_work: bool
    """Somebody was adding to the store, so nothing was deleted."""


def compact(store: EvidenceStore, *, keep: int = 1) -> Compacted:
    """Put small parts together, then delete what none of the `keep` newest manifests lists.

    What is in the store does not change: every log keeps its entry, every run its rows. Readers see the
    state before or after. Rows of logs that were forgotten are left out of the parts written.

    Raises:
        EvidenceError: something in the store is damaged, or the disk is full.
    """
    for finding in store.verify():
        raise EvidenceError(f"{finding.code}: {finding.problem}", at=finding.at, fix=finding.fix)
    before = len({entry.part for entry in store.list()})
    if before:
        with locks.adding(store.root):
            store.change(lambda listed: _compacted(store, listed))
    with locks.alone(store.root) as is_alone:
        count, size = _delete(store, keep) if is_alone else (0, 0)
    after = len({entry.part for entry in store.list()})
    return Compacted(before, after, count, size, at_work=not is_alone and before > 0)


def forget(store: EvidenceStore, sources: Collection[str]) -> None:
    """Take logs, by `source_sha256`, out of the store; what they superseded counts again.

    Their rows stay on the disk, unread, until the next `compact`.
    """
    store.change(lambda listed: tuple(entry for entry in listed if entry.source_sha256 not in sources))


def _compacted(store: EvidenceStore, listed: tuple[PartEntry, ...]) -> tuple[PartEntry, ...]:
    """The entries with small parts, and parts with rows of forgotten logs, put together anew."""
    shares: dict[str, list[PartEntry]] = defaultdict(list)
    for entry in listed:
        shares[entry.part].append(entry)
    changed: dict[str, PartEntry] = {}
    for group in _groups(store, list(shares.values())):
        for entry in _merged(store, group):
            changed[entry.source_sha256] = entry
    return tuple(changed.get(entry.source_sha256, entry) for entry in listed)


def _groups(store: EvidenceStore, shares: Sequence[list[PartEntry]]) -> Iterator[list[PartEntry]]:
    """Logs that go into one part: each run in one version only, since rows do not say their log."""
    group: list[PartEntry] = []
    keys: set[str] = set()
    size = count = 0
    rest: list[list[PartEntry]] = []
    for entries in shares:
        own = [run.run_key for entry in entries for run in entry.runs]
        if _has_forgotten(store, entries):
            yield entries
        elif entries[0].bytes < SMALL_BYTES:
            if keys.isdisjoint(own):
                group, size, count = [*group, *entries], size + entries[0].bytes, count + 1
                keys.update(own)
            else:
                rest.append(entries)
        if size >= TARGET_BYTES:
            yield group
            group, keys, size, count = [], set(), 0, 0
    if count > 1:
        yield group
    if len(rest) > 1:
        yield from _groups(store, rest)


def _has_forgotten(store: EvidenceStore, entries: Sequence[PartEntry]) -> bool:
    if entries[0].shared is not True:
        return False
    there = {run.run_key for run in parts.read_runs(store.part_path(entries[0]))}
    return there != {run.run_key for entry in entries for run in entry.runs}


def _merged(store: EvidenceStore, group: Sequence[PartEntry]) -> Iterator[PartEntry]:
    """The entries of logs whose rows now lie in one part, in the order of their hashes."""
    ordered = sorted(group, key=lambda entry: entry.source_sha256)
    runs = {
        run.run_key: run
        for entry in ordered
        for run in parts.read_runs(store.part_path(entry))
        if run.run_key in {own.run_key for own in entry.runs}
    }
    metadata = {"mbe_docs.format": parts.FORMAT}
    metadata["mbe_docs.sources"] = json.dumps([entry.source_sha256 for entry in ordered])
    metadata[parts.RUNS_KEY] = canonical_json([runs[key].model_dump(mode="json") for key in sorted(runs)])
    wanted = [(store.part_path(entry), {run.run_key for run in entry.runs}) for entry in ordered]
    part, size = parts.merge(store.root, "parts", columns.observation_schema(), wanted, metadata)
    with_text = [entry for entry in ordered if entry.excerpts]
    excerpts = None
    if with_text:
        texts = [(store.excerpts_path(entry), {run.run_key for run in entry.runs}) for entry in with_text]
        about = {"mbe_docs.format": parts.FORMAT}
        excerpts, _ = parts.merge(store.root, "excerpts", columns.excerpt_schema(), texts, about)
    for entry in ordered:
        text = excerpts if entry.excerpts else None
        yield msgspec.structs.replace(entry, part=part, bytes=size, excerpts=text, shared=True)


def _delete(store: EvidenceStore, keep: int) -> tuple[int, int]:
    """Number and size of the files deleted: older manifests, and what only they, or none, listed."""
    manifests = {
        int(path.stem): path for path in (store.root / "manifests").glob("*.json") if path.stem.isdecimal()
    }
    kept: set[Path] = set()
    for number in sorted(manifests, reverse=True)[: max(keep, 1)]:
        manifest = decode(manifests[number].read_bytes(), number)
        kept.add(manifests[number])
        for entry in manifest.parts if manifest else ():
            kept.add(store.part_path(entry))
            if entry.excerpts:
                kept.add(store.excerpts_path(entry))
    count = size = 0
    with writing(store.root):
        sweep(store.root / "tmp")
        for name in (
            "manifests",
            "parts",
            "excerpts",
        ):  # a part is never missing from a manifest that is there
            for path in sorted((store.root / name).glob("*")):
                if path not in kept and path.suffix in (".json", ".parquet"):
                    with suppress(FileNotFoundError):
                        size += path.stat().st_size
                        path.unlink()
                        count += 1
    return count, size


def found_logs(store: EvidenceStore, name: str) -> tuple[PartEntry, ...]:
    """The logs that a name means: a hash of one or its beginning, a log's name, or a run that logs state.

    Raises:
        EvidenceError: nothing is called so, or a run is not all that its log states.
    """
    entries = store.list()
    by_hash = [entry for entry in entries if len(name) >= 8 and entry.source_sha256.startswith(name)]
    found = by_hash or [entry for entry in entries if entry.source_uri == name]
    if found:
        return tuple(found)
    found = [entry for entry in entries if any(run.run_key == name for run in entry.runs)]
    for entry in found:
        if len(entry.runs) > 1:
            raise EvidenceError(
                f"the log of the run '{name}' states {len(entry.runs)} runs, which would go with it",
                at=Location(entry.source_uri),
                fix=f"name the log: {entry.source_sha256[:16]}",
            )
    if not found:
        raise EvidenceError(
            f"no run and no log in the store is called '{name}'",
            at=Location(str(store.root)),
            fix="`mbe-docs evidence list` has the names",
        )
    return tuple(found)
