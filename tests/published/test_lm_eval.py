"""Checkpoints of Pythia by lm-evaluation-harness 0.3: aggregates of another decade of the format, as reported."""

from __future__ import annotations

import json

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, rows, start

pytestmark = MARKS

CHECKPOINTS = PUBLISHED_DATA / "lm-eval" / "pythia-v1"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """All checkpoints of two sizes."""
    root = start(tmp_path_factory.mktemp("pythia") / "registry")
    summary = Project(root).ingest([str(CHECKPOINTS)])
    assert summary.count("read") == len(list(CHECKPOINTS.glob("*/*.json"))) == summary.count("read")
    return root


def test_every_figure_of_a_checkpoint_is_reported_and_none_is_measured(root):
    """Value and standard error of each metric and task, as the files state them; not one observation."""
    runs = {(one.run.log_uri, one.run.task): one.run for one in Project(root).store.runs()}
    checked = 0
    for path in sorted(CHECKPOINTS.glob("*/*.json")):
        uri = path.relative_to(CHECKPOINTS).as_posix()
        for task, figures in json.loads(path.read_bytes())["results"].items():
            said = {(one.scorer, one.metric): one.value for one in runs[uri, task].reported}
            for name, value in figures.items():
                scorer, is_error = name.removesuffix("_stderr"), name.endswith("_stderr")
                assert said[scorer, "stderr" if is_error else "value"] == value
                checked += 1

    assert checked > 1000
    assert rows(root) == []


def test_a_checkpoint_is_a_version_of_the_model(root):
    """Steps and the two variants of the data are told apart."""
    models = {one.run.model_requested for one in Project(root).store.runs()}

    assert len(models) == len(list(CHECKPOINTS.glob("*/*.json")))
    assert "EleutherAI/pythia-v1.1-160m-deduped@step143000" in models
