"""Text from logs is inert at a terminal: no escape sequence, no bidi control, no line that looks like ours."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import time

import pytest

from mbe_docs.plugins import discover
from mbe_docs.project import Project
from tests.project import small
from tests.sources.build_logs import eval_log, header, sample

HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202eevil\u2066\x9b2J\u200b\x7f\nMBE999 error: forged"
"""Title of the window, colour, right-to-left, C1 controls, an invisible character, and a line of its own."""
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Two models compared on samples with hostile ids and slice values, and a log that is hostile all over."""
    root = small.start(tmp_path_factory.mktemp("hostile") / "registry", logs=False)
    (root / "logs").mkdir()
    for model, right in (("atlas-1", 38), ("atlas-2", 8)):
        samples = [
            sample(
                f"{number} {HOSTILE}",
                value="C" if number < right else "I",
                metadata={"kind": HOSTILE if number % 2 else "plain"},
            )
            for number in range(40)
        ]
        spec = {"eval_id": model, "task": "arithmetic", "model": f"acme/{model}"}
        eval_log(root / "logs" / f"{model}.eval", samples, header(eval=spec | {"solver": HOSTILE}))
    spec = {"eval_id": HOSTILE, "run_id": HOSTILE, "task": HOSTILE, "model": HOSTILE, "created": HOSTILE}
    spec["dataset"] = {"name": HOSTILE, "samples": 9}
    error = {"message": HOSTILE, "traceback": HOSTILE}
    scorers = [{"name": HOSTILE, "options": {HOSTILE: HOSTILE}}]
    eval_log(
        root / "logs" / f"x{HOSTILE.replace('/', '')}.eval",
        [sample(HOSTILE, value=HOSTILE, error=error)],
        header("error", eval=spec | {"scorers": scorers}, error=error, stats={"started_at": HOSTILE}),
    )
    (root / "logs" / "broken\x1b[31m\u202e.eval").write_bytes(f"PK{HOSTILE}".encode())
    Project(root).ingest([str(root / "logs")])
    return root


def assert_inert(text):
    """Nothing a terminal would act on, and no line that only looks like a finding."""
    found = HARMFUL.search(text.replace("\r\n", "\n"))
    assert found is None, f"{found[0]!a} in {text[max(0, found.start() - 60) : found.end() + 20]!a}"
    assert [line for line in text.splitlines() if line.startswith("MBE999")] == []


FORMATS = sorted(report.name for report in discover("reports", "REPORT").values())
COMMANDS = [
    ["-vv", "ingest", "logs", "--dry-run"],
    ["-vv", "ingest", "logs"],
    ["-v", "check"],
    ["evidence", "list"],
    ["evidence", "verify"],
    *(["diff", "atlas-1", "atlas-2", "--format", name] for name in FORMATS),
    ["build", "--pages-only"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_of_a_log_acts_on_a_terminal(mbe, hostile, arguments):
    """Neither stdout nor stderr, whatever the command and however much it is asked to say."""
    done = mbe(*arguments, cwd=hostile)

    assert done.code in (0, 1)
    assert_inert(done.out)
    assert_inert(done.err)


def test_the_logs_are_read_for_the_first_time_without_harm(mbe, hostile, tmp_path):
    """Into a fresh project: every line about every file is printed."""
    root = small.start(tmp_path / "fresh", logs=False)

    done = mbe("-vv", "ingest", str(hostile / "logs"), cwd=root)

    assert "3 read, 0 known already, 1 not readable" in done.out
    assert_inert(done.out)
    assert_inert(done.err)


def test_json_still_says_the_value_exactly(mbe, hostile):
    """An escape in JSON is the same text to a program."""
    report = json.loads(mbe("diff", "atlas-1", "atlas-2", "--format", "json-v1", cwd=hostile).out)

    values = {entry["value"] for one in report["comparisons"] for entry in one["slices"]}
    assert values == {HOSTILE, "plain"}


def test_a_report_in_a_file_is_as_inert(mbe, hostile, tmp_path):
    """Somebody will `cat` it."""
    for form in FORMATS:
        target = tmp_path / form
        mbe("diff", "atlas-1", "atlas-2", "--format", form, "-o", str(target), cwd=hostile)

        assert_inert(target.read_text(encoding="utf-8"))


ARGUMENTS = [
    [HOSTILE],
    ["check", f"--{HOSTILE}"],
    ["check", "--project", HOSTILE],
    ["check", "--fail-on", HOSTILE],
    ["ingest", HOSTILE],
    ["ingest", "logs", "--mapping", HOSTILE],
    ["diff", "atlas-1", HOSTILE],
    ["diff", "atlas-1", "atlas-2", "--behavior", HOSTILE],
    ["diff", "atlas-1", "atlas-2", "--format", HOSTILE],
    ["diff", "atlas-1", "atlas-2", "-o", f"/not-there/{HOSTILE}"],
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_nothing_of_an_argument_acts_on_a_terminal(mbe, hostile, arguments):
    """A job may take the model's name from a pull request."""
    done = mbe(*arguments, cwd=hostile)

    assert done.code == 2
    assert_inert(done.out)
    assert_inert(done.err)


def on_a_terminal(arguments, cwd):
    """What a terminal receives of a run of the command."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*small.command(), *arguments],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": ""},
    )
    os.close(theirs)
    received, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not chunk:
                break
            received += chunk
    os.close(ours)
    process.wait(timeout=10)
    return received.decode("utf-8", "replace")


OURS = re.compile(r"\x1b\[(?:0|1|3[1345]|39|2K|1A|\?25[lh]|[0-9;]*m)m?|\r")
"""Colours, the cursor and the lines of the progress bar: the only sequences that are our own."""


@pytest.mark.parametrize("arguments", [["ingest", "logs"], ["check"], ["diff", "atlas-1", "atlas-2"]])
def test_a_terminal_receives_only_our_own_sequences(hostile, tmp_path, arguments):
    """With colours and a progress bar, through a pseudo-terminal."""
    root = hostile
    if arguments[0] == "ingest":
        root, arguments = small.start(tmp_path / "fresh", logs=False), ["ingest", str(hostile / "logs")]

    received = on_a_terminal(arguments, root)

    assert "evil" in received or arguments[0] == "diff"
    assert "\x1b]" not in received
    assert "\x1b[31m\u202e" not in received
    assert_inert(OURS.sub("", received))
