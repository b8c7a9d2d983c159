"""What the evidence does not say: every finding with what must not raise it."""

import pytest

from mbe_docs.config import Policy
from mbe_docs.evidence.manifest import PartEntry
from mbe_docs.evidence.run_counts import RunCounts
from mbe_docs.evidence.store import StoredRun
from mbe_docs.records.estimates import OutcomeCounts
from mbe_docs.records.evals import ScorerSpec
from mbe_docs.records.quirks import Detect, MeasuredBy, Mitigation
from mbe_docs.registry.arms import find_arms
from mbe_docs.registry.coverage import coverage_findings
from mbe_docs.registry.subjects import Subjects
from tests import make

ENTRY = PartEntry(
    part="", excerpts=None, source_sha256="0" * 64, source_uri="", source_format="", bytes=0, rows=0, runs=()
)


def found(code, *runs, estimates=None, behaviors=None, quirks=(), superseded=(), by_scorer=None):
    """Problems, places and fixes of one code."""
    notes = make.Notes(
        families=(make.family(),), behaviors=tuple(behaviors or (make.behavior(),)), quirks=tuple(quirks)
    )
    subjects = Subjects(notes.families)
    stored = [StoredRun(run, ENTRY, "1" * 64 if run.run_key in superseded else None) for run in runs]
    counts = {run.run_key: RunCounts(10, by_scorer or {"match": {"scored": 10}}) for run in runs}
    measures = {behavior.id: behavior.measure for behavior in notes.behaviors}
    findings = coverage_findings(
        notes,
        stored,
        counts,
        find_arms(measures, stored, subjects, Policy()),
        {
            (entry.behavior, entry.subject): entry
            for entry in ([make.estimate()] if estimates is None else estimates)
        },
        subjects,
        Policy(),
    )
    return [finding for finding in findings if finding.code == code]


def test_a_model_that_no_family_lists_is_named_once_with_its_first_log():
    """MBE230: whatever was measured on it counts for nothing."""
    runs = [
        make.run(run_key=f"r{n}", model_requested="acme/atlas-9", log_uri=f"logs/{n}.eval") for n in range(3)
    ]

    (finding,) = found("MBE230", *runs)

    assert (
        finding.problem
        == "no family lists the model 'acme/atlas-9'; logs/0.eval and 2 more counts for nothing"
    )
    assert finding.fix == "add a snapshot with `known_as: ['acme/atlas-9']` to a file in behaviors/models/"


@pytest.mark.parametrize("name", ["acme/atlas-1", "local/atlas_one", "atlas-latest"])
def test_a_model_that_a_family_lists_under_any_name_is_no_finding(name):
    """Not MBE230: the id, a name in logs, an alias on that day."""
    assert found("MBE230", make.run(model_requested=name)) == []


def test_an_edited_log_that_was_replaced_is_no_finding():
    """Neither MBE230 nor MBE231: the newer version speaks."""
    old = make.run(model_requested="acme/atlas-9", status="cancelled")

    assert found("MBE230", old, superseded={old.run_key}) == []
    assert found("MBE231", old, superseded={old.run_key}) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"status": "cancelled", "samples_planned": 100},
            "10 of 100 attempts (run cancelled); it counts for nothing",
        ),
        (
            {"status": "error", "status_reason": "disk full", "samples_planned": 20, "epochs": 5},
            "10 of 100 attempts (run error, disk full); it counts for nothing",
        ),
        ({"status": "partial", "samples_planned": None}, "10 attempts (run partial); it counts for nothing"),
    ],
)
def test_a_run_that_did_not_finish_says_how_far_it_came(changes, problem):
    """MBE231, at its log."""
    (finding,) = found("MBE231", make.run(**changes))

    assert (finding.problem, finding.at.path, finding.fix) == (
        problem,
        "logs/r1.eval",
        "run the task 'arithmetic' again",
    )


def test_a_finished_run_is_no_finding_however_little_it_saw():
    """Not MBE231: coverage says it, and MBE234."""
    assert found("MBE231", make.run(samples_planned=1000)) == []


def two_runs(**changes):
    return (
        make.run(run_key="inspect:new", started_at="2026-05-02T00:00:00+00:00"),
        make.run(run_key="inspect:old", log_uri="logs/old.eval", **changes),
    )


def test_a_run_left_out_for_its_settings_names_them_all():
    """MBE232, at the behavior that reads it."""
    (finding,) = found("MBE232", *two_runs(solver="plan", generation_params={"temperature": 0.1}))

    assert finding.problem == (
        "'adds' on atlas-1 leaves out logs/old.eval: generation_params, solver differ from the newest run"
    )
    assert finding.at.path == "behaviors/adds.md"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"epochs": 5},
        {"harness_version": "9"},
        {"status": "cancelled", "solver": "plan"},
        {"model_requested": "atlas-2", "solver": "plan"},
        {"task": "spelling", "solver": "plan"},
        {"generation_params": {"temperature": 0}},
    ],
)
def test_a_run_that_is_pooled_or_of_something_else_is_not_left_out(changes):
    """Not MBE232: same question, unfinished, another model, another task, a declared variant."""
    assert found("MBE232", *two_runs(**changes)) == []


def test_a_behavior_that_nobody_measured_names_task_and_scorer():
    """MBE233: a misspelt name is the usual cause."""
    measure = make.measure(task=("arithmetic", "sums"))

    (finding,) = found("MBE233", estimates=[], behaviors=[make.behavior(measure=measure)])

    assert (
        finding.problem == "nobody has measured 'adds': no run of task arithmetic or sums with scorer match"
    )
    assert finding.at.path == "behavior/adds/measure"


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_a_draft_or_withdrawn_behavior_need_not_be_measured(status):
    """Not MBE233."""
    assert found("MBE233", estimates=[], behaviors=[make.behavior(status=status)]) == []


def test_a_measured_behavior_is_no_finding():
    """Neither MBE233 nor MBE234: 120 samples, 30 asked for."""
    assert found("MBE233") == found("MBE234") == []


def test_fewer_samples_than_asked_for_are_noted():
    """MBE234: a note, since the number itself is right."""
    (finding,) = found("MBE234", estimates=[make.estimate(n_samples=29)])

    assert (finding.severity, finding.problem) == (
        "note",
        "'adds' on atlas-1 has 29 samples; verdicts need 30",
    )


@pytest.mark.parametrize("changes", [{"n_samples": 30}, {"n_samples": 3, "is_partial": True}])
def test_enough_samples_or_an_unfinished_run_are_not_noted_again(changes):
    """Not MBE234: MBE231 has said the latter."""
    assert found("MBE234", estimates=[make.estimate(**changes)]) == []


def test_a_scorer_that_no_behavior_reads_is_noted_once_a_task():
    """MBE235: the score is there, and nobody looks."""
    runs = [make.run(run_key=f"r{n}", scorers=()) for n in range(2)]

    (finding,) = found("MBE235", *runs, by_scorer={"match": {"scored": 10}, "includes": {"scored": 10}})

    assert (finding.severity, finding.problem) == (
        "note",
        "no behavior reads scorer 'includes' of task 'arithmetic'",
    )


def test_a_scorer_that_a_quirk_reads_is_read():
    """Not MBE235: its status is computed from it."""
    quirk = make.quirk(detect=Detect(task=("arithmetic",), scorer="includes", affected_when="rate < 0.5"))
    run = make.run(scorers=(ScorerSpec(name="match"), ScorerSpec(name="includes")))

    assert found("MBE235", run, quirks=[quirk], by_scorer={"match": {}, "includes": {}}) == []


def test_a_measured_mitigation_needs_a_variant_with_exactly_its_conditions():
    """MBE236: without it nothing measures it, whatever the note says."""
    mitigation = Mitigation(
        id="cold",
        kind="parameter",
        how="Cool it.",
        measured_by=MeasuredBy(task=("arithmetic",), when={"temperature": 0.5}),
    )

    (finding,) = found("MBE236", quirks=[make.quirk(mitigations=(mitigation,))])

    assert finding.problem == (
        "mitigation 'cold' says it was measured, but no variant has exactly `when: {'temperature': 0.5}`"
    )
    assert finding.at.path == "quirk/drops-carry/mitigations/0/measured_by"


@pytest.mark.parametrize("measured_by", [None, MeasuredBy(task=("arithmetic",), when={"temperature": 0})])
def test_a_declared_or_unmeasured_mitigation_is_no_finding(measured_by):
    """Not MBE236."""
    mitigation = Mitigation(id="cold", kind="parameter", how="Cool it.", measured_by=measured_by)

    assert found("MBE236", quirks=[make.quirk(mitigations=(mitigation,))]) == []


def unscored(n):
    return make.estimate(outcomes=OutcomeCounts(planned=10, scored=10 - n, unscored=n))


def test_scores_off_the_scale_are_a_finding():
    """MBE237: more unscored attempts than the log has."""
    (finding,) = found("MBE237", make.run(), estimates=[unscored(4)])

    assert finding.problem == "'adds' on atlas-1 leaves out 4 of 10 scores: they are outside of [0, 1]"
    assert finding.fix == "write the `range:` and `unit:` that scorer match has"


def test_attempts_that_the_scorer_declined_are_not_off_the_scale():
    """Not MBE237."""
    assert (
        found(
            "MBE237", make.run(), estimates=[unscored(4)], by_scorer={"match": {"scored": 6, "unscored": 4}}
        )
        == []
    )
