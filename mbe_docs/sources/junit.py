"""Read JUnit XML: test suites about a model, as pytest and many others write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Excerpt, Observation, ReportedMetric, Run, RunStatus, ScorerSpec
from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.complaints import Complaints
from mbe_docs.sources.decoding import DocumentError
from mbe_docs.sources.inspect_messages import cut
from mbe_docs.sources.inspect_samples import scaled
from mbe_docs.sources.interface import Item, LogFile, Settings, Source
from mbe_docs.sources.junit_cases import Case, CaseReader, RefusedError, Suite
from mbe_docs.sources.lm_eval_lines import instant
from mbe_docs.sources.lm_eval_run import SECRET
from mbe_docs.sources.row_facts import parameter_of

NAME = "junit"
SCORER = "pass"
FACTS = ("model", "snapshot", "task", "task_version", "dataset", "dataset_revision")
"""Properties that say what was run."""
GENERATION = frozenset({"temperature", "top_p", "top_k", "max_tokens", "seed", "reasoning_effort"})
COUNTS = ("tests", "failures", "errors", "skipped")
TEXT_CHARS = 200
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")
"""Names of properties that are kept: build tools write every system property, whose names have dots."""


class JUnit:
    """Test reports whose properties name the model that was tested."""

    name: str = NAME
    extensions: tuple[str, ...] = (".xml",)

    def claims(self, path: Path, head: bytes) -> bool:
        """XML files with a test suite at their beginning, in UTF-16 too."""
        return path.suffix.lower() == ".xml" and b"<testsuite" in head.replace(b"\x00", b"")

    def read(self, log: LogFile, settings: Settings) -> Iterator[Item]:
        """Observations in file order, then the runs: one per suite and model.

        Raises:
            SourceError: not XML, or with entities, or nothing says which model was tested.
        """
        try:
            yield from _ReportReader(log, settings).items()
        except (RefusedError, DocumentError) as error:
            raise SourceError(
                f"not a JUnit report that can be read: {error}",
                at=Location(log.uri),
                fix="write the report again; a report needs no entities",
            ) from error


@dataclass(slots=True)
class _Seen:
    """One run while its cases are read."""

    key: str
    facts: dict[str, str]
    properties: dict[str, str]
    samples: dict[str, int] = field(default_factory=dict)
    """Attempts by sample."""
    suites: list[Suite] = field(default_factory=list)
    scored: int = 0
    failed: int = 0
    cases: int = 0


@dataclass(slots=True)
class _ReportReader:
    log: LogFile
    settings: Settings
    sha256: str = ""
    complaints: Complaints = field(init=False)
    _runs: dict[tuple[Any, ...], _Seen] = field(default_factory=dict)
    _last: tuple[str, str] | None = None
    _nameless: int = 0

    def __post_init__(self) -> None:
        self.complaints = Complaints(self.log.uri)

    def items(self) -> Iterator[Item]:
        """Everything the report states."""
        self.sha256 = self.log.sha256()
        reader = CaseReader(self.log.path)
        for case in reader.cases():
            seen = self._seen(case)
            if seen is None:
                self._nameless += 1
                yield from self.complaints.add(
                    "MBE210",
                    "error",
                    f"case {case.name[:80]!a}: nothing says which model was tested; it is not read",
                    'give its suite a property: <property name="model" value="…"/>',
                )
            else:
                yield from self._case(case, seen)
        self._check(reader)
        if reader.trouble:
            yield from self.complaints.add(
                "MBE212",
                "warning",
                f"{reader.trouble}; what follows is not read",
                "write the report again; control characters are not XML",
                line=reader.line,
            )
        for seen in self._runs.values():
            run = self._run(seen, reader.trouble)
            yield run
            if run.status != "success":
                yield from self.complaints.add(
                    "MBE215", "warning", f"the run is not a result: {run.status_reason}", "rerun the tests"
                )
            elif not seen.scored:
                yield from self.complaints.add(
                    "MBE215", "warning", f"no case of {run.task[:80]!a} has a verdict", "rerun the tests"
                )
        yield from self.complaints.rest()

    def _check(self, reader: CaseReader) -> None:
        if self._runs:
            return
        if self._nameless:
            raise SourceError(
                "the report does not say which model was tested",
                at=Location(self.log.uri),
                fix='add <property name="model" value="…"/> to the suite; in pytest, a session fixture that'
                ' calls record_testsuite_property("model", "…")',
            )
        raise SourceError(
            f"no test case can be read: {reader.trouble or 'the report has none'}",
            at=Location(self.log.uri, reader.line),
            fix="write the report again",
        )

    def _seen(self, case: Case) -> _Seen | None:
        """The run that a case belongs to; `None` where nothing names the model."""
        given = {**case.suite.facts(), **case.properties}
        lower = {name.lower(): value for name, value in given.items() if value}
        facts = {name: lower[name] for name in FACTS if name in lower}
        if "model" not in facts:
            return None
        own = case.suite.attribute("name")
        facts.setdefault("task", own or self.log.path.stem)
        parameters = {name: lower[name] for name in sorted(GENERATION) if name in lower}
        combination = (*sorted(facts.items()), *parameters.items())
        if combination not in self._runs:
            digest = content_hash(facts, parameters)[:16]
            self._runs[combination] = _Seen(
                f"{NAME}:{self.sha256[:32]}:{digest}", facts, {**parameters, **case.suite.facts()}
            )
        seen = self._runs[combination]
        if not seen.suites or seen.suites[-1] is not case.suite:
            seen.suites.append(case.suite)
        return seen

    def _case(self, case: Case, seen: _Seen) -> Iterator[Item]:
        sample_id = case.name or "unnamed"
        if len(sample_id) > TEXT_CHARS:
            sample_id = f"{sample_id[:100]}#{content_hash(case.name)[:12]}"
        if case.is_teardown and self._last == (seen.key, case.name):
            yield from self.complaints.add(
                "MBE216",
                "note",
                f"case {sample_id[:80]!a}: its clean-up failed after its verdict; the verdict counts",
                "mend the fixture",
            )
            return
        self._last = (seen.key, case.name)
        epoch = seen.samples[sample_id] = seen.samples.get(sample_id, 0) + 1
        seen.cases += 1
        seen.scored += case.value is not None
        seen.failed += case.outcome == "infra_error"
        yield Observation(
            run_key=seen.key,
            sample_id=sample_id,
            input_hash=content_hash(case.name, None, None),
            epoch=epoch,
            scorer=SCORER,
            value=case.value,
            label=case.label,
            outcome=case.outcome,
            metadata=_kept(case.properties),
            latency_us=_microseconds(case.seconds) if case.value is not None else None,
        )
        if self.settings.excerpts and (case.output or case.message):
            most = self.settings.excerpt_chars
            why = cut(case.message, most) if case.message else None
            scores = ((SCORER, case.label, None, why),)
            yield Excerpt(seen.key, sample_id, epoch, sample_id, None, cut(case.output, most), scores)

    def _status(self, seen: _Seen, trouble: str | None) -> tuple[RunStatus, str | None]:
        if trouble:
            return "partial", "the report cannot be read to its end"
        for suite in seen.suites:
            tests = _count(suite.attributes.get("tests"))
            if tests is not None and suite.cases < tests:
                return "partial", f"a suite counts {tests:,} tests and holds {suite.cases:,} cases"
        if seen.failed == seen.cases:
            return "error", f"all {seen.failed:,} cases ended in an error"
        return "success", None

    def _run(self, seen: _Seen, trouble: str | None) -> Run:
        facts = seen.facts
        status, reason = self._status(seen, trouble)
        attempts = max(seen.samples.values())
        starts = [instant(suite.attribute("timestamp")) for suite in seen.suites]
        lower = {name.lower(): value for name, value in seen.properties.items()}
        kept = _kept(seen.properties)
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
            models_resolved=(facts["snapshot"],) if "snapshot" in facts else (),
            scorers=(ScorerSpec(name=SCORER),),
            generation_params={
                name: parameter_of(lower[name]) for name in sorted(GENERATION) if name in lower
            },
            epochs=attempts,
            samples_planned=len(seen.samples),
            status=status,
            status_reason=reason,
            started_at=min(filter(None, starts), default=None),
            metadata=dict(kept),
            reported=_reported(seen),
        )


def _kept(properties: dict[str, str]) -> dict[str, str]:
    """Properties that say something and are no fact of the run, no credential and no system property."""
    return {
        name: value
        for name, value in properties.items()
        if value
        and len(value) <= TEXT_CHARS
        and _PLAIN.fullmatch(name)
        and name.lower() not in (*FACTS, *GENERATION)
        and not SECRET.search(name)
    }


def _microseconds(seconds: str | None) -> int | None:
    try:
        return scaled(float((seconds or "").replace(",", "")), 1_000_000)
    except ValueError:
        return None


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _reported(seen: _Seen) -> tuple[ReportedMetric, ...]:
    """The sums of the suites, where each of them states one."""
    found = []
    for name in COUNTS:
        counts = [_count(suite.attributes.get(name)) for suite in seen.suites]
        known = [count for count in counts if count is not None]
        if known and len(known) == len(counts):
            found.append(ReportedMetric(scorer=SCORER, metric=name, value=float(sum(known))))
    return tuple(found)


SOURCE: Final[Source] = JUnit()
