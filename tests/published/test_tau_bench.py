"""gpt-4o on the airline tasks of tau-bench, fifty tasks and four trials: one number hides how often all trials pass."""

from __future__ import annotations

import pytest

from mbe_docs.project import Project
from mbe_docs.stats import pass_hat_k
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, family, note, rows, start

pytestmark = MARKS

TRAJECTORIES = PUBLISHED_DATA / "tau-bench" / "historical_trajectories"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The published trajectories as a project."""
    root = start(tmp_path_factory.mktemp("tau") / "registry")
    summary = Project(root).ingest([str(TRAJECTORIES)])
    assert (summary.count("read"), summary.findings) == (1, [])
    (stored,) = Project(root).store.runs()
    note(root, "books-flights", stored.run.task, "reward", "higher", title="Does what the traveller asks")
    family(root, "gpt-4o", ["gpt-4o"], prefix="")
    return root


def test_the_estimate_is_pass_1(root):
    """Leaderboard of the README: .420; 200 attempts at 50 tasks."""
    (estimate,) = Project(root).registry().estimates

    assert f"{estimate.rate.value:.3f}" == "0.420"
    assert (estimate.n_samples, estimate.n_attempts, estimate.coverage) == (50, 200, 1.0)


@pytest.mark.parametrize(("k", "figure"), [(1, "0.420"), (2, "0.273"), (3, "0.220"), (4, "0.200")])
def test_pass_hat_k_of_the_store_is_the_published_one(root, k, figure):
    """pass^1 to pass^4: a fifth of the tasks passes in all four trials."""
    attempts, passed = {}, {}
    for row in rows(root):
        attempts[row["sample_id"]] = attempts.get(row["sample_id"], 0) + 1
        passed[row["sample_id"]] = passed.get(row["sample_id"], 0) + row["value"]

    assert f"{float(pass_hat_k(list(attempts.values()), list(passed.values()), k).value[0]):.3f}" == figure


def test_trials_that_disagree_show_as_flake(root):
    """Two trials at a task differ where one passes; from pass^1 and pass^2: 2 × (.420 − .27333) = .2933."""
    (estimate,) = Project(root).registry().estimates

    assert f"{estimate.repeatability.flake.value:.4f}" == "0.2933"
    assert estimate.repeatability.n_samples == 50
