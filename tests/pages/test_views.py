"""What pages show, before it is printed: edge cases of every view."""

from __future__ import annotations

import datetime
from dataclasses import fields, is_dataclass

import pytest

from mbe_docs.pages import numbers
from mbe_docs.pages.behavior import behavior_view
from mbe_docs.pages.catalogue import catalogue_view
from mbe_docs.pages.home import home_view
from mbe_docs.pages.interface import Context
from mbe_docs.pages.lookup import Lookup
from mbe_docs.pages.model_card import card_view, in_order
from mbe_docs.pages.plots import trend
from mbe_docs.pages.quirk import quirk_view
from mbe_docs.pages.run import SAMPLES_SHOWN, run_view
from mbe_docs.pages.run_table import run_rows
from mbe_docs.pages.upgrade_diff import diff_view
from mbe_docs.plugins import discover
from mbe_docs.project.publishing import LARGEST_SECTION
from mbe_docs.project.publishing import in_order as navigation_order
from mbe_docs.records.behaviors import Category, Taxonomy
from mbe_docs.records.estimates import (
    DriftPoint,
    DriftReport,
    QuirkStatement,
    SetupChange,
    SliceComparison,
    SliceEstimate,
)
from mbe_docs.records.evals import Excerpt
from mbe_docs.records.models import Price, Shutdown, Snapshot
from mbe_docs.records.quirks import Detect, MeasuredBy, Mitigation
from mbe_docs.records.registry import Registry, RunSummary
from mbe_docs.registry.wording import THIN
from tests import make


def registry(**changes):
    given = {
        "title": "Atlas registry",
        "as_of": "2026-05-01",
        "taxonomy": Taxonomy(categories=(Category(id="arithmetic", title="Arithmetic", meaning="Sums."),)),
        "families": (make.family(),),
        "behaviors": (make.behavior(),),
        "quirks": (),
        "runs": (summary(),),
        "estimates": (make.estimate(),),
        "comparisons": (),
        "statements": (),
        "mitigations": (),
    }
    return Registry(**(given | changes))


def summary(**changes):
    given = {
        "run": make.run(),
        "subject": "atlas-1",
        "attempts_seen": 10,
        "samples_seen": 10,
        "outcomes": {"scored": 9, "infra_error": 1},
        "behaviors": ("adds",),
    }
    return RunSummary(**(given | changes))


def statement(**changes):
    given = {
        "quirk": "drops-carry",
        "subject": "atlas-1",
        "status": "affected",
        "evidence_level": "measured",
        "rate": make.interval(0.3, 0.2, 0.4),
        "n_samples": 40,
        "n_attempts": 40,
        "runs": ("inspect:r1",),
        "reason": "The whole interval is below 50 %.",
    }
    return QuirkStatement(**(given | changes))


def card(subject="atlas-1", **changes):
    lookup = Lookup(registry(**changes))
    return card_view(lookup, lookup.subject(subject))


def every_page(found, context=None):
    return [
        page
        for member in discover("pages", "PAGE").values()
        for page in member.pages(found, context or Context())
    ]


def bars(value):
    """Every bar anywhere in a view."""
    if isinstance(value, numbers.Bar):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from bars(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from bars(item)


EMPTY = registry(as_of=None, families=(), behaviors=(), runs=(), estimates=())


def test_an_empty_registry_has_its_index_pages_and_nothing_else():
    """Home, catalogue, how to read, and four indexes."""
    assert sorted(page.id for page in every_page(EMPTY)) == [
        "behaviors",
        "diffs",
        "evidence",
        "home",
        "models",
        "quirks",
        "reading",
    ]


def test_an_empty_registry_says_so():
    """No number is made up, and none is left out."""
    view = home_view(Lookup(EMPTY))

    assert view.lead == "0 behaviors, 0 known quirks (0 showing on some model), read from 0 runs."
    assert (view.families, view.diffs, view.as_of) == ((), (), None)


def test_page_ids_and_paths_are_unique():
    """A link has one end, and no page overwrites another."""
    pages = every_page(registry(quirks=(make.quirk(),), statements=(statement(),)))

    assert len({page.id for page in pages}) == len({page.path.casefold() for page in pages}) == len(pages)


def test_a_model_without_lineage_has_a_card_and_no_change():
    """Nothing follows it and it follows nothing."""
    alone = make.family(lineage=(), snapshots={"atlas-1": Snapshot(id="atlas-1")}, aliases={}, variants={})

    view = card(families=(alone,))

    assert (view.changes, view.related, view.title) == ((), (), "atlas-1")


def test_snapshots_outside_of_the_lineage_come_after_it():
    """In file order, each before its variants."""
    snapshots = {name: Snapshot(id=name) for name in ("atlas-0", "atlas-2", "atlas-1")}
    family = make.family(snapshots=snapshots)

    assert Lookup(registry(families=(family,))).subject_ids() == (
        "atlas-1",
        "atlas-1+t0",
        "atlas-1+prompted",
        "atlas-2",
        "atlas-0",
    )


def test_a_model_that_nobody_measured_says_so():
    """And lists what could be measured, drafts and withdrawn behaviors not among it."""
    others = (
        make.behavior(),
        make.behavior(id="draft", status="draft"),
        make.behavior(id="old", status="withdrawn"),
    )

    view = card("atlas-2", behaviors=others)

    assert (view.lead, view.measured, view.as_of) == ("Nobody has measured this.", (), None)
    assert [link.id for link in view.not_measured] == ["behavior:adds"]


def test_an_unfinished_run_shows_no_number_on_a_card():
    """No number, no flips, no promise of how many samples would settle it."""
    partial = make.estimate(is_partial=True, sufficiency="undecided", n_more_for_bar=None)

    view = card(estimates=(partial,))

    (row,) = view.measured
    assert (row.number, row.flake, row.need) == (None, None, None)
    assert row.partial == "no result: the run did not finish"
    assert view.lead == "No finished run measured this."


@pytest.mark.parametrize(
    ("sufficiency", "place"),
    [("sufficient", "good"), ("insufficient", "poor"), ("undecided", "open"), ("no_bar", None)],
)
def test_a_behavior_is_listed_by_whether_it_reaches_its_bar(sufficiency, place):
    """Without a bar it is only in the table."""
    view = card(estimates=(make.estimate(sufficiency=sufficiency),))

    assert [name for name in ("good", "poor", "open") if getattr(view, name)] == ([place] if place else [])
    assert len(view.measured) == 1


def test_a_card_counts_only_quirks_that_somebody_checked():
    """Nobody has measured the second one here."""
    quirks = (make.quirk(), make.quirk(id="other"))
    nobody = statement(
        quirk="other",
        status="unknown",
        evidence_level="none",
        rate=None,
        reason="Nobody has measured this here.",
    )

    view = card(quirks=quirks, statements=(statement(), nobody))

    assert view.basis == "1 behavior measured on 10 attempts in 1 run; 1 known quirk checked."
    assert view.quirk_counts == "1 affected · 1 unknown"


def test_a_card_adds_up_runs_not_estimates():
    """Two behaviors read from one run rest on its ten attempts, not on twenty."""
    behaviors = (make.behavior(), make.behavior(id="counts"))
    estimates = (make.estimate(), make.estimate(behavior="counts"))

    view = card(behaviors=behaviors, estimates=estimates)

    assert view.basis == "2 behaviors measured on 10 attempts in 1 run."


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (("sufficient", "sufficient"), "Good enough for all 2 behaviors with a bar."),
        (("sufficient",), "Good enough for 1 of 1 behavior with a bar."),
        (
            ("insufficient", "sufficient", "undecided"),
            "Good enough for 1 of 3 behaviors with a bar: 1 not good enough, 1 undecided.",
        ),
        (("insufficient", "no_bar"), "Good enough for none of 1 behavior with a bar: 1 not good enough."),
        (("no_bar",), "1 behavior measured, none with a bar to reach."),
    ],
)
def test_a_card_begins_with_what_the_model_is_good_enough_for(states, sentence):
    """One sentence over the behaviors that have a bar."""
    names = [f"b{position}" for position in range(len(states))]
    behaviors = tuple(make.behavior(id=name) for name in names)
    estimates = tuple(
        make.estimate(behavior=name, sufficiency=state) for name, state in zip(names, states, strict=True)
    )

    view = card(behaviors=behaviors, estimates=estimates)

    assert view.lead == sentence


def test_a_card_begins_with_quirks_that_show_and_what_got_worse():
    """Statuses other than affected and flaky are not counted as showing."""
    quirks = (make.quirk(), make.quirk(id="other"))
    said = (statement(subject="atlas-2"), statement(quirk="other", status="fixed", subject="atlas-2"))
    changed = (make.comparison(), make.comparison(behavior="counts", verdict="inconclusive"))

    view = card(
        "atlas-2",
        quirks=quirks,
        statements=said,
        comparisons=changed,
        behaviors=(make.behavior(), make.behavior(id="counts")),
        estimates=(make.estimate(subject="atlas-2"),),
    )

    assert view.lead.endswith("1 known quirk shows. Against Atlas 1: 1 worse, 1 undecided.")


def test_worst_quirks_come_first():
    """Affected before unknown before fixed; severe before mild."""
    quirks = [
        make.quirk(id=name, severity=severity)
        for name, severity in (("a", "low"), ("b", "critical"), ("c", "high"))
    ]
    statements = (statement(quirk="c", status="fixed"), statement(quirk="a"), statement(quirk="b"))

    view = card(quirks=tuple(quirks), statements=statements)

    assert [row.link.id for row in view.quirks] == ["quirk:b", "quirk:a", "quirk:c"]


def test_facts_say_what_a_date_promises():
    """Not before is not on."""
    snapshot = Snapshot(
        id="atlas-1",
        released=datetime.date(2025, 1, 2),
        shutdown=Shutdown(date=datetime.date(2027, 1, 2), precision="earliest"),
        replacement="atlas-2",
        context_tokens=128000,
        max_output_tokens=4096,
        prices=(
            Price.model_validate({"from": "2026-01-01", "input": 2, "output": 8}),
            Price.model_validate({"from": "2025-01-01", "input": 3, "output": 15}),
        ),
    )
    family = make.family(snapshots={"atlas-1": snapshot, "atlas-2": Snapshot(id="atlas-2")})

    assert card(families=(family,)).facts == (
        ("Released", "2025-01-02"),
        ("Not before", "2027-01-02"),
        ("Replacement", "atlas-2"),
        ("Context", "128,000 tokens"),
        ("Longest answer", "4,096 tokens"),
        ("Price", "2 $ in, 8 $ out per million tokens"),
    )


def test_a_variant_is_shown_as_the_weights_it_has_and_the_settings_it_adds():
    """Yes and no for switches."""
    view = card("atlas-1+prompted")

    assert view.variant_of.id == "model:atlas-1"
    assert (view.conditions, view.names, view.summary) == (
        ("system_prompt: yes",),
        ("atlas-1+prompted",),
        None,
    )


def test_a_comparison_with_the_base_is_called_that():
    """It is no predecessor."""
    view = card("atlas-1+t0", comparisons=(make.comparison(new="atlas-1+t0"),))

    assert [group.relation for group in view.changes] == ["base configuration"]


def test_since_is_the_first_of_an_unbroken_line_of_affected_snapshots():
    """Back to the one that was not."""
    names = [f"atlas-{n}" for n in range(1, 5)]
    family = make.family(
        lineage=(tuple(names),), snapshots={n: Snapshot(id=n) for n in names}, aliases={}, variants={}
    )
    statuses = ("affected", "not_affected", "affected", "flaky")
    said = tuple(statement(subject=n, status=s) for n, s in zip(names, statuses, strict=True))
    lookup = Lookup(registry(families=(family,), quirks=(make.quirk(),), statements=said))

    assert [lookup.quirk_row(entry).since for entry in said] == ["atlas-1", None, "atlas-3", "atlas-3"]


def test_a_variant_that_alone_is_affected_is_since_itself():
    """Its base never was."""
    said = (statement(subject="atlas-1", status="not_affected"), statement(subject="atlas-1+t0"))
    lookup = Lookup(registry(quirks=(make.quirk(),), statements=said))

    assert lookup.quirk_row(said[1]).since == "atlas-1+t0"


def test_a_withdrawn_quirk_keeps_its_page_and_is_counted_nowhere():
    """Its id resolves for ever; no card speaks of it."""
    gone = make.quirk(withdrawn=datetime.date(2026, 6, 1))
    found = registry(quirks=(gone,), statements=(statement(),))

    assert "quirk:drops-carry" in {page.id for page in every_page(found)}
    assert quirk_view(Lookup(found), gone).statements != ()
    assert card(quirks=(gone,), statements=(statement(),)).quirks == ()
    assert behavior_view(Lookup(found), found.behaviors[0]).quirks == ()
    assert "0 known quirks (0 showing on some model)" in home_view(Lookup(found)).lead
    assert catalogue_view(Lookup(found)).lead.startswith("0 known quirks.")
    assert [row.withdrawn for row in catalogue_view(Lookup(found)).rows] == [True]


def test_a_withdrawn_behavior_keeps_its_page_and_is_not_counted():
    """Its id resolves for ever."""
    gone = make.behavior(status="withdrawn", withdrawn=datetime.date(2026, 6, 1))
    found = registry(behaviors=(gone,), estimates=())

    assert "behavior:adds" in {page.id for page in every_page(found)}
    assert home_view(Lookup(found)).lead.startswith("0 behaviors")


def test_a_behavior_that_nobody_measured_lists_whom_to_measure():
    """Snapshots, not their variants."""
    found = registry(estimates=())

    view = behavior_view(Lookup(found), found.behaviors[0])

    assert (view.forest, view.trends, view.runs) == ((), (), ())
    assert [link.id for link in view.not_measured] == ["model:atlas-1", "model:atlas-2"]


def behavior_of(unit="proportion", **measure):
    behavior = make.behavior(measure=make.measure(unit=unit, **measure))
    return behavior_view(Lookup(registry(behaviors=(behavior,), estimates=())), behavior)


@pytest.mark.parametrize(
    ("measure", "bar", "margin", "direction"),
    [
        ({"require": 0.9, "margin": 0.05}, f"at least 90{THIN}%", f"5{THIN}pts", "Higher is better"),
        ({"require": 0.1, "direction": "lower"}, f"at most 10{THIN}%", f"5{THIN}pts", "Lower is better"),
        (
            {"require": None, "margin": None, "direction": "neither"},
            None,
            None,
            "Neither direction is better",
        ),
        (
            {"unit": "tokens", "range": None, "require": 300.0, "margin": 20.0, "direction": "lower"},
            "at most 300",
            "20 tokens",
            "Lower is better",
        ),
    ],
)
def test_a_behavior_says_its_bar_margin_and_direction_in_words(measure, bar, margin, direction):
    """In its own unit."""
    view = behavior_of(**measure)

    assert (view.bar, view.margin, view.direction) == (bar, margin, direction)


def test_how_a_behavior_is_measured_is_one_line():
    """Tasks, version, scorer, and which samples."""
    view = behavior_of(
        task=("sums", "products"), task_version="2", scorer="match", where={"tier": "small", "op": "add"}
    )

    assert (
        view.method
        == "task sums or products, version 2, scorer match, only samples with tier = small and op = add"
    )


def test_a_trend_needs_two_finished_snapshots_of_a_branch():
    """One point is no trend, an unfinished run no point."""
    behavior = make.behavior()
    first, second = make.estimate(), make.estimate(subject="atlas-2")

    def trends(*estimates):
        return len(behavior_view(Lookup(registry(estimates=estimates)), behavior).trends)

    assert (trends(first), trends(first, second)) == (0, 1)
    assert trends(first, second.model_copy(update={"is_partial": True})) == 0


def test_slices_have_a_cell_for_every_model_and_none_where_not_measured():
    """Values sorted, models in their order."""

    def sliced(subject, *values):
        parts = tuple(
            SliceEstimate(
                key="op", value=v, estimate=make.interval(0.5, 0.4, 0.6), n_samples=10, n_attempts=10
            )
            for v in values
        )
        return make.estimate(subject=subject, slices=parts)

    behavior = make.behavior(measure=make.measure(slices=("op",)))
    found = registry(
        behaviors=(behavior,), estimates=(sliced("atlas-1", "sub", "add"), sliced("atlas-2", "mul"))
    )

    (table,) = behavior_view(Lookup(found), behavior).slices

    assert [link.id for link in table.subjects] == ["model:atlas-1", "model:atlas-2"]
    assert [(value, [cell is not None for cell in cells]) for value, cells in table.rows] == [
        ("add", [True, False]),
        ("mul", [False, True]),
        ("sub", [True, False]),
    ]


def test_slices_of_an_unfinished_run_are_not_shown():
    """No table with nothing in it."""
    part = SliceEstimate(
        key="op", value="add", estimate=make.interval(0.5, 0.4, 0.6), n_samples=10, n_attempts=10
    )
    behavior = make.behavior(measure=make.measure(slices=("op",)))
    found = registry(behaviors=(behavior,), estimates=(make.estimate(slices=(part,), is_partial=True),))

    assert behavior_view(Lookup(found), behavior).slices == ()


REFUSED = make.comparison(
    verdict="refused",
    difference=None,
    new_rate=None,
    n_common=0,
    n_worse=0,
    n_better=0,
    refused_because=("atlas-2 was not measured; run the task on it",),
)


def test_a_refused_comparison_shows_why_and_no_difference():
    """And the rate of the side that was measured."""
    row = Lookup(registry()).comparison_row(REFUSED)

    assert (row.difference, row.new, row.old.value) == (None, None, f"93{THIN}%")
    assert (row.state.word, row.sentence) == ("not comparable", "“Adds two numbers” cannot be compared.")
    assert row.detail == ("atlas-2 was not measured; run the task on it",)


def test_an_undecided_comparison_without_an_interval_shows_no_difference():
    """Scores without a scale that moved all alike."""
    row = Lookup(registry()).comparison_row(make.comparison(verdict="inconclusive", difference=None))

    assert (row.difference, row.state.word) == (None, "undecided")


def test_an_undecided_comparison_says_what_would_settle_it():
    """Samples in all."""
    row = Lookup(registry()).comparison_row(make.comparison(verdict="inconclusive", n_needed=1400))

    assert row.sentence == "“Adds two numbers” is undecided; about 1,400 samples in all would settle it."


def diff(*comparisons, **changes):
    lookup = Lookup(registry(comparisons=comparisons, **changes))
    return diff_view(lookup, "atlas-1", "atlas-2", list(comparisons), Context())


def test_a_diff_is_grouped_worst_first():
    """Worse, undecided, better, unchanged, not comparable."""
    verdicts = ("unchanged", "refused", "improved", "regressed", "inconclusive")
    behaviors = tuple(make.behavior(id=f"b{n}", title=f"B{n}") for n in range(5))
    entries = [
        (REFUSED if verdict == "refused" else make.comparison()).model_copy(
            update={"verdict": verdict, "behavior": f"b{n}"}
        )
        for n, verdict in enumerate(verdicts)
    ]

    view = diff(*entries, behaviors=behaviors, estimates=())

    assert [group.heading for group in view.groups] == [
        "Worse",
        "Undecided",
        "Better",
        "Unchanged",
        "Not comparable",
    ]
    assert (
        view.headline == "Worse: “B3”; undecided: “B4”; better: “B2”; unchanged: “B0”; not comparable: “B1”."
    )
    assert view.family_size == 4


def test_a_hidden_flip_comes_before_other_undecided_comparisons():
    """And at the top of the page."""
    part = SliceComparison(
        key="op", value="add", verdict="improved", difference=make.interval(0.5, 0.3, 0.7), old=make.interval(0.1, 0, 0.2),
        new=make.interval(0.6, 0.5, 0.7), n_common=40, attempts_old=40, attempts_new=40, q_diff=0.001,
    )  # fmt: skip
    plain = make.comparison(behavior="a", verdict="inconclusive")
    hidden = make.comparison(behavior="b", verdict="inconclusive", hidden_flip=True, slices=(part,))

    assert in_order([plain, hidden]) == [hidden, plain]
    view = diff(plain, hidden, behaviors=(make.behavior(id="a"), make.behavior(id="b")), estimates=())
    assert [row.anchor for row in view.hidden] == ["b-b"]
    assert view.headline.startswith("Hidden by the mean: ")


def test_a_diff_says_which_quirks_came_and_went():
    """Those whose status differs, with both."""
    quirks = (make.quirk(), make.quirk(id="same"))
    said = (
        statement(),
        statement(subject="atlas-2", status="fixed"),
        statement(quirk="same"),
        statement(quirk="same", subject="atlas-2"),
    )

    view = diff(make.comparison(), quirks=quirks, statements=said)

    assert [
        (change.quirk.id, change.old.state.word, change.new.state.word) for change in view.quirk_changes
    ] == [("quirk:drops-carry", "affected", "fixed")]


def test_a_quirk_that_nobody_measured_says_so():
    """In its first sentence."""
    quirk = make.quirk(detect=None)

    view = quirk_view(Lookup(registry(quirks=(quirk,))), quirk)

    assert (view.lead, view.rule, view.statements) == ("Nobody has measured this on any model.", None, ())


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("rate < 0.90", "proportion", f"the rate is below 90{THIN}%"),
        ("rate >= 200", "tokens", f"the rate is at least 200{THIN}tok"),
        ("flake > 0.10", "tokens", f"the share of attempt pairs that disagree is above 10{THIN}%"),
    ],
)
def test_a_rule_is_read_out_in_the_unit_of_its_behavior(text, unit, words):
    """And names its task, scorer and samples."""
    quirk = make.quirk(detect=Detect(task=("sums",), scorer="match", affected_when=text, where={"op": "add"}))
    behavior = make.behavior(measure=make.measure(unit=unit, range=None))

    view = quirk_view(Lookup(registry(quirks=(quirk,), behaviors=(behavior,))), quirk)

    assert view.rule == f"{words}: task sums, scorer match, only samples with op = add"


def test_a_status_in_tokens_shows_tokens():
    """Not fifteen thousand percent."""
    quirk = make.quirk(detect=Detect(task=("sums",), scorer="length", affected_when="rate > 100"))
    behavior = make.behavior(measure=make.measure(unit="tokens", range=None))
    said = statement(rate=make.interval(150.0, 130.0, 170.0))

    row = Lookup(registry(quirks=(quirk,), behaviors=(behavior,), statements=(said,))).quirk_row(said)

    assert (row.number.value, row.number.interval) == (f"150{THIN}tok", "[130, 170]")


COLD = Mitigation(
    id="cold",
    kind="parameter",
    how="Cool it.",
    measured_by=MeasuredBy(task=("sums",), when={"temperature": 0}),
)
CUT = Mitigation(id="cut", kind="guardrail", how="Cut it.")


def test_measured_mitigations_come_first_and_others_have_no_number():
    """What was not measured is not claimed."""
    from mbe_docs.records.estimates import MitigationEffect

    quirk = make.quirk(mitigations=(CUT, COLD))
    effect = MitigationEffect(
        quirk=quirk.id,
        mitigation="cold",
        subject="atlas-1",
        comparison=make.comparison(
            new="atlas-1+t0", verdict="improved", difference=make.interval(0.2, 0.1, 0.3)
        ),
    )

    rows = Lookup(registry(quirks=(quirk,), mitigations=(effect,))).mitigation_rows(quirk)

    assert [(row.kind, row.effect.value if row.effect else None) for row in rows] == [
        ("parameter", f"+20{THIN}pts"),
        ("guardrail", None),
    ]


def test_a_mitigation_of_a_rule_over_flips_shows_how_often_they_happen_with_it():
    """A difference of rates does not speak of flips."""
    quirk = make.quirk(
        detect=Detect(task=("sums",), scorer="match", affected_when="flake > 0.10"), mitigations=(COLD,)
    )
    said = statement(subject="atlas-1+t0", status="not_affected", rate=make.interval(0, 0, 0.05))

    (row,) = Lookup(registry(quirks=(quirk,), statements=(said,))).mitigation_rows(quirk, "atlas-1")

    assert (row.effect.value, row.verdict.word, row.subject.id) == (
        f"0{THIN}%",
        "not affected",
        "model:atlas-1+t0",
    )


def test_more_pages_than_a_navigation_holds_are_reached_from_their_index():
    """60 quirks: the navigation is rendered into every page."""
    quirks = tuple(make.quirk(id=f"q{n}", title=f"Quirk {n}") for n in range(60))

    pages = navigation_order(every_page(registry(quirks=quirks)))

    in_navigation = {page.id for page in pages if page.nav is not None}
    assert len(quirks) > LARGEST_SECTION
    assert "quirks" in in_navigation
    assert not any(id.startswith("quirk:") for id in in_navigation)
    assert {f"quirk:q{n}" for n in range(60)} < {page.id for page in pages}
    assert len(catalogue_view(Lookup(registry(quirks=quirks))).rows) == 60


def test_a_small_section_stays_in_the_navigation():
    """Fifty pages and less."""
    pages = navigation_order(every_page(registry(quirks=(make.quirk(),))))

    assert "quirk:drops-carry" in {page.id for page in pages if page.nav is not None}


def test_the_catalogue_offers_filters_that_find_something():
    """Severities and categories that occur, most severe first."""
    quirks = (make.quirk(severity="low"), make.quirk(id="b", severity="critical"))

    view = catalogue_view(Lookup(registry(quirks=quirks)))

    assert (view.severities, view.categories) == (("critical", "low"), (("arithmetic", "Arithmetic"),))
    assert [row.quirk.severity for row in view.rows] == ["critical", "low"]


EXTREMES = [
    (make.interval(0.0, 0.0, 0.0), "proportion", None),
    (make.interval(1.0, 1.0, 1.0), "proportion", None),
    (make.interval(0.5, -0.2, 1.3), "proportion", (0.0, 1.0)),
    (make.interval(150.0, 120.0, 180.0), "tokens", None),
    (make.interval(-4.0, -5.0, -3.0), "count", None),
    (make.interval(0.0, -3.0, 3.0), "tokens", None),
    (make.interval(0.0, 0.0, 0.0), "tokens", None),
    (make.interval(7.0, 6.0, 8.0), "points", (0.0, 10.0)),
    (make.interval(-2.0, -3.0, 1.0), "points", (-5.0, 5.0)),
]


@pytest.mark.parametrize(("interval", "unit", "scale"), EXTREMES)
@pytest.mark.parametrize("mark", [None, -1000.0, 0.0, 0.9, 1000.0])
def test_positions_on_a_plot_are_between_0_and_100_and_in_order(interval, unit, scale, mark):
    """Whatever the value and wherever the bar."""
    bar = numbers.rate_number(interval, unit, n_samples=10, n_attempts=10, scale=scale, mark=mark).bar

    assert 0 <= bar.low <= bar.value <= bar.high <= 100
    assert bar.mark is None or 0 <= bar.mark <= 100


def test_a_value_below_zero_has_a_place_of_its_own_on_the_plot():
    """−4 of [−5, −3] is not squeezed against an end."""
    bar = numbers.rate_number(make.interval(-4.0, -5.0, -3.0), "count", n_samples=10, n_attempts=10).bar

    assert bar.low < bar.value < bar.high < 100


@pytest.mark.parametrize("margin", [None, 0.0, 0.05, 3.0])
@pytest.mark.parametrize(
    "interval",
    [
        make.interval(0, 0, 0),
        make.interval(-0.06, -0.11, -0.01),
        make.interval(40, 30, 50),
        make.interval(-1, -1, -1),
    ],
)
def test_a_difference_is_plotted_around_a_zero_in_the_middle(interval, margin):
    """The band of the margin lies evenly around it."""
    bar = numbers.difference_number(interval, "proportion", margin=margin, n="10", tone="open").bar

    assert bar.mark == 50
    assert 0 <= bar.low <= bar.value <= bar.high <= 100
    if margin is not None:
        assert bar.band[0] + bar.band[1] == pytest.approx(100, abs=0.02)
        assert 0 <= bar.band[0] <= bar.band[1] <= 100


@pytest.mark.parametrize(
    ("interval", "unit", "scale"), [row for row in EXTREMES if row[2] is None or row[2][0] <= row[0].low]
)
@pytest.mark.parametrize("bar", [None, 0.9])
def test_a_trend_stays_on_its_plot(interval, unit, scale, bar):
    """Between the top line at 15 and the bottom line at 160."""
    plot = trend(["a", "b"], [interval, interval], unit, title="t", caption="c", scale=scale, bar=bar)

    ys = [y for point in plot.points for y in (point.y, point.y_low, point.y_high)]
    ys += [] if plot.bar_y is None else [plot.bar_y]
    assert all(15 <= y <= 160 for y in ys)
    assert all(0 <= point.x <= 620 for point in plot.points)


def test_a_long_trend_names_its_ends_only():
    """There is room for three names."""
    rates = [make.interval(0.5, 0.4, 0.6)] * 5

    plot = trend(list("abcde"), rates, "proportion", title="Adds", caption="c", marked=3)

    assert [point.label for point in plot.points] == ["a", "", "", "", "e"]
    assert [point.is_marked for point in plot.points] == [False, False, False, True, False]
    assert plot.label == "Adds: " + "; ".join(f"{name}: 50{THIN}% [40, 60]" for name in "abcde")


@pytest.mark.parametrize(
    ("whole", "is_hidden"), [("inconclusive", True), ("unchanged", True), ("regressed", False)]
)
def test_a_slice_that_got_worse_while_the_whole_did_not_is_hidden(whole, is_hidden):
    """The page says so as the gate does; where the whole got worse nothing is hidden."""
    part = SliceComparison(
        key="op", value="add", verdict="regressed", difference=make.interval(-0.5, -0.7, -0.3), old=make.interval(0.6, 0.5, 0.7),
        new=make.interval(0.1, 0, 0.2), n_common=40, attempts_old=40, attempts_new=40, q_diff=0.001,
    )  # fmt: skip

    view = diff(make.comparison(verdict=whole, slices=(part,)))

    assert len(view.hidden) == is_hidden
    assert view.headline.startswith("Hidden by the mean: ") == is_hidden


def drift(verdict, **changes):
    points = tuple(
        DriftPoint(run="inspect:r1", date=f"2026-05-0{n}", rate=make.interval(0.5, 0.4, 0.6), z=0.0)
        for n in (1, 2, 3)
    )
    given = {
        "behavior": "adds",
        "subject": "atlas-1",
        "unit": "proportion",
        "points": points,
        "verdict": verdict,
        "is_reliable": True,
    }
    return DriftReport(**(given | changes))


@pytest.mark.parametrize(
    ("report", "sentence", "on_card"),
    [
        (drift("steady"), "Steady over 3 runs.", ()),
        (
            drift("steady", is_reliable=False),
            "Steady over 3 runs. So few attempts flip that an alarm here would prove little.",
            (),
        ),
        (
            drift("steady", alarm_run="inspect:r1", change_run="inspect:r1", q_diff=0.4),
            "An alarm over 3 runs that the runs before and after do not confirm.",
            (),
        ),
        (
            drift("drifted", alarm_run="inspect:r1", change_run="inspect:r1", q_diff=0.001),
            "Drifted: the answers changed at 2026-05-01 without any setting changing, over 3 runs.",
            ("changed at 2026-05-01",),
        ),
        (
            drift(
                "setup_changed", change_run="inspect:r1", q_diff=0.001, cause="harness version from 1 to 2"
            ),
            "Changed together with the setup (harness version from 1 to 2), so this is not called drift; 3 runs.",
            ("changed at 2026-05-01, together with the setup (harness version from 1 to 2)",),
        ),
    ],
)
def test_a_series_of_runs_is_summed_up_in_a_sentence(report, sentence, on_card):
    """On the behavior's page always, on the model's card only where something changed."""
    found = registry(drifts=(report,))

    (row,) = behavior_view(Lookup(found), found.behaviors[0]).drifts

    assert row.sentence == sentence
    assert (row.since is not None) == bool(on_card)
    view = card(drifts=(report,))
    assert tuple(text for _, text, _ in view.drifts) == on_card
    assert [run.id for _, _, run in view.drifts] == ["run:inspect:r1"] * len(on_card)
    assert len(view.repeated) == (report.alarm_run is not None or report.verdict != "steady")
    assert len(view.repeated) + len(view.steady) == 1


def test_a_change_of_the_setup_breaks_the_line_and_is_said():
    """Two runs of the old scorer, two of the new one: no line leads from one to the other."""
    points = tuple(
        DriftPoint(run=f"inspect:r{n}", date=f"2026-05-0{n}", rate=make.interval(0.5, 0.4, 0.6), z=0.0)
        for n in (1, 2, 3, 4)
    )
    there = SetupChange(run="inspect:r3", cause="solver from generate to agent")

    (row,) = card(drifts=(drift("too_short", points=points, breaks=(there,)),)).repeated

    assert row.sentence == "Too few runs under the newest setup to say anything, of 4 runs in all."
    ((said, run),) = row.breaks
    assert said.startswith("On 2026-05-03 the setup changed (solver from generate to agent): ")
    assert run.id == "run:inspect:r3"
    assert [point.is_start for point in row.plot.points] == [True, False, True, False]
    (x,) = row.plot.breaks
    assert row.plot.points[1].x < x < row.plot.points[2].x


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": "success"}, "complete"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "error"}, "failed"),
        ({"status": "partial"}, "killed half way"),
    ],
)
def test_a_run_says_whether_it_is_a_result(changes, word):
    """One word; and its first sentence says that nothing in it counts where nothing does."""
    entry = summary(run=make.run(**changes, samples_planned=20))

    view = run_view(Lookup(registry(runs=(entry,))), entry, Context())

    assert view.state.word == word
    assert view.lead.startswith("10 of 20 samples, 10 attempts.")
    assert ("nothing in it counts" in view.lead) == (word != "complete")


def test_an_edited_run_is_called_superseded():
    """Whatever its own state."""
    (row,) = run_rows([summary(superseded_by="1" * 64)])

    assert row.status.word == "superseded"


def test_what_was_left_out_of_a_run_is_counted():
    """Infrastructure errors and unscored attempts."""
    entry = summary(outcomes={"scored": 5, "infra_error": 3, "unscored": 2, "model_error": 1})

    (row,) = run_rows([entry])

    assert row.excluded == 5


def test_runs_of_a_task_are_told_apart_by_the_settings_in_which_they_differ():
    """What all of them share is left out; runs of another task are no reason to show a setting."""
    settings = (
        {"task": "sums", "generation_params": {"temperature": 0.8, "max_tokens": 40}},
        {"task": "sums", "generation_params": {"temperature": 0, "max_tokens": 40}},
        {
            "task": "sums",
            "generation_params": {"temperature": 0, "max_tokens": 40},
            "has_system_prompt": True,
        },
        {"task": "json", "generation_params": {"temperature": 1, "max_tokens": 9}},
    )
    runs = [summary(run=make.run(run_key=f"r{at}", **given)) for at, given in enumerate(settings)]

    rows = run_rows(runs)

    assert [row.settings for row in rows] == [
        "temperature 0.8, system prompt no",
        "temperature 0, system prompt no",
        "temperature 0, system prompt yes",
        "",
    ]


def test_the_number_of_a_quirk_says_what_it_is_of():
    """The scorer of its rule, or the share of attempts that disagree."""
    by_flips = make.quirk(
        id="flips", detect=Detect(task=("adds",), scorer="match", affected_when="flake > 0.1")
    )
    by_rate = make.quirk(detect=Detect(task=("adds",), scorer="match", affected_when="rate < 0.5"))
    lookup = Lookup(registry(quirks=(by_rate, by_flips)))

    rows = [lookup.quirk_row(statement()), lookup.quirk_row(statement(quirk="flips"))]

    assert [row.quantity for row in rows] == ["match", "attempts that disagree"]


def test_a_long_run_shows_its_first_samples_and_counts_the_rest():
    """In the order of their ids."""
    excerpts = tuple(
        Excerpt("inspect:r1", f"s{n:03d}", epoch, "in", None, "out", ())
        for n in range(SAMPLES_SHOWN + 5)
        for epoch in (1, 2)
    )

    view = run_view(Lookup(registry()), summary(), Context(excerpts={"inspect:r1": excerpts}))

    assert (len(view.samples), view.samples_left_out) == (SAMPLES_SHOWN, 5)
    assert [len(sample.attempts) for sample in view.samples[:2]] == [2, 2]


def test_a_run_of_an_unlisted_model_has_a_page_and_no_card():
    """The index lists it apart."""
    found = registry(runs=(summary(subject=None, behaviors=()),))
    pages = {page.id: page for page in every_page(found)}

    assert pages["run:inspect:r1"].view.subject is None
    assert (pages["evidence"].view.runs, len(pages["evidence"].view.unclaimed)) == ((), 1)


@pytest.mark.parametrize(
    ("statuses", "lead"),
    [
        (("success",), "1 run, 10 attempts."),
        (("success", "cancelled"), "2 runs, 20 attempts; 1 did not finish and counts for nothing."),
        (("error", "cancelled"), "2 runs, 20 attempts; 2 did not finish and count for nothing."),
    ],
)
def test_the_index_of_evidence_counts_what_did_not_finish(statuses, lead):
    """In a sentence that agrees with its number."""
    runs = tuple(
        summary(run=make.run(run_key=f"inspect:r{n}", status=status)) for n, status in enumerate(statuses)
    )
    found = registry(runs=runs, estimates=())

    assert next(page for page in every_page(found) if page.id == "evidence").view.lead == lead


def test_every_plot_of_every_page_lies_inside_its_frame(atlas_project):
    """The whole made-up registry."""
    found = [
        bar
        for page in every_page(atlas_project.registry(), atlas_project.context())
        for bar in bars(page.view)
    ]

    assert len(found) > 50
    for bar in found:
        assert 0 <= bar.low <= bar.value <= bar.high <= 100
