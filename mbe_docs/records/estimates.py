"""Estimates and comparisons: never a bare number."""

from __future__ import annotations

from typing import Literal

from mbe_docs.records.base import Record
from mbe_docs.records.behaviors import Direction, Unit

Verdict = Literal["refused", "unchanged", "improved", "regressed", "increased", "decreased", "inconclusive"]
Sufficiency = Literal["sufficient", "insufficient", "undecided", "no_bar"]


class Interval(Record):
    """A value with its 95 % interval, in the behavior's unit."""

    value: float
    low: float
    high: float


class OutcomeCounts(Record):
    """Attempts by outcome; `absent` is planned minus everything seen."""

    planned: int
    scored: int = 0
    unscored: int = 0
    refused: int = 0
    limited: int = 0
    model_error: int = 0
    infra_error: int = 0
    absent: int = 0

    @property
    def missing(self) -> int:
        """Attempts that say nothing about the model: infrastructure errors, unscored and absent ones."""
        return self.infra_error + self.absent + self.unscored


class SliceEstimate(Record):
    """One value of one slice key."""

    key: str
    value: str
    estimate: Interval
    n_samples: int
    n_attempts: int


class Repeatability(Record):
    """How much single samples flip between epochs: `flake` is P(two attempts at a sample differ)."""

    flake: Interval
    n_samples: int
    """Samples with at least two attempts."""
    n_effective: float | None = None
    flaky_samples: int
    """Samples with both passing and failing attempts."""


class Estimate(Record):
    """One behavior measured on one subject (snapshot or variant), from runs of one fingerprint."""

    behavior: str
    subject: str
    unit: Unit
    direction: Direction
    rate: Interval
    """Primary value: model errors count as failures, infrastructure errors and absent ones are left out."""
    strict: Interval
    """Everything that did not get a value counts as a failure."""
    scored_only: Interval
    """Only attempts the scorer gave a value for."""
    bounds: tuple[float, float]
    """The value if all missing attempts had failed, and if all had passed."""
    method: str
    level: float = 0.95
    n_samples: int
    n_attempts: int
    n_effective: float | None = None
    outcomes: OutcomeCounts
    coverage: float
    """Attempts that count ÷ attempts planned, 0–1."""
    repeatability: Repeatability | None = None
    slices: tuple[SliceEstimate, ...] = ()
    sufficiency: Sufficiency = "no_bar"
    n_more_for_bar: int | None = None
    """Samples more that would settle `undecided`, at this rate."""
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    tokens_in_mean: float | None = None
    tokens_out_mean: float | None = None
    cost_usd_mean: float | None = None
    """Per attempt."""
    runs: tuple[str, ...]
    """Run keys, newest first."""
    other_runs: tuple[str, ...] = ()
    """Runs of the same behavior and subject under another fingerprint: not part of this number."""
    as_of: str | None = None
    """Start of the newest run, ISO date."""
    is_partial: bool = False
    """Some run was cancelled, killed or failed: never shown as a result."""


class SlotDifference(Record):
    """One slot of the fingerprint in which two sides differ; `None` is unknown."""

    slot: str
    old: str | None
    new: str | None
    refuses: bool
    """Whether it changes the question and refuses the verdict, or is only noted."""


class Ratio(Record):
    """A resource of two subjects on their common samples, new ÷ old; 1 is no change."""

    value: float
    low: float
    high: float
    verdict: Literal["unchanged", "higher", "lower", "inconclusive"]
    """`unchanged`: the whole interval lies between 1 ÷ 1.1 and 1.1."""
    n_samples: int


class SliceComparison(Record):
    """One slice value compared; tested as its own family."""

    key: str
    value: str
    verdict: Verdict
    difference: Interval
    old: Interval
    new: Interval
    n_common: int
    attempts_old: int
    attempts_new: int
    q_diff: float


class FlippedSample(Record):
    """One sample whose mean score moved."""

    id: str
    """As the new side's log calls it."""
    old_id: str
    """As the old side's log calls it: samples are matched by content, not by name."""
    old: float
    new: float
    old_attempts: int
    new_attempts: int


class Comparison(Record):
    """Two subjects on one behavior; differences are new − old."""

    behavior: str
    old: str
    new: str
    verdict: Verdict
    unit: Unit
    direction: Direction
    difference: Interval | None = None
    old_rate: Interval | None = None
    new_rate: Interval | None = None
    p_diff: float | None = None
    """Of "no difference", by itself. Nine significant digits, never 0: what no float can hold is 1e-300."""
    q_diff: float | None = None
    """The same, adjusted for everything compared together."""
    q_equivalent: float | None = None
    """Of "the difference reaches the margin", adjusted."""
    margin: float | None = None
    is_noninferior: bool | None = None
    """The whole interval is better than −margin."""
    mode: Literal["paired", "paired_partial", "unpaired"] | None = None
    n_common: int = 0
    n_old: int = 0
    n_new: int = 0
    attempts_old: int = 0
    attempts_new: int = 0
    n_better: int = 0
    """Common samples whose mean went up in the better direction."""
    n_worse: int = 0
    n_needed: int | None = None
    """Samples in all that would decide an inconclusive comparison."""
    tokens_to_decide: int | None = None
    """Tokens that the samples still missing would take on both sides, at the means seen."""
    cost_usd_to_decide: float | None = None
    """Their price: at the cost seen, else at the tokens seen and the price on the day of the run."""
    refused_because: tuple[str, ...] = ()
    """Sentences: which slot differs, in which runs, what to run to make it comparable."""
    differences: tuple[SlotDifference, ...] = ()
    notes: tuple[str, ...] = ()
    slices: tuple[SliceComparison, ...] = ()
    latency: Ratio | None = None
    """Of geometric means."""
    cost: Ratio | None = None
    """Of means; under 300 samples its interval holds the truth only 90 to 93 % of the time."""
    hidden_flip: bool = False
    """Slices moved in opposite directions under a calmer mean."""
    flipped_samples: tuple[FlippedSample, ...] = ()
    """The samples that moved most, at most 10 each way; those that moved as the mean did come first."""
    slice: str | None = None
    """`key=value` where this compares one slice of the behavior."""
    n_flaky: int | None = None
    """Samples whose attempts differ among themselves on either side; `None` where nothing was compared."""
    flaky_samples: tuple[str, ...] = ()
    """Ids of these samples, those that are flaky on both sides first; at most 20."""
    old_runs: tuple[str, ...] = ()
    new_runs: tuple[str, ...] = ()


class QuirkStatement(Record):
    """The computed (or reported) status of a quirk on a subject."""

    quirk: str
    subject: str
    status: Literal["affected", "not_affected", "fixed", "flaky", "unknown"]
    evidence_level: Literal["measured", "reproduced", "reported", "under_test", "none"]
    rate: Interval | None = None
    n_samples: int = 0
    n_attempts: int = 0
    coverage: float | None = None
    as_of: str | None = None
    runs: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    """Ids of samples that show it, where no rate was measured."""
    reason: str
    """A sentence: which rule over which interval, or what is missing."""
    n_more: int | None = None


class MitigationEffect(Record):
    """A mitigation's measured effect on the quirk's own scorer; difference is with − without."""

    quirk: str
    mitigation: str
    subject: str
    comparison: Comparison


class DriftPoint(Record):
    """One run in a series of the same measurement."""

    run: str
    date: str
    rate: Interval
    z: float
    """How far it is from the runs before, in standard errors; 0 for the first two under a setup."""


class SetupChange(Record):
    """A run from which on something else was measured, so that nothing is concluded across it."""

    run: str
    cause: str
    """Which settings changed, from what to what."""


class DriftReport(Record):
    """One behavior measured on one subject again and again; runs of one setup are held against each other."""

    behavior: str
    subject: str
    unit: Unit
    points: tuple[DriftPoint, ...]
    """Oldest first, at least three."""
    verdict: Literal["steady", "drifted", "setup_changed", "too_short"]
    """`setup_changed`: it changed together with the harness or a setting, so the model is not blamed.
    `too_short`: fewer than three runs under the newest setup."""
    breaks: tuple[SetupChange, ...] = ()
    """Where a setting changed that changes the question, such as the scorer; oldest first."""
    alarm_run: str | None = None
    change_run: str | None = None
    """The run from which on it differs; estimated."""
    q_diff: float | None = None
    """Of the runs before against those after, adjusted over all series."""
    cause: str | None = None
    is_reliable: bool
    """Whether enough attempts flip for the alarm's error rate to hold."""
