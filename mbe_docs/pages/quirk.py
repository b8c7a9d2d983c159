"""One known quirk: where it shows, since when, what to do, how to see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mbe_docs.curated.rules import parse_rule
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import STATUS_ORDER, Lookup
from mbe_docs.pages.run_table import run_rows
from mbe_docs.pages.views import Link, MitigationRow, QuirkRow, RunRow
from mbe_docs.records.behaviors import Unit
from mbe_docs.records.quirks import Quirk
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording
from mbe_docs.registry.statuses import rule_unit, rule_words


@dataclass(frozen=True, slots=True)
class QuirkView:
    """Everything a quirk page shows."""

    quirk: Quirk
    behavior: Link
    severity_rule: str | None
    lead: str
    rule: str | None
    statements: tuple[tuple[Link, QuirkRow], ...]
    is_measured: bool
    """Whether any of them has a number."""
    mitigations: tuple[MitigationRow, ...]
    runs: tuple[RunRow, ...]


class _Quirks:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """One page per quirk, withdrawn ones included: ids resolve for ever."""
        del context
        lookup = Lookup(registry)
        for quirk in registry.quirks:
            view = quirk_view(lookup, quirk)
            yield PageFile(
                id=f"quirk:{quirk.id}",
                path=f"quirks/{quirk.id}.md",
                template="quirk.md.j2",
                view=view,
                title=quirk.title,
                description=view.lead,
                anchors=frozenset({"where-it-shows", "what-to-do", "evidence"}),
                nav=("Known quirks",),
            )


PAGE = _Quirks()


def quirk_view(lookup: Lookup, quirk: Quirk) -> QuirkView:
    """The view of one quirk."""
    statements = {entry.subject: entry for entry in lookup.registry.statements if entry.quirk == quirk.id}
    ordered = [statements[subject] for subject in lookup.subject_ids() if subject in statements]
    rule = next((entry for entry in lookup.registry.taxonomy.severities if entry.id == quirk.severity), None)
    runs = dict.fromkeys(key for entry in ordered for key in entry.runs)
    rows = tuple((lookup.model_link(entry.subject), lookup.quirk_row(entry)) for entry in ordered)
    return QuirkView(
        quirk=quirk,
        behavior=lookup.behavior_link(quirk.behavior),
        severity_rule=rule.rule if rule else None,
        lead=lead_of(lookup, quirk),
        rule=_rule(quirk, lookup.behaviors[quirk.behavior].measure.unit),
        statements=rows,
        is_measured=any(row.number is not None for _, row in rows),
        mitigations=lookup.mitigation_rows(quirk),
        runs=run_rows(lookup.runs[key] for key in runs),
    )


def lead_of(lookup: Lookup, quirk: Quirk) -> str:
    """One sentence: where it shows."""
    by_status: dict[str, list[str]] = {name: [] for name in STATUS_ORDER}
    for subject in lookup.subject_ids():
        for entry in lookup.registry.statements:
            if entry.quirk == quirk.id and entry.subject == subject:
                by_status[entry.status].append(lookup.subject(subject).title)
    if not any(by_status.values()):
        return "Nobody has measured this on any model."
    sentence = "; ".join(
        f"{wording.STATUS_WORD[status]}: {wording.listed(names)}"
        for status, names in by_status.items()
        if names
    )
    return f"{sentence[0].upper()}{sentence[1:]}."


def _rule(quirk: Quirk, unit: Unit) -> str | None:
    if quirk.detect is None:
        return None
    detect = quirk.detect
    where = " and ".join(f"{key} = {value}" for key, value in detect.where.items())
    only = f", only samples with {where}" if where else ""
    rule = parse_rule(detect.affected_when)
    quantity = "the rate" if rule.quantity == "rate" else "the share of attempt pairs that disagree"
    task = wording.listed(list(detect.task), last="or")
    return (
        f"{quantity} is {rule_words(rule, rule_unit(rule, unit))}: task {task}, scorer {detect.scorer}{only}"
    )
