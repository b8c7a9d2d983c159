"""Checks of behaviors, quirks and the taxonomy: ids, closed lists, measures, statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mbe_docs.curated.checks import Check, Complaint, Everything, Note
from mbe_docs.curated.checks_models import unknown_name
from mbe_docs.curated.files import CuratedFile
from mbe_docs.curated.rules import parse_rule
from mbe_docs.errors import CuratedError, Location
from mbe_docs.records.behaviors import Behavior
from mbe_docs.records.quirks import Quirk, Statement


def _behaviors(everything: Everything) -> Iterator[tuple[CuratedFile[Behavior], Behavior]]:
    for file in everything.behaviors:
        if file.partial is not None:
            yield file, file.partial


def _quirks(everything: Everything) -> Iterator[tuple[CuratedFile[Quirk], Quirk]]:
    for file in everything.quirks:
        if file.partial is not None:
            yield file, file.partial


def _statements(everything: Everything) -> Iterator[tuple[CuratedFile[Quirk], int, Statement]]:
    for file, quirk in _quirks(everything):
        for number, statement in enumerate(quirk.statements):
            yield file, number, statement


def _ids(everything: Everything) -> Iterator[Complaint]:
    families: Sequence[tuple[str, Location]] = [(file.id, file.at()) for file in everything.families]
    yield from _repeated("family", families)
    yield from _repeated("behavior", [pair for file in everything.behaviors for pair in _names(file)])
    yield from _repeated("quirk", [pair for file in everything.quirks for pair in _names(file)])


def _names(file: Note) -> Iterator[tuple[str, Location]]:
    yield file.id, file.at()
    for number, alias in enumerate(file.partial.aliases if file.partial else ()):
        yield alias, file.at("aliases", number)


def _repeated(kind: str, names: Sequence[tuple[str, Location]]) -> Iterator[Complaint]:
    # Files own their names: an alias that repeats one is the mistake, whichever file comes first.
    taken: dict[str, Location] = {}
    for name, at in sorted(names, key=lambda pair: (pair[1].line or 0) > 1):
        first = taken.setdefault(name.casefold(), at)
        if first != at:
            problem = f"{kind} id or alias '{name}' is taken by {first}; expected each once, ignoring case"
            yield Complaint(problem, at, "remove the alias, or rename one of the files")


def _taxonomy_ids(everything: Everything) -> Iterator[Complaint]:
    file = everything.taxonomy
    if file is None or file.partial is None:
        return
    for section, ids in (
        ("categories", [category.id for category in file.partial.categories]),
        ("severities", [severity.id for severity in file.partial.severities]),
    ):
        for number, id in enumerate(ids):
            if id in ids[:number]:
                yield Complaint(
                    f"{section} has '{id}' twice; expected each once",
                    file.at(section, number),
                    "keep one of the two",
                )


def _category(everything: Everything) -> Iterator[Complaint]:
    taxonomy = everything.taxonomy.partial if everything.taxonomy else None
    if everything.taxonomy and (
        taxonomy is None or (everything.taxonomy.has("categories") and not taxonomy.categories)
    ):
        return  # the list itself is broken, and says so
    known = {category.id for category in taxonomy.categories} if taxonomy else set()
    for file, behavior in _behaviors(everything):
        if behavior.category not in known and not file.lost("category"):
            where = "a category of behaviors/taxonomy.yaml"
            at = file.at("category")
            yield unknown_name(
                "category is", behavior.category, known, at, expected=where, add="add the category there"
            )


def _severity(everything: Everything) -> Iterator[Complaint]:
    taxonomy = everything.taxonomy.partial if everything.taxonomy else None
    if everything.taxonomy and (
        taxonomy is None or (everything.taxonomy.has("severities") and not taxonomy.severities)
    ):
        return
    known = {severity.id for severity in taxonomy.severities} if taxonomy else set()
    for file, quirk in _quirks(everything):
        if quirk.severity not in known and not file.lost("severity"):
            problem = f"severity '{quirk.severity}' has no rule in behaviors/taxonomy.yaml"
            fix = f"add `- {{id: {quirk.severity}, rule: …}}` to its `severities:`"
            yield Complaint(problem, file.at("severity"), fix)


def _margin(everything: Everything) -> Iterator[Complaint]:
    for file, behavior in _behaviors(everything):
        is_written = (
            file.has("measure", "margin") or file.lost("measure") or behavior.measure.margin is not None
        )
        if not is_written and behavior.status != "withdrawn":
            problem = "measure.margin is missing; no verdict 'unchanged' without it"
            yield Complaint(problem, file.at("measure"), "write the smallest change anyone would act on")


def _range(everything: Everything) -> Iterator[Complaint]:
    for file, behavior in _behaviors(everything):
        if (bounds := behavior.measure.range) is None:
            continue
        low, high = bounds
        at = file.at("measure", "range")
        if behavior.measure.unit == "proportion" and bounds != (0, 1):
            problem = f"measure.range is [{low:g}, {high:g}] for a proportion; expected [0, 1]"
            yield Complaint(problem, at, "remove `range:`, or write `unit: points`")
        elif low >= high:
            problem = f"measure.range is [{low:g}, {high:g}]; expected the smaller number first"
            yield Complaint(problem, at, f"write `range: [{min(bounds):g}, {max(bounds):g}]`")


def _numbers(everything: Everything) -> Iterator[Complaint]:
    for file, behavior in _behaviors(everything):
        measure = behavior.measure
        low, high = measure.range or (
            (0.0, 1.0) if measure.unit == "proportion" else (float("-inf"), float("inf"))
        )
        if measure.margin is not None and not 0 < measure.margin <= high - low:
            most = "" if high - low == float("inf") else f" and at most {high - low:g}"
            yield _number(
                file, "margin", f"{measure.margin:g}", f"more than 0{most}", "write a change, like `0.05`"
            )
        if measure.require is not None and not low <= measure.require <= high:
            yield _number(
                file, "require", f"{measure.require:g}", f"{low:g} to {high:g}", "write it in the unit"
            )
        if measure.min_samples < 1:
            yield _number(
                file, "min_samples", f"{measure.min_samples}", "1 or more", "write `min_samples: 30`"
            )


def _number(file: CuratedFile[Behavior], key: str, value: str, expected: str, fix: str) -> Complaint:
    return Complaint(f"measure.{key} is {value}; expected {expected}", file.at("measure", key), fix)


def _withdrawn(everything: Everything) -> Iterator[Complaint]:
    for file, behavior in _behaviors(everything):
        if behavior.status == "withdrawn" and behavior.withdrawn is None and not file.has("withdrawn"):
            problem = "status is 'withdrawn' without a date; expected `withdrawn:`"
            yield Complaint(problem, file.at("status"), "write the day, like `withdrawn: 2026-01-31`")
        if behavior.withdrawn is not None and file.has("status") and behavior.status != "withdrawn":
            problem = f"withdrawn on {behavior.withdrawn}, but status is '{behavior.status}'"
            yield Complaint(problem, file.at("status"), "write `status: withdrawn`, or remove the date")
        elif behavior.withdrawn is not None and not file.has("status"):
            problem = f"withdrawn on {behavior.withdrawn}, but status is missing; expected 'withdrawn'"
            yield Complaint(problem, file.at("withdrawn"), "write `status: withdrawn`")


def _quirk_behavior(everything: Everything) -> Iterator[Complaint]:
    for file, quirk in _quirks(everything):
        if quirk.behavior not in everything.behavior_ids and not file.lost("behavior"):
            at, known = file.at("behavior"), everything.behavior_ids
            where = "the id of a file in behaviors/"
            yield unknown_name("behavior is", quirk.behavior, known, at, expected=where, add="write the file")


def _affected_when(everything: Everything) -> Iterator[Complaint]:
    units = {name: behavior.measure for file, behavior in _behaviors(everything) for name, _ in _names(file)}
    for file, quirk in _quirks(everything):
        if quirk.detect is None:
            continue
        at = file.at("detect", "affected_when")
        try:
            rule = parse_rule(quirk.detect.affected_when)
        except CuratedError as error:
            yield Complaint(f"detect.affected_when: {error.problem}", at, error.fix or "")
            continue
        measure = units.get(quirk.behavior)
        if measure is not None and measure.unit == "proportion" and not 0 <= rule.threshold <= 1:
            problem = f"detect.affected_when is '{rule}'; expected a share from 0 to 1"
            yield Complaint(problem, at, f"write `rate {rule.op} {rule.threshold / 100:g}`")


def _statement_snapshots(everything: Everything) -> Iterator[Complaint]:
    if everything.has_broken_family:
        return
    for file, number, statement in _statements(everything):
        for position, id in enumerate(statement.snapshots):
            if id not in everything.subject_ids:
                at = file.at("statements", number, "snapshots", position)
                yield unknown_name(
                    f"statements[{number}].snapshots has",
                    id,
                    everything.subject_ids,
                    at,
                    expected="a snapshot or variant of behaviors/models/",
                    add="add the model to its family",
                )


def _source(everything: Everything) -> Iterator[Complaint]:
    for file, number, statement in _statements(everything):
        if statement.evidence_level == "reported" and not file.has("statements", number, "source"):
            problem = f"statements[{number}] is 'reported' without a source"
            at = file.at("statements", number, "evidence_level")
            yield Complaint(problem, at, "write `source: {url: …, read: …}`")


def _seen_in(everything: Everything) -> Iterator[Complaint]:
    for file, number, statement in _statements(everything):
        if statement.evidence_level == "reproduced" and not file.has("statements", number, "seen_in"):
            problem = f"statements[{number}] is 'reproduced' and does not say where it can be seen"
            at = file.at("statements", number, "evidence_level")
            yield Complaint(problem, at, "write `seen_in: {task: …, samples: […]}`")


def _override(everything: Everything) -> Iterator[Complaint]:
    for file, number, statement in _statements(everything):
        override = statement.override
        if override is not None and everything.as_of is not None and override.expires < everything.as_of:
            newest = f"the newest evidence is of {everything.as_of}"
            problem = f"statements[{number}].override expired {override.expires}; {newest}"
            at = file.at("statements", number, "override", "expires")
            yield Complaint(
                problem, at, "look again: remove the statement, or write a later date and the reason"
            )


def _mitigations(everything: Everything) -> Iterator[Complaint]:
    for file, quirk in _quirks(everything):
        ids = [mitigation.id for mitigation in quirk.mitigations]
        for number, id in enumerate(ids):
            if id in ids[:number]:
                at = file.at("mitigations", number, "id")
                yield Complaint(
                    f"mitigations has '{id}' twice; expected each id once", at, "rename one of the two"
                )


NOTE_CHECKS: Final = (
    Check(
        "MBE120",
        "ids and aliases once",
        "error",
        "An id is a permalink, and an alias keeps an old one alive: each leads to one page.",
        "Remove the alias, or rename one of the files.",
        _ids,
    ),
    Check(
        "MBE121",
        "taxonomy ids once",
        "error",
        "Two meanings of one word are no closed list.",
        "Keep one of the two.",
        _taxonomy_ids,
    ),
    Check(
        "MBE140",
        "known categories",
        "error",
        "Categories are a closed list, so that two people file a behavior in one place.",
        "Write a category of `behaviors/taxonomy.yaml`, or add it there with its meaning.",
        _category,
    ),
    Check(
        "MBE141",
        "severities with a rule",
        "error",
        "Without a rule two people pick different severities for one quirk.",
        "Add the severity and its rule to `behaviors/taxonomy.yaml`.",
        _severity,
    ),
    Check(
        "MBE142",
        "margins",
        "warning",
        "*Unchanged* means: smaller than any change someone would act on. Without a margin it is never said.",
        "Write `margin:` in the unit of the measure.",
        _margin,
    ),
    Check(
        "MBE143",
        "score ranges",
        "error",
        "Intervals are computed inside the range; a wrong one gives wrong intervals.",
        "A proportion is [0, 1]; other scores have the smaller number first.",
        _range,
    ),
    Check(
        "MBE144",
        "numbers of a measure",
        "error",
        "A margin of 0 finds every change, a bar outside of the range none.",
        "Write margin and bar in the unit of the measure, inside its range.",
        _numbers,
    ),
    Check(
        "MBE145",
        "withdrawn with a date",
        "error",
        "Entries are never deleted; a reader of an old link sees when and that it was withdrawn.",
        "Write both `status: withdrawn` and `withdrawn: DATE`.",
        _withdrawn,
    ),
    Check(
        "MBE146",
        "quirks of behaviors",
        "error",
        "A quirk is a way in which a behavior fails; its page hangs below that behavior.",
        "Write the id of a file in `behaviors/`.",
        _quirk_behavior,
    ),
    Check(
        "MBE147",
        "rules that can be computed",
        "error",
        "The status of a quirk is computed from its rule, not written by hand.",
        'Write it like `affected_when: "rate < 0.90"`.',
        _affected_when,
    ),
    Check(
        "MBE148",
        "statements about known snapshots",
        "error",
        "A statement about an unknown snapshot stands on no card.",
        "Write the id of a snapshot or variant of `behaviors/models/`.",
        _statement_snapshots,
    ),
    Check(
        "MBE149",
        "reported with a source",
        "error",
        "What others reported can be judged only where it was read.",
        "Write `source: {url: …, read: …}`.",
        _source,
    ),
    Check(
        "MBE150",
        "overrides that still hold",
        "error",
        "Contradicting the evidence is for a time; after it someone must look again.",
        "Remove the statement, or write a later date and the reason.",
        _override,
    ),
    Check(
        "MBE151",
        "mitigation ids once",
        "error",
        "Measured effects are matched to mitigations by id.",
        "Rename one of the two.",
        _mitigations,
    ),
    Check(
        "MBE152",
        "reproduced where it can be seen",
        "warning",
        "Who doubts a statement wants to read what the model wrote.",
        "Write `seen_in: {task: …, samples: […]}`; the quirk's page then links to the runs.",
        _seen_in,
    ),
)
"""About ids, the taxonomy, behaviors and quirks."""
