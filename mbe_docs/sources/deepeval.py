"""Read test runs of DeepEval: `.latest_run_full.json`, `test_run_*.json`, `.latest_test_run.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, Outcome, Run, RunStatus
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import (
    BYTE_ORDER_MARK,
    DocumentError,
    as_int,
    as_list,
    as_text,
)
from mbe_docs.sources.deepeval_run import (
    Case,
    Metric,
    Seen,
    TestRun,
    arguments_of,
    expected_cases,
    generation_of,
    parameters_of,
    reported_of,
    scorers_of,
    started_of,
)
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_samples import LARGEST, metadata_text, scaled
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.lm_eval_lines import decode, digest_of, shown
from mbe_docs.sources.scores import Value, value_of

NAME = "deepeval"
_HEAD = re.compile(
    rb'\s*\{\s*(?:"testRunData"\s*:\s*\{\s*)?'
    rb'(?:"(?:testFile|identifier|datasetAlias|datasetId)"\s*:\s*(?:null|"(?:[^"\\]|\\.)*")\s*,\s*){0,4}'
    rb'"testCases"\s*:\s*\['
)
_RUN = msgspec.json.Decoder(TestRun)
_CASE = msgspec.json.Decoder(Case)


class DeepEval:
    """Test runs with a model among their hyperparameters."""

    name: str = NAME
    extensions: tuple[str, ...] = (".json",)

    def claims(self, path: Path, head: bytes) -> bool:
        """JSON files that begin with DeepEval's test cases."""
        if path.suffix.lower() != ".json":
            return False
        return _HEAD.match(head.removeprefix(BYTE_ORDER_MARK)) is not None

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Observations in the order of cases, then the run.

        Raises:
            SourceError: not a test run, or its hyperparameters do not name the model.
        """
        run, notes = _opened(log, settings)
        parameters = parameters_of(run)
        if "model" not in parameters:
            raise SourceError(
                "the test run does not say which model was tested; expected a hyperparameter `model`",
                at=Location(log.uri),
                fix='log it: evaluate(…, hyperparameters={"model": "…", "snapshot": "…"}),'
                " or @deepeval.log_hyperparameters",
            )
        yield from _CaseReader(log, settings, run, parameters).items(notes)


def _opened(log: LogFile, settings: Settings) -> tuple[TestRun, tuple[str, ...]]:
    size, limit = log.path.stat().st_size, settings.limits.member_bytes
    if size > limit:
        raise SourceError(
            f"the file has {size:,} bytes, above the limit of {limit:,} bytes for one document",
            at=Location(log.uri),
            fix="split the test run",
        )
    try:
        run, notes = decode(log.path.read_bytes().removeprefix(BYTE_ORDER_MARK), _RUN)
    except DocumentError as error:
        raise SourceError(
            f"not a test run of DeepEval: {error}",
            at=Location(log.uri),
            fix="restore the file from its source, or rerun the tests",
        ) from error
    return run.testRunData or run, notes


@dataclass(slots=True)
class _CaseReader:
    log: LogFile
    settings: Settings
    run: TestRun
    parameters: dict[str, str]
    sha256: str = ""
    key: str = ""
    seen: Seen = field(default_factory=Seen)
    complaints: Complaints = field(init=False)

    def __post_init__(self) -> None:
        self.complaints = Complaints(self.log.uri)

    def items(self, notes: tuple[str, ...]) -> Iterator[Item]:
        """Everything the test run states."""
        self.sha256 = self.log.sha256()
        self.key = f"{NAME}:{self.sha256[:32]}"
        for note in notes:
            yield from self.complaints.add("MBE216", "note", f"the file is unusual: {note}", "nothing to do")
        for kind, cases in (
            ("testCases", self.run.testCases),
            ("conversationalTestCases", self.run.conversationalTestCases),
        ):
            for index, raw in enumerate(cases or ()):
                yield from self._case(f"{kind}[{index}]", raw)
        if not self.seen.cases and not self.seen.lost:
            raise SourceError("the test run has no case", at=Location(self.log.uri), fix="rerun the tests")
        run = self._run()
        if run.task == NAME:
            yield from self.complaints.add(
                "MBE227",
                "note",
                f"nothing names the task; it is called {NAME!a}",
                "give the dataset an alias, or the test run an identifier",
            )
        yield run
        if run.status != "success":
            yield from self.complaints.add(
                "MBE215", "warning", f"the run is not a result: {run.status_reason}", "rerun the tests"
            )
        elif not self.seen.scored:
            yield from self.complaints.add(
                "MBE215", "warning", "no case of the run has a score", "rerun the tests with metrics"
            )
        yield from self.complaints.rest()

    def _case(self, place: str, raw: msgspec.Raw) -> Iterator[Item]:
        seen = self.seen
        try:
            case, _ = decode(raw, _CASE)
            input_hash = digest_of(*_question(case))
        except DocumentError as error:
            seen.lost += 1
            yield from self.complaints.add(
                "MBE210",
                "error",
                f"{place} cannot be read: {error}; its scores are unknown",
                "restore the file from its source, or rerun the tests",
            )
            return
        seen.cases += 1
        sample_id, epoch = self._attempt(case, input_hash)
        metrics = [*(case.metricsData or ()), *(case.metricsMetadata or ())]
        scores, named, failures = [], set(), 0
        for metric in metrics:
            name = as_text(metric.name) or as_text(metric.metric)
            if name is None or name in named:
                why = "names no metric" if name is None else f"has {name[:80]!a} twice; the first counts"
                yield from self.complaints.add("MBE213", "warning", f"{place} {why}", "rerun the case")
                continue
            named.add(name)
            value, outcome = _settled(metric)
            self._remember(name, metric)
            seen.scored += value.number is not None
            failures += outcome == "infra_error"
            yield Observation(
                run_key=self.key,
                sample_id=sample_id,
                input_hash=input_hash,
                epoch=epoch,
                scorer=name,
                value=value.number,
                label=value.label,
                outcome=outcome,
                metadata=_metadata(case, metric),
                tokens_in=_count(case.inputTokenCount),
                tokens_out=_count(case.outputTokenCount),
                cost_nusd=scaled(_number(case.tokenCost), 1_000_000_000),
                latency_us=scaled(_number(case.completionTime), 1_000_000),
            )
            scores.append((name, value.label, None, as_text(metric.reason) or as_text(metric.error)))
            if value.problem:
                yield from self.complaints.add(
                    "MBE211",
                    "error",
                    f"{place}: {name[:80]!a}: {value.problem}; the score is unknown, not zero",
                    "rerun the case",
                )
        seen.failed += bool(metrics) and failures == len(metrics)
        if self.settings.excerpts:
            yield self._excerpt(case, sample_id, epoch, scores)

    def _attempt(self, case: Case, input_hash: str) -> tuple[str, int]:
        """Id and number of the attempt: cases with the same input are repeats of one sample."""
        samples, names = self.seen.samples, self.seen.names
        if input_hash not in samples:
            name = (as_text(case.name) or f"case-{input_hash[:8]}")[:200]
            name = f"{name}#{input_hash[:8]}" if name in names else name
            names.add(name)
            samples[input_hash] = (name, 0)
        name, count = samples[input_hash]
        samples[input_hash] = (name, count + 1)
        return name, count + 1

    def _remember(self, name: str, metric: Metric) -> None:
        judges, modes = self.seen.scorers.setdefault(name, (set(), set()))
        if model := as_text(metric.evaluationModel):
            judges.add(model)
        if isinstance(metric.strictMode, bool):
            modes.add(metric.strictMode)

    def _excerpt(
        self, case: Case, sample_id: str, epoch: int, scores: list[tuple[str, str | None, None, str | None]]
    ) -> Excerpt:
        most = self.settings.excerpt_chars
        asked, _, target = _question(case)
        answer = case.actualOutput
        if case.turns:
            answer = "\n\n".join(_shown(turn.content) for turn in case.turns if turn.role == "assistant")
        return Excerpt(
            run_key=self.key,
            sample_id=sample_id,
            epoch=epoch,
            input=cut("\n\n".join(map(_shown, asked)) if isinstance(asked, list) else _shown(asked), most),
            target=None if target is None else cut(_shown(target), most),
            output=cut(_shown(answer), most),
            scores=tuple((name, label, None, why and cut(why, most)) for name, label, _, why in scores),
        )

    def _status(self) -> tuple[RunStatus, str | None]:
        seen, expected = self.seen, expected_cases(self.run)
        if expected is not None and seen.cases + seen.lost < expected:
            return "partial", f"the run counts {expected:,} cases and holds {seen.cases + seen.lost:,}"
        if not seen.cases:
            return "partial", "none of its cases can be read"
        if seen.failed == seen.cases:
            return "error", f"all {seen.cases:,} cases ended in an error of the metrics"
        return "success", None

    def _run(self) -> Run:
        run, parameters, seen = self.run, self.parameters, self.seen
        status, reason = self._status()
        file = as_text(run.testFile)
        named = as_text(run.datasetAlias) or (Path(file).stem if file else None) or as_text(run.identifier)
        return Run(
            run_key=self.key,
            source_format=NAME,
            file_sha256=self.sha256,
            log_uri=self.log.uri,
            task=named or NAME,
            dataset=as_text(run.datasetAlias),
            model_requested=parameters["model"],
            models_resolved=(parameters["snapshot"],) if "snapshot" in parameters else (),
            scorers=scorers_of(seen),
            generation_params=generation_of(parameters),
            task_args=arguments_of(parameters),
            epochs=max((count for _, count in seen.samples.values()), default=None),
            samples_planned=len(seen.samples) or None,
            status=status,
            status_reason=reason,
            harness=NAME,
            started_at=started_of(self.log.path),
            tags=(identifier,) if (identifier := as_text(run.identifier)) else (),
            reported=reported_of(run),
        )


def _question(case: Case) -> tuple[Any, Any, Any]:
    """Input, context and target; of a conversation the scenario and what the user says."""
    if case.turns is not None:
        asked = [as_text(case.scenario), *(turn.content for turn in case.turns if turn.role == "user")]
        return [one for one in asked if one], case.context, case.expectedOutcome
    return case.input, case.context, case.expectedOutput


def _settled(metric: Metric) -> tuple[Value, Outcome]:
    """The score, with `pass` or `fail` as its label; a metric that failed measured nothing."""
    if as_text(metric.error):
        return Value(None, None), "infra_error"
    found = value_of(metric.score)
    label = found.label
    if isinstance(metric.success, bool):
        label = "pass" if metric.success else "fail"
    return Value(found.number, label, found.problem), "unscored" if found.number is None else "scored"


def _metadata(case: Case, metric: Metric) -> dict[str, str]:
    """Metadata of the case, its tags, and the threshold of the metric."""
    found = metadata_text(case.metadata if isinstance(case.metadata, dict) else None)
    if tags := [tag for tag in as_list(case.tags) if as_text(tag)]:
        found["tags"] = ",".join(sorted(tags))[:200]
    threshold = metric.threshold if metric.threshold is not None else metric.minimumScore
    found |= metadata_text({"threshold": threshold})
    if metric.flaky is True:
        found["flaky"] = "true"
    return found


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    number = as_int(value)
    return number if number is not None and 0 <= number <= LARGEST else None


def _shown(value: Any) -> str:
    return "" if value is None else shown(value)


SOURCE: Final[Source] = DeepEval()
