"""stdout is the product, stderr is about the run; colours only where somebody sees them."""

from __future__ import annotations

import json

import pytest

from tests.project import small


@pytest.fixture
def warned(registry, mbe):
    """A registry whose check has one warning: a cancelled run."""
    small.log(registry / "logs" / "cancelled.eval", "atlas-1", "CC", status="cancelled")
    mbe("ingest", "logs", cwd=registry)
    return registry


@pytest.fixture
def wrong(warned):
    """The same with an error in a note."""
    note = warned / "behaviors" / "adds.md"
    note.write_text(small.BEHAVIOR.replace("direction: higher", "direction: up"))
    return warned


def test_findings_are_on_stderr_their_count_on_stdout(mbe, warned):
    """What a script counts and what a person reads do not mix."""
    done = mbe("check", cwd=warned)

    assert done.out == "1 warning\n"
    assert "MBE231" in done.err
    assert "\n1 warning\n" not in done.err


def test_quiet_silences_warnings(mbe, warned):
    """`-q` leaves nothing on stderr where nothing is an error; the exit code stays."""
    quiet, loud = (
        mbe("-q", "check", "--fail-on", "note", cwd=warned),
        mbe("check", "--fail-on", "note", cwd=warned),
    )

    assert (quiet.out, quiet.err) == (loud.out, "")
    assert quiet.code == loud.code == 1


def test_quiet_does_not_silence_errors(mbe, wrong):
    """A failing build that says nothing helps nobody."""
    done = mbe("-q", "check", cwd=wrong)

    assert "MBE104 error" in done.err
    assert "MBE231" not in done.err


def test_quiet_ingest_still_says_what_it_could_not_read(mbe, registry):
    """An unreadable log is an error."""
    (registry / "logs" / "broken.eval").write_bytes(b"nothing of the kind")

    done = mbe("-q", "ingest", "logs", cwd=registry)

    assert done.code == 1
    assert "broken.eval: MBE201 error: not an Inspect log" in done.err


def test_quiet_init_says_what_it_wrote_only(mbe, tmp_path):
    """What comes next is advice, not product."""
    done = mbe("-q", "init", str(tmp_path / "new"))

    assert (done.code, done.err) == (0, "")
    assert "wrote behaviors/config.yaml" in done.out


def test_a_quiet_error_of_usage_is_still_said(mbe, tmp_path):
    """`-q` is about the run, not about why there was none."""
    assert "no behaviors/ folder" in mbe("-q", "check", cwd=tmp_path).err


@pytest.mark.parametrize("arguments", [["check"], ["evidence", "verify"], ["diff", "atlas-2", "atlas-1"]])
def test_a_clean_run_says_nothing_on_stderr(shared_registry, arguments):
    """No library's warning, no log line: seen from outside, in a process of its own."""
    done = small.run(*arguments, cwd=shared_registry)

    assert (done.returncode, done.stderr) == (0, b"")


def test_v_says_which_format_claims_a_log(mbe, tmp_path):
    """`-vv` says each decision."""
    root = small.start(tmp_path / "registry")

    done = mbe("-vv", "ingest", "logs", "--dry-run", cwd=root)

    assert "atlas-1.eval: claimed by inspect" in done.err


def test_output_that_is_no_terminal_has_no_colours(warned):
    """A log of a build holds no escape sequences."""
    done = small.run("check", cwd=warned, env={"FORCE_COLOR": "", "NO_COLOR": ""})

    assert b"\x1b" not in done.stdout + done.stderr


def test_force_color_wins_over_no_terminal(warned):
    """CI systems show colours although they are no terminal."""
    done = small.run("check", cwd=warned, env={"FORCE_COLOR": "1", "NO_COLOR": ""})

    assert b"\x1b[33mMBE231 warning\x1b[0m" in done.stderr


def test_no_color_wins_over_force_color(warned):
    """no-color.org: set and not empty means none."""
    done = small.run("check", cwd=warned, env={"FORCE_COLOR": "1", "NO_COLOR": "1"})

    assert b"\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_character_that_the_terminal_has_not_stops_nothing(shared_registry, encoding):
    """The tick and the arrow are not in every code page."""
    done = small.run("diff", "atlas-2", "atlas-1", cwd=shared_registry, env={"PYTHONIOENCODING": encoding})

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Atlas 2" in done.stdout


def test_a_report_in_a_file_leaves_stdout_empty(mbe, shared_registry, tmp_path):
    """The file holds the bytes that stdout would have."""
    target = tmp_path / "report.json"
    shown = mbe("diff", "atlas-1", "atlas-2", "--format", "json-v1", cwd=shared_registry)
    written = mbe("diff", "atlas-1", "atlas-2", "--format", "json-v1", "-o", str(target), cwd=shared_registry)

    assert written.out == ""
    assert target.read_text(encoding="utf-8") == shown.out
    assert json.loads(shown.out)["old"] == "atlas-1"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".report")] == []
