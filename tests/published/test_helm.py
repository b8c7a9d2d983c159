"""HELM run directories: the means of stats.json, from the instances in the store."""

from __future__ import annotations

import json

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, family, note, rows, start

pytestmark = MARKS

FOLDER = PUBLISHED_DATA / "helm"
HELLASWAG = "commonsense:dataset=hellaswag,method=multiple_choice_joint"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Both run directories as a project, with a behavior for each headline metric of one."""
    root = start(tmp_path_factory.mktemp("helm") / "registry")
    assert Project(root).ingest([str(FOLDER)]).count("read") == 2
    for scorer in ("exact_match", "quasi_exact_match"):
        id = scorer.replace("_", "-")
        note(root, id, f"'{HELLASWAG}'", scorer, "higher", title=id, min_samples=5)
    family(root, "pythia", ["pythia-1b-v0"], prefix="eleutherai/")
    return root


def stated(name):
    """Means of unperturbed instances in stats.json, by metric and split; of the file itself, by no reader of ours."""
    (folder,) = FOLDER.glob(f"{name}*")
    return {
        (one["name"]["name"], one["name"]["split"]): one["mean"]
        for one in json.loads((folder / "stats.json").read_bytes())
        if "perturbation" not in one["name"] and "split" in one["name"] and "mean" in one
    }


@pytest.mark.parametrize("name", ["commonsense-dataset=hellaswag", "mmlu-subject=philosophy"])
def test_means_of_the_store_are_those_of_stats_json(root, name):
    """Metric by metric and split by split; the count in stats.json is of trials and is not used."""
    (run,) = (one.run for one in Project(root).store.runs() if one.run.log_uri.startswith(name))
    found = {}
    for row in rows(root):
        if row["run_key"] == run.run_key:
            found.setdefault((row["scorer"], dict(row["metadata"])["split"]), []).append(row["value"])

    assert len(found) >= 8
    for key, values in found.items():
        assert sum(values) / len(values) == pytest.approx(stated(name)[key], abs=1e-9), key


@pytest.mark.parametrize("scorer", ["exact_match", "quasi_exact_match"])
def test_an_estimate_is_the_mean_of_stats_json(root, scorer):
    """Ten instances are ten samples, with an interval of ten."""
    (estimate,) = (
        entry for entry in Project(root).registry().estimates if entry.behavior == scorer.replace("_", "-")
    )

    (mean,) = {value for (name, _), value in stated("commonsense").items() if name == scorer}
    assert estimate.rate.value == pytest.approx(mean, abs=1e-9)
    assert estimate.n_samples == 10
