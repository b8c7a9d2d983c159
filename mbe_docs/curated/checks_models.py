"""Checks of model families: every name means one thing, and every interval and order can hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Final

from mbe_docs.curated.checks import Check, Complaint, Everything
from mbe_docs.curated.files import CuratedFile
from mbe_docs.errors import Location
from mbe_docs.records.models import AliasBinding, Family
from mbe_docs.safe_yaml import closest, shorten


def unknown_name(
    what: str, id: str, options: Collection[str], at: Location, *, expected: str, add: str
) -> Complaint:
    """The complaint about an id that nothing has; `what` ends in a verb, `add` makes it known."""
    near = closest(id, options)
    fix = f"write `{near}`, or {add}" if near else f"correct the id, or {add}"
    return Complaint(f"{what} '{shorten(id)}'; expected {expected}", at, fix)


def _not_in_family(what: str, id: str, family: Family, at: Location) -> Complaint:
    return unknown_name(
        what,
        id,
        family.snapshots,
        at,
        expected="a snapshot of this family",
        add="add the snapshot under `snapshots:`",
    )


def _families(everything: Everything) -> Iterator[tuple[CuratedFile[Family], Family]]:
    for file in everything.families:
        if file.partial is not None and not file.lost("snapshots"):
            yield file, file.partial


def _lineage(everything: Everything) -> Iterator[Complaint]:
    for file, family in _families(everything):
        for number, branch in enumerate(family.lineage):
            for position, id in enumerate(branch):
                at = file.at("lineage", number, position)
                if id not in family.snapshots:
                    yield _not_in_family("lineage has", id, family, at)


def _lineage_order(everything: Everything) -> Iterator[Complaint]:
    for file, family in _families(everything):
        after: dict[str, set[str]] = {}
        for old, new in family.neighbours():
            after.setdefault(old, set()).add(new)
        for id in sorted(after):
            seen, todo = set[str](), list(after[id])
            while todo:
                step = todo.pop()
                if step not in seen:
                    seen.add(step)
                    todo.extend(after.get(step, ()))
            if id in seen:
                problem = (
                    f"lineage has '{id}' before and after itself; expected oldest first, each once a branch"
                )
                yield Complaint(problem, file.at("lineage"), "name each snapshot once in a branch")


def _bindings(
    everything: Everything,
) -> Iterator[tuple[CuratedFile[Family], Family, str, int, AliasBinding]]:
    for file, family in _families(everything):
        for alias, bindings in family.aliases.items():
            for number, binding in enumerate(bindings):
                yield file, family, alias, number, binding


def _alias_snapshot(everything: Everything) -> Iterator[Complaint]:
    for file, family, alias, number, binding in _bindings(everything):
        if binding.snapshot not in family.snapshots:
            at = file.at("aliases", alias, number, "snapshot")
            yield _not_in_family(f"aliases.{alias}[{number}].snapshot is", binding.snapshot, family, at)


def _alias_interval(everything: Everything) -> Iterator[Complaint]:
    for file, _, alias, number, binding in _bindings(everything):
        if binding.end is not None and binding.end <= binding.start:
            problem = f"alias '{alias}' ends {binding.end}, not after it starts {binding.start}"
            at = file.at("aliases", alias, number, "to")
            yield Complaint(problem, at, "write the first day on which it meant something else")


def _alias_overlap(everything: Everything) -> Iterator[Complaint]:
    for file, family in _families(everything):
        for alias, bindings in family.aliases.items():
            order = sorted(enumerate(bindings), key=lambda pair: pair[1].start)
            for (_, earlier), (number, later) in pairwise(order):
                if earlier.end is None or later.start < earlier.end:
                    until = f"until {earlier.end}" if earlier.end else "without an end"
                    problem = (
                        f"alias '{alias}' means '{later.snapshot}' from {later.start}, "
                        f"and '{earlier.snapshot}' from {earlier.start} {until}; expected one meaning a day"
                    )
                    at = file.at("aliases", alias, number, "from")
                    yield Complaint(problem, at, f"write `to: {later.start}` for '{earlier.snapshot}'")


def _variant_of(everything: Everything) -> Iterator[Complaint]:
    for file, family in _families(everything):
        for id, variant in family.variants.items():
            if variant.of not in family.snapshots:
                at = file.at("variants", id, "of")
                yield _not_in_family(f"variants.{id}.of is", variant.of, family, at)


def _variant_when(everything: Everything) -> Iterator[Complaint]:
    for file, family in _families(everything):
        for id, variant in family.variants.items():
            if not variant.when:
                problem = f"variants.{id}.when is empty; expected what sets it apart from '{variant.of}'"
                at = file.at("variants", id, "when")
                yield Complaint(problem, at, "write the parameter, like `when: {reasoning_effort: high}`")


def _replacement(everything: Everything) -> Iterator[Complaint]:
    if everything.has_broken_family:
        return
    for file, family in _families(everything):
        for id, snapshot in family.snapshots.items():
            if snapshot.replacement is not None and snapshot.replacement not in everything.snapshot_ids:
                at = file.at("snapshots", id, "replacement")
                yield unknown_name(
                    f"snapshots.{id}.replacement is",
                    snapshot.replacement,
                    everything.snapshot_ids,
                    at,
                    expected="a snapshot of any family",
                    add="add the model to its family",
                )


def _names(everything: Everything) -> Iterator[Complaint]:
    """Each name of a model in logs means one snapshot, variant or alias, over all families."""
    taken: dict[str, tuple[str, str, Location]] = {}
    for file, family in _families(everything):
        for name, owner, at in _names_of(file, family):
            first = taken.setdefault(name.casefold(), (name, owner, at))
            if first[1] != owner:
                problem = f"model name '{shorten(name)}' means {owner}, and {first[1]} at {first[2]}"
                yield Complaint(problem, at, "keep the name in one of the two")


def _names_of(file: CuratedFile[Family], family: Family) -> Iterator[tuple[str, str, Location]]:
    for id, snapshot in family.snapshots.items():
        owner = f"snapshot '{id}'"
        yield id, owner, file.at("snapshots", id)
        for number, name in enumerate(snapshot.known_as):
            yield name, owner, file.at("snapshots", id, "known_as", number)
        for number, served in enumerate(snapshot.served_by):
            yield served.id, owner, file.at("snapshots", id, "served_by", number, "id")
    for alias in family.aliases:
        yield alias, f"alias '{alias}'", file.at("aliases", alias)
    for id in family.variants:
        yield id, f"variant '{id}'", file.at("variants", id)


def _prices(everything: Everything) -> Iterator[Complaint]:
    for file, family in _families(everything):
        for id, snapshot in family.snapshots.items():
            for number, (earlier, later) in enumerate(pairwise(snapshot.prices), start=1):
                if later.start <= earlier.start:
                    problem = f"price from {later.start} stands after the one from {earlier.start}"
                    at = file.at("snapshots", id, "prices", number, "from")
                    yield Complaint(f"{problem}; expected oldest first", at, "sort the prices by date")


MODEL_CHECKS: Final = (
    Check(
        "MBE130",
        "lineage names snapshots",
        "error",
        "Upgrades are compared along the lineage; a wrong id leaves a comparison out.",
        "Write the id of a snapshot of the same family.",
        _lineage,
    ),
    Check(
        "MBE131",
        "aliases mean snapshots",
        "error",
        "Runs are matched to snapshots through aliases; evidence of an unknown one is lost.",
        "Write the id of a snapshot of the same family.",
        _alias_snapshot,
    ),
    Check(
        "MBE132",
        "alias intervals end after they start",
        "error",
        "An empty interval matches no run.",
        "`to:` is the first day on which the alias meant something else.",
        _alias_interval,
    ),
    Check(
        "MBE133",
        "aliases mean one snapshot a day",
        "error",
        "A run under an alias with two meanings would count for the wrong model.",
        "End the earlier interval on the day on which the later one begins.",
        _alias_overlap,
    ),
    Check(
        "MBE134",
        "variants belong to snapshots",
        "error",
        "A variant is a configuration of a snapshot; without one it has no card.",
        "Write the id of a snapshot of the same family.",
        _variant_of,
    ),
    Check(
        "MBE135",
        "variants say what they vary",
        "error",
        "A variant without conditions would take every run of its snapshot.",
        "Write at least one parameter under `when:`.",
        _variant_when,
    ),
    Check(
        "MBE136",
        "replacements are known",
        "warning",
        "Pages of retired snapshots link to their replacement; it may stand in another family.",
        "Write the id of a snapshot, or add the snapshot to its family.",
        _replacement,
    ),
    Check(
        "MBE137",
        "model names mean one thing",
        "error",
        "Names in logs are matched over all families, ignoring case.",
        "Keep each id, `known_as`, `served_by` id, alias and variant once.",
        _names,
    ),
    Check(
        "MBE138",
        "prices oldest first",
        "error",
        "A price holds from its date to the next one.",
        "Sort the prices by date, one for each date.",
        _prices,
    ),
    Check(
        "MBE139",
        "lineage without circles",
        "error",
        "A snapshot cannot be older and newer than another.",
        "Name each snapshot once in a branch, oldest first.",
        _lineage_order,
    ),
)
"""About model families."""
