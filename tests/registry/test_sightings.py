"""Statements that point to samples: looked up in the logs, and refused where no log has them."""

from __future__ import annotations

import pytest

from mbe_docs.records.quirks import SeenIn, Statement
from tests import make


def registry(tmp_path, **seen):
    """A registry with one quirk, seen in samples of its one log, and the findings."""
    said = Statement(
        snapshots=("atlas-1",), status="affected", evidence_level="reproduced", seen_in=SeenIn(**seen)
    )
    quirk = make.quirk(detect=None, statements=(said,))
    run = make.run()
    return make.merged(
        tmp_path, (run, make.observations(run, "1 0 0")), behaviors=(make.behavior(),), quirks=(quirk,)
    )


def found(findings):
    return [(finding.severity, finding.problem) for finding in findings if finding.code == "MBE166"]


def test_a_statement_carries_the_runs_and_samples_in_which_it_can_be_seen(tmp_path):
    """Of the task and the model that it speaks of."""
    made, findings = registry(tmp_path, task=("arithmetic",), samples=("s2", "s0"))

    (statement,) = [entry for entry in made.statements if entry.subject == "atlas-1"]
    assert statement.runs == ("inspect:r1",)
    assert statement.samples == ("s2", "s0")
    assert found(findings) == []


def test_without_samples_every_run_of_the_task_is_meant(tmp_path):
    """For a statement that nothing shows."""
    made, findings = registry(tmp_path, task=("arithmetic",))

    (statement,) = [entry for entry in made.statements if entry.subject == "atlas-1"]
    assert (statement.runs, statement.samples) == (("inspect:r1",), ())
    assert found(findings) == []


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        ({"task": ("arithmetic",), "samples": ("s1", "x", "y")}, "samples x and y of task arithmetic"),
        ({"task": ("arithmetic",), "samples": ("x",)}, "task arithmetic"),
        ({"task": ("counts", "spells")}, "task counts or spells"),
    ],
)
def test_a_sample_or_task_that_no_log_has_is_an_error(tmp_path, seen, what):
    """A claim that nobody can look up is not published."""
    _, findings = registry(tmp_path, **seen)

    assert found(findings) == [("error", f"statements[0].seen_in names {what}, which no run on atlas-1 has")]
