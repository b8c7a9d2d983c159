"""Samples that moved between two subjects: their scores on both sides, and their texts where published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

from mbe_docs.pages.interface import Context
from mbe_docs.pages.lookup import Lookup, run_id, sample_anchor
from mbe_docs.pages.run import shown_samples
from mbe_docs.pages.views import Attempt, ChangedSample, ChangedSamples, Link, SampleSide
from mbe_docs.records.estimates import Comparison, FlippedSample
from mbe_docs.records.evals import Excerpt, Run
from mbe_docs.registry import wording

TEXTS_SHOWN: Final = 3
"""Samples shown side by side in each direction of a comparison."""
ATTEMPTS_SHOWN: Final = 3
"""Attempts shown of each side."""


def changed_samples(
    comparison: Comparison, scorer: str, lookup: Lookup, context: Context
) -> tuple[ChangedSamples, ...]:
    """The samples a comparison names as moved, in its order: one group for each direction."""
    old, new = (_Side(runs, scorer, lookup, context) for runs in (comparison.old_runs, comparison.new_runs))
    is_down_first = [flip.new < flip.old for flip in comparison.flipped_samples]
    return tuple(
        ChangedSamples(
            heading=_heading(comparison, is_down, len(flips)),
            samples=tuple(_samples(flips, old, new, comparison)),
        )
        for is_down in dict.fromkeys(is_down_first)
        if (flips := [flip for flip in comparison.flipped_samples if (flip.new < flip.old) == is_down])
    )


def _heading(comparison: Comparison, is_down: bool, shown: int) -> str:
    is_worse = is_down == (comparison.direction != "lower")
    word = "Got worse" if is_worse else "Got better"
    if comparison.direction == "neither":
        word = "Went down" if is_down else "Went up"
    total = comparison.n_worse if is_worse else comparison.n_better
    part = f", {shown} shown" if shown < total else ""
    return f"{word}: {wording.counted(total, 'sample')}{part}"


def _samples(
    flips: Sequence[FlippedSample], old: _Side, new: _Side, comparison: Comparison
) -> Iterator[ChangedSample]:
    unit, shown = comparison.unit, 0
    for flip in flips:
        input, before, after = _texts(flip, old, new) if shown < TEXTS_SHOWN else (None, (), ())
        shown += input is not None
        yield ChangedSample(
            sample_id=flip.id,
            old=old.view(flip.old_id, wording.score_text(flip.old, flip.old_attempts, unit), before),
            new=new.view(flip.id, wording.score_text(flip.new, flip.new_attempts, unit), after),
            input=input,
        )


def _texts(
    flip: FlippedSample, old: _Side, new: _Side
) -> tuple[str | None, tuple[Excerpt, ...], tuple[Excerpt, ...]]:
    """Prompt and attempts of one sample, each as far as published.

    Two prompts of a run may have the same name: then those that both sides know are the ones compared.
    """
    before, after = old.texts.get(flip.old_id, []), new.texts.get(flip.id, [])
    if not before and not after:
        return None, (), ()
    known = {excerpt.input for excerpt in before}
    shared = [excerpt.input for excerpt in after if excerpt.input in known]
    input = (shared or [excerpt.input for excerpt in (*after, *before)])[0]
    old_mine, new_mine = (
        tuple(excerpt for excerpt in some if excerpt.input == input) for some in (before, after)
    )
    return input, old_mine, new_mine


class _Side:
    """The runs of one side: where they show a sample, and what of it is published."""

    def __init__(self, runs: Iterable[str], scorer: str, lookup: Lookup, context: Context) -> None:
        self.texts: dict[str, list[Excerpt]] = {}
        self._scorer = scorer
        self._viewer = context.log_viewer
        self._runs: list[Run] = []
        self._shown: dict[str, frozenset[str]] = {}
        for key in runs:
            excerpts = context.excerpts.get(key, ())
            for excerpt in excerpts:
                self.texts.setdefault(excerpt.sample_id, []).append(excerpt)
            if key in lookup.runs:
                self._runs.append(lookup.runs[key].run)
                names = {excerpt.sample_id for excerpt in excerpts}
                self._shown[key] = shown_samples(lookup, key, names)

    def view(self, sample_id: str, score: str, excerpts: tuple[Excerpt, ...]) -> SampleSide:
        """A sample of this side, from the newest run whose page shows it, or else the newest."""
        run = next((run for run in self._runs if sample_id in self._shown[run.run_key]), None)
        anchor = sample_anchor(sample_id) if run else "samples"
        run = run or next(iter(self._runs), None)
        return SampleSide(
            score=score,
            run=Link(run_id(run.run_key), score, anchor) if run else None,
            log=_address(self._viewer, run, sample_id) if run and self._viewer else None,
            attempts=tuple(self._attempt(excerpt) for excerpt in excerpts[:ATTEMPTS_SHOWN]),
        )

    def _attempt(self, excerpt: Excerpt) -> Attempt:
        label = next((label for name, label, _, _ in excerpt.scores if name == self._scorer), None)
        return Attempt(excerpt.epoch, label or "no value", excerpt.output)


def _address(viewer: str, run: Run, sample_id: str) -> str:
    """Where the log viewer of the project shows a sample."""
    address = viewer
    for name, value in (("uri", run.log_uri or ""), ("sample", sample_id), ("epoch", "1")):
        address = address.replace(f"{{{name}}}", quote(value.encode("utf-8", "surrogatepass"), safe=""))
    return address
