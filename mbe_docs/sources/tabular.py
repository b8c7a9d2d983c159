"""Read CSV, TSV, JSON-lines and Parquet tables through a mapping file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import Excerpt, Observation, Outcome, ReportedMetric, Run, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import content_hash, text_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.mapping import AMOUNTS, TableMapping, read_mapping
from mbe_docs.sources.mapping_draft import draft_mapping
from mbe_docs.sources.row_facts import amount_of, epoch_of, parameter_of, started_of
from mbe_docs.sources.row_scores import Scorer, is_missing, scorers_of
from mbe_docs.sources.scores import Value
from mbe_docs.sources.table_rows import PARQUET, Row, header_of, refuse_encoding, rows_of

NAME = "table"
METADATA_CHARS = 200
KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
OF_THE_STORE: Final = re.compile(r"[0-9a-f]{64}\.parquet")
"""Names of the evidence store's own files."""
FOREIGN = (
    (b'"doc_id"', b'"doc_hash"'),
    (b'"doc_id"', b'"doc": {'),
    (b'"promptIdx"', b'"testIdx"'),
    (b'"provider"', b'"prompt"', b'"vars"'),
    (b'"completion_fns"', b'"spec"'),
    (b'"evaluation_id"', b'"sample_id"'),
    (b'"evaluation_result_id"',),
    (b'"follow_all_instructions"',),
    (b'"follow_instruction_list"',),
    (b'"instruction_id_list"',),
)
"""Keys in the head of JSON lines of lm-eval, promptfoo, OpenAI evals, Every Eval Ever and IFEval."""


class Table:
    """Tables with one attempt a row."""

    name: str = NAME
    extensions: tuple[str, ...] = tuple(KINDS)

    def claims(self, path: Path, head: bytes) -> bool:
        """CSV, TSV, JSON lines and Parquet, but for files of another harness or of the evidence store."""
        kind = KINDS.get(path.suffix.lower())
        if kind == "parquet":
            return head.startswith(PARQUET) and not OF_THE_STORE.fullmatch(path.name)
        if kind != "jsonl":
            return kind is not None
        return not any(all(key in head for key in keys) for keys in FOREIGN)

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Observations in row order, then the runs that they belong to.

        Raises:
            SourceError: no mapping applies, a mapped column is missing, or no row can be used.
            CuratedError: a mapping file is wrong.
        """
        kind = KINDS.get(log.path.suffix.lower(), "csv")
        for path in settings.mappings:
            mapping = read_mapping(path)
            if mapping.applies_to(log.uri):
                yield from _TableReader(log, settings, mapping, mapping.constants.get("format", kind)).items()
                return
        names = header_of(log.path, kind, "\t" if kind == "tsv" else ",", "utf-8-sig", log.uri)
        raise SourceError(
            f"no mapping says what the columns mean ({len(settings.mappings)} were tried)",
            at=Location(log.uri),
            fix=f"write a mapping file, and edit what is guessed:\n{draft_mapping(log.uri, names)}",
        )


@dataclass(slots=True)
class _Seen:
    """What the rows of one run added up to."""

    facts: dict[str, str]
    parameters: dict[str, Scalar]
    key: str
    epochs: int = 0
    scored: int = 0
    models: set[str] = field(default_factory=set)
    first: str | None = None
    last: str | None = None


@dataclass(slots=True)
class _TableReader:
    log: LogFile
    settings: Settings
    mapping: TableMapping
    kind: str
    sha256: str = ""
    complaints: Complaints = field(init=False)
    _runs: dict[tuple[str, ...], _Seen] = field(default_factory=dict)
    _attempts: dict[tuple[str, str], tuple[str, set[int]]] = field(default_factory=dict)
    _kept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.complaints = Complaints(self.log.uri)

    def items(self) -> Iterator[Item]:
        """Everything the table states."""
        encoding = self.mapping.constants.get("encoding", "utf-8-sig")
        if encoding == "utf-8-sig" and self.kind != "parquet":
            refuse_encoding(self.log.uri, self.log.head())
        delimiter = self.mapping.constants.get("delimiter", "\t" if self.kind == "tsv" else ",")
        try:
            names = header_of(self.log.path, self.kind, delimiter, encoding, self.log.uri)
        except LookupError as error:
            raise SourceError(str(error), at=Location(self.mapping.path), fix="mend `encoding:`") from error
        self._check_columns(names)
        scorers = scorers_of(self.mapping, self.settings)
        self.sha256 = self.log.sha256()
        is_cut = False
        for row in rows_of(self.log.path, self.kind, delimiter, encoding):
            if row.problem is None:
                yield from self._row(row, scorers)
            else:
                is_cut |= row.is_last
                yield from self._lost(row.line, row.problem)
        if not self._runs:
            raise SourceError(
                "no row of the table could be used",
                at=Location(self.log.uri),
                fix="see the mapping's `filter:`",
            )
        for seen in () if self.mapping.is_reported else self._runs.values():
            yield self._run(seen, is_cut=is_cut)
            if not seen.scored:
                yield from self.complaints.add(
                    "MBE215",
                    "warning",
                    f"no row of {seen.facts['task']!a} on {seen.facts['model']!a} has a score",
                    "see the mapping's `metrics:`",
                )
        yield from self.complaints.rest()

    def _check_columns(self, names: list[str]) -> None:
        wanted = self.mapping.columns()
        self._kept = (
            tuple(dict.fromkeys(name for name in names if name not in wanted))
            if self.mapping.metadata is None
            else self.mapping.metadata
        )
        if self.kind == "jsonl":  # a key may be missing in any line
            return
        for column, at in wanted.items():
            if names.count(column) != 1:
                raise SourceError(
                    f"column {column!a} is there {names.count(column)} times; {at} reads it",
                    at=Location(self.log.uri, 1),
                    fix=f"use a column of: {', '.join(ascii(name[:40]) for name in names[:40])}",
                )

    def _lost(self, line: int, problem: str) -> Iterator[Finding]:
        yield from self.complaints.add(
            "MBE220", "error", f"the row is not read: {problem}", "mend the row, or its mapping", line=line
        )

    def _row(self, row: Row, scorers: Mapping[str, Scorer]) -> Iterator[Item]:
        cells = row.cells
        if any(cells.get(column, "") not in values for column, values in self.mapping.filter.items()):
            return
        if self.mapping.is_reported:
            yield from self._reported(row, scorers)
            return
        sample_id = self._sample_id(cells)
        seen = self._seen(cells)
        if seen is None or not sample_id:
            yield from self._lost(row.line, "it has no " + ("sample id" if seen else "task or model"))
            return
        target = self.mapping.cells["target"].of(cells) if "target" in self.mapping.cells else None
        input_hash = content_hash([cells.get(name, "") for name in self.mapping.input], None, target)
        try:
            sample_id, epoch, is_renamed = self._attempt(seen.key, sample_id, input_hash, cells)
        except ValueError as error:
            yield from self._lost(row.line, str(error))
            return
        if is_renamed:
            yield from self.complaints.add(
                "MBE222",
                "warning",
                f"the row has the id of another input; it is read as {sample_id[:80]!a}",
                "add a column to `sample_id:` that makes ids unique",
                line=row.line,
            )
        first = (seen.key, sample_id, input_hash, epoch)
        last, problems = self._facts(cells, seen)
        outcome, problem = self._outcome(cells)
        problems += [problem] if problem else []
        seen.epochs = max(seen.epochs, epoch)
        rows = []
        for name, scorer in scorers.items():
            value, own = scorer(cells)
            number, ended = _settled(value, outcome or own)
            seen.scored += number is not None
            yield Observation._make((*first, name, number, value.label, ended, *last))
            rows.append((name, value.label, None, None))
            problems += [f"{name}: {value.problem}"] if value.problem else []
        yield from self._unknown(row.line, problems)
        if self.settings.excerpts and "output" in self.mapping.cells:
            most = self.settings.excerpt_chars
            asked = "\n\n".join(cells.get(name, "") for name in self.mapping.input)
            answer = self.mapping.cells["output"].of(cells)
            yield Excerpt(
                seen.key,
                sample_id,
                epoch,
                cut(asked, most),
                target and cut(target, most),
                cut(answer, most),
                tuple(rows),
            )

    def _reported(self, row: Row, scorers: Mapping[str, Scorer]) -> Iterator[Item]:
        """A run that a row gives the aggregates of: what others measured, and no attempt of it."""
        seen = self._seen(row.cells)
        if seen is None:
            yield from self._lost(row.line, "it has no task or model")
            return
        problems: list[str] = []
        started = started_of(self.mapping, row.cells, problems)
        count = amount_of("n_samples", self._cell("n_samples", row.cells), problems)
        metrics = []
        for name, scorer in scorers.items():
            value, _ = scorer(row.cells)
            problems += [f"{name}: {value.problem}"] if value.problem else []
            metrics.append(ReportedMetric(scorer=name, metric="value", value=value.number, n_samples=count))
        yield from self._unknown(row.line, problems)
        key = f"{NAME}:{self.sha256[:16]}:{content_hash(seen.key, str(row.line))[:16]}"
        run = self._run(replace(seen, key=key, first=started, last=started), is_cut=False)
        kept = {name: row.cells[name][:METADATA_CHARS] for name in self._kept if row.cells.get(name)}
        yield run.model_copy(update={"reported": tuple(metrics), "metadata": kept})

    def _unknown(self, line: int, problems: list[str]) -> Iterator[Finding]:
        for problem in problems:
            yield from self.complaints.add(
                "MBE221", "error", f"{problem}; it is unknown, not zero", "mend the mapping", line=line
            )

    def _cell(self, key: str, cells: Mapping[str, str]) -> str | None:
        """The text of a mapped key; `None` where it is not mapped or the cell says nothing."""
        cell = self.mapping.cells.get(key)
        text = cell.of(cells) if cell is not None else ""
        return None if is_missing(text) else text

    def _sample_id(self, cells: Mapping[str, str]) -> str:
        parts = [cells.get(name, "").strip() for name in self.mapping.sample_id]
        joined = " / ".join(parts)
        if not all(parts):
            return ""
        return joined if len(joined) <= METADATA_CHARS else f"{parts[0][:100]}#{content_hash(*parts)[:12]}"

    def _seen(self, cells: Mapping[str, str]) -> _Seen | None:
        """The run that a row belongs to; `None` where the row does not say."""
        facts = {
            key: self._cell(key, cells)
            for key in ("task", "task_version", "dataset", "dataset_revision", "model", "snapshot")
        }
        system = self.mapping.cells.get("system_prompt")
        facts["system_prompt"] = system.of(cells) if system is not None else None
        if not facts["task"] or not facts["model"]:
            return None
        given = {name: cell.of(cells) for name, cell in self.mapping.parameters.items()}
        combination = (*(value or "" for value in facts.values()), *given.values())
        if combination not in self._runs:
            digest = content_hash(*facts.values(), *given.values())
            self._runs[combination] = _Seen(
                facts={key: value for key, value in facts.items() if value is not None},
                parameters={name: parameter_of(text) for name, text in given.items() if not is_missing(text)},
                key=f"{NAME}:{self.sha256[:16]}:{digest[:16]}",
            )
        return self._runs[combination]

    def _attempt(
        self, key: str, sample_id: str, input_hash: str, cells: Mapping[str, str]
    ) -> tuple[str, int, bool]:
        """Sample id, epoch, and whether the id had to be told apart from that of another input.

        Raises:
            ValueError: the epoch is not a number from 1, or the attempt is there already.
        """
        stated = epoch_of(self.mapping, cells)
        known = self._attempts.setdefault((key, sample_id), (input_hash, set()))
        is_renamed = known[0] != input_hash
        if is_renamed:
            sample_id = f"{sample_id}#{input_hash[:8]}"
            known = self._attempts.setdefault((key, sample_id), (input_hash, set()))
        epoch = stated if stated is not None else len(known[1]) + 1
        if epoch in known[1]:
            raise ValueError(f"sample {sample_id[:80]!a}, epoch {epoch} is there already; the first counts")
        known[1].add(epoch)
        return sample_id, epoch, is_renamed

    def _facts(self, cells: Mapping[str, str], seen: _Seen) -> tuple[tuple[object, ...], list[str]]:
        """Fields of an observation after `outcome`, and what of them cannot be read."""
        problems: list[str] = []
        amounts = {key: amount_of(key, self._cell(key, cells), problems) for key in AMOUNTS}
        started = started_of(self.mapping, cells, problems)
        if started is not None:
            seen.first = min(seen.first or started, started)
            seen.last = max(seen.last or started, started)
        snapshot = seen.facts.get("snapshot")
        if snapshot:
            seen.models.add(snapshot)
        metadata = {
            name: cells[name]
            for name in self._kept
            if len(cells.get(name, "")) <= METADATA_CHARS and not is_missing(cells.get(name, ""))
        }
        if cluster := self._cell("cluster", cells):
            metadata["cluster"] = cluster
        latency = amounts["latency_s"] if amounts["latency_s"] is not None else amounts["latency_ms"]
        return (
            metadata,
            amounts["tokens_in"],
            amounts["tokens_in_cached"],
            amounts["tokens_out"],
            amounts["tokens_reasoning"],
            amounts["cost_usd"],
            latency,
            self._cell("stop_reason", cells),
            snapshot,
            None,
            started,
        ), problems

    def _outcome(self, cells: Mapping[str, str]) -> tuple[Outcome | None, str | None]:
        if self.mapping.outcome is None:
            return None, None
        column, outcomes = self.mapping.outcome
        text = cells.get(column, "")
        if text in outcomes:
            return outcomes[text], None  # type: ignore[return-value]
        return None, None if is_missing(text) else f"outcome: {text[:60]!a} is not in `map:`"

    def _run(self, seen: _Seen, *, is_cut: bool) -> Run:
        facts, constants = seen.facts, self.mapping.constants
        system = facts.get("system_prompt")
        return Run(
            run_key=seen.key,
            source_format=NAME,
            file_sha256=self.sha256,
            log_uri=self.log.uri,
            task=facts["task"],
            task_version=facts.get("task_version"),
            dataset=facts.get("dataset"),
            dataset_revision=facts.get("dataset_revision"),
            model_requested=facts["model"],
            models_resolved=tuple(sorted(seen.models)),
            has_system_prompt=None if system is None else bool(system),
            system_prompt_hash=text_hash(system) if system else None,
            scorers=tuple(
                ScorerSpec(
                    name=metric.name,
                    parameters_hash=content_hash(metric.settings),
                    judge_model=constants.get("judge_model"),
                )
                for metric in self.mapping.metrics
            ),
            generation_params=seen.parameters,
            epochs=self.mapping.epochs or seen.epochs or None,
            samples_planned=self.mapping.samples_planned,
            status="partial" if is_cut else "success",
            status_reason="the table could not be read to its end" if is_cut else None,
            harness=constants.get("harness"),
            harness_version=constants.get("harness_version"),
            started_at=seen.first,
            finished_at=seen.last,
        )


def _settled(value: Value, outcome: Outcome | None) -> tuple[float | None, Outcome]:
    """The value that counts and how the attempt ended; only scored, refused and limited keep a value."""
    if outcome in ("unscored", "model_error", "infra_error"):
        return None, outcome
    if outcome in ("refused", "limited"):
        return value.number, outcome
    return value.number, "unscored" if value.number is None else "scored"


SOURCE: Final[Source] = Table()
