"""The samples of an Inspect log as observations."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mbe_docs.records.evals import Excerpt, Observation, Outcome
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import text_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import DocumentError
from mbe_docs.sources.inspect_log import (
    CONVERSATION,
    SAMPLE,
    TEXT_SAMPLE,
    Header,
    Limit,
    Sample,
    TextSample,
)
from mbe_docs.sources.inspect_messages import (
    Document,
    answer_of,
    attachments_of,
    cut,
    question_of,
    read_as,
    shown_input,
    systems_of,
)
from mbe_docs.sources.inspect_run import Seen, expected_scorers, utc
from mbe_docs.sources.interface import Settings
from mbe_docs.sources.scores import Value, values_of

PLACEHOLDER = "88F74D2C"
"""How Inspect itself calls the one score of a log from before scores had names."""
METADATA_CHARS = 200
WAITING = 10_000
"""Attempts without a score that are held back until all scorer names are known."""
LARGEST = 2**63 - 1
"""What every store of whole numbers can hold."""
_ENCODER = msgspec.json.Encoder()
OVERFLOWS = frozenset({"context", "time", "working"})
TRUNCATED = frozenset({"max_tokens", "model_length"})
PLAIN = frozenset({"stop", "tool_calls", None})
"""Stop reasons that leave it to the score how an attempt ended."""
new = tuple.__new__
"""`new(Observation, fields)` is `Observation._make(fields)` at half the cost: a log may hold millions."""

Item = Observation | Excerpt | Finding


@dataclass(slots=True)
class SampleReader:
    """Reads samples one at a time and remembers what the run must know of them."""

    header: Header
    run_key: str
    model: str | None
    settings: Settings
    complaints: Complaints
    seen: Seen
    looks_for_system: bool
    """Whether the header names no system prompt, so that the first conversation is looked at."""
    _known: set[tuple[str, int]] = field(default_factory=set)
    _waiting: list[tuple[Observation, frozenset[str]]] = field(default_factory=list)
    _systems: list[str] = field(default_factory=list)
    """System prompts of the sample before; most logs have one for all."""

    def read(self, place: str, document: Document) -> list[Item]:
        """Everything that one sample states; what cannot be read is a finding and counts as lost."""
        try:
            sample, notes = self._decoded(document)
            sample_id = _checked(sample)
        except DocumentError as error:
            return self.lose(place, error)
        items: list[Item] = []
        for note in notes:
            items += self.complaints.add("MBE216", "note", f"{place}: {note}", "nothing to do")
        if sample.invalidation not in (None, False):
            self.seen.invalidated += 1
            items += self.complaints.add(
                "MBE214",
                "note",
                f"{place} was invalidated after the run; it is not read",
                "rerun the sample if it is needed",
            )
        elif (sample_id, sample.epoch) in self._known:
            items += self.complaints.add(
                "MBE213",
                "warning",
                f"{place} states sample {sample_id[:80]!a}, epoch {sample.epoch} again; the first counts",
                "find out which one is right, and remove the other",
            )
        else:
            self._known.add((sample_id, sample.epoch))
            self._observe(place, sample_id, sample, document, items)
        return items

    def lose(self, place: str, error: Exception) -> list[Item]:
        """The finding for a sample that cannot be read."""
        self.seen.lost += 1
        return list(
            self.complaints.add(
                "MBE210",
                "error",
                f"{place} cannot be read: {error}; its scores are unknown",
                "restore the log from its source, or rerun the sample",
            )
        )

    def finish(self) -> list[Item]:
        """Observations of attempts that have no score, once every scorer's name is known."""
        names = expected_scorers(self.header, self.seen)
        waiting, self._waiting = self._waiting, []
        return [
            observation._replace(scorer=name)
            for observation, present in waiting
            for name in names
            if name not in present
        ]

    def _decoded(self, document: Document) -> tuple[Sample, tuple[str, ...]]:
        if self.settings.excerpts:
            return read_as(document, TEXT_SAMPLE)
        return read_as(document, SAMPLE)

    def _observe(
        self, place: str, sample_id: str, sample: Sample, document: Document, items: list[Item]
    ) -> None:
        attachments = attachments_of(sample, document)
        self._note(sample, document)
        failed = sample.error is not None
        stop = stop_reason_of(sample)
        limit = sample.limit.type if isinstance(sample.limit, Limit) else sample.limit
        first, last = self._facts(sample_id, sample, attachments, stop)
        scores = self._scores(sample)
        is_plain = not failed and not limit and stop in PLAIN
        scorers = self.seen.scorers
        for name, value in scores:
            scorers[name] = None
            number, label, problem = value
            if is_plain and number is not None and label != "N":
                outcome: Outcome = "scored"
            else:
                number, outcome = settled(value, failed=failed, stop=stop, limit=limit)
            self.seen.scored += number is not None
            items.append(new(Observation, (*first, name, number, label, outcome, *last)))
            if problem:
                items += self.complaints.add(
                    "MBE211",
                    "error",
                    f"{place}: {name[:80]!a}: {problem}; the score is unknown, not zero",
                    "let the scorer return a number, C, P, I, N, or a dict of them",
                )
        if failed or not scores:
            _, outcome = settled(Value(None, None), failed=failed, stop=stop, limit=limit)
            observation = new(Observation, (*first, "", None, None, outcome, *last))
            self._waiting.append((observation, frozenset(name for name, _ in scores)))
            if len(self._waiting) >= WAITING:
                items += self.finish()
        if failed and any(value.number is not None for _, value in scores):
            items += self.complaints.add(
                "MBE218",
                "note",
                f"{place} ended in an error and was scored all the same; the score is not counted",
                "rerun the sample, or run without `score_on_error`",
            )
        if self.settings.excerpts and isinstance(sample, TextSample):
            items.append(self._excerpt(sample_id, sample, attachments, scores))

    def _facts(
        self, sample_id: str, sample: Sample, attachments: dict[str, str], stop: str | None
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Fields of an observation before `scorer` and after `outcome`, the same for all scores."""
        output = sample.output
        answered = output is not None and bool(output.choices)
        resolved = output.model if output is not None and answered else None
        if resolved:
            self.seen.models.add(resolved)
        is_fallback = bool(sample.model_fallbacks) or (output is not None and bool(output.fallback))
        first = (self.run_key, sample_id, input_hash_of(sample, attachments), sample.epoch)
        return first, (
            metadata_text(sample.metadata),
            *usage_of(sample, self.model),
            latency_of(sample),
            stop,
            resolved or None,
            is_fallback if answered or is_fallback else None,
            utc(sample.started_at),
        )

    def _note(self, sample: Sample, document: Document) -> None:
        """What the run must know of this sample."""
        self.seen.samples += 1
        self.seen.errored += sample.error is not None
        systems = systems_of(sample.input)
        if self.looks_for_system and not systems:
            try:
                messages = read_as(document, CONVERSATION)[0].messages
            except DocumentError:
                messages = None
            if messages:
                self.looks_for_system = False
                systems = systems_of(messages)
                self.seen.has_system = bool(systems)
        if systems and systems != self._systems:
            self._systems = systems
            self.seen.systems.add(text_hash("\n".join(systems)))

    def _scores(self, sample: Sample) -> list[tuple[str, Value]]:
        scores = sample.scores or ({PLACEHOLDER: sample.score} if sample.score else {})
        if PLACEHOLDER in scores:
            name = next(iter(expected_scorers(self.header, Seen()))) or "score"
            scores = {name if key == PLACEHOLDER else key: score for key, score in scores.items()}
        return [pair for scorer, score in scores.items() for pair in values_of(scorer, score.value)]

    def _excerpt(
        self,
        sample_id: str,
        sample: TextSample,
        attachments: dict[str, str],
        scores: list[tuple[str, Value]],
    ) -> Excerpt:
        most = self.settings.excerpt_chars
        answers = sample.scores or ({PLACEHOLDER: sample.score} if sample.score else {})
        rows = []
        for name, value in scores:
            score = answers.get(name) or answers.get(name.split("/", 1)[0]) or answers.get(PLACEHOLDER)
            answer, why = (score.answer, score.explanation) if score else (None, None)
            rows.append((name, value.label, answer and cut(answer, most), why and cut(why, most)))
        target = "\n".join(sample.target) if isinstance(sample.target, list) else sample.target
        return Excerpt(
            run_key=self.run_key,
            sample_id=sample_id,
            epoch=sample.epoch,
            input=cut(shown_input(sample.input, attachments), most),
            target=None if target is None else cut(target, most),
            output=cut(answer_of(sample, attachments), most),
            scores=tuple(rows),
        )


def _checked(sample: Sample) -> str:
    """The sample's id as text.

    Raises:
        DocumentError: id or epoch is not one that Inspect writes.
    """
    if not 1 <= sample.epoch <= LARGEST:
        raise DocumentError(f"its epoch is {sample.epoch if abs(sample.epoch) <= LARGEST else 'too large'}")
    if isinstance(sample.id, int) and abs(sample.id) > LARGEST:
        raise DocumentError("its id is a number that is too large")
    return str(sample.id)


def input_hash_of(sample: Sample, attachments: dict[str, str]) -> str:
    """`content_hash(input, choices, target)`, by a faster encoder that writes the same bytes."""
    target = sample.target
    if isinstance(target, list) and len(target) == 1:
        target = target[0]
    parts = [question_of(sample.input, attachments), sample.choices or None, target]
    return hashlib.sha256(_ENCODER.encode(parts)).hexdigest()[:32]


def settled(
    value: Value, *, failed: bool, stop: str | None, limit: str | None
) -> tuple[float | None, Outcome]:
    """The value that counts and how the attempt ended.

    An error of the harness or the network wins: what was scored after it is no measurement of the model.
    A refusal and a limit keep the value that the scorer gave.
    """
    number = value.number
    if failed:
        return None, "infra_error"
    if stop == "content_filter" or value.label == "N":
        return number, "refused"
    if limit or stop in TRUNCATED:
        overflow = limit in OVERFLOWS or (not limit and stop == "model_length")
        return number, "model_error" if number is None and overflow else "limited"
    return number, "unscored" if number is None else "scored"


def stop_reason_of(sample: Sample) -> str | None:
    """Why the model stopped, in Inspect's present words."""
    if sample.output is None or not sample.output.choices:
        return None
    stop = sample.output.choices[0].stop_reason
    return "max_tokens" if stop == "length" else stop


def latency_of(sample: Sample) -> int | None:
    """Microseconds: of the last model call where it is stated, else working time, else total time."""
    output = sample.output.time if sample.output is not None else None
    for seconds in (output, sample.working_time, sample.total_time):
        if (latency := scaled(seconds, 1_000_000)) is not None:
            return latency
    return None


Usages = tuple[int | None, int | None, int | None, int | None, int | None]


def usage_of(sample: Sample, model: str | None) -> Usages:
    """Tokens in, in from cache, out, for reasoning, and cost in nano-USD of the evaluated model alone.

    Calls of a grader are left out where the log tells them apart: they are filed under another model.
    Providers differ in whether the input tokens contain the cached ones; the stated total tells.
    """
    by_model = sample.model_usage or {}
    usage = by_model.get(model or "")
    if usage is None and len(by_model) == 1:
        (usage,) = by_model.values()
    if usage is None and sample.output is not None:
        usage = sample.output.usage
    if usage is None:
        return None, None, None, None, None
    tokens_in = usage.input_tokens
    cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
    if tokens_in is not None and cached and usage.total_tokens != tokens_in + (usage.output_tokens or 0):
        tokens_in += cached
    return (
        _count(tokens_in),
        _count(usage.input_tokens_cache_read),
        _count(usage.output_tokens),
        _count(usage.reasoning_tokens),
        scaled(usage.total_cost, 1_000_000_000),
    )


def _count(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= LARGEST else None


def scaled(number: float | None, factor: int) -> int | None:
    """A stated amount in whole smaller units; `None` where it is not finite or below zero."""
    if number is None or not 0 <= number <= LARGEST / factor:
        return None
    return round(number * factor)


def metadata_text(metadata: dict[str, Any] | None) -> dict[str, str]:
    """Scalar metadata as text; nested values and texts above 200 characters are not kept."""
    found: dict[str, str] = {}
    for key, value in (metadata or {}).items():
        if isinstance(value, str):
            if len(value) <= METADATA_CHARS:
                found[key] = value
        elif isinstance(value, bool):
            found[key] = "true" if value else "false"
        elif isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            found[key] = str(value)
    return found
