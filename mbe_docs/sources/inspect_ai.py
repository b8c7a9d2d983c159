"""Read logs of Inspect AI: `.eval` archives and `.json` logs, without importing Inspect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.findings import Finding
from mbe_docs.sources.archive import Archive, MemberError
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import (
    BYTE_ORDER_MARK,
    TOO_DEEP,
    DocumentError,
    as_dict,
    as_text,
    decode,
    finite,
    tolerant,
    typed,
)
from mbe_docs.sources.inspect_chunks import Chunks
from mbe_docs.sources.inspect_log import HEADER, INVALIDATION, JSON_LOG, Header
from mbe_docs.sources.inspect_messages import Document, read_as
from mbe_docs.sources.inspect_run import NAME, Seen, run_key_of, run_of, system_prompt_of
from mbe_docs.sources.inspect_samples import SampleReader
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.zip_directory import ArchiveError, shown

SAMPLE_NAME = re.compile(r"samples/.+_epoch_[0-9]+(\.json|/sample\.json)", re.DOTALL)
JSON_HEAD = re.compile(
    rb'\s*\{\s*(?:"\w+"\s*:\s*(?:null|true|false|-?[0-9]+|"[^"\\]*")\s*,\s*)*"eval"\s*:\s*\{'
)
JSON_KEYS = (b'"eval_id"', b'"run_id"', b'"task_id"', b'"created"')
BUFFER_BYTES = 2**16
"""Read ahead of an archive, whose members lie one behind the other."""
HEADERS = ("header.json", "_journal/start.json")


class InspectAI:
    """Logs of Inspect AI, format versions 1 to 3."""

    name: str = NAME
    extensions: tuple[str, ...] = (".eval", ".json")

    def claims(self, path: Path, head: bytes) -> bool:
        """Every `.eval` file, and `.json` files that begin like an Inspect log."""
        match path.suffix.lower():
            case ".eval":
                return True
            case ".json":
                start = JSON_HEAD.match(head.removeprefix(BYTE_ORDER_MARK))
                return start is not None and b'"task"' in head and any(key in head for key in JSON_KEYS)
        return False

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """The run, then its observations, then the run again with what the samples added to it.

        Raises:
            SourceError: neither an archive nor a JSON log, or nothing in it says what was run.
        """
        if log.head().removeprefix(BYTE_ORDER_MARK).lstrip()[:1] == b"{":
            yield from _read_json(log, settings)
        else:
            yield from _read_archive(log, settings)


def _read_archive(log: LogFile, settings: Settings) -> Iterator[Item]:
    complaints = Complaints(log.uri)
    with log.path.open("rb", BUFFER_BYTES) as file:
        try:
            archive = Archive(file, settings.limits)
        except ArchiveError as error:
            start = ascii(log.head()[:24].decode("latin-1"))
            raise SourceError(
                f"not an Inspect log: {error}; it begins with {start}",
                at=Location(log.uri),
                fix="restore the file from its source; `.eval` logs are zip archives",
            ) from error
        contents = archive.contents
        seen = Seen()
        if contents.is_recovered:
            seen.trouble = "the archive is cut off or damaged"
        header, problems = _header(archive, log, seen)
        yield from _structure(archive, complaints)
        for problem in problems:
            yield from complaints.add(
                "MBE212", "warning", problem, "restore the log from its source, or rerun the eval"
            )
        names = [name for name in contents.members if SAMPLE_NAME.fullmatch(name)]
        chunks = Chunks(archive, settings.limits.member_bytes)

        def documents() -> Iterator[tuple[str, Document]]:
            for name in names:
                try:
                    yield shown(name), chunks.whole(name, archive.read(contents.members[name]))
                except MemberError as error:
                    yield shown(name), error

        yield from _Opened(header, documents, log, settings, complaints, seen).items()


def _structure(archive: Archive, complaints: Complaints) -> Iterator[Finding]:
    contents = archive.contents
    if contents.is_recovered:
        yield from complaints.add(
            "MBE212",
            "warning",
            f"the archive is cut off or damaged: {'; '.join(contents.notes)}."
            f" {len(contents.members):,} members were recovered",
            "restore the log from its source, or rerun the eval",
        )
        for loss in contents.losses:
            yield from complaints.add("MBE210", "error", f"{loss}; what it held is unknown", "as above")
        return
    notes = list(contents.notes)
    if misplaced := archive.misplaced(name for name in contents.members if not SAMPLE_NAME.fullmatch(name)):
        notes.append(f"{misplaced} members are not what its directory says")
    for note in notes:
        yield from complaints.add(
            "MBE213", "note", f"the archive is unusual: {note}", "nothing, if you edited it"
        )


def _header(archive: Archive, log: LogFile, seen: Seen) -> tuple[Header, list[str]]:
    """The header of an archive, else the one that was written when the run began."""
    problems: list[str] = []
    members = archive.contents.members
    for name in HEADERS:
        if name not in members:
            continue
        try:
            header = _finite(decode(archive.read(members[name]), HEADER)[0])
        except (MemberError, DocumentError) as error:
            problems.append(f"{name} cannot be read: {error}")
            continue
        _check_header(header, log)
        if name != HEADERS[0]:
            header.status = "started"
            if problems:
                seen.trouble = "its header cannot be read"
        return header, problems
    if not problems:
        problems.append("it holds neither header.json nor _journal/start.json")
    for name in [name for name in members if SAMPLE_NAME.fullmatch(name)][:3]:
        try:
            archive.read(members[name])
        except MemberError as error:
            problems.append(f"{shown(name)}: {error}")
    raise SourceError(
        f"nothing says what was run: {'; '.join(problems)}",
        at=Location(log.uri),
        fix="restore the log from its source, or rerun the eval",
    )


def _check_header(header: Header, log: LogFile) -> None:
    spec = as_dict(header.eval)
    missing = [key for key in ("task", "model") if not as_text(spec.get(key))]
    if missing:
        raise SourceError(
            f"not an Inspect log: its header does not state {' and '.join(f'eval.{key}' for key in missing)}",
            at=Location(log.uri),
            fix="give a log written by Inspect, or rename the file",
        )


def _finite(header: Header) -> Header:
    try:
        return Header(**{name: finite(getattr(header, name)) for name in Header.__struct_fields__})
    except RecursionError as error:
        raise DocumentError(TOO_DEEP) from error


def _read_json(log: LogFile, settings: Settings) -> Iterator[Item]:
    complaints = Complaints(log.uri)
    size, limit = log.path.stat().st_size, settings.limits.member_bytes
    if size > limit:
        raise SourceError(
            f"the log has {size:,} bytes, above the limit of {limit:,} bytes for one document",
            at=Location(log.uri),
            fix="convert it: `inspect log convert --to eval`",
        )
    data = log.path.read_bytes().removeprefix(BYTE_ORDER_MARK)
    samples: list[Any]
    notes: tuple[str, ...] = ()
    try:
        try:
            header: Header = JSON_LOG.decode(data)
            samples = list(header.samples or ())  # type: ignore[attr-defined]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            document = tolerant(data)
            header, notes = typed(document.value, Header), document.notes
            found = document.value.get("samples")
            samples = found if isinstance(found, list) else []
        header = _finite(header)
    except DocumentError as error:
        raise SourceError(
            f"not an Inspect log: {error}", at=Location(log.uri), fix="restore the file from its source"
        ) from error
    _check_header(header, log)
    for note in notes:
        yield from complaints.add("MBE216", "note", f"the log is unusual: {note}", "nothing to do")

    def documents() -> Iterator[tuple[str, Document]]:
        for index, sample in enumerate(samples):
            yield f"samples[{index}]", sample

    yield from _Opened(header, documents, log, settings, complaints, Seen()).items()


@dataclass(slots=True)
class _Opened:
    """A log whose header is read."""

    header: Header
    documents: Callable[[], Iterator[tuple[str, Document]]]
    """Place and content of each sample, from the first one at every call; content may be a `MemberError`."""
    log: LogFile
    settings: Settings
    complaints: Complaints
    seen: Seen

    def items(self) -> Iterator[Item]:
        """The run, the observations, the run with what the samples added, and findings as they arise."""
        sha256 = self.log.sha256()
        header, seen, complaints = self.header, self.seen, self.complaints
        key = run_key_of(header, sha256)
        first = run_of(header, seen, key=key, uri=self.log.uri, sha256=sha256)
        is_struck = header.invalidated is True and not any(map(_is_invalidated, self.documents()))
        if is_struck:
            seen.invalidated = 1
            header.status, header.error = "error", {"message": "the log is marked as invalidated"}
            yield from complaints.add(
                "MBE214", "warning", "the log is marked as invalidated; it is not read", "rerun the eval"
            )
        else:
            yield first
            yield from self._observations(key)
        run = run_of(header, seen, key=key, uri=self.log.uri, sha256=sha256)
        yield run
        if header.status == "success" and run.status != "success":
            yield from complaints.add(
                "MBE215", "warning", f"the run is not a result: {run.status_reason}", "rerun the eval"
            )
        elif run.status == "success" and not seen.scored:
            yield from complaints.add(
                "MBE215", "warning", "no sample of the run has a score", "score it: `inspect score`"
            )
        yield from complaints.rest()

    def _observations(self, key: str) -> Iterator[Item]:
        has_system, _ = system_prompt_of(self.header, Seen())
        reader = SampleReader(
            header=self.header,
            run_key=key,
            model=as_text(as_dict(self.header.eval).get("model")),
            settings=self.settings,
            complaints=self.complaints,
            seen=self.seen,
            looks_for_system=not has_system,
        )
        for place, document in self.documents():
            if isinstance(document, MemberError):
                yield from reader.lose(place, document)
            else:
                yield from reader.read(place, document)
        yield from reader.finish()


def _is_invalidated(document: tuple[str, Document]) -> bool:
    _, data = document
    if isinstance(data, MemberError):
        return False
    try:
        return read_as(data, INVALIDATION)[0].invalidation not in (None, False)
    except DocumentError:
        return False


SOURCE: Final[Source] = InspectAI()
