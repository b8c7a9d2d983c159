"""Parts that several pages show: states, links, and rows of quirks, comparisons, samples and runs."""

from __future__ import annotations

from dataclasses import dataclass

from mbe_docs.pages.numbers import Number
from mbe_docs.records.estimates import Comparison


@dataclass(frozen=True, slots=True)
class State:
    """A state as word, shape and tone; the tone only repeats the word."""

    word: str
    shape: str
    tone: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another page."""

    id: str
    text: str
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class MitigationRow:
    """What to do about a quirk, and what it was measured to do."""

    kind: str
    how: str
    effect: Number | None
    """Difference on the quirk's own scorer, with − without; of a rule over flips, their rate with it."""
    verdict: State | None
    subject: Link | None


@dataclass(frozen=True, slots=True)
class QuirkRow:
    """One quirk on one subject."""

    link: Link
    severity: str
    state: State
    quantity: str
    """What the number is of: the scorer, or the share of attempts that disagree."""
    number: Number | None
    reason: str
    since: str | None
    seen: tuple[str, ...]
    """Ids of samples that show it, where no rate was measured."""
    mitigations: tuple[MitigationRow, ...]
    """Measured ones first."""


@dataclass(frozen=True, slots=True)
class QuirkCells:
    """One quirk along the lineage."""

    link: Link
    severity: str
    cells: tuple[tuple[Link, State, str], ...]
    """(model, state, sentence)."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One behavior between two subjects."""

    behavior: Link
    anchor: str
    state: State
    old: Number | None
    new: Number | None
    difference: Number | None
    sentence: str
    detail: tuple[str, ...]
    moved: str | None
    """`9 samples worse, 1 better of 20`; `None` where none moved."""
    more: tuple[str, ...]
    """Sentences: what would decide it, how sure it is, what flips by itself, latency and cost."""
    slices: tuple[SliceRow, ...]
    hidden_flip: bool
    comparison: Comparison
    runs: tuple[tuple[Link, ...], tuple[Link, ...]]
    """Of the old and the new side, newest first; not all, where there are many."""
    changed: tuple[ChangedSamples, ...] = ()
    """The samples that moved most, the direction of the mean first."""


@dataclass(frozen=True, slots=True)
class ChangedSamples:
    """The samples that moved most in one direction."""

    heading: str
    samples: tuple[ChangedSample, ...]


@dataclass(frozen=True, slots=True)
class ChangedSample:
    """One sample that moved."""

    sample_id: str
    old: SampleSide
    new: SampleSide
    input: str | None = None
    """Where it is shown with its attempts side by side."""


@dataclass(frozen=True, slots=True)
class SampleSide:
    """A sample on one side of a comparison."""

    score: str
    """`3 of 5`."""
    run: Link | None
    """Where the run's page shows it."""
    log: str | None
    """Its address in the log viewer of the project."""
    attempts: tuple[Attempt, ...] = ()
    """As far as their texts are published."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as a reader compares it."""

    epoch: int
    label: str
    """The scorer's word, `no value` where it gave none."""
    output: str


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice value compared."""

    key: str
    value: str
    state: State
    is_change: bool
    old: Number
    new: Number
    difference: Number


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in a table of evidence."""

    link: Link
    task: str
    model: str
    status: State
    settings: str
    """What sets it apart from the other runs of its task beside it."""
    samples: str
    excluded: int
    date: str | None
    source: str
