"""`mbe-docs ingest`: what is read, what is known, what is refused, and that nothing else changes."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from mbe_docs.errors import EvidenceError
from mbe_docs.project import Project
from tests.project import small

TABLE = "id,model,score\n1,acme/atlas-1,1\n2,acme/atlas-1,0\n"
MAPPING = """\
files: ["*.csv"]
task: arithmetic
model: {column: model}
sample_id: {column: id}
input: [id]
metrics: {match: {column: score}}
"""


@pytest.fixture
def root(tmp_path):
    """A registry whose logs are not ingested."""
    return small.start(tmp_path / "registry")


def test_logs_are_read_once_and_said_in_one_line_each(mbe, root):
    """The product is what was read; stderr has nothing to add."""
    done = mbe("ingest", "logs", cwd=root)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "✓ atlas-1.eval: 1 runs, 40 scores (inspect)",
        "✓ atlas-2.eval: 1 runs, 40 scores (inspect)",
        "2 read, 0 known already, 0 not readable, 0 other files; 80 scores from 2 runs",
    ]


def test_a_second_ingest_knows_them_and_changes_no_byte(mbe, root):
    """Known by content: the same logs under other names are no news."""
    mbe("ingest", "logs", cwd=root)
    (root / "logs" / "atlas-1.eval").rename(root / "logs" / "renamed.eval")
    before = small.files(root)

    done = mbe("ingest", "logs", cwd=root)

    assert (done.code, done.out) == (
        0,
        "0 read, 2 known already, 0 not readable, 0 other files; 0 scores from 0 runs\n",
    )
    assert small.files(root) == before


def test_the_same_log_twice_in_one_ingest_is_read_once(mbe, root):
    """A copy is the same content."""
    (root / "logs" / "copy.eval").write_bytes((root / "logs" / "atlas-1.eval").read_bytes())

    assert "2 read, 1 known already" in mbe("ingest", "logs", cwd=root).out


def test_a_dry_run_says_the_same_and_writes_nothing(mbe, root):
    """Not a file, not a folder; known and other files are said, too."""
    (root / "logs" / "settings.json").write_text('{"a": 1}')
    before = small.files(root)

    done = mbe("ingest", "logs", "--dry-run", cwd=root)

    assert done.code == 0
    assert small.files(root) == before
    assert not (root / "behaviors" / "evidence").exists()
    assert done.out.splitlines() == [
        "✓ atlas-1.eval: 1 runs, 40 scores (inspect)",
        "✓ atlas-2.eval: 1 runs, 40 scores (inspect)",
        "· settings.json: no format claims it",
        "2 would be read, 0 known already, 0 not readable, 1 other files; 80 scores from 2 runs",
    ]


@pytest.mark.parametrize("name", ["empty", "notes.txt", "empty/*.eval"])
def test_nothing_found_is_2(mbe, root, name):
    """A green run over nothing is the worst result."""
    (root / "empty").mkdir()
    (root / "notes.txt").write_text("no log")

    done = mbe("ingest", name, cwd=root)

    assert done.code == 2
    assert name in done.err
    assert "fix: " in done.err


def test_nothing_found_is_0_where_that_is_fine(mbe, root):
    """`--allow-empty`: a nightly job may have had nothing to do."""
    (root / "empty").mkdir()

    done = mbe("ingest", "empty", "--allow-empty", cwd=root)

    assert (done.code, done.err) == (0, "")


def test_a_log_that_cannot_be_read_is_1_and_the_others_are_kept(mbe, root):
    """The message has place, code, what is wrong and a fix; a line on stdout says which."""
    (root / "logs" / "broken.eval").write_bytes(b"PK but no archive")

    done = mbe("ingest", "logs", cwd=root)

    assert done.code == 1
    assert done.err.startswith("broken.eval: MBE201 error: not an Inspect log")
    assert "\n  fix: " in done.err
    assert "✗ broken.eval: not an Inspect log" in done.out
    assert len(Project(root).store.runs()) == 2


def test_a_log_that_cannot_be_read_is_0_where_that_is_fine(mbe, root):
    """`--allow-unreadable` still says it."""
    (root / "logs" / "broken.eval").write_bytes(b"PK but no archive")

    done = mbe("ingest", "logs", "--allow-unreadable", cwd=root)

    assert done.code == 0
    assert "MBE201 error" in done.err


def test_a_file_that_the_system_does_not_hand_over_is_1_and_the_others_are_kept(mbe, root, monkeypatch):
    """Permissions or a bad disk are no reason to lose the other logs, nor a bug of ours."""
    opened = Path.open

    def refuse(path, *rest, **more):
        if path.name == "atlas-1.eval":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **more)

    monkeypatch.setattr(Path, "open", refuse)

    done = mbe("ingest", "logs", cwd=root)

    assert done.code == 1
    assert "atlas-1.eval: MBE201 error: the file cannot be read: permission denied" in done.err
    assert "1 read, 0 known already, 1 not readable" in done.out


def test_a_path_that_is_not_there_is_2(mbe, root):
    """A typo in a folder's name must not look like an empty folder."""
    done = mbe("ingest", "lgos", cwd=root)

    assert (done.code, done.out) == (2, "")
    assert "nothing is at lgos; expected a log, a folder or a glob" in done.err


def test_a_file_name_that_is_no_text_is_read(mbe, root):
    """File systems allow any bytes in a name; records hold text."""
    name = os.fsdecode(b"la\xfftin.eval")
    (root / "logs" / name).write_bytes((root / "logs" / "atlas-1.eval").read_bytes())
    (root / "logs" / "atlas-1.eval").unlink()

    done = mbe("ingest", "logs", cwd=root)

    assert done.code == 0
    assert "✓ la\\xfftin.eval: 1 runs" in done.out
    assert mbe("check", cwd=root).code == 0


def test_a_hidden_folder_is_not_looked_into(mbe, root):
    """`.git` and caches hold no logs."""
    (root / "logs" / ".cache").mkdir()
    (root / "logs" / ".cache" / "broken.eval").write_bytes(b"x")

    assert mbe("ingest", "logs", cwd=root).code == 0


def test_a_table_needs_a_mapping(mbe, root):
    """Without one the file is refused with a draft to edit; nothing is guessed."""
    (root / "logs" / "results.csv").write_text(TABLE)

    done = mbe("ingest", "logs/results.csv", cwd=root)

    assert done.code == 1
    assert "no mapping says what the columns mean" in done.err


def test_a_mapping_is_named_or_found_in_its_folder(mbe, root):
    """`--mapping` and `behaviors/mappings/` do the same."""
    (root / "logs" / "results.csv").write_text(TABLE)
    (root / "map.yaml").write_text(MAPPING)

    named = mbe("ingest", "logs/results.csv", "--mapping", "map.yaml", "--dry-run", cwd=root)
    (root / "behaviors" / "mappings").mkdir()
    (root / "map.yaml").rename(root / "behaviors" / "mappings" / "map.yaml")
    found = mbe("ingest", "logs/results.csv", "--dry-run", cwd=root)

    assert (named.code, found.code) == (0, 0)
    assert "✓ results.csv: 1 runs, 2 scores (table)" in named.out
    assert named.out == found.out


def test_what_was_read_before_a_wrong_mapping_is_kept(mbe, root):
    """2, because configuration must change; the logs read so far need not be read again."""
    (root / "logs" / "results.csv").write_text(TABLE)
    (root / "map.yaml").write_text(MAPPING.replace("metrics", "metric"))

    done = mbe("ingest", "logs", "--mapping", "map.yaml", cwd=root)

    assert done.code == 2
    assert "map.yaml:6:1: unknown key 'metric'" in done.err
    assert len(Project(root).store.runs()) == 2


def test_a_bug_in_a_reader_names_the_log_and_the_others_are_read(mbe, root, monkeypatch):
    """Of a thousand logs, the one that broke us: no reason to lose those before or after it."""
    from mbe_docs.sources.inspect_ai import InspectAI

    read = InspectAI.read

    def broken(self, log, settings):
        if log.uri == "atlas-1.eval":
            raise RuntimeError("unforeseen")
        return read(self, log, settings)

    monkeypatch.setattr(InspectAI, "read", broken)

    done = mbe("ingest", "logs", cwd=root)

    assert done.code == 2
    assert "internal error: RuntimeError: unforeseen; while reading atlas-1.eval" in done.err
    assert [stored.run.model_requested for stored in Project(root).store.runs()] == ["acme/atlas-2"]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError(), "there is not enough memory to read it"),
        (EvidenceError("no run was found in the log"), "no run was found in the log"),
    ],
)
def test_what_is_wrong_with_one_log_does_not_end_the_ingest(mbe, root, monkeypatch, raised, said):
    """It is said as not readable; a full disk would end it."""
    from mbe_docs.sources.inspect_ai import InspectAI

    read = InspectAI.read

    def broken(self, log, settings):
        if log.uri == "atlas-1.eval":
            raise raised
        return read(self, log, settings)

    monkeypatch.setattr(InspectAI, "read", broken)

    done = mbe("ingest", "logs", cwd=root)

    assert done.code == 1
    assert f"✗ atlas-1.eval: {said}" in done.out
    assert "1 read, 0 known already, 1 not readable" in done.out


def test_every_file_that_was_left_out_is_named(mbe, root):
    """With the reason. Other files are no fault; one that was named itself was meant to be a log."""
    (root / "logs" / "settings.json").write_text('{"a": 1}')

    found = mbe("ingest", "logs", cwd=root)
    named = mbe("ingest", "logs", "logs/settings.json", cwd=root)
    by_name = mbe("ingest", "logs/settings.json", "logs", cwd=root)
    allowed = mbe("ingest", "logs/settings.json", "logs", "--allow-unreadable", cwd=root)

    assert (found.code, named.code, by_name.code, allowed.code) == (0, 0, 1, 0)
    assert "· settings.json: no format claims it\n" in found.out
    assert "✗ settings.json: no format claims it\n" in by_name.out


def test_known_files_are_said_on_request(mbe, root):
    """One line each would hide what is new among thousands."""
    mbe("ingest", "logs", cwd=root)

    done = mbe("-v", "ingest", "logs", cwd=root)

    assert "· atlas-1.eval: known already\n" in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--spark-conf", "a=b"), "--spark-conf needs --engine spark"),
        (("--engine", "spark", "--jobs", "2"), "--jobs is for this machine"),
        (("--engine", "spark", "--spark-conf", "a"), "--spark-conf takes KEY=VALUE"),
        (("--watch", "--dry-run"), "--watch and --dry-run exclude each other"),
        (("--jobs", "0"), "0 is not in the range"),
    ],
)
def test_options_that_contradict_each_other_are_2(mbe, root, options, said):
    """Said before anything is read."""
    done = mbe("ingest", "logs", *options, cwd=root)

    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_terminal_sees_how_far_it_is(root):
    """Files, bytes, rate and the time that is left; nothing of it on stdout."""
    controller, terminal = pty.openpty()
    done = subprocess.run(
        [*small.command(), "ingest", "logs"],
        cwd=root,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=True,
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that nobody holds the other end
        while block := os.read(controller, 65536):
            shown += block
    os.close(controller)

    assert re.search(rb"2 of 2 files .*B/s", shown)
    assert b"\x1b" not in done.stdout
