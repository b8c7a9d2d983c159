"""`--watch`: logs are read as they appear, once they are at rest."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from mbe_docs.project import Project
from tests.project import small


@pytest.fixture
def root(tmp_path):
    """A registry with an empty folder of logs."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "logs").mkdir()
    return root


@pytest.fixture
def watch(root):
    """What looks at that folder."""
    return Project(root).watch([str(root / "logs")])


def outcomes(summary):
    return [(result.uri, result.outcome) for result in summary.files]


def test_a_log_is_read_at_the_second_look_that_finds_it_unchanged(root, watch):
    """At the first it may still be written."""
    small.log(root / "logs" / "a.eval", "atlas-1", "CI")

    assert outcomes(watch.look()) == []
    assert outcomes(watch.look()) == [("a.eval", "read")]
    assert outcomes(watch.look()) == []


def test_a_log_that_grows_is_left_alone(root, watch):
    """Half an archive would be refused, or worse, be taken for a cancelled run."""
    whole = small.log(root / "logs" / "a.eval", "atlas-1", "CI").read_bytes()
    looks = []
    for cut in (40, 400, len(whole)):
        (root / "logs" / "a.eval").write_bytes(whole[:cut])
        looks += outcomes(watch.look())

    assert looks == []
    assert outcomes(watch.look()) == [("a.eval", "read")]


def test_a_log_that_was_edited_is_read_again(root, watch):
    """Both versions are in the store."""
    small.log(root / "logs" / "a.eval", "atlas-1", "CI")
    watch.look(), watch.look()

    small.log(root / "logs" / "a.eval", "atlas-1", "CC")
    watch.look()

    assert outcomes(watch.look()) == [("a.eval", "read")]
    assert len(Project(root).store.list()) == 2
    assert watch.total.count("read") == 2


def test_a_refused_log_is_tried_again_when_its_folder_changes(root, watch):
    """Some formats need the file beside them; as long as nothing changes, it is said once."""
    (root / "logs" / "a.eval").write_bytes(b"PK but no archive")
    watch.look()
    assert outcomes(watch.look()) == [("a.eval", "refused")]
    assert outcomes(watch.look()) == []

    small.log(root / "logs" / "b.eval", "atlas-1", "CI")
    watch.look()

    assert outcomes(watch.look()) == [("a.eval", "refused"), ("b.eval", "read")]


def test_a_folder_may_appear_later(root):
    """Whoever starts to watch does so before the eval."""
    watch = Project(root).watch([str(root / "later")])
    assert outcomes(watch.look()) == []
    (root / "later").mkdir()
    small.log(root / "later" / "a.eval", "atlas-1", "CI")
    watch.look()

    assert outcomes(watch.look()) == [("a.eval", "read")]


def test_the_command_reads_until_interrupted_and_sums_up(root):
    """Ctrl-C is how it ends: 0, with everything in the store."""
    process = subprocess.Popen(
        [*small.command(), "ingest", "logs", "--watch", "--interval", "0.05"],
        cwd=root,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = []
    for name in ("a.eval", "b.eval"):
        small.log(root / name, "atlas-1", "CI").rename(root / "logs" / name)
        said.append(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert said == [f"✓ {name}: 1 runs, 2 scores (inspect)\n" for name in ("a.eval", "b.eval")]
    assert out == "2 read, 0 known already, 0 not readable, 0 other files; 4 scores from 2 runs\n"
    assert err == "looking for logs every 0.05 s; Ctrl-C ends it\n"
    assert process.returncode == 0
    assert len(Project(root).store.runs()) == 2
