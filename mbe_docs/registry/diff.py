"""A diff as asked for on the command line: two subjects compared, behavior by behavior or slice by slice."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final

from mbe_docs.config import FailOn
from mbe_docs.errors import ConfigError, Location
from mbe_docs.evidence.sql import CONDITIONS
from mbe_docs.records.behaviors import Measure
from mbe_docs.records.estimates import Comparison, Estimate
from mbe_docs.records.findings import Severity
from mbe_docs.records.models import AliasBinding
from mbe_docs.registry import wording
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.compare import Page, compare
from mbe_docs.registry.estimate import estimates
from mbe_docs.registry.merge import QUIRK, Evidence, with_cost
from mbe_docs.registry.subjects import Subjects

_REGRESSED: Final = frozenset({"MBE301", "MBE302", "MBE306", "MBE307"})
_INFERIOR: Final = _REGRESSED | {"MBE304", "MBE308"}
_INCONCLUSIVE: Final = _INFERIOR | {"MBE303"}
FAIL_ON: Final[dict[FailOn, frozenset[str]]] = {
    "regressed": _REGRESSED,
    "inferior": _INFERIOR,
    "inconclusive": _INCONCLUSIVE,
    "any-change": _INCONCLUSIVE | {"MBE305"},
    "never": frozenset(),
}
"""Codes that count, by the value of `--fail-on`."""


@dataclass(frozen=True, slots=True)
class GateFinding:
    """One thing that a diff shows and a person may have to act on."""

    code: str
    """MBE3xx, see `gate.RULES`."""
    severity: Severity
    """`error` counts: the diff exits with 1."""
    problem: str
    fix: str
    at: Location | None
    """The behavior's `measure`, or the line of an exception."""
    behavior: str
    slice: str | None = None
    verdict: str = ""
    """The word that an exception has to name."""
    accepted: str | None = None
    """Reason and last day of the exception that excuses it."""


@dataclass(frozen=True, slots=True)
class Diff:
    """Two subjects compared, and after `gate.judge` what of it counts."""

    old: str
    new: str
    old_title: str
    new_title: str
    titles: Mapping[str, str]
    """Behavior titles by id."""
    comparisons: tuple[Comparison, ...]
    """Worst first."""
    places: Mapping[str, Location] = field(default_factory=dict)
    """Where each behavior's measure is written."""
    notes: tuple[str, ...] = ()
    """Sentences about what is not compared."""
    as_of: datetime.date | None = None
    """The day of the newest run in the store."""
    fail_on: str = "regressed"
    findings: tuple[GateFinding, ...] = ()
    """Those that count first."""

    @property
    def exit_code(self) -> int:
        """0 nothing that counts, 1 something, 2 where nothing at all could be compared."""
        if self.comparisons and all(entry.verdict == "refused" for entry in self.comparisons):
            return 2
        return int(any(finding.severity == "error" for finding in self.findings))

    def title(self, comparison: Comparison) -> str:
        """The behavior's title, with the slice where the row is one."""
        title = self.titles.get(comparison.behavior, comparison.behavior)
        return f"{title} [{comparison.slice}]" if comparison.slice else title

    def headline(self, mark: Callable[[str], str] = "“{}”".format) -> str:
        """One sentence for a ticket; `mark` sets names apart from our own words."""
        if not self.comparisons:
            return "Nothing new since blessing."
        noun = "slice" if any(entry.slice for entry in self.comparisons) else "behavior"
        parts = []
        hidden = [finding for finding in self.findings if finding.code == "MBE302" and not finding.accepted]
        for verdict, count in wording.verdict_counts(list(self.comparisons)):
            names = [mark(self.title(entry)) for entry in self.comparisons if entry.verdict == verdict]
            shown = wording.listed(names) if count <= 3 else wording.counted(count, noun)
            parts.append(f"{wording.VERDICT_WORD[verdict]}: {shown}")
        if hidden:
            names = [mark(self.titles.get(name, name)) for name in dict.fromkeys(f.behavior for f in hidden)]
            shown = wording.listed(names) if len(names) <= 3 else wording.counted(len(names), "behavior")
            parts.insert(0, f"hidden by the mean: {shown}")
        if excused := sum(finding.accepted is not None for finding in self.findings):
            parts.append(f"accepted: {wording.counted(excused, 'finding')}")
        sentence = "; ".join(parts)
        return sentence[0].upper() + sentence[1:] + "."


def diff(
    evidence: Evidence, old: str, new: str, *, behaviors: Sequence[str] = (), by: str | None = None
) -> Diff:
    """Two subjects compared on every behavior; `by` is a slice, `key` or `key=value`.

    With `behaviors` only these are rows, with the verdicts that they have among all: a family is fixed
    before anybody looks.

    Raises:
        ConfigError: a name is unknown, both mean the same, or nothing was measured on either.
    """
    shown, names = chosen(evidence, behaviors), chosen(evidence, ())
    before, after = (subject_named(evidence, name) for name in (old, new))
    if before == after:
        raise ConfigError(
            f"'{old}' and '{new}' both mean {before}",
            fix="name two models; `mbe-docs diff --baseline` compares a model with its own past",
        )
    arms = [arm for arm in evidence.arms if arm.subject in (before, after) and arm.name in names]
    page = Page(before, after, names)
    compared = compared_arms(evidence, evidence.subjects, arms, page, shown=shown, by=by)
    if not compared:
        raise ConfigError(
            f"nothing was measured on {before} or {after}",
            fix="ingest logs of both; see `mbe-docs evidence list`",
        )
    subjects = evidence.subjects.all
    return make(evidence, before, after, subjects[before].title, subjects[after].title, compared)


def make(
    evidence: Evidence, old: str, new: str, old_title: str, new_title: str, rows: Sequence[Comparison]
) -> Diff:
    """A diff of these rows, worst first."""
    curated = evidence.curated
    order = wording.VERDICT_ORDER
    return Diff(
        old=old,
        new=new,
        old_title=old_title,
        new_title=new_title,
        titles={behavior.id: behavior.title for behavior in curated.behaviors},
        comparisons=tuple(
            sorted(rows, key=lambda row: (order.index(row.verdict), row.behavior, row.slice or ""))
        ),
        places={
            id: file.at("measure")
            for (kind, id), file in sorted(curated.files.items(), key=lambda item: item[0])
            if kind == "behavior"
        },
        as_of=evidence.as_of,
    )


def chosen(evidence: Evidence, behaviors: Sequence[str]) -> tuple[str, ...]:
    """Ids of these behaviors, or of all.

    Raises:
        ConfigError: there is no such behavior.
    """
    known = {behavior.id for behavior in evidence.curated.behaviors}
    for name in behaviors:
        if name not in known:
            raise ConfigError(
                f"there is no behavior '{name}'", fix=f"expected one of: {', '.join(sorted(known))}"
            )
    names = (name for name in evidence.measures if not name.startswith(QUIRK))
    return tuple(name for name in names if not behaviors or name in behaviors)


def compared_arms(
    evidence: Evidence,
    subjects: Subjects,
    arms: Sequence[Arm],
    page: Page,
    *,
    shown: Sequence[str],
    by: str | None,
) -> list[Comparison]:
    """The rows of a page, with costs; with `by` one row a slice.

    All of the page are decided together, and all values of a slice; those asked for are given.
    """
    policy = evidence.config.policy
    origin = {name: (name, "") for name in page.names}
    value = ""
    if by is not None and arms:
        with evidence.measured(arms) as (_, measured):
            arms, origin, value = _sliced(arms, estimates(measured), by)
        page = Page(page.old, page.new, tuple(origin))
    if not arms:
        return []
    with evidence.measured(arms) as (aggregation, measured):
        found = estimates(measured)
        rows = compare([page], measured, found, subjects, policy, aggregation=aggregation)[0]
    done = []
    for row in rows:
        behavior, part = origin[row.behavior]
        if behavior not in shown or (value and part != value):
            continue
        costed = with_cost(row, found, subjects)
        done.append(costed.model_copy(update={"behavior": behavior, "slice": part or None}))
    return done


def _sliced(
    arms: Sequence[Arm], found: Mapping[tuple[str, str], Estimate], by: str
) -> tuple[list[Arm], dict[str, tuple[str, str]], str]:
    """An arm for each value of a slice key, what each is of, and the value that is asked for.

    Raises:
        ConfigError: no behavior is cut by that key, or no sample has that value.
    """
    key, _, value = by.partition("=")
    key = key.removeprefix("metadata.")
    declared = {name.removeprefix("metadata.") for arm in arms for name in arm.measure.slices}
    if key not in declared:
        known = ", ".join(sorted(declared)) or "nothing"
        raise ConfigError(
            f"no behavior here is cut by '{key}'; expected one of: {known}",
            fix=f"write `slices: [{key}]` under `measure:`, or name another slice",
        )
    parts: list[Arm] = []
    origin: dict[str, tuple[str, str]] = {}
    for arm in arms:
        estimate = found.get((arm.name, arm.subject))
        for part in estimate.slices if estimate else ():
            if part.key.removeprefix("metadata.") == key:
                name = f"{arm.name}\n{key}={part.value}"
                origin[name] = (arm.name, f"{key}={part.value}")
                parts.append(replace(arm, name=name, measure=_part(arm, key, part.value)))
    wanted = f"{key}={value}" if value else ""
    values = sorted({part for _, part in origin.values()})
    if wanted and wanted not in values:
        raise ConfigError(f"no sample has {wanted}", fix=f"expected one of: {', '.join(values)}")
    return parts, dict(sorted(origin.items())), wanted


def _part(arm: Arm, key: str, value: str) -> Measure:
    """The measure of one slice: the bar and the least number of samples are those of the whole."""
    where = {**arm.measure.where, key: value}
    if len(where) > CONDITIONS:
        raise ConfigError(
            f"'{arm.name}' has {len(arm.measure.where)} conditions under `where:` already",
            fix=f"leave out a condition; {CONDITIONS} are possible with the slice",
        )
    return arm.measure.model_copy(update={"where": where, "slices": (), "require": None, "min_samples": 1})


def subject_named(evidence: Evidence, text: str) -> str:
    """The subject a name means: a snapshot, a variant, an alias as of its newest day, or `ALIAS@DATE`.

    Raises:
        ConfigError: nothing is called so, or the alias meant nothing on that day.
    """
    subjects = evidence.subjects
    name, day = text, datetime.date.max
    if text in subjects.all:
        return text
    found = subjects.snapshot_named(text, day)
    if found is None and "@" in text:
        name, _, written = text.rpartition("@")
        try:
            day = datetime.datetime.strptime(written, "%Y-%m-%d").date()
        except ValueError as error:
            raise ConfigError(
                f"'{written}' in '{text}' is no date", fix=f"write it like {name}@2026-01-31"
            ) from error
        found = name if name in subjects.all else subjects.snapshot_named(name, day)
    if found is not None:
        return found
    bindings = next(
        (
            family.aliases[alias]
            for family in evidence.curated.families
            for alias in family.aliases
            if alias.casefold() in (name.casefold(), name.rpartition("/")[2].casefold())
        ),
        None,
    )
    if bindings is not None:
        when = "" if day == datetime.date.max else f" on {day}"
        raise ConfigError(
            f"the alias '{name}' means no snapshot{when or ' now'}",
            fix=f"it meant {'; '.join(map(_binding_words, bindings))}",
        )
    near = get_close_matches(name, subjects.all, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"expected one of: {', '.join(subjects.all)}"
    raise ConfigError(f"no family lists the model '{name}'", fix=hint)


def _binding_words(binding: AliasBinding) -> str:
    until = f" until {binding.end}" if binding.end else " on"
    return f"{binding.snapshot} from {binding.start}{until}"
