"""The card of one subject: what it is, what it is good enough for, its quirks, changes and evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mbe_docs.pages import numbers
from mbe_docs.pages.drifting import DriftRow, date_of, drift_row
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import STATUS_ORDER, Lookup, diff_id, model_path, run_id
from mbe_docs.pages.numbers import Number
from mbe_docs.pages.run_table import run_rows
from mbe_docs.pages.views import ComparisonRow, Link, QuirkRow, RunRow, State
from mbe_docs.records.estimates import Comparison, DriftReport, Estimate, QuirkStatement
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording
from mbe_docs.registry.subjects import Subject

_LIFE = {
    "active": State("active", "●", "good"),
    "legacy": State("legacy", "◐", "open"),
    "deprecated": State("deprecated", "▽", "open"),
    "retired": State("retired", "■", "bad"),
}


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """One behavior measured on this subject."""

    behavior: Link
    summary: str | None
    number: Number | None
    """`None` where no run finished: half a run never reads as a result."""
    state: State
    bar: str | None
    need: str | None
    flake: str | None
    partial: str | None


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """What changed against one other subject."""

    diff: Link
    relation: str
    headline: str
    counts: tuple[tuple[State, int], ...]
    rows: tuple[ComparisonRow, ...]


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything a model card shows."""

    id: str
    title: str
    family: str
    provider: str
    life: State
    facts: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    variant_of: Link | None
    conditions: tuple[str, ...]
    summary: str | None
    lead: str
    basis: str | None
    good: tuple[MeasuredRow, ...]
    poor: tuple[MeasuredRow, ...]
    open: tuple[MeasuredRow, ...]
    measured: tuple[MeasuredRow, ...]
    not_measured: tuple[Link, ...]
    quirks: tuple[QuirkRow, ...]
    quirk_counts: str
    changes: tuple[ChangeGroup, ...]
    related: tuple[tuple[str, Link], ...]
    drifts: tuple[tuple[Link, str, Link], ...]
    """(behavior, sentence, run where it began) of what changed while the model kept its name."""
    repeated: tuple[DriftRow, ...]
    """What is not plainly steady, run by run."""
    steady: tuple[Link, ...]
    """Behaviors measured again and again that stayed what they were."""
    runs: tuple[RunRow, ...]
    as_of: str | None


class _ModelCards:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """One card per snapshot and variant."""
        del context
        lookup = Lookup(registry)
        for subject_id in lookup.subject_ids():
            subject = lookup.subject(subject_id)
            view = card_view(lookup, subject)
            yield PageFile(
                id=f"model:{subject_id}",
                path=model_path(subject_id),
                template="model_card.md.j2",
                view=view,
                title=subject.title,
                description=view.lead,
                anchors=frozenset(
                    {
                        "known-quirks",
                        "measured-behaviors",
                        "what-changed",
                        "evidence",
                        "measured-again-and-again",
                    }
                ),
                nav=("Models", subject.family.title),
            )


PAGE = _ModelCards()


def card_view(lookup: Lookup, subject: Subject) -> CardView:
    """The view of one card."""
    estimates = [entry for entry in lookup.registry.estimates if entry.subject == subject.id]
    rows = {entry.behavior: measured_row(lookup, entry) for entry in estimates}
    by_state: dict[str, list[MeasuredRow]] = {
        "sufficient": [],
        "insufficient": [],
        "undecided": [],
        "no_bar": [],
    }
    for entry in estimates:
        by_state[entry.sufficiency].append(rows[entry.behavior])
    statements = lookup.statements_of(subject.id)
    run_keys = dict.fromkeys(key for entry in estimates for key in (*entry.runs, *entry.other_runs))
    mine = [run.run.run_key for run in lookup.registry.runs if run.subject == subject.id]
    reports = [report for report in lookup.registry.drifts if report.subject == subject.id]
    snapshot, variant = subject.snapshot, subject.variant
    changes = tuple(_changes(lookup, subject))
    return CardView(
        id=subject.id,
        title=subject.title,
        family=subject.family.title,
        provider=subject.family.provider,
        life=_LIFE[snapshot.status],
        facts=tuple(_facts(subject)),
        names=tuple(dict.fromkeys((subject.id, *snapshot.known_as))) if variant is None else (subject.id,),
        variant_of=lookup.model_link(snapshot.id) if variant else None,
        conditions=tuple(f"{key}: {_shown(value)}" for key, value in variant.when.items()) if variant else (),
        summary=None if variant else snapshot.summary or subject.family.summary,
        lead=_lead(estimates, statements, changes),
        basis=_basis(lookup, estimates, sum(statement.evidence_level != "none" for statement in statements)),
        good=tuple(by_state["sufficient"]),
        poor=tuple(by_state["insufficient"]),
        open=tuple(by_state["undecided"]),
        measured=tuple(rows.values()),
        not_measured=tuple(
            lookup.behavior_link(behavior.id)
            for behavior in lookup.registry.behaviors
            if behavior.id not in rows and behavior.status == "active"
        ),
        quirks=tuple(lookup.quirk_row(statement) for statement in statements),
        quirk_counts=_quirk_counts([statement.status for statement in statements]),
        changes=changes,
        related=tuple(_related(lookup, subject)),
        drifts=tuple(_drifts(lookup, subject)),
        repeated=tuple(drift_row(lookup, report) for report in reports if _is_worth_a_look(report)),
        steady=tuple(
            lookup.behavior_link(report.behavior) for report in reports if not _is_worth_a_look(report)
        ),
        runs=run_rows(lookup.runs[key] for key in dict.fromkeys((*mine, *run_keys))),
        as_of=max((entry.as_of for entry in estimates if entry.as_of), default=None),
    )


def measured_row(lookup: Lookup, estimate: Estimate) -> MeasuredRow:
    """One behavior of a card."""
    behavior = lookup.behaviors[estimate.behavior]
    measure = behavior.measure
    sign = "≥" if measure.direction == "higher" else "≤"
    bar = None
    if measure.require is not None:
        bar = f"{sign} {_at_scale(measure.require, estimate)}"
    need = None
    if estimate.sufficiency == "undecided" and estimate.n_more_for_bar:
        need = f"about {estimate.n_more_for_bar:,} more samples would settle it"
    flake = None
    if estimate.repeatability and estimate.repeatability.flaky_samples and not estimate.is_partial:
        repeat = estimate.repeatability
        flake = f"{repeat.flaky_samples} of {repeat.n_samples} samples flip between attempts"
    partial = "no result: the run did not finish" if estimate.is_partial else None
    return MeasuredRow(
        behavior=lookup.behavior_link(behavior.id),
        summary=behavior.summary,
        number=None if estimate.is_partial else numbers.estimate_number(estimate, measure),
        state=State(
            wording.SUFFICIENCY_WORD[estimate.sufficiency],
            wording.SUFFICIENCY_SHAPE[estimate.sufficiency],
            numbers.tone_of(estimate),
        ),
        bar=bar,
        need=need,
        flake=flake,
        partial=partial,
    )


def _at_scale(value: float, estimate: Estimate) -> str:
    return f"{value * 100:g}{wording.THIN}%" if estimate.unit == "proportion" else f"{value:g}"


def _facts(subject: Subject) -> Iterator[tuple[str, str]]:
    snapshot = subject.snapshot
    if snapshot.released:
        yield "Released", snapshot.released.isoformat()
    if snapshot.shutdown:
        word = "Shuts down" if snapshot.shutdown.precision == "exact" else "Not before"
        yield word, snapshot.shutdown.date.isoformat()
    if snapshot.replacement:
        yield "Replacement", snapshot.replacement
    if snapshot.context_tokens:
        yield "Context", f"{snapshot.context_tokens:,} tokens"
    if snapshot.max_output_tokens:
        yield "Longest answer", f"{snapshot.max_output_tokens:,} tokens"
    if snapshot.prices:
        price = max(snapshot.prices, key=lambda entry: entry.start)
        yield "Price", f"{price.input:g} $ in, {price.output:g} $ out per million tokens"


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _lead(estimates: list[Estimate], statements: list[QuirkStatement], changes: Sequence[ChangeGroup]) -> str:
    """What a colleague would say in one breath: good enough or not, quirks that show, what got worse."""
    if not estimates:
        return "Nobody has measured this."
    results = [entry for entry in estimates if not entry.is_partial]
    if not results:
        return "No finished run measured this."
    said = [_sufficiency_sentence(results)]
    showing = sum(statement.status in ("affected", "flaky") for statement in statements)
    if showing:
        said.append(f"{wording.counted(showing, 'known quirk')} {'shows' if showing == 1 else 'show'}.")
    for group in changes:
        counts = ", ".join(f"{count} {state.word}" for state, count in group.counts)
        said.append(f"Against {group.diff.text}: {counts}.")
    return " ".join(said)


def _sufficiency_sentence(results: list[Estimate]) -> str:
    states = [entry.sufficiency for entry in results if entry.sufficiency != "no_bar"]
    if not states:
        return f"{wording.counted(len(results), 'behavior')} measured, none with a bar to reach."
    good = states.count("sufficient")
    many = "all" if good == len(states) > 1 else f"{good or 'none'} of"
    rest = [
        f"{count} {words}"
        for count, words in (
            (states.count("insufficient"), "not good enough"),
            (states.count("undecided"), "undecided"),
        )
        if count
    ]
    behaviors = wording.counted(len(states), "behavior")
    tail = f": {', '.join(rest)}" if rest else ""
    return f"Good enough for {many} {behaviors} with a bar{tail}."


def _basis(lookup: Lookup, estimates: list[Estimate], n_quirks: int) -> str | None:
    """How much evidence that rests on. Runs, not estimates, are added up: several may share samples."""
    results = [entry for entry in estimates if not entry.is_partial]
    runs = [lookup.runs[key] for key in dict.fromkeys(key for entry in results for key in entry.runs)]
    if not runs:
        return None
    attempts = wording.counted(sum(run.attempts_seen for run in runs), "attempt")
    quirks = f"; {wording.counted(n_quirks, 'known quirk')} checked" if n_quirks else ""
    behaviors, read = wording.counted(len(results), "behavior"), wording.counted(len(runs), "run")
    return f"{behaviors} measured on {attempts} in {read}{quirks}."


def _quirk_counts(statuses: list[str]) -> str:
    counted = ((name, statuses.count(name)) for name in STATUS_ORDER)
    parts = [f"{count} {wording.STATUS_WORD[name]}" for name, count in counted if count]
    return " · ".join(parts)


def _changes(lookup: Lookup, subject: Subject) -> Iterator[ChangeGroup]:
    for (old, new), comparisons in lookup.pairs.items():
        if new != subject.id:
            continue
        relation = (
            "base configuration" if lookup.subject(old).snapshot.id == subject.snapshot.id else "predecessor"
        )
        yield ChangeGroup(
            diff=lookup.diff_link(old, new, lookup.subject(old).title),
            relation=relation,
            headline=wording.headline(comparisons, lookup.titles),
            counts=verdict_states(comparisons),
            rows=tuple(lookup.comparison_row(entry) for entry in in_order(comparisons)),
        )


def verdict_states(comparisons: list[Comparison]) -> tuple[tuple[State, int], ...]:
    """How many of each verdict, worst first."""
    return tuple(
        (
            State(
                wording.VERDICT_WORD[verdict], wording.VERDICT_SHAPE[verdict], wording.VERDICT_TONE[verdict]
            ),
            count,
        )
        for verdict, count in wording.verdict_counts(comparisons)
    )


def in_order(comparisons: list[Comparison]) -> list[Comparison]:
    """Worst first, hidden flips before other undecided ones."""
    return sorted(
        comparisons,
        key=lambda entry: (wording.VERDICT_ORDER.index(entry.verdict), not entry.hidden_flip, entry.behavior),
    )


def _is_worth_a_look(report: DriftReport) -> bool:
    return report.verdict != "steady" or report.alarm_run is not None or bool(report.breaks)


def _drifts(lookup: Lookup, subject: Subject) -> Iterator[tuple[Link, str, Link]]:
    """Series of runs that did not stay as they were."""
    for report in lookup.registry.drifts:
        if (
            report.subject == subject.id
            and report.change_run
            and report.verdict in ("drifted", "setup_changed")
        ):
            since = date_of(report, report.change_run)
            cause = f", together with the setup ({report.cause})" if report.cause else ""
            run = Link(run_id(report.change_run), "the run where it began")
            yield lookup.behavior_link(report.behavior), f"changed at {since}{cause}", run


def _related(lookup: Lookup, subject: Subject) -> Iterator[tuple[str, Link]]:
    if subject.variant is None:
        for variant in lookup.subjects.variants_of(subject.id):
            yield "also measured as", lookup.model_link(variant.id)
    for old, new in lookup.pairs:
        if old == subject.id and lookup.subject(new).snapshot.id != subject.snapshot.id:
            yield "successor", Link(diff_id(old, new), f"upgrade to {lookup.subject(new).title}")
