"""0 nothing to report, 1 findings, 2 could not run: the same for every command."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from mbe_docs.cli.main import COMMANDS
from mbe_docs.project import Project
from tests.project import small


def test_help_of_the_command_lists_every_command(mbe):
    """`--help` is the product: exit 0, on stdout, one line a command."""
    done = mbe("--help")

    assert (done.code, done.err) == (0, "")
    assert [name for name in COMMANDS if f"  {name} " not in done.out] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_is_there(mbe, name):
    """Every command explains itself, also outside of a project."""
    done = mbe(name, "--help")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: mbe-docs") or done.out.startswith("Usage: ")


def test_the_version_is_the_package_version(mbe):
    """`--version` says the name and the version."""
    from mbe_docs import __version__

    done = mbe("--version")

    assert (done.code, done.out) == (0, f"mbe-docs, version {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["chekc"],
        ["check", "--fail-onn", "error"],
        ["check", "--fail-on", "fatal"],
        ["check", "unexpected"],
        ["ingest"],
        ["ingest", "x", "--mapping", "not-there.yaml"],
        ["diff", "atlas-1"],
        ["diff", "atlas-1", "atlas-2", "--fail-on", "sometimes"],
        ["serve", "--port", "-1"],
        ["serve", "--interval", "0"],
        ["evidence", "forget"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_with_nothing_on_stdout(mbe, shared_registry, arguments):
    """A typo is never a green run, and its message is no product."""
    done = mbe(*arguments, cwd=shared_registry)

    assert (done.code, done.out) == (2, "")
    assert done.err != ""
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["build"],
        ["ingest", "."],
        ["diff", "a", "b"],
        ["serve"],
        ["evidence", "list"],
        ["evidence", "verify"],
    ],
    ids=" ".join,
)
def test_outside_of_a_project_is_2_and_says_what_to_do(mbe, tmp_path, arguments):
    """The message names `init` and `--project`."""
    done = mbe(*arguments, cwd=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert "no behaviors/ folder" in done.err
    assert "fix: run `mbe-docs init` here, or name the project with --project" in done.err


def test_a_project_is_found_upwards(mbe, shared_registry):
    """Any folder inside of a project will do."""
    assert mbe("check", cwd=shared_registry / "behaviors" / "models").code == 0


def test_a_project_is_named_by_option_or_variable(mbe, shared_registry, tmp_path, monkeypatch):
    """`--project` and `MBE_DOCS_PROJECT` mean the same."""
    by_option = mbe("check", "--project", str(shared_registry), cwd=tmp_path)
    monkeypatch.setenv("MBE_DOCS_PROJECT", str(shared_registry))
    by_variable = mbe("check", cwd=tmp_path)

    assert by_option == by_variable
    assert by_option.code == 0


def test_a_named_folder_without_a_project_is_2(mbe, tmp_path):
    """No search upwards from a folder that was named."""
    done = mbe("check", "--project", str(tmp_path))

    assert (done.code, done.out) == (2, "")
    assert f"{tmp_path} has no behaviors/ folder" in done.err


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("note", 1)])
def test_check_fails_on_the_severity_asked_for(mbe, registry, fail_on, code):
    """A cancelled run is a warning: it fails `--fail-on warning` and what is stricter."""
    small.log(registry / "logs" / "cancelled.eval", "atlas-1", "CC", status="cancelled")
    mbe("ingest", "logs", cwd=registry)

    done = mbe("check", "--fail-on", fail_on, cwd=registry)

    assert (done.code, done.out) == (code, "1 warning\n")
    assert "cancelled.eval: MBE231 warning: 2 of 2 attempts (run cancelled" in done.err


def test_check_of_a_wrong_note_is_1_with_place_code_and_fix(mbe, registry):
    """`file:line:column: CODE severity: problem`, then the fix."""
    note = registry / "behaviors" / "adds.md"
    note.write_text(
        small.BEHAVIOR.replace("status: active", "").replace("direction: higher", "direction: up")
    )

    done = mbe("check", cwd=registry)

    assert (done.code, done.out) == (1, "1 error\n")
    assert done.err.splitlines()[0].startswith("behaviors/adds.md:7:14: MBE104 error: ")
    assert done.err.splitlines()[1].startswith("  fix: ")


def test_wrong_settings_are_2_with_their_place(mbe, registry):
    """Nothing can be said about a project whose settings cannot be read."""
    small.configure(registry, "publish_exerpts: none")

    done = mbe("check", cwd=registry)

    assert (done.code, done.out) == (2, "")
    assert "behaviors/config.yaml:" in done.err
    assert "unknown key 'publish_exerpts'" in done.err
    assert "write `publish_excerpts:`" in done.err


def test_damaged_evidence_is_1(mbe, registry):
    """`evidence verify` and `check` both say which log to ingest again."""
    part = next((registry / "behaviors" / "evidence" / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:-1] + b"\0")

    verified, checked = mbe("evidence", "verify", cwd=registry), mbe("check", cwd=registry)

    assert (verified.code, verified.out) == (1, "1 damaged\n")
    assert checked.code == 1
    assert "MBE250 error: the evidence from atlas-" in verified.err
    assert "MBE250 error" in checked.err


def test_whole_evidence_is_0(mbe, shared_registry):
    """One line a run on stdout, and nothing else anywhere."""
    listed, verified = (mbe("evidence", name, cwd=shared_registry) for name in ("list", "verify"))

    assert (verified.code, verified.out, verified.err) == (0, "whole\n", "")
    assert (listed.code, listed.err) == (0, "")
    assert [line.split()[-1] for line in listed.out.splitlines()] == ["acme/atlas-1", "acme/atlas-2"]


def broken(*_, **__):
    """A method with a bug."""
    raise RuntimeError("a \x1b[31mbug\nMBE999 error: of ours")


def test_a_bug_is_2_in_one_line_without_a_trace(mbe, shared_registry, monkeypatch):
    """Who meets a bug is told so, and where to report it."""
    monkeypatch.setattr(Project, "check", broken)

    done = mbe("check", cwd=shared_registry)

    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert first == "mbe-docs: internal error: RuntimeError: a ␛[31mbug␊MBE999 error: of ours"
    assert second.startswith("  fix: this is a bug; report it")


def test_a_bug_with_v_shows_the_trace_and_is_still_2(mbe, shared_registry, monkeypatch):
    """1 would mean findings."""
    monkeypatch.setattr(Project, "check", broken)

    done = mbe("-v", "check", cwd=shared_registry)

    assert done.code == 2
    assert "Traceback (most recent call last)" in done.err
    assert "\x1b" not in done.err


def test_what_the_system_refuses_is_2_and_no_bug(mbe, shared_registry, tmp_path):
    """A folder that is not there is for the user to mend, not for us."""
    target = tmp_path / "not-there" / "report.md"

    done = mbe("diff", "atlas-1", "atlas-2", "-o", str(target), cwd=shared_registry)

    assert (done.code, done.out) == (2, "")
    assert "No such file or directory" in done.err
    assert "fix: " in done.err
    assert "internal error" not in done.err


def test_a_full_disk_is_2_and_no_bug(mbe, shared_registry, monkeypatch):
    """The reason is the system's own word."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "site/index.html")

    monkeypatch.setattr(Project, "build", full)

    done = mbe("build", cwd=shared_registry)

    assert (done.code, done.err.splitlines()[0]) == (2, "site/index.html: No space left on device")


def test_an_interrupt_is_130(mbe, shared_registry, monkeypatch):
    """As shells count it."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Project, "check", interrupted)

    assert mbe("check", cwd=shared_registry).code == 130


def test_nobody_reading_is_2_in_silence(shared_registry):
    """`mbe-docs … | head` ends without a trace; 1 would mean findings."""
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [*small.command(), "evidence", "list"],
        cwd=shared_registry,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (2, b"")


def test_the_installed_command_gives_the_same(shared_registry, tmp_path):
    """What the other tests see in this process, a shell sees."""
    clean = small.run("check", cwd=shared_registry)
    nothing = small.run("check", cwd=tmp_path)

    assert (clean.returncode, clean.stdout, clean.stderr) == (0, b"nothing to report\n", b"")
    assert (nothing.returncode, nothing.stdout) == (2, b"")


def test_a_build_with_a_wrong_page_template_is_2(mbe, registry):
    """The generator or a template failing is no finding about a note."""
    (registry / "site_templates").mkdir()
    (registry / "site_templates" / "home.md.j2").write_text("{{ view.nothing.at_all }}")

    done = mbe("build", "--pages-only", cwd=registry)

    assert (done.code, done.out) == (2, "")
    assert "home.md.j2" in done.err
