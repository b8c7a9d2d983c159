"""The evidence store: every run and observation ever ingested, in immutable files named by their hashes.

```
parts/<sha256>.parquet      one per log: its observations as rows, its runs in the footer
excerpts/<sha256>.parquet   the text of attempts, where it was kept
manifests/00000001.json     what is in the store; the highest valid number counts
tmp/                        files being written; what a killed process left there goes with the next commit
```

A part that no manifest lists is not in the store: a process was killed before its commit. It does no harm,
and ingesting that log again takes it up.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from mbe_docs.errors import EvidenceError, Location
from mbe_docs.evidence import parts
from mbe_docs.evidence.files import (
    flush,
    flush_folder,
    is_intact,
    publish_new,
    scratch,
    sweep,
    writing,
)
from mbe_docs.evidence.manifest import Latest, Manifest, PartEntry, encode, latest, path_of, sealed, settle
from mbe_docs.evidence.parts import Item
from mbe_docs.records.evals import Excerpt, Run
from mbe_docs.records.findings import Finding
from mbe_docs.secrets import SecretPolicy

_FOLDERS: Final = ("parts", "excerpts")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run with the log it was read from."""

    run: Run
    entry: PartEntry
    superseded_by: str | None
    """`source_sha256` of the log with the newer version of this run; None: this is the one that counts."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """All runs that can be relied on, in the order of (run key, log hash), and what is wrong with others."""

    runs: tuple[StoredRun, ...]
    findings: tuple[Finding, ...]


class EvidenceStore:
    """The store in a folder, `behaviors/evidence` of a project; it need not exist to be read.

    Any number of processes may read and write at once. What was read from one `EvidenceStore` is the newest
    state at that call, so two calls may see two states; `manifest` gives one to hold on to.
    """

    def __init__(self, root: Path, secrets: SecretPolicy = SecretPolicy()) -> None:  # noqa: B008  frozen
        self.root = root
        self.secrets = secrets
        """What becomes of secrets in logs; without a word of it they are masked."""

    def manifest(self) -> Manifest:
        """The newest state of the store.

        Raises:
            EvidenceError: a newer version of mbe-docs wrote it.
        """
        return self._latest().manifest

    def list(self) -> tuple[PartEntry, ...]:
        """Every ingested log, superseded ones too, in the order of `source_sha256`."""
        return self.manifest().parts

    def known(self) -> frozenset[str]:
        """`source_sha256` of every log whose files are there with their size: cheap, no content is read.

        To skip logs in an ingest, ask `intact`: it lets a damaged one in again.
        """
        return frozenset(entry.source_sha256 for entry in self.list() if self._has_size(entry))

    def intact(self, sources: Collection[str]) -> frozenset[str]:
        """Which of these logs, by `source_sha256`, are in the store with every byte as it was written."""
        wanted = frozenset(sources)
        return frozenset(
            entry.source_sha256
            for entry in self.list()
            if entry.source_sha256 in wanted and not any(self._damaged_files(entry))
        )

    def write_part(
        self, items: Iterable[Item], *, source_sha256: str, source_uri: str, source_format: str
    ) -> tuple[PartEntry, tuple[Finding, ...]]:
        """Write the files of one log, in constant memory: its entry for `commit`, and its findings.

        Nothing is in the store until it is committed. The findings are those of the stream, in its order,
        then our own: scores that are NaN or infinite are kept as unscored (MBE255), secrets are masked
        (MBE256). The same stream gives the same bytes. The entry can be sent to another process.

        Raises:
            SourceError: there are secrets in the log, and the policy is strict.
            EvidenceError: the stream has no `Run`, or rows of a run that it does not state, or a value that
                no column holds; or the disk is full or not writable.
        """
        return parts.write(
            self.root,
            items,
            source_sha256=source_sha256,
            source_uri=source_uri,
            source_format=source_format,
            secrets=self.secrets,
        )

    def try_part(self, items: Iterable[Item], *, source_uri: str, source_format: str) -> tuple[Finding, ...]:
        """What `write_part` would find and refuse in a log, with nothing kept of it."""
        with tempfile.TemporaryDirectory() as folder:
            _, findings = EvidenceStore(Path(folder), self.secrets).write_part(
                items, source_sha256="0" * 64, source_uri=source_uri, source_format=source_format
            )
        return findings

    def commit(self, entries: Iterable[PartEntry]) -> Manifest:
        """The state of the store with these logs in it, all or none of them.

        A log that is there already and intact stays as it is; if nothing is left to add, no manifest is
        written. Others may commit at the same time: this adds to whatever they made of the store.

        Raises:
            EvidenceError: a part of an entry is not there as it was written, the newest manifest is damaged,
                or the disk is full.
        """
        offered = {entry.source_sha256: entry for entry in entries}
        for entry in offered.values():
            for path, sha256 in self._files(entry):
                self._checked(entry, path, sha256)
        return self.change(lambda listed: self._merged(listed, offered))

    def change(self, make: Callable[[tuple[PartEntry, ...]], tuple[PartEntry, ...]]) -> Manifest:
        """The state of the store with the entries that `make` gives for the newest ones.

        Readers see it whole. Where another process comes first, `make` is asked again; if
        nothing changes, no manifest is written.

        Raises:
            EvidenceError: the newest manifest is damaged, or the disk is full.
        """
        with writing(self.root):
            sweep(self.root / "tmp")
            while True:
                state = self._latest()
                for damaged in _manifest_findings(state):
                    raise _error(damaged)
                made = settle(make(state.manifest.parts))
                if made == state.manifest.parts:
                    return state.manifest
                number = state.manifest.number + 1
                manifest = sealed(Manifest(number=number, previous=state.sha256, parts=made))
                if self._publish(manifest):
                    return manifest

    def _merged(self, present: tuple[PartEntry, ...], offered: dict[str, PartEntry]) -> tuple[PartEntry, ...]:
        listed = {entry.source_sha256: entry for entry in present}
        new = {
            key: entry
            for key, entry in offered.items()
            if key not in listed or any(self._damaged_files(listed[key]))
        }
        return tuple((listed | new).values())

    def _publish(self, manifest: Manifest) -> bool:
        """Whether the number was still free; everything the manifest lists is on the disk before it."""
        for name in _FOLDERS:
            if (self.root / name).is_dir():
                flush_folder(self.root / name)
        folder = self.root / "manifests"
        with scratch(self.root / "tmp") as (path, file):
            file.write(encode(manifest))
            flush(file)
            if not publish_new(path, path_of(folder, manifest.number)):
                return False
        flush_folder(folder)
        return True

    def load(self) -> Loaded:
        """All runs of intact parts; for each part or manifest that is not, a finding: it is left out."""
        state = self._latest()
        findings = [*_manifest_findings(state)]
        runs: list[StoredRun] = []
        for entry in state.manifest.parts:
            findings += self._findings(entry)
            if is_intact(self.part_path(entry), entry.part):
                newer = {run.run_key: run.superseded_by for run in entry.runs}
                found = parts.read_runs(self.part_path(entry))
                runs += [StoredRun(run, entry, newer[run.run_key]) for run in found if run.run_key in newer]
        runs.sort(key=lambda stored: (stored.run.run_key, stored.entry.source_sha256))
        return Loaded(tuple(runs), tuple(sorted(findings, key=Finding.sort_key)))

    def runs(self) -> tuple[StoredRun, ...]:
        """All runs, superseded ones too, in the order of (run key, log hash).

        Raises:
            EvidenceError: something in the store is damaged; `load` gives the rest, and says what is lost.
        """
        loaded = self.load()
        if loaded.findings:
            raise _error(loaded.findings[0])
        return loaded.runs

    def verify(self) -> tuple[Finding, ...]:
        """What in the store is not as it was written, every byte of every listed file checked."""
        state = self._latest()
        findings = [*_manifest_findings(state)]
        for entry in state.manifest.parts:
            findings += self._findings(entry)
        return tuple(sorted(findings, key=Finding.sort_key))

    def parts_of(self, run_keys: Collection[str]) -> tuple[tuple[PartEntry, Path], ...]:
        """The parts with those versions of these runs that count, checked, in the order of `source_sha256`.

        Of a part that holds several logs, each of them with the same path, so that it is known which of its
        rows count: those of `entry.live()`.

        Raises:
            EvidenceError: a run is not in the store, or a part is not as it was written.
        """
        wanted = frozenset(run_keys)
        entries = self.list()
        holding = {entry.part for entry in entries if entry.live() & wanted}
        found = [
            (entry, self._checked(entry, self.part_path(entry), entry.part))
            for entry in entries
            if entry.part in holding and (entry.shared is True or entry.live() & wanted)
        ]
        missing = wanted.difference(*(entry.live() for entry, _ in found))
        if missing:
            raise EvidenceError(
                f"no log in the evidence store states the run {min(missing)!r}",
                at=Location(str(self.root)),
                fix="ingest the log with that run",
            )
        return tuple(found)

    def excerpts(
        self, run_key: str, limit: int, *, sample_ids: Collection[str] | None = None
    ) -> tuple[Excerpt, ...]:
        """The text of at most `limit` attempts of a run, in the order of the log; empty where none was kept.

        `sample_ids`: of these samples only. Of a run with several versions, the one that counts.

        Raises:
            EvidenceError: the file is not as it was written.
        """
        wanted = None if sample_ids is None else frozenset(sample_ids)
        for entry in self.list():
            for run in entry.runs:
                if run.run_key == run_key and run.superseded_by is None and entry.excerpts:
                    path = self._checked(entry, self.excerpts_path(entry), entry.excerpts)
                    return tuple(islice(parts.read_excerpts(path, run_key, wanted), limit))
        return ()

    def part_path(self, entry: PartEntry) -> Path:
        """Where the observations of a log lie."""
        return self.root / "parts" / f"{entry.part}.parquet"

    def excerpts_path(self, entry: PartEntry) -> Path:
        """Where the text of a log's attempts lies, if `entry.excerpts` is not None."""
        return self.root / "excerpts" / f"{entry.excerpts}.parquet"

    def _latest(self) -> Latest:
        return latest(self.root / "manifests")

    def _files(self, entry: PartEntry) -> Iterator[tuple[Path, str]]:
        yield self.part_path(entry), entry.part
        if entry.excerpts:
            yield self.excerpts_path(entry), entry.excerpts

    def _damaged_files(self, entry: PartEntry) -> Iterator[Path]:
        return (path for path, sha256 in self._files(entry) if not is_intact(path, sha256))

    def _has_size(self, entry: PartEntry) -> bool:
        try:
            return self.part_path(entry).stat().st_size == entry.bytes
        except OSError:
            return False

    def _checked(self, entry: PartEntry, path: Path, sha256: str) -> Path:
        if not is_intact(path, sha256):
            raise _error(_damage(entry, path))
        return path

    def _findings(self, entry: PartEntry) -> Iterator[Finding]:
        return (_damage(entry, path) for path in self._damaged_files(entry))


def _manifest_findings(state: Latest) -> Iterator[Finding]:
    for path in state.damaged:
        yield Finding(
            code="MBE252",
            severity="error",
            problem=f"the manifest is not as it was written; number {state.manifest.number} is used instead",
            at=Location(str(path)),
            fix="restore the file; or delete it and ingest again what has come since",
        )


def _damage(entry: PartEntry, path: Path) -> Finding:
    is_there = path.exists()
    state = "is not as it was written" if is_there else "is missing"
    return Finding(
        code="MBE250" if is_there else "MBE251",
        severity="error",
        problem=f"the evidence from {entry.source_uri} {state}; none of it is used",
        at=Location(str(path)),
        fix=f"ingest {entry.source_uri} again",
    )


def _error(finding: Finding) -> EvidenceError:
    return EvidenceError(f"{finding.code}: {finding.problem}", at=finding.at, fix=finding.fix)
