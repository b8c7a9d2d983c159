"""`mbe-docs evidence`: what is stored, one run, one sample, and what is taken out."""

from __future__ import annotations

import json

import pytest

from mbe_docs.project import Project
from tests.project import small


@pytest.fixture
def root(tmp_path):
    """Two logs, texts kept; one sample was tried and answered with an escape sequence."""
    root = small.start(tmp_path / "registry")
    small.configure(root, "publish_excerpts: all")
    Project(root).ingest([str(root / "logs")])
    return root


def keys(root):
    return [stored.run.run_key for stored in Project(root).store.runs()]


def test_every_run_is_listed(mbe, root):
    """One a line; for programs with all its facts."""
    text = mbe("evidence", "list", cwd=root).out
    data = json.loads(mbe("evidence", "list", "--format", "json-v1", cwd=root).out)

    assert [line.split()[0] for line in text.splitlines()] == keys(root)
    assert data["format"] == "json-v1"
    assert [run["run_key"] for run in data["runs"]] == keys(root)
    assert [run["superseded_by"] for run in data["runs"]] == [None, None]


def test_the_facts_of_a_run_are_shown(mbe, root):
    """By its key, or the beginning of it."""
    key = keys(root)[0]

    whole, begun = mbe("evidence", "show", key, cwd=root), mbe("evidence", "show", key[:-1], cwd=root)

    assert whole.code == 0
    assert "  task: arithmetic\n" in whole.out
    assert "  model_requested: acme/atlas-1\n" in whole.out
    assert begun.out == whole.out


def test_one_sample_is_followed_through_a_run(mbe, root):
    """The 39th of forty is the first that the model got wrong."""
    key = keys(root)[0]

    done = mbe("evidence", "show", key, "39", cwd=root)
    data = json.loads(mbe("evidence", "show", key, "39", "--format", "json-v1", cwd=root).out)

    assert "epoch 1\n  match: 0 (I), scored\n" in done.out
    assert "  metadata.kind: easy\n" in done.out
    assert "  log: atlas-1.eval  sha256 " in done.out
    assert "  input:\n  | " in done.out
    (attempt,) = data["sample"]["attempts"]
    assert attempt["scores"] == [{"scorer": "match", "value": 0.0, "label": "I", "outcome": "scored"}]
    assert attempt["text"]["output"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "nobody"), "no run is called 'nobody'"),
        (("show", "inspect:"), "'inspect:' is the beginning of 2 runs"),
        (("forget", "nobody"), "no run and no log in the store is called 'nobody'"),
    ],
)
def test_a_name_that_nothing_has_is_2(mbe, root, arguments, said):
    """With what to do."""
    done = mbe("evidence", *arguments, cwd=root)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "fix: " in done.err


def test_a_sample_that_is_not_there_is_2(mbe, root):
    """Ids are those of the log."""
    done = mbe("evidence", "show", keys(root)[0], "41", cwd=root)

    assert done.code == 2
    assert "the run has no sample '41'" in done.err


def test_text_of_a_log_moves_nothing_in_a_terminal(mbe, tmp_path):
    """Control characters are shown, and no line of it passes for one of ours."""
    from tests.sources.build_logs import eval_log, header, sample

    root = small.start(tmp_path / "registry", logs=False)
    small.configure(root, "publish_excerpts: all")
    hostile = "\x1b[2Jgone\nepoch 2\n  match: 1, scored\u202e"
    spec = {"eval_id": "e", "run_id": "r", "task": "arithmetic", "model": f"acme/{hostile}"}
    path = eval_log(
        tmp_path / "hostile.eval",
        [sample(hostile, value="I", input=hostile, metadata={hostile: hostile})],
        header("success", eval=spec),
    )
    assert Project(root).ingest([str(path)]).count("read") == 1
    (key,) = keys(root)

    shown = mbe("evidence", "show", key, hostile, cwd=root)
    data = mbe("evidence", "show", key, hostile, "--format", "json-v1", cwd=root)

    assert (shown.code, data.code) == (0, 0)
    for out in (shown.out, data.out, mbe("evidence", "show", key, cwd=root).out):
        assert not set("\x1b\u202e") & set(out)
    assert [line for line in shown.out.splitlines() if line.startswith("epoch")] == ["epoch 1"]
    assert json.loads(data.out)["sample"]["sample_id"] == hostile


def test_a_log_is_forgotten_and_said(mbe, root):
    """First what would go, then it is gone, then it comes back with an ingest."""
    key = keys(root)[0]
    would = mbe("evidence", "forget", key, "--dry-run", cwd=root)
    assert len(keys(root)) == 2

    done = mbe("evidence", "forget", "atlas-1.eval", cwd=root)

    assert would.out.startswith("would forget atlas-1.eval  sha256 ")
    assert done.out.startswith("forgot atlas-1.eval  sha256 ")
    assert f"  {key}  success  arithmetic  acme/atlas-1\n" in done.out
    assert key not in keys(root)
    assert "1 read, 1 known already" in mbe("ingest", "logs", cwd=root).out


def test_a_store_is_compacted_and_whole(mbe, root):
    """An empty one, too."""
    assert mbe("evidence", "compact", cwd=root).out.startswith("2 parts are 1; ")
    assert mbe("evidence", "verify", cwd=root).out == "whole\n"
    assert "0 read, 2 known already" in mbe("ingest", "logs", cwd=root).out

    (root / "empty" / "behaviors").mkdir(parents=True)
    empty = mbe("evidence", "compact", cwd=root / "empty")
    assert (empty.code, empty.out) == (0, "0 parts are 0; 0 files deleted, 0 bytes\n")
