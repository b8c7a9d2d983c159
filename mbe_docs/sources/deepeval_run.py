"""The shape of DeepEval's test runs, and what they state beside their cases."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import ReportedMetric, ScorerSpec
from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.decoding import as_dict, as_float, as_int, as_list, as_text
from mbe_docs.sources.inspect_run import scalars
from mbe_docs.sources.lm_eval_lines import instant
from mbe_docs.sources.lm_eval_run import SECRET
from mbe_docs.sources.row_facts import parameter_of

GENERATION = frozenset({"temperature", "top_p", "top_k", "max_tokens", "seed", "reasoning_effort", "stop"})
_STAMP = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})_([0-9]{2})([0-9]{2})([0-9]{2})(?:_[0-9]+)?$")


class Metric(msgspec.Struct):
    """One metric of a case. Its tokens and cost are the judge's, and are not read."""

    name: Any = None
    metric: Any = None
    """The name, in old versions."""
    score: Any = None
    threshold: Any = None
    minimumScore: Any = None  # noqa: N815  # DeepEval's names
    success: Any = None
    reason: Any = None
    error: Any = None
    flaky: Any = None
    strictMode: Any = None  # noqa: N815
    evaluationModel: Any = None  # noqa: N815


class Turn(msgspec.Struct):
    """One turn of a conversation."""

    role: Any = None
    content: Any = None


class Case(msgspec.Struct):
    """A test case, of one turn or of several."""

    name: Any = None
    input: Any = None
    actualOutput: Any = None  # noqa: N815
    expectedOutput: Any = None  # noqa: N815
    context: Any = None
    scenario: Any = None
    expectedOutcome: Any = None  # noqa: N815
    turns: list[Turn] | None = None
    metricsData: list[Metric] | None = None  # noqa: N815
    metricsMetadata: list[Metric] | None = None  # noqa: N815
    tokenCost: Any = None  # noqa: N815
    inputTokenCount: Any = None  # noqa: N815
    outputTokenCount: Any = None  # noqa: N815
    completionTime: Any = None  # noqa: N815
    tags: Any = None
    metadata: Any = None


class TestRun(msgspec.Struct):
    """A test run; cases stay undecoded so that a bad one costs only itself."""

    testRunData: TestRun | None = None  # noqa: N815
    testFile: Any = None  # noqa: N815
    testCases: list[msgspec.Raw] | None = None  # noqa: N815
    conversationalTestCases: list[msgspec.Raw] | None = None  # noqa: N815
    metricsScores: Any = None  # noqa: N815
    identifier: Any = None
    hyperparameters: Any = None
    configurations: Any = None
    """Hyperparameters, in old versions."""
    testPassed: Any = None  # noqa: N815
    testFailed: Any = None  # noqa: N815
    datasetAlias: Any = None  # noqa: N815


@dataclass(slots=True)
class Seen:
    """What the cases added up to."""

    cases: int = 0
    lost: int = 0
    scored: int = 0
    failed: int = 0
    samples: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Id and attempts by hash of the input."""
    names: set[str] = field(default_factory=set)
    scorers: dict[str, tuple[set[str], set[bool]]] = field(default_factory=dict)
    """Judges and strict modes by name."""


def parameters_of(run: TestRun) -> dict[str, str]:
    """Hyperparameters as text by lower-case name; a model may be given as an object with a name."""
    found: dict[str, str] = {}
    for name, value in {**as_dict(run.configurations), **as_dict(run.hyperparameters)}.items():
        inner = as_dict(value)
        text = as_text(value) or as_text(inner.get("name")) or as_text(inner.get("alias"))
        if text is None and isinstance(value, int | float):
            text = str(value).lower() if isinstance(value, bool) else str(value)
        if text:
            found[name.strip().lower().replace(" ", "_")] = text
    return found


def generation_of(parameters: dict[str, str]) -> dict[str, Scalar]:
    """Hyperparameters that are generation settings."""
    return {name: parameter_of(text) for name, text in sorted(parameters.items()) if name in GENERATION}


def arguments_of(parameters: dict[str, str]) -> dict[str, Scalar]:
    """The other hyperparameters; nothing that looks like a credential."""
    return scalars(
        {
            name: text
            for name, text in parameters.items()
            if name not in GENERATION and name not in ("model", "snapshot") and not SECRET.search(name)
        }
    )


def scorers_of(seen: Seen) -> tuple[ScorerSpec, ...]:
    """One per metric, with the model that judges."""
    found = []
    for name, (judges, modes) in seen.scorers.items():
        digest = content_hash({"strict": modes == {True}}) if len(modes) == 1 else None
        judge = ",".join(sorted(judges)) or None
        found.append(ScorerSpec(name=name, parameters_hash=digest, judge_model=judge))
    return tuple(found)


def reported_of(run: TestRun) -> tuple[ReportedMetric, ...]:
    """Counts by metric as the run states them."""
    found = []
    for one in map(as_dict, as_list(run.metricsScores)):
        name = as_text(one.get("metric"))
        for count in ("passes", "fails", "errors"):
            if name and as_int(one.get(count)) is not None:
                value = as_float(one[count])
                found.append(ReportedMetric(scorer=name, metric=count, value=value))
    return tuple(found)


def expected_cases(run: TestRun) -> int | None:
    """Cases that the run itself counts."""
    counts = [as_int(run.testPassed), as_int(run.testFailed)]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def started_of(path: Path) -> str | None:
    """The time in a file's name, local and without a zone: the run itself states none."""
    found = _STAMP.search(path.stem)
    return instant("{}-{}-{}T{}:{}:{}".format(*found.groups())) if found else None
