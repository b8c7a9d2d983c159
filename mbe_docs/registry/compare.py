"""Comparisons: pages of behaviors between two subjects, decided together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mbe_docs import stats
from mbe_docs.config import Policy
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.sums import Flip
from mbe_docs.records.estimates import (
    Comparison,
    Estimate,
    FlippedSample,
    SliceComparison,
    SlotDifference,
)
from mbe_docs.records.evals import Run
from mbe_docs.records.models import Variant
from mbe_docs.registry import wording
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.decide import Decided, Item
from mbe_docs.registry.estimate import Measured, tidy, tidy_p
from mbe_docs.registry.fingerprint import differing, slots
from mbe_docs.registry.ratios import usage_ratios
from mbe_docs.registry.subjects import Subjects
from mbe_docs.registry.wording import setting_text

PARTLY = 0.8
"""Share of the smaller set of samples below which a comparison on the common ones is flagged."""
NOTHING_IN_COMMON = ("the two runs have no sample in common; run both on the same samples",)
NOTHING_VARIES = "the scores moved all alike, so nothing is known of how they vary"
FLIPS_LISTED = 10
"""Samples that moved, named in each direction."""
FLAKY_LISTED = 20
"""Samples whose attempts differ, named in all."""


@dataclass(frozen=True, slots=True)
class Page:
    """Two subjects and the measures compared between them: one family of tests."""

    old: str
    new: str
    names: tuple[str, ...]


def compare(
    pages: Sequence[Page],
    measured: Measured,
    estimates: Mapping[tuple[str, str], Estimate],
    subjects: Subjects,
    policy: Policy,
    aggregation: Aggregation,
) -> list[list[Comparison]]:
    """One list per page: its measures in order; those that neither side has are left out."""
    index = {
        (arm.name, arm.subject, key): position
        for position, (arm, key) in enumerate(zip(measured.arms, measured.slice_keys, strict=True))
    }
    refused: list[tuple[int, Comparison | None]] = []
    items: list[Item] = []
    for number, page in enumerate(pages):
        ignore = compared_parameters(subjects, page.old, page.new)
        for name in page.names:
            old, new = (index.get((name, subject, None)) for subject in (page.old, page.new))
            if (old is None and new is None) or not (
                (name, page.old) in estimates or (name, page.new) in estimates
            ):
                continue
            why, differences = _refusal(page, name, old, new, measured.arms, estimates, policy, ignore)
            if why:
                refused.append((number, _refused(page, name, estimates, why, differences)))
                continue
            assert old is not None
            assert new is not None
            refused.append((number, None))
            items.append(Item(number, name, old, new, differences))
    everything = [*items, *_sliced(items, pages, index, measured.arms)]
    sums = aggregation.pairs([(item.old, item.new) for item in everything])
    decided = Decided.of(sums, everything, measured, policy)
    slices = _slices(decided, everything, measured)
    whole = {int(pair): at for at, pair in enumerate(sums.keys.pair) if everything[pair].slice_key is None}
    bare = (
        _compared(
            decided,
            whole[position],
            item,
            pages[item.page],
            measured.arms[item.old],
            estimates,
            slices.get((item.page, item.name), ()),
        )
        for position, item in enumerate(items)
    )
    compared = _with_more(bare, items, aggregation, policy.alpha)
    found: list[list[Comparison]] = [[] for _ in pages]
    for number, comparison in refused:
        found[number].append(next(compared) if comparison is None else comparison)
    return found


def _sliced(
    items: Sequence[Item],
    pages: Sequence[Page],
    index: Mapping[tuple[str, str, str | None], int],
    arms: Sequence[Arm],
) -> Iterator[Item]:
    """The same comparisons cut by each slice key of their behavior."""
    for item in items:
        page = pages[item.page]
        for key in arms[item.old].measure.slices:
            old, new = (index[item.name, subject, key] for subject in (page.old, page.new))
            yield replace(item, old=old, new=new, slice_key=key)


def compared_parameters(subjects: Subjects, old: str, new: str) -> frozenset[str]:
    """Parameters that define the variants being compared: the thing compared, no reason to refuse."""

    def conditions(variant: Variant | None) -> Mapping[str, object]:
        return variant.when if variant else {}

    before, after = (conditions(subjects.all[subject].variant) for subject in (old, new))
    return frozenset(key for key in {*before, *after} if before.get(key) != after.get(key))


def _refusal(
    page: Page,
    name: str,
    old: int | None,
    new: int | None,
    arms: Sequence[Arm],
    estimates: Mapping[tuple[str, str], Estimate],
    policy: Policy,
    ignore: frozenset[str],
) -> tuple[tuple[str, ...], tuple[SlotDifference, ...]]:
    """Why two arms cannot be compared, in sentences, and every slot in which they differ."""
    why = []
    for subject in (page.old, page.new):
        estimate = estimates.get((name, subject))
        if estimate is None:
            why.append(f"{subject} was not measured; run the task on it")
        elif estimate.is_partial:
            why.append(f"the only run on {subject} did not finish; run the task again")
    if why or old is None or new is None:
        return tuple(why), ()
    sides = [
        [slots(run, arms[side].measure.scorer, ignore=ignore) for run in arms[side].runs]
        for side in (old, new)
    ]
    differences = differing(sides[0], sides[1], policy)
    runs = [_named(arms[side].runs) for side in (old, new)]
    why = [_slot_sentence(difference, *runs) for difference in differences if difference.refuses]
    return tuple(why), differences


def _named(runs: Sequence[Run]) -> str:
    """The newest run, and how many there are besides."""
    rest = len(runs) - 1
    return f"{runs[0].run_key} and {rest:,} more" if rest else runs[0].run_key


def _slot_sentence(difference: SlotDifference, before: str, after: str) -> str:
    word = difference.slot.replace("_", " ")
    old, new = setting_text(difference.old), setting_text(difference.new)
    return f"{word} differs: {old} before ({before}), {new} after ({after}); run both with the same {word}"


def _refused(
    page: Page,
    name: str,
    estimates: Mapping[tuple[str, str], Estimate],
    why: tuple[str, ...],
    differences: tuple[SlotDifference, ...],
) -> Comparison:
    old, new = (estimates.get((name, subject)) for subject in (page.old, page.new))
    either = old or new
    assert either is not None
    return Comparison(
        behavior=name,
        old=page.old,
        new=page.new,
        verdict="refused",
        unit=either.unit,
        direction=either.direction,
        old_rate=old.rate if old and not old.is_partial else None,
        new_rate=new.rate if new and not new.is_partial else None,
        n_old=old.n_samples if old else 0,
        n_new=new.n_samples if new else 0,
        attempts_old=old.n_attempts if old else 0,
        attempts_new=new.n_attempts if new else 0,
        refused_because=why,
        differences=differences,
        old_runs=old.runs if old else (),
        new_runs=new.runs if new else (),
    )


def _slices(
    decided: Decided, items: Sequence[Item], measured: Measured
) -> dict[tuple[int, str], list[SliceComparison]]:
    """Slice comparisons by (page, measure name), in the order of slice values."""
    found: dict[tuple[int, str], list[SliceComparison]] = {}
    keys = decided.sums.keys
    for at, pair in enumerate(keys.pair):
        item, value = items[pair], keys.slice_value[at]
        if item.slice_key is None or value is None or decided.verdicts.verdict[at] == "refused":
            continue
        rates = [measured.rates[entry] for entry in (keys.old[at], keys.new[at])]
        difference = decided.difference(at)
        if rates[0] is None or rates[1] is None or difference is None:
            continue
        attempts = [int(measured.sums.primary.attempts[entry]) for entry in (keys.old[at], keys.new[at])]
        found.setdefault((item.page, item.name), []).append(
            SliceComparison(
                key=item.slice_key,
                value=value,
                verdict=_standing_slice(decided, at, measured),
                difference=difference,
                old=rates[0],
                new=rates[1],
                n_common=int(decided.sums.primary.samples[at]),
                attempts_old=attempts[0],
                attempts_new=attempts[1],
                q_diff=tidy_p(decided.verdicts.q_diff[at]),
            )
        )
    return found


def _standing_slice(decided: Decided, at: int, measured: Measured) -> stats.Verdict:
    """The verdict on a slice after errors were considered; no plan says how much of it is absent."""
    outcomes, sides = measured.sums.outcomes, (decided.sums.keys.old[at], decided.sums.keys.new[at])
    lost = [
        (outcomes["infra_error"][entry] + outcomes["unscored"][entry]) / measured.sums.attempts[entry]
        for entry in sides
    ]
    return stats.standing(
        decided.verdicts.verdict[at],
        decided.strict.verdict[at],
        old_lost_share=float(lost[0]),
        new_lost_share=float(lost[1]),
        most_lost=decided.most_lost,
    ).verdict


def _compared(
    decided: Decided,
    at: int,
    item: Item,
    page: Page,
    arm: Arm,
    estimates: Mapping[tuple[str, str], Estimate],
    slices: Sequence[SliceComparison],
) -> Comparison:
    old, new = (estimates[item.name, subject] for subject in (page.old, page.new))
    n_common = int(decided.sums.primary.samples[at])
    verdict, notes = _standing(decided, at, arm, old, new)
    up, down = int(decided.sums.primary.up[at]), int(decided.sums.primary.down[at])
    is_falling = arm.measure.direction == "lower"
    refused = verdict == "refused"
    mode = None if refused else _mode(decided, at, min(old.n_samples, new.n_samples))
    if mode == "unpaired":
        notes.append("no sample is in common; two samples of one declared pool, compared by their means")
    if mode == "paired_partial":
        notes.append(f"only {n_common} samples are in common of {old.n_samples} and {new.n_samples}")
    notes.extend(_noted(difference) for difference in item.differences)
    return Comparison(
        behavior=item.name,
        old=page.old,
        new=page.new,
        verdict=verdict,
        unit=old.unit,
        direction=old.direction,
        difference=None if refused else decided.difference(at),
        old_rate=old.rate,
        new_rate=new.rate,
        p_diff=_known(decided.primary.p_diff[at]),
        q_diff=_known(decided.verdicts.q_diff[at]),
        q_equivalent=_known(decided.verdicts.q_equivalent[at]),
        margin=arm.measure.margin,
        is_noninferior=None if refused else decided.is_noninferior(at, arm),
        mode=mode,
        n_common=n_common,
        n_old=old.n_samples,
        n_new=new.n_samples,
        attempts_old=old.n_attempts,
        attempts_new=new.n_attempts,
        n_better=down if is_falling else up,
        n_worse=up if is_falling else down,
        n_needed=decided.n_needed(at, arm, n_common) if verdict == "inconclusive" else None,
        refused_because=NOTHING_IN_COMMON if refused else (),
        differences=item.differences,
        notes=tuple(notes),
        slices=tuple(slices),
        hidden_flip=_moved_apart(slices),
        old_runs=old.runs,
        new_runs=new.runs,
    )


def _with_more(
    comparisons: Iterable[Comparison], items: Sequence[Item], aggregation: Aggregation, alpha: float
) -> Iterator[Comparison]:
    """The comparisons with latency and cost, the samples that moved, and those that flip by themselves."""
    pairs = [(item.old, item.new) for item in items]
    _, flips = aggregation.flipped(pairs, FLIPS_LISTED)
    _, flaky = aggregation.flaky(pairs, FLAKY_LISTED)
    latency, cost = usage_ratios(aggregation.pair_usage(pairs), [item.page for item in items], alpha=alpha)
    for at, comparison in enumerate(comparisons):
        more: dict[str, object] = {"latency": latency[at], "cost": cost[at]}
        if comparison.verdict != "refused":
            more |= {"n_flaky": flaky[at].count, "flaky_samples": flaky[at].sample_ids}
            more["flipped_samples"] = _flipped(comparison, flips[at])
        yield comparison.model_copy(update=more)


def _flipped(comparison: Comparison, flips: Sequence[Flip]) -> tuple[FlippedSample, ...]:
    """The samples that moved, those that moved as the mean did first."""
    is_down = comparison.difference is not None and comparison.difference.value < 0
    return tuple(
        FlippedSample(
            id=flip.sample_id,
            old_id=flip.old_id,
            old=tidy(flip.old),
            new=tidy(flip.new),
            old_attempts=flip.old_attempts,
            new_attempts=flip.new_attempts,
        )
        for flip in sorted(flips, key=lambda flip: (flip.new < flip.old) != is_down)
    )


def _mode(decided: Decided, at: int, smaller: int) -> Literal["paired", "paired_partial", "unpaired"]:
    if decided.is_unpaired[at]:
        return "unpaired"
    return "paired_partial" if decided.sums.primary.samples[at] < PARTLY * smaller else "paired"


def _noted(difference: SlotDifference) -> str:
    word = difference.slot.replace("_", " ")
    return f"{word} differs: {setting_text(difference.old)} before, {setting_text(difference.new)} after"


def _standing(
    decided: Decided, at: int, arm: Arm, old: Estimate, new: Estimate
) -> tuple[stats.Verdict, list[str]]:
    """The verdict after errors, missing attempts and too few samples were considered, and why."""
    lost = [estimate.outcomes.missing / (estimate.outcomes.planned or 1) for estimate in (old, new)]
    primary, strict = decided.verdicts.verdict[at], decided.strict.verdict[at]
    found = stats.standing(
        primary, strict, old_lost_share=lost[0], new_lost_share=lost[1], most_lost=decided.most_lost
    )
    notes = [] if found.reason is None else [f"undecided: {_lost_words(found.reason, primary, strict, lost)}"]
    if found.verdict == "inconclusive" and decided.difference(at) is None:
        notes.append(f"undecided: {NOTHING_VARIES}")
    elif primary == "inconclusive" and not notes and (alone := decided.shown_alone(at)) is not None:
        notes.append(alone)
    n_common = int(decided.sums.primary.samples[at])
    n_used = min(old.n_samples, new.n_samples) if decided.is_unpaired[at] else n_common
    if found.verdict not in ("refused", "inconclusive") and n_used < arm.measure.min_samples:
        notes.append(f"undecided: {n_used} samples compared, the behavior asks for {arm.measure.min_samples}")
        return "inconclusive", notes
    return found.verdict, notes


def _lost_words(reason: str, primary: stats.Verdict, strict: stats.Verdict, lost: Sequence[float]) -> str:
    """The reason, how much was lost, and what each way of counting it says where they differ."""
    shares = f"{100 * lost[0]:.1f} % before and {100 * lost[1]:.1f} % after"
    if reason != stats.DEPENDS_ON_ERRORS:
        return f"{reason}, {shares}"
    words = wording.VERDICT_WORD
    return f"{reason}: {words[primary]} without the {shares} that were lost, {words[strict]} with them failed"


def _moved_apart(slices: Sequence[SliceComparison]) -> bool:
    """Whether slices of one key changed in opposite directions, each of them shown."""
    signs: dict[str, set[bool]] = {}
    for entry in slices:
        if entry.verdict in stats.CHANGES:
            signs.setdefault(entry.key, set()).add(entry.difference.value > 0)
    return any(len(both) == 2 for both in signs.values())


def _known(value: float) -> float | None:
    return None if math.isnan(value) else tidy_p(value)
