"""Read Every Eval Ever files: the aggregate with the instances that it names, or instances alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import RunStatus
from mbe_docs.records.findings import Finding
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import BYTE_ORDER_MARK, DocumentError, as_dict, as_int, as_list, as_text
from mbe_docs.sources.every_eval_ever_aggregate import (
    NAME,
    VERSION,
    Group,
    converted_from,
    groups_of,
    key_of,
    run_of,
)
from mbe_docs.sources.every_eval_ever_instances import Rows
from mbe_docs.sources.every_eval_ever_json import document_of, lines_of, uri_of
from mbe_docs.sources.interface import Item, LogFile, Settings, Source

OWNERS = 200
"""Aggregate files that are looked at for one that names a file of instances."""
OWNER_BYTES = 16 * 2**20
HASHES = ("sha256", "md5")


class EveryEvalEver:
    """Files of Every Eval Ever, schema 0.3."""

    name: str = NAME
    extensions: tuple[str, ...] = (".json", ".jsonl")

    def claims(self, path: Path, head: bytes) -> bool:
        """Aggregates by their first keys; instances likewise, but only where no aggregate names them."""
        begins = head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] == b"{"
        if not begins or b'"evaluation_id"' not in head:
            return False
        match path.suffix.lower():
            case ".json":
                return b'"schema_version"' in head or b'"retrieved_timestamp"' in head
            case ".jsonl":
                return b'"sample_id"' in head and b'"model_id"' in head and not _has_owner(path)
        return False

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Observations in row order, then the runs with the metrics that the aggregate reports.

        Raises:
            SourceError: it is not JSON, states no evaluation, or no row can be read.
        """
        reader = _Reader(log, settings, Complaints(log.uri), sha256=log.sha256())
        yield from reader.instances() if log.path.suffix.lower() == ".jsonl" else reader.aggregate()


@dataclass(slots=True)
class _Reader:
    log: LogFile
    settings: Settings
    complaints: Complaints
    sha256: str
    stated: dict[str, Any] = field(default_factory=dict)
    """The aggregate."""
    groups: dict[str, Group] = field(default_factory=dict)
    status: RunStatus = "success"
    reason: str | None = None

    def aggregate(self) -> Iterator[Item]:
        """Everything that an aggregate states, and the instances that it names."""
        self.stated = self._document()
        base = key_of(self.stated, self.sha256)
        self.groups = groups_of(self.stated, base)
        if not self.groups or not as_dict(self.stated.get("model_info")):
            raise SourceError(
                "not an aggregate of Every Eval Ever: it states no model_info or no evaluation_results",
                at=Location(self.log.uri),
                fix="restore the file from its source",
            )
        yield from self._notes()
        details = as_dict(self.stated.get("detailed_evaluation_results"))
        if details:
            yield from self._detailed(details, base)
        yield from self._finish()

    def instances(self) -> Iterator[Item]:
        """Everything that instance rows state without an aggregate."""
        first = next((line.value for line in lines_of(self.log.path) if line.problem is None), {})
        self.stated = {
            "evaluation_id": first.get("evaluation_id"),
            "schema_version": first.get("schema_version"),
            "model_info": {"id": first.get("model_id")},
        }
        yield from self.complaints.add(
            "MBE240",
            "note",
            "there is no aggregate file for these rows; unit, direction and number of rows are unknown",
            "put the aggregate `.json` beside the rows",
        )
        is_copy = "epoch" in as_dict(first.get("metadata"))
        rows = self._rows(key_of(self.stated, self.sha256), is_copy=is_copy)
        yield from self._read(rows, self.log.path)
        if not rows.rows:
            raise SourceError(
                "no row can be read", at=Location(self.log.uri), fix="restore the file from its source"
            )
        if len(rows.models) > 1:
            self.status, self.reason = "partial", f"rows of {len(rows.models)} models are in one file"
            yield from self.complaints.add(
                "MBE241", "error", f"{self.reason}; expected one", "split the file by `model_id`"
            )
        yield from self._finish()

    def _document(self) -> dict[str, Any]:
        try:
            value, notes = document_of(self.log.path, self.settings.limits.member_bytes)
            if not isinstance(value, dict):
                raise DocumentError("not an object")
        except DocumentError as error:
            raise SourceError(
                f"not an aggregate of Every Eval Ever: {error}",
                at=Location(self.log.uri),
                fix="restore the file from its source",
            ) from error
        return {**value, "_notes": notes}

    def _notes(self) -> Iterator[Finding]:
        """What is unusual in the aggregate itself."""
        for note in self.stated.pop("_notes", ()):
            yield from self.complaints.add("MBE216", "note", f"the file is unusual: {note}", "nothing to do")
        version = str(self.stated.get("schema_version"))
        if not f"{version}.".startswith(f"{VERSION}."):
            yield from self.complaints.add(
                "MBE213",
                "note",
                f"its schema is {version[:20]!a}; {VERSION} is what is known",
                "check what was read",
            )
        if harness := converted_from(self.stated):
            yield from self.complaints.add(
                "MBE247",
                "note",
                f"the file was converted from a log of {harness}: bounds, direction and missing scores may be"
                " the converter's",
                "ingest the native log instead, if you have it",
            )
        read = sum(len(group.metrics) for group in self.groups.values())
        if lost := len(as_list(self.stated.get("evaluation_results"))) - read:
            yield from self.complaints.add(
                "MBE210", "error", f"{lost} evaluation_results have no evaluation_name", "name them"
            )
        for group in self.groups.values():
            for metric in group.metrics:
                if excess := metric.excess_of(metric.score):
                    yield from self.complaints.add(
                        "MBE245",
                        "warning",
                        f"{group.task[:60]!a}, {metric.scorer[:60]!a}: the score {excess}; kept as stated",
                        "find out whether it is in percent or a proportion",
                    )

    def _rows(self, base: str, *, is_copy: bool) -> Rows:
        return Rows(self.groups, base, self.settings, self.complaints, is_copy)

    def _detailed(self, details: dict[str, Any], base: str) -> Iterator[Item]:
        """The instances that the aggregate names, checked by checksum and number of rows."""
        name = as_text(details.get("file_path")) or ""
        path = _instances_of(self.log.path, name)
        if path is None:
            self.status, self.reason = "partial", "the instances that it names are missing"
            yield from self.complaints.add(
                "MBE240",
                "warning",
                f"the instances {name[-100:]!a} are not there; only reported metrics are read",
                "put the file beside the aggregate",
            )
            return
        checked = _checksum(path, details)
        if checked is not None:
            yield from self._disagree(path, checked)
        rows = self._rows(base, is_copy=converted_from(self.stated) == "inspect_ai")
        rows.complaints = Complaints(uri_of(self.log, path))
        yield from self._read(rows, path)
        total = as_int(details.get("total_rows"))
        if total is not None and total != rows.rows:
            yield from self._disagree(path, f"{rows.rows} rows can be read; the aggregate counts {total}")
        model = as_text(as_dict(self.stated.get("model_info")).get("id"))
        if strangers := rows.models - {model}:
            yield from self._disagree(
                path, f"rows are of {min(strangers)[:60]!a}; the aggregate is of {model!a}"
            )
        yield from rows.complaints.rest()

    def _read(self, rows: Rows, path: Path) -> Iterator[Item]:
        is_cut = False
        for line in lines_of(path):
            is_cut = line.problem is not None
            yield from rows.read(line)
        if is_cut:
            self.status, self.reason = "partial", "the instances are cut off or damaged at their end"
        if rows.copies:
            yield from rows.complaints.add(
                "MBE242",
                "warning",
                f"{rows.copies} rows repeat samples; the Inspect converter writes their mean on each of them,"
                " so only the first row of a sample is read, and no flake rate can come from it",
                "ingest the native Inspect log",
            )
        if rows.rows and not rows.scored:
            yield from rows.complaints.add("MBE215", "warning", "no row has a score", "score the samples")

    def _disagree(self, path: Path, problem: str) -> Iterator[Finding]:
        self.status, self.reason = "partial", problem
        yield from self.complaints.add(
            "MBE241",
            "error",
            f"{uri_of(self.log, path)}: {problem}; the run is no result",
            "restore both files from the same source",
        )

    def _finish(self) -> Iterator[Item]:
        for group in self.groups.values():
            yield run_of(
                self.stated, group, log=self.log, sha256=self.sha256, status=self.status, reason=self.reason
            )
        yield from self.complaints.rest()


def _instances_of(aggregate: Path, name: str) -> Path | None:
    """The file of instances: as the aggregate names it, below its folder, or by its own name.

    A name is never followed upwards or to another place: it comes from a file of unknown origin.
    """
    given = PurePosixPath(name.replace("\\", "/"))
    below = aggregate.parent.joinpath(*given.parts) if given.parts and not given.is_absolute() else None
    candidates = [
        *([below] if below is not None and ".." not in given.parts else []),
        *([aggregate.with_name(given.name)] if given.name and given.name != ".." else []),
        aggregate.with_name(f"{aggregate.stem}_samples.jsonl"),
    ]
    root = aggregate.parent.resolve()
    for path in candidates:
        try:
            if path.is_file() and path.resolve().is_relative_to(root) and path.suffix.lower() == ".jsonl":
                return path
        except (OSError, ValueError):  # a name with NUL, or one that is too long
            continue
    return None


def _has_owner(instances: Path) -> bool:
    """Whether an aggregate in the same folder or the one above reads these instances itself."""
    for folder in (instances.parent, instances.absolute().parent.parent):
        for checked, path in enumerate(sorted(folder.glob("*.json"))):
            if checked >= OWNERS:
                break
            try:
                if path.stat().st_size > OWNER_BYTES:
                    continue
                is_named = path.stem + "_samples" == instances.stem
                if not is_named and instances.name.encode() not in path.read_bytes():
                    continue
                details = as_dict(document_of(path, OWNER_BYTES).value).get("detailed_evaluation_results")
            except (OSError, DocumentError):
                continue
            found = _instances_of(path, as_text(as_dict(details).get("file_path")) or "") if details else None
            if found is not None and found.resolve() == instances.resolve():
                return True
    return False


def _checksum(path: Path, details: dict[str, Any]) -> str | None:
    """What is wrong with the checksum; `None` where it is right or none is stated."""
    stated, algorithm = as_text(details.get("checksum")), as_text(details.get("hash_algorithm")) or "sha256"
    if stated is None:
        return None
    if algorithm not in HASHES:
        return f"its checksum is by {algorithm[:20]!a}, which cannot be verified"
    with path.open("rb") as file:
        # MD5 is what the file was written with; it only tells whether it is the same file.
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    return None if digest == stated.lower() else f"its {algorithm} is {digest[:12]}…, not {stated[:12]}…"


SOURCE: Final[Source] = EveryEvalEver()
