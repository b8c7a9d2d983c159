"""Rows of `samples_*.jsonl` as observations: one row per document and filter."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mbe_docs.records.evals import Excerpt, Observation
from mbe_docs.records.findings import Finding
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import DocumentError, as_dict, as_list
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_samples import new
from mbe_docs.sources.interface import Settings
from mbe_docs.sources.lm_eval_lines import Line, anything, decode, digest_of, lines_of, shown
from mbe_docs.sources.scores import Value, value_of, values_of

FIXED = frozenset(
    {
        *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
        *("doc_hash", "prompt_hash", "target_hash"),
    }
)
METADATA_CHARS = 50
"""Longest text of a document that is kept to slice by: a category, never a question."""

Item = Observation | Excerpt | Finding


class Row(msgspec.Struct, gc=False):
    """What every row has; the metrics lie beside it under names that the row lists."""

    doc_id: int | str
    doc: Any = None
    target: Any = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")
    resps: msgspec.Raw = msgspec.Raw(b"null")
    filtered_resps: msgspec.Raw = msgspec.Raw(b"null")
    filter: str | None = None
    metrics: list[str] | None = None
    doc_hash: str | None = None
    prompt_hash: str | None = None
    target_hash: str | None = None


_ROW = msgspec.json.Decoder(Row)
_ENCODER = msgspec.json.Encoder()


def decoder_of(metrics: Sequence[str]) -> msgspec.json.Decoder[Any]:
    """A decoder for rows with these metrics, which are in `score_0`, `score_1`, …"""
    fields = [(f"score_{index}", Any, None) for index in range(len(metrics))]
    names = {f"score_{index}": name for index, name in enumerate(metrics)}
    return msgspec.json.Decoder(msgspec.defstruct("ScoredRow", fields, bases=(Row,), rename=names, gc=False))


def first_of(path: Path) -> tuple[str, ...]:
    """What tells these samples from others of the same name and second: the first row, without its scores."""
    for line in lines_of(path):
        try:
            row, _ = decode(line.data, _ROW)
        except DocumentError:
            break
        return (
            str(row.doc_hash),
            str(row.prompt_hash),
            str(row.target_hash),
            bytes(row.resps).decode("utf-8", "replace"),
        )
    return ()


@dataclass(slots=True)
class SampleReader:
    """Reads one samples file and remembers what its run must know."""

    path: Path
    run_key: str
    settings: Settings
    complaints: Complaints
    repeats: int | None
    """Repeats that the task's configuration states; `None` where nothing does."""
    names: dict[str, None] = field(default_factory=dict)
    """Scorers in the order seen."""
    epochs: set[int] = field(default_factory=set)
    """Numbers of attempts that documents have."""
    documents: int = 0
    """Of the filter with most rows."""
    scored: int = 0
    lost: int = 0
    is_cut: bool = False
    _repeated: int = 0
    _identical: int = 0
    _aggregates: dict[str, None] = field(default_factory=dict)
    _known: dict[str, dict[str, int]] = field(default_factory=dict)
    _metrics: list[str] = field(default_factory=list)
    _fields: tuple[tuple[str, str], ...] = ()
    """Where a row has each metric, and its name."""
    _decoder: msgspec.json.Decoder[Any] = _ROW

    def items(self) -> Iterator[Item]:
        """Observations in row order; at the end what was noticed over all rows."""
        for line in lines_of(self.path):
            try:
                row, notes = self._decoded(line)
                input_hash = input_hash_of(row)
            except DocumentError as error:
                yield from self._lose(line, error)
                continue
            for note in notes:
                yield from self.complaints.add(
                    "MBE216", "note", f"the row is unusual: {note}", "nothing to do", line=line.number
                )
            yield from self._row(line.number, row, input_hash)
        self.documents = max(map(len, self._known.values()), default=0)
        yield from self._noticed()

    def _decoded(self, line: Line) -> tuple[Any, tuple[str, ...]]:
        row, notes = decode(line.data, self._decoder)
        metrics = row.metrics
        if metrics is None:
            raise DocumentError("it does not say which of its values are metrics")
        if metrics != self._metrics:
            usable = list(dict.fromkeys(name for name in metrics if name not in FIXED))
            self._decoder, self._metrics = decoder_of(usable), usable
            self._fields = tuple((f"score_{index}", name) for index, name in enumerate(usable))
            row, notes = decode(line.data, self._decoder)
            if usable != metrics:
                raise DocumentError("a metric has the name of another field, or is listed twice")
        return row, notes

    def _lose(self, line: Line, error: DocumentError) -> Iterator[Finding]:
        self.lost += 1
        self.is_cut |= line.is_cut
        if line.is_cut:
            problem, fix = "the file ends inside of this row", "restore the file, or rerun the task"
            yield from self.complaints.add("MBE212", "warning", problem, fix, line=line.number)
        yield from self.complaints.add(
            "MBE210",
            "error",
            f"the row cannot be read: {error}; its scores are unknown",
            "restore the file from its source, or rerun the task",
            line=line.number,
        )

    def _row(self, number: int, row: Any, input_hash: str) -> list[Item]:
        items: list[Item] = []
        kind = row.filter or "none"
        sample_id = str(row.doc_id)
        known = self._known.setdefault(kind, {})
        digest = int(input_hash[:14], 16)
        if known.get(sample_id, digest) != digest:
            sample_id = f"{sample_id}#{input_hash[:8]}"
            problem = f"the row has the id of another document; it is read as {sample_id[:80]!a}"
            fix = "find out whether two files were joined"
            items += self.complaints.add("MBE222", "warning", problem, fix, line=number)
        if sample_id in known:
            items += self.complaints.add(
                "MBE213",
                "warning",
                f"document {sample_id[:80]!a} is there again for filter {kind[:80]!a}; the first counts",
                "find out which one is right, and remove the other",
                line=number,
            )
            return items
        known[sample_id] = digest
        repeats = self._repeats(row, is_first=len(self._known) == 1)
        facts = metadata_of(row.doc)
        scores, attempts = self._scores(row, kind, repeats)
        self.epochs.add(attempts)
        for name, epoch, (score, label, trouble) in scores:
            if trouble:
                problem = f"{name[:80]!a}: {trouble}; the score is unknown, not zero"
                fix = "let the metric return a number"
                items += self.complaints.add("MBE211", "error", problem, fix, line=number)
            outcome = "unscored" if score is None else "scored"
            self.scored += score is not None
            first = (self.run_key, sample_id, input_hash, epoch, name)
            items.append(new(Observation, (*first, score, label, outcome, facts, *_NOT_LOGGED)))
        if self.settings.excerpts and len(self._known) == 1:
            items += self._excerpts(row, sample_id, attempts, scores)
        return items

    def _repeats(self, row: Any, *, is_first: bool) -> list[Any]:
        """The answers of a document that was asked more than once; counted in the first filter's rows."""
        if self.repeats == 1:
            return []
        answers = as_list(next(iter(as_list(anything(row.resps))), None))
        if len(answers) < 2 or not isinstance(answers[0], str):
            return []
        if is_first:
            self._repeated += 1
            self._identical += all(answer == answers[0] for answer in answers)
        return answers

    def _scores(self, row: Any, kind: str, repeats: list[Any]) -> tuple[list[tuple[str, int, Value]], int]:
        """Scorer, epoch and value of each score, and how many attempts of the document are told apart."""
        found: list[tuple[str, int, Value]] = []
        attempts = 1
        for field_name, metric in self._fields:
            raw = getattr(row, field_name)
            name = f"{metric},{kind}"
            if type(raw) is float and math.isfinite(raw):
                self.names[name] = None
                found.append((name, 1, new(Value, (raw, None, None))))
            elif isinstance(raw, list):
                each = self._of_repeats(row, raw, repeats)
                if each is None:
                    self._aggregates[name] = None
                    continue
                self.names[name] = None
                attempts = max(attempts, len(each))
                found += [(name, epoch, value_of(one)) for epoch, one in enumerate(each, 1)]
            else:
                self.names[name] = None
                found += [(key, 1, value) for key, value in values_of(name, raw)]
        return found, attempts

    def _of_repeats(self, row: Any, raw: list[Any], repeats: list[Any]) -> list[Any] | None:
        """A list of scores where it is one per repeat: filter and metric both kept the repeats apart.

        Repeats that are all the same text come from a fixed seed: together they are one attempt.
        """
        kept = next(iter(as_list(anything(row.filtered_resps))), None) if repeats else None
        if not isinstance(kept, list) or not len(kept) == len(raw) == len(repeats):
            return None
        if any(isinstance(one, list | dict) for one in raw):
            return None
        return raw[:1] if all(answer == repeats[0] for answer in repeats) else raw

    def _noticed(self) -> Iterator[Finding]:
        if self._identical:
            yield from self.complaints.add(
                "MBE225",
                "note",
                f"{self._identical} of {self._repeated} documents that were asked more than once have"
                " identical answers, as with a fixed seed; identical answers count as one attempt",
                "to measure variation, send another seed with every repeat",
            )
        for name in self._aggregates:
            yield from self.complaints.add(
                "MBE226",
                "note",
                f"{name[:80]!a} has no number per document; what the results file states is kept as reported",
                "nothing to do",
            )

    def _excerpts(
        self, row: Any, sample_id: str, attempts: int, scores: list[tuple[str, int, Value]]
    ) -> Iterator[Excerpt]:
        most = self.settings.excerpt_chars
        answers = as_list(next(iter(as_list(anything(row.resps))), None))
        for epoch in range(1, attempts + 1):
            answer = answers[epoch - 1] if len(answers) >= epoch else None
            yield Excerpt(
                run_key=self.run_key,
                sample_id=sample_id,
                epoch=epoch,
                input=cut(prompt_of(row), most),
                target=None if row.target is None else cut(shown(row.target), most),
                output=cut(answer if isinstance(answer, str) else shown(anything(row.resps)), most),
                scores=tuple((name, value.label, None, None) for name, at, value in scores if at == epoch),
            )


_NOT_LOGGED = (None,) * 10
"""Tokens, cost, latency, stop reason, answering model and time: the harness logs none of them."""


def input_hash_of(row: Any) -> str:
    """By the harness's own hashes of document and target where it wrote them, else by their content.

    Either way `content_hash(document, None, target)`; the faster encoder writes the same bytes.
    """
    if row.doc_hash and row.target_hash:
        return hashlib.sha256(_ENCODER.encode((row.doc_hash, None, row.target_hash))).hexdigest()[:32]
    return digest_of(row.doc, None, row.target)


def metadata_of(doc: Any) -> dict[str, str]:
    """Numbers, booleans and short texts of a document, as text."""
    found: dict[str, str] = {}
    if not isinstance(doc, dict):
        return found
    for name, value in doc.items():
        if isinstance(value, str):
            if len(value) <= METADATA_CHARS and "\n" not in value:
                found[name] = value
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            found[name] = str(value)
    return found


def prompt_of(row: Any) -> str:
    """What was sent: the first argument of the first request."""
    first = as_dict(as_dict(anything(row.arguments)).get("gen_args_0")).get("arg_0")
    if isinstance(first, list) and len(first) == 1:
        first = first[0]
    return shown(first)
