"""The status of a quirk on every subject: a rule over the interval, not the mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mbe_docs.curated.rules import Rule, parse_rule
from mbe_docs.records.behaviors import Unit
from mbe_docs.records.estimates import Estimate, Interval, QuirkStatement
from mbe_docs.records.quirks import Quirk, QuirkStatus, Statement
from mbe_docs.registry.bars import n_more
from mbe_docs.registry.sightings import Sighting
from mbe_docs.registry.subjects import Subjects
from mbe_docs.registry.wording import UNIT_SIGN, interval_text, value_text


def statements(
    quirks: Iterable[Quirk],
    estimates: Mapping[tuple[str, str], Estimate],
    subjects: Subjects,
    sightings: Mapping[tuple[str, str], Sighting] = MappingProxyType({}),
) -> Iterator[QuirkStatement]:
    """One statement per quirk and subject that somebody measured, reported, or should have measured.

    `estimates` and `sightings` are keyed by (quirk id, subject). Evidence of our own wins over an authored
    statement unless that overrides it with a reason; a snapshot of the same family that nobody measured is
    said to be unknown.
    """
    for quirk in quirks:
        found: dict[str, QuirkStatement] = {}
        for subject in subjects.all:
            authored = _authored(quirk, subject)
            estimate = estimates.get((quirk.id, subject))
            if estimate is not None and not (authored and authored.override):
                found[subject] = _measured(quirk, estimate)
            elif authored is not None:
                found[subject] = _reported(quirk, subject, authored, sightings.get((quirk.id, subject)))
        yield from _with_history(quirk, found, subjects)


def _authored(quirk: Quirk, subject: str) -> Statement | None:
    return next((entry for entry in quirk.statements if subject in entry.snapshots), None)


def _measured(quirk: Quirk, estimate: Estimate) -> QuirkStatement:
    assert quirk.detect is not None
    rule = parse_rule(quirk.detect.affected_when)
    seen = _quantity(estimate, rule)
    status, reason, more = _decide(rule, seen, estimate)
    return QuirkStatement(
        quirk=quirk.id,
        subject=estimate.subject,
        status=status,
        evidence_level="measured",
        rate=None if estimate.is_partial else seen.interval,
        n_samples=seen.n_samples,
        n_attempts=estimate.n_attempts,
        coverage=estimate.coverage,
        as_of=estimate.as_of,
        runs=estimate.runs,
        reason=reason,
        n_more=more,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a rule speaks of."""

    interval: Interval | None
    n_samples: int
    n_effective: float | None


def _quantity(estimate: Estimate, rule: Rule) -> _Seen:
    """The rate, or how often two attempts at a sample differ."""
    if rule.quantity == "rate":
        return _Seen(estimate.rate, estimate.n_samples, estimate.n_effective)
    repeat = estimate.repeatability
    return _Seen(repeat.flake, repeat.n_samples, repeat.n_effective) if repeat else _Seen(None, 0, None)


def _decide(rule: Rule, seen: _Seen, estimate: Estimate) -> tuple[QuirkStatus, str, int | None]:
    interval, unit = seen.interval, rule_unit(rule, estimate.unit)
    if estimate.is_partial:
        return "unknown", "The only run of it did not finish, so it is no result.", None
    if interval is None:
        return "unknown", "No sample was tried twice, so nothing is known of how answers vary.", None
    shown, words = f"{value_text(interval, unit)} {interval_text(interval, unit)}", rule_words(rule, unit)
    ends = (rule.holds(interval.low), rule.holds(interval.high))
    if all(ends):
        return "affected", f"The whole interval {shown} is {words}.", None
    if not any(ends):
        return "not_affected", f"No part of the interval {shown} is {words}.", None
    more = None
    if unit == "proportion":
        more = n_more(interval, rule.threshold, n_samples=seen.n_samples, n_effective=seen.n_effective)
    need = f"; about {more:,} more samples would settle it" if more else ""
    return "unknown", f"Only a part of the interval {shown} is {words}{need}.", more


def rule_unit(rule: Rule, unit: Unit) -> Unit:
    """The unit of what a rule speaks of, where `unit` is that of the behavior: flips are a share."""
    return "proportion" if rule.quantity == "flake" else unit


def rule_words(rule: Rule, unit: Unit) -> str:
    """`below 90 %`: the rule's threshold as people say it."""
    word = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}[rule.op]
    number = rule.threshold * 100 if unit == "proportion" else rule.threshold
    return f"{word} {number:g}{UNIT_SIGN[unit]}"


def _reported(quirk: Quirk, subject: str, authored: Statement, sighting: Sighting | None) -> QuirkStatement:
    level = {
        "reported": "Reported",
        "reproduced": "Reproduced",
        "measured": "Measured",
        "under_test": "Under test",
    }
    source = f", {authored.source.url} (read {authored.source.read})" if authored.source else ""
    basis = "no rate of our own."
    if authored.override:
        basis = f"this overrides our evidence: {authored.override.reason}"
    note = f" {authored.note}" if authored.note else ""
    return QuirkStatement(
        quirk=quirk.id,
        subject=subject,
        status=authored.status,
        evidence_level=authored.evidence_level,
        runs=sighting.runs if sighting else (),
        samples=sighting.seen_in.samples if sighting else (),
        reason=f"{level[authored.evidence_level]}{source}; {basis}{note}",
    )


def _with_history(
    quirk: Quirk, found: dict[str, QuirkStatement], subjects: Subjects
) -> Iterator[QuirkStatement]:
    """*Not affected* after an affected predecessor is *fixed*; a gap in a touched family is *unknown*."""
    families = {subjects.all[subject].family.id for subject in found}
    for subject in subjects.all.values():
        statement = found.get(subject.id)
        if statement is None:
            if subject.family.id in families and subject.variant is None and quirk.withdrawn is None:
                yield QuirkStatement(
                    quirk=quirk.id,
                    subject=subject.id,
                    status="unknown",
                    evidence_level="none",
                    reason="Nobody has measured this here.",
                )
            continue
        if statement.status == "not_affected" and _was_affected(subject.id, found, subjects):
            statement = statement.model_copy(update={"status": "fixed"})
        yield statement


def _was_affected(subject: str, found: Mapping[str, QuirkStatement], subjects: Subjects) -> bool:
    family = subjects.all[subject].family
    if subjects.all[subject].variant is not None:
        return False
    todo, seen = list(family.predecessors(subject)), set[str]()
    while todo:
        earlier = todo.pop()
        if earlier in found and found[earlier].status in ("affected", "flaky"):
            return True
        if earlier not in seen:
            seen.add(earlier)
            todo.extend(family.predecessors(earlier))
    return False
