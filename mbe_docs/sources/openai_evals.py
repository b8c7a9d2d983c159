"""Read event logs of OpenAI's evals framework: one JSON-lines file per run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, ReportedMetric, Run, RunStatus, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import (
    BYTE_ORDER_MARK,
    DocumentError,
    as_dict,
    as_float,
    as_int,
    as_list,
    as_text,
)
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_run import scalars
from mbe_docs.sources.inspect_samples import LARGEST
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.lm_eval_lines import Line, decode, digest_of, instant, lines_of, shown
from mbe_docs.sources.lm_eval_run import SECRET
from mbe_docs.sources.scores import Value, value_of

NAME = "openai-evals"
MATCH = "match"
ACCURACY = ("accuracy", "boostrap_std", "bootstrap_std")
"""Aggregates of matches; the framework itself misspells the second."""
_HEAD = re.compile(rb'\s*\{\s*"spec"\s*:\s*\{')


class Event(msgspec.Struct):
    """One line: the specification, an event, or the final report."""

    spec: Any = None
    final_report: Any = msgspec.UNSET
    sample_id: Any = None
    type: Any = None
    data: Any = None
    created_at: Any = None


_EVENT = msgspec.json.Decoder(Event)


class OpenAIEvals:
    """Logs of `oaieval`."""

    name: str = NAME
    extensions: tuple[str, ...] = (".jsonl",)

    def claims(self, path: Path, head: bytes) -> bool:
        """JSON lines that begin with the specification of a run."""
        if path.suffix.lower() != ".jsonl" or b'"completion_fns"' not in head:
            return False
        return _HEAD.match(head.removeprefix(BYTE_ORDER_MARK)) is not None

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Observations in the order of events, then the run.

        Raises:
            SourceError: the specification cannot be read, or names no eval or model.
        """
        lines = lines_of(log.path)
        first = next(lines, None)
        try:
            event = decode(first.data, _EVENT)[0] if first else Event()
        except DocumentError as error:
            raise _unspecified(log, f"its first line cannot be read: {error}") from error
        spec = as_dict(event.spec)
        models = _models(spec)
        if not as_text(spec.get("eval_name")) or not models:
            raise _unspecified(log, "its first line names no eval or no completion function")
        try:
            yield from _EventReader(log, settings, spec, models).items(lines)
        except RecursionError as error:
            raise SourceError(
                "its header is nested too deeply",
                at=Location(log.uri),
                fix="restore the file from its source",
            ) from error


def _unspecified(log: LogFile, why: str) -> SourceError:
    return SourceError(
        f"not a log of OpenAI evals: {why}",
        at=Location(log.uri, 1),
        fix="restore the file from its source; the first line holds the specification",
    )


def _models(spec: dict[str, Any]) -> list[str]:
    return [name for name in as_list(spec.get("completion_fns")) if as_text(name)]


@dataclass(slots=True)
class _Sample:
    """What is remembered of a sample until all events are read."""

    input_hash: str | None = None
    model: str | None = None
    calls: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    scorers: set[str] = field(default_factory=set)
    has_failed: bool = False
    asked: str = ""
    answered: str = ""
    is_shown: bool = False


@dataclass(slots=True)
class _EventReader:
    log: LogFile
    settings: Settings
    spec: dict[str, Any]
    models: list[str]
    sha256: str = ""
    key: str = ""
    complaints: Complaints = field(init=False)
    _samples: dict[str, _Sample] = field(default_factory=dict)
    _scorers: dict[str, None] = field(default_factory=dict)
    _resolved: set[str] = field(default_factory=set)
    _report: Any = msgspec.UNSET
    _last: str | None = None
    _scored: int = 0
    _is_cut: bool = False

    def __post_init__(self) -> None:
        self.complaints = Complaints(self.log.uri)

    def items(self, lines: Iterator[Line]) -> Iterator[Item]:
        """Everything the log states behind its first line."""
        self.sha256 = self.log.sha256()
        self.key = f"{NAME}:{as_text(self.spec.get('run_id')) or self.sha256[:32]}"
        for line in lines:
            try:
                event, notes = decode(line.data, _EVENT)
                yield from self._event(line.number, event)
            except DocumentError as error:
                yield from self._lose(line, error)
                continue
            for note in notes:
                yield from self.complaints.add(
                    "MBE216", "note", f"the line is unusual: {note}", "nothing to do", line=line.number
                )
        yield from self._rest()
        run = self._run()
        yield run
        if run.status != "success":
            yield from self.complaints.add(
                "MBE215", "warning", f"the run is not a result: {run.status_reason}", "rerun the eval"
            )
        elif not self._scored:
            yield from self.complaints.add(
                "MBE215", "warning", "no sample of the run has a score", "see the eval's class"
            )
        yield from self.complaints.rest()

    def _lose(self, line: Line, error: DocumentError) -> Iterator[Finding]:
        if line.is_cut:
            self._is_cut = True
            yield from self.complaints.add(
                "MBE212", "warning", "the file ends inside of this line", "restore the file", line=line.number
            )
        yield from self.complaints.add(
            "MBE210",
            "error",
            f"the event cannot be read: {error}; what it held is unknown",
            "restore the file from its source, or rerun the eval",
            line=line.number,
        )

    def _event(self, number: int, event: Event) -> Iterator[Item]:
        if event.final_report is not msgspec.UNSET:
            self._report = event.final_report
            return
        if event.spec is not None:
            raise DocumentError("a second specification; the first counts")
        sample_id = event.sample_id if isinstance(event.sample_id, str) else None
        if sample_id is None or not isinstance(event.type, str):
            raise DocumentError("it has no sample or no type")
        self._last = as_text(event.created_at) or self._last
        sample = self._samples.setdefault(sample_id, _Sample())
        data = as_dict(event.data)
        match event.type:
            case "sampling":
                self._sampling(sample, data)
            case "cond_logp" | "pick_option" | "raw_sample" if sample.input_hash is None:
                asked = event.data if event.type == "raw_sample" else data.get("prompt")
                sample.input_hash = digest_of(asked, None, None)
            case "match":
                found = value_of(data.get("correct"))
                yield from self._scores(number, sample_id, sample, {MATCH: found}, data)
            case "metrics":
                scores = {f"metrics/{name}": _metric(value) for name, value in data.items()}
                yield from self._scores(number, sample_id, sample, scores, data)
            case "error":
                yield from self._error(number, sample_id, sample)

    def _sampling(self, sample: _Sample, data: dict[str, Any]) -> None:
        """Tokens and prompt of the evaluated model; calls of another model are a grader's."""
        model = as_text(data.get("model"))
        if sample.calls and (model != sample.model or self._is_graded()):
            return
        sample.calls += 1
        if sample.calls == 1:
            sample.input_hash = digest_of(data.get("prompt"), None, None)
            sample.model = model
            if model:
                self._resolved.add(model)
            if self.settings.excerpts:
                sample.asked = cut(_shown(data.get("prompt")), self.settings.excerpt_chars)
        if self.settings.excerpts:
            sample.answered = cut(_shown(data.get("sampled")), self.settings.excerpt_chars)
        usage = as_dict(data.get("usage"))
        sample.tokens_in = _sum(sample.tokens_in, as_int(usage.get("prompt_tokens")))
        sample.tokens_out = _sum(sample.tokens_out, as_int(usage.get("completion_tokens")))

    def _is_graded(self) -> bool:
        config = as_dict(as_dict(self.spec.get("run_config")).get("eval_spec"))
        return "modelgraded" in str(config.get("cls")).lower()

    def _scores(
        self, number: int, sample_id: str, sample: _Sample, scores: dict[str, Value], data: dict[str, Any]
    ) -> Iterator[Item]:
        for name, value in scores.items():
            self._scorers[name] = None
            if name in sample.scorers:
                yield from self.complaints.add(
                    "MBE213",
                    "warning",
                    f"sample {sample_id[:80]!a} has {name[:80]!a} again; the first counts",
                    "nothing, if the eval scores in several steps",
                    line=number,
                )
                continue
            sample.scorers.add(name)
            self._scored += value.number is not None
            yield self._observation(sample_id, sample, name, value)
            if value.problem:
                yield from self.complaints.add(
                    "MBE211",
                    "error",
                    f"{name[:80]!a}: {value.problem}; the score is unknown, not zero",
                    "record a number",
                    line=number,
                )
        if self.settings.excerpts and not sample.is_shown:
            sample.is_shown = True
            expected = data.get("expected")
            target = None if expected is None else cut(_shown(expected), self.settings.excerpt_chars)
            rows = tuple((name, value.label, None, None) for name, value in scores.items())
            yield Excerpt(self.key, sample_id, 1, sample.asked, target, sample.answered, rows)
            sample.asked = sample.answered = ""

    def _observation(self, sample_id: str, sample: _Sample, name: str, value: Value) -> Observation:
        number = None if sample.has_failed else value.number
        return Observation(
            run_key=self.key,
            sample_id=sample_id,
            input_hash=sample.input_hash or content_hash(sample_id, None, None),
            epoch=1,
            scorer=name,
            value=number,
            label=value.label,
            outcome="infra_error" if sample.has_failed else "unscored" if number is None else "scored",
            metadata={},
            tokens_in=sample.tokens_in,
            tokens_out=sample.tokens_out,
            model_resolved=sample.model,
        )

    def _error(self, number: int, sample_id: str, sample: _Sample) -> Iterator[Finding]:
        if sample.scorers:
            yield from self.complaints.add(
                "MBE218",
                "note",
                f"sample {sample_id[:80]!a} has an error behind its score; the score counts",
                "rerun the sample if in doubt",
                line=number,
            )
        else:
            sample.has_failed = True

    def _rest(self) -> Iterator[Item]:
        """Observations of samples that lack a score that others have."""
        for sample_id, sample in self._samples.items():
            names = [name for name in self._scorers if name not in sample.scorers]
            if not self._scorers and sample.has_failed:
                names = [MATCH]
            for name in names:
                yield self._observation(sample_id, sample, name, Value(None, None))

    def _status(self) -> tuple[RunStatus, str | None]:
        if self._is_cut:
            return "partial", "the file is cut off"
        if self._report is msgspec.UNSET:
            return "partial", "there is no final report: the run was killed or is still running"
        failed = sum(sample.has_failed for sample in self._samples.values())
        if failed and failed == len(self._samples):
            return "error", f"all {failed:,} samples ended in an error"
        return "success", None

    def _run(self) -> Run:
        spec, config = self.spec, as_dict(self.spec.get("run_config"))
        task, version = _task(spec)
        status, reason = self._status()
        judge = self.models[-1] if len(self.models) > 1 or self._is_graded() else None
        created = as_text(spec.get("created_at"))
        arguments = {name: config.get(name) for name in ("max_samples", "seed")}
        given = as_dict(as_dict(config.get("eval_spec")).get("args"))
        arguments |= {name: value for name, value in given.items() if not SECRET.search(name)}
        return Run(
            run_key=self.key,
            source_format=NAME,
            file_sha256=self.sha256,
            log_uri=self.log.uri,
            run_id=as_text(spec.get("run_id")),
            task=task,
            task_version=version,
            model_requested=self.models[0],
            models_resolved=tuple(sorted(self._resolved)),
            scorers=tuple(ScorerSpec(name=name, judge_model=judge) for name in self._scorers),
            task_args=scalars({name: value for name, value in arguments.items() if value is not None}),
            epochs=1,
            samples_planned=len(self._samples) if status == "success" else as_int(config.get("max_samples")),
            status=status,
            status_reason=reason,
            harness="openai/evals",
            started_at=instant(f"{created}+00:00" if created and "+" not in created else created),
            finished_at=instant(self._last),
            metadata=scalars(
                {name: spec[name] for name in ("eval_name", "base_eval", "split") if as_text(spec.get(name))}
            ),
            reported=tuple(
                ReportedMetric(
                    scorer=MATCH if name in ACCURACY else "metrics", metric=name, value=as_float(value)
                )
                for name, value in as_dict(self._report).items()
                if not isinstance(value, dict | list | str)
            ),
        )


def _task(spec: dict[str, Any]) -> tuple[str, str | None]:
    """Eval and split as the task, what follows them in the full name as its version."""
    name = as_text(spec.get("eval_name")) or ""
    base = ".".join(filter(None, (as_text(spec.get("base_eval")), as_text(spec.get("split")))))
    if base and name.startswith(f"{base}.") and len(name) > len(base) + 1:
        return base, name[len(base) + 1 :]
    return name, None


def _metric(value: Any) -> Value:
    """A recorded metric; a text is a label, not a fault."""
    found = value_of(value)
    return Value(found.number, found.label) if isinstance(value, str) else found


def _sum(known: int | None, more: int | None) -> int | None:
    total = (known or 0) + more if more is not None and more >= 0 else known
    return total if total is None or total <= LARGEST else None


def _shown(value: Any) -> str:
    return shown(value[0] if isinstance(value, list) and len(value) == 1 else value)


SOURCE: Final[Source] = OpenAIEvals()
