"""Read exports of promptfoo: `promptfoo eval -o results.json` and `-o results.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run, RunStatus, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import content_hash, text_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import BYTE_ORDER_MARK, DocumentError, as_dict, as_int, as_text
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_run import scalars
from mbe_docs.sources.inspect_samples import new
from mbe_docs.sources.interface import HEAD_BYTES, Item, LogFile, Settings, Source
from mbe_docs.sources.lm_eval_lines import anything, instant, shown
from mbe_docs.sources.promptfoo_cases import Case, Cases, Identity
from mbe_docs.sources.promptfoo_files import OpenExport, Place
from mbe_docs.sources.promptfoo_rows import (
    STRIPPED_OUTPUT,
    STRIPPED_PROMPT,
    Provider,
    Row,
    amounts_of,
    answering_model,
    decode,
    has_failed,
    is_cached,
    is_ungraded,
    metadata_of,
    outcome_of,
    scores_of,
)
from mbe_docs.sources.promptfoo_run import (
    Column,
    Export,
    Sample,
    expected_rows,
    generation_of,
    judge_of,
    noticed,
    reported_of,
    settings_of,
    system_prompt_of,
    template_of,
)
from mbe_docs.sources.scores import Value

NAME = "promptfoo"
MOST_REPEATS = 10_000
_EXPORT_HEAD = re.compile(
    rb'\s*\{\s*(?:"evalId"\s*:\s*(?:null|"[^"\\]*")\s*,\s*)?'
    rb'"results"\s*:\s*\{\s*(?:"version"\s*:\s*[0-9]+|"timestamp"\s*:\s*"|"prompts"\s*:\s*\[)'
)
_LINE_HEAD = re.compile(rb'\s*\{\s*"provider"\s*:\s*\{\s*"(?:id|label)"\s*:')
_PROVIDER = msgspec.json.Decoder(Provider)


def is_export(head: bytes) -> bool:
    """Whether a file begins like a JSON export."""
    return _EXPORT_HEAD.match(head.removeprefix(BYTE_ORDER_MARK)) is not None


def is_lines(head: bytes) -> bool:
    """Whether a file begins like a JSON-lines export; the indices may lie far behind a long answer."""
    if b'"promptIdx"' in head and b'"testIdx"' in head:
        return True
    return _LINE_HEAD.match(head.removeprefix(BYTE_ORDER_MARK)) is not None and b'"prompt"' in head


class Promptfoo:
    """JSON exports, and JSON-lines exports that have no JSON export of the same name beside them."""

    name: str = NAME
    extensions: tuple[str, ...] = (".json", ".jsonl")

    def claims(self, path: Path, head: bytes) -> bool:
        """By the beginning; `-o a.json -o a.jsonl` writes one eval twice, and the JSON file says more."""
        match path.suffix.lower():
            case ".json":
                return is_export(head)
            case ".jsonl":
                return is_lines(head) and not _has_export_beside(path)
        return False

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Observations in row order, then the runs: one per provider and prompt.

        Raises:
            SourceError: no row can be used.
        """
        if not log.path.stat().st_size:
            raise _useless(log, "the file is empty")
        try:
            yield from _ExportReader(log, settings, OpenExport(log.path)).items()
        except RecursionError as error:
            raise _useless(log, "its header is nested too deeply") from error


def _has_export_beside(path: Path) -> bool:
    export = path.with_suffix(".json")
    if not export.is_file():
        return False
    with export.open("rb") as file:
        return is_export(file.read(HEAD_BYTES))


def _useless(log: LogFile, why: str) -> SourceError:
    return SourceError(
        f"no result of promptfoo can be read: {why}",
        at=Location(log.uri),
        fix="export again: `promptfoo export eval ID -o results.json`",
    )


@dataclass(slots=True)
class _ExportReader:
    log: LogFile
    settings: Settings
    opened: OpenExport
    sha256: str = ""
    lost: int = 0
    complaints: Complaints = field(init=False)
    _columns: dict[tuple[str, str | None, int | None], Column] = field(default_factory=dict)
    _known: dict[tuple[bytes, int | None], Column] = field(default_factory=dict)
    _cases: Cases = field(default_factory=Cases)

    def __post_init__(self) -> None:
        self.complaints = Complaints(self.log.uri)

    def items(self) -> Iterator[Item]:
        """Everything the export states."""
        self.sha256 = self.log.sha256()
        for place, data in self.opened.rows(most_mapped=self.settings.limits.member_bytes):
            try:
                row, notes = (data, ()) if isinstance(data, Row) else decode(data)
                column, case = self._column(row), self._cases.of(row)
            except DocumentError as error:
                yield from self._lose(place, error)
                continue
            for note in dict.fromkeys(notes + case.notes) if notes or case.notes else ():
                yield from self.complaints.add(
                    "MBE216", "note", f"{place.text} is unusual: {note}", "nothing to do", line=place.line
                )
            yield from self._row(place, row, column, case)
        for note in self.opened.notes:
            yield from self.complaints.add("MBE216", "note", f"the file is unusual: {note}", "nothing to do")
        if self.opened.trouble:
            yield from self.complaints.add(
                "MBE212", "warning", self.opened.trouble, "restore the file, or export the eval again"
            )
        if not self._columns:
            raise _useless(self.log, self.opened.trouble or "it holds no row")
        if not self._description():
            yield from self.complaints.add(
                "MBE227",
                "note",
                f"nothing names the task; it is called after the file, {self.log.path.stem[:80]!a}",
                "add `description:` to the configuration and export as .json",
            )
        for column in self._columns.values():
            yield from self._finish(column)
        yield from self.complaints.rest()

    def _lose(self, place: Place, error: DocumentError) -> Iterator[Finding]:
        self.lost += 1
        if place.is_cut:
            self.opened.trouble = "the file ends inside of its last row"
        yield from self.complaints.add(
            "MBE210",
            "error",
            f"{place.text} cannot be read: {error}; its scores are unknown",
            "restore the file from its source, or export the eval again",
            line=place.line,
        )

    def _column(self, row: Row) -> Column:
        """The run that a row belongs to.

        Raises:
            DocumentError: the row does not name its provider.
        """
        index = as_int(row.promptIdx)
        raw = bytes(row.provider)
        column = self._known.get((raw, index))
        if column is not None:
            return column
        given = anything(row.provider)
        provider = _PROVIDER.decode(raw) if isinstance(given, dict) else Provider(id=given)
        name, label = as_text(provider.id), as_text(provider.label)
        if name is None:
            raise DocumentError("it does not name its provider")
        if (name, label, index) not in self._columns:
            prompt = as_dict(anything(row.prompt))
            run_id = as_text(self.opened.export.evalId) or self.sha256[:32]
            self._columns[name, label, index] = Column(
                key=f"{NAME}:{run_id}:{content_hash(name, label, index)[:16]}",
                provider=name,
                label=label,
                prompt_index=index,
                prompt_label=as_text(prompt.get("label")),
                prompt_raw=as_text(prompt.get("raw")),
                config=as_dict(provider.config),
            )
        column = self._known[raw, index] = self._columns[name, label, index]
        return column

    def _row(self, place: Place, row: Row, column: Column, case: Case) -> list[Item]:
        items: list[Item] = []
        column.rows += 1
        sample, input_hash = self._sample(row, column, case.identity)
        if is_cached(row):
            column.cached += 1
            return items
        epoch = self._epoch(row, sample)
        if epoch is None:
            items += self.complaints.add(
                "MBE213",
                "warning",
                f"{place.text} states sample {sample.sample_id[:80]!a}, repeat {row.repeatIndex} again;"
                " the first counts",
                "find out which one is right, and remove the other",
                line=place.line,
            )
            return items
        self._note(row, column, sample, case)
        failed = has_failed(row)
        column.failed += failed
        outcome, stop = outcome_of(row, failed=failed)
        scores = scores_of(row, case.names, failed=failed)
        model = answering_model(row)
        if model:
            column.models.add(model)
        facts = (metadata_of(row, case.metadata), *amounts_of(row), stop, model, None, None)
        for name, value in scores:
            number = None if outcome == "infra_error" else value.number
            column.scorers[name] = None
            column.scored += number is not None
            ended = outcome or ("unscored" if number is None else "scored")
            first = (column.key, sample.sample_id, input_hash, epoch, name)
            items.append(new(Observation, (*first, number, value.label, ended, *facts)))
            if value.problem:
                items += self.complaints.add(
                    "MBE211",
                    "error",
                    f"{place.text}: {name[:80]!a}: {value.problem}; the score is unknown, not zero",
                    "let the assertion return a number",
                    line=place.line,
                )
        if self.settings.excerpts:
            items.append(self._excerpt(row, column, sample.sample_id, epoch, scores))
        return items

    def _sample(self, row: Row, column: Column, identity: Identity) -> tuple[Sample, str]:
        input_hash = identity.input_hash
        if identity.is_empty:  # only the position tells such tests apart
            input_hash = content_hash(None, None, as_int(row.testIdx))
        group = as_text(row.repeatGroupId) or input_hash
        if group not in column.samples:
            column.samples[group] = Sample(column.named(identity.description, input_hash))
        return column.samples[group], input_hash

    def _epoch(self, row: Row, sample: Sample) -> int | None:
        """The number of the attempt from 1: as stated, else by order; `None` where it is there already."""
        index = as_int(row.repeatIndex) if as_text(row.repeatGroupId) else None
        if index is None or not 0 <= index < MOST_REPEATS:
            index = sample.epochs.bit_length()
        if sample.epochs >> index & 1:
            return None
        sample.epochs |= 1 << index
        return index + 1

    def _note(self, row: Row, column: Column, sample: Sample, case: Case) -> None:
        column.judges |= case.judges
        column.ungraded += is_ungraded(row)
        output = bytes(row.response.output) if row.response is not None else b"null"
        column.stripped += case.identity.is_empty or output == STRIPPED_OUTPUT
        if output not in (STRIPPED_OUTPUT, b"null"):
            answer = hash(output)
            sample.differs |= sample.answer not in (None, answer)
            sample.answer = answer if sample.answer is None else sample.answer

    def _excerpt(
        self, row: Row, column: Column, sample_id: str, epoch: int, scores: list[tuple[str, Value]]
    ) -> Excerpt:
        most = self.settings.excerpt_chars
        output = anything(row.response.output) if row.response is not None else None
        why = as_text(row.gradingResult.reason) if row.gradingResult is not None else None
        return Excerpt(
            run_key=column.key,
            sample_id=sample_id,
            epoch=epoch,
            input=cut(as_text(as_dict(anything(row.prompt)).get("raw")) or "", most),
            target=None,
            output=cut(shown(output), most),
            scores=tuple(
                (name, value.label, None, cut(why, most) if why and name == "pass" else None)
                for name, value in scores
            ),
        )

    def _finish(self, column: Column) -> Iterator[Item]:
        """The run of a column, and what was noticed over all of its rows."""
        settings = settings_of(self.opened.export, column)
        run = self._run(column, generation_of(settings))
        yield run
        for code, problem, fix in noticed(column, settings):
            yield from self.complaints.add(code, "note", problem, fix)
        if run.status != "success":
            yield from self.complaints.add(
                "MBE215", "warning", f"{column.who} is not a result: {run.status_reason}", "rerun the eval"
            )
        elif not column.scored:
            yield from self.complaints.add(
                "MBE215", "warning", f"no row of {column.who} has a score", "add assertions to the tests"
            )

    def _description(self) -> str | None:
        config = self.opened.export.config
        return as_text(config.description) if config else None

    def _status(self, column: Column) -> tuple[RunStatus, str | None]:
        expected = expected_rows(self.opened.export)
        rows = sum(one.rows for one in self._columns.values())
        if self.opened.trouble:
            return "partial", self.opened.trouble
        if expected is not None and rows + self.lost < expected:
            return "partial", f"the export counts {expected:,} results and holds {rows + self.lost:,}"
        if column.cached == column.rows:
            return "partial", "every answer is a copy from promptfoo's cache"
        if column.failed and column.failed + column.cached == column.rows:
            return "error", f"all {column.failed:,} answers ended in an error"
        return "success", None

    def _run(self, column: Column, generation: dict[str, Any]) -> Run:
        export: Export = self.opened.export
        template = template_of(export, column)
        stripped = STRIPPED_PROMPT in (template, column.prompt_raw)
        has_system, system_hash = system_prompt_of(None if stripped else template or column.prompt_raw)
        status, reason = self._status(column)
        metadata = as_dict(export.metadata)
        judge = judge_of(export, column)
        return Run(
            run_key=column.key,
            source_format=NAME,
            file_sha256=self.sha256,
            log_uri=self.log.uri,
            run_id=as_text(export.evalId),
            task=self._description() or self.log.path.stem,
            model_requested=column.provider,
            models_resolved=tuple(sorted(column.models)),
            has_system_prompt=has_system,
            system_prompt_hash=system_hash,
            prompt_hash=text_hash(template) if template and not stripped else None,
            scorers=tuple(ScorerSpec(name=name, judge_model=judge) for name in column.scorers),
            generation_params=generation,
            task_args=scalars({"prompt": column.prompt_label} if column.prompt_label else {}),
            epochs=column.epochs or None,
            samples_planned=len(column.samples),
            status=status,
            status_reason=reason,
            harness=NAME,
            harness_version=as_text(metadata.get("promptfooVersion")),
            started_at=instant(
                as_text(export.results.timestamp) or as_text(metadata.get("evaluationCreatedAt"))
            ),
            metadata=scalars({"provider_label": column.label} if column.label else {}),
            reported=reported_of(export, column),
        )


SOURCE: Final[Source] = Promptfoo()
