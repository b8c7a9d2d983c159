"""Aider's leaderboards: aggregates that others measured, shown as reported and never counted."""

from __future__ import annotations

import csv
import statistics

import pytest
import yaml

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, family, mapping, note, rows, start

pytestmark = MARKS

FOLDER = PUBLISHED_DATA / "aider"
MAPPING = """\
files: ["*.csv"]
level: reported
task: aider
model: {column: model}
n_samples: {column: test_cases}
timestamp: {column: date}
parameters: {edit_format: {column: edit_format}}
metrics:
  pass_rate_2: {column: pass_rate_2}
  lazy_comments: {column: lazy_comments}
  malformed: {column: num_malformed_responses}
  cost: {plugin: cost}
metadata: [dirname, commit_hash, pass_num_2, total_tests, total_cost]
"""
COLUMNS = (
    "model", "test_cases", "date", "edit_format", "pass_rate_2", "lazy_comments", "num_malformed_responses",
    "dirname", "commit_hash", "pass_num_2", "total_tests", "total_cost",
)  # fmt: skip


def cost(row):
    """What a run cost; zero stands for unknown there."""
    return float(row["total_cost"] or 0) or None


def board(root, name):
    """A leaderboard as a table, row by row as the file has it."""
    listed = yaml.load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    with (root / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(listed)
    return listed


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two leaderboards and the twenty runs of one model, as a project with a behavior and a card for them."""
    root = start(tmp_path_factory.mktemp("aider") / "registry")
    mapping(root, "aider", MAPPING)
    for name in ("sonnet-fine", "edit_leaderboard", "polyglot_leaderboard"):
        board(root, name)
    note(root, "edits", "aider", "pass_rate_2", "higher", title="Edits code so that tests pass")
    family(root, "sonnet", ["claude-3.5-sonnet"], prefix="openrouter/anthropic/")
    summary = Project(root).ingest([str(path) for path in sorted(root.glob("*.csv"))], scorers={"cost": cost})
    assert (summary.count("read"), summary.count("refused")) == (3, 0)
    return root


@pytest.fixture(scope="module")
def runs(root):
    """Runs by leaderboard."""
    found = {}
    for summary in Project(root).registry().runs:
        found.setdefault(summary.run.log_uri.removesuffix(".csv"), []).append(summary.run)
    return found


def figures(run):
    """What a run reports, by scorer."""
    return {metric.scorer: metric.value for metric in run.reported}


def test_every_row_is_a_run_of_level_reported(root, runs):
    """20, 98 and 69 runs with their figures; not one observation, estimate or comparison is made of them."""
    assert {name: len(some) for name, some in runs.items()} == {
        "sonnet-fine": 20,
        "edit_leaderboard": 98,
        "polyglot_leaderboard": 69,
    }
    assert rows(root) == []
    registry = Project(root).registry()
    assert (registry.estimates, registry.comparisons) == ((), ())


def test_sonnet_seems_as_good_as_ever(runs):
    """Post of 26 August 2024: mean 77.8, from 74.4 to 83.0; sd 2.48 is less than chance alone gives (3.60)."""
    rates = [figures(run)["pass_rate_2"] for run in runs["sonnet-fine"]]

    assert (len(rates), min(rates), max(rates)) == (20, 74.4, 83.0)
    assert round(statistics.mean(rates), 1) == 77.8
    assert round(statistics.stdev(rates), 2) == 2.48
    assert sorted(run.reported[0].n_samples for run in runs["sonnet-fine"]) == [94] + 19 * [133]


def test_two_rows_do_not_reproduce_and_are_known(runs):
    """pass_num_2 ÷ total_tests is pass_rate_2 to the printed digit, but for these."""
    off = {
        run.model_requested: figures(run)["pass_rate_2"]
        for run in runs["polyglot_leaderboard"]
        if "pass_num_2" in run.metadata
        and abs(
            100 * int(run.metadata["pass_num_2"]) / int(run.metadata["total_tests"])
            - figures(run)["pass_rate_2"]
        )
        > 0.0501
    }

    assert off == {"o1-2024-12-17 (high)": 61.7, "DeepSeek R1 (0528)": 71.4}


def test_a_cost_of_zero_is_unknown(runs):
    """The first twenty runs say 0.0000, which nobody charges."""
    known = [run for some in runs.values() for run in some if figures(run)["cost"] is not None]

    assert 0 < len(known) < 187
    assert all(figures(run)["cost"] > 0 for run in known)
    assert all(
        figures(run)["cost"] is None for run in runs["sonnet-fine"] if float(run.metadata["total_cost"]) == 0
    )


def test_another_edit_format_is_another_configuration(runs):
    """The same model under several formats is not comparable: the format is a parameter of the run."""
    formats = [run.generation_params["edit_format"] for run in runs["sonnet-fine"]]

    assert (formats.count("diff"), formats.count("udiff")) == (19, 1)


def test_a_dirty_commit_stays_as_it_is_written(runs):
    """`-dirty` and lists with commas are text."""
    commits = {run.metadata.get("commit_hash", "") for some in runs.values() for run in some}

    assert "068609e-dirty" in commits
    assert any("," in commit for commit in commits)
