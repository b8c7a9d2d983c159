"""The gate as a shell sees it: words, streams and exit codes, on the registry that ships with the project."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass

import pytest
from defusedxml.ElementTree import fromstring

from mbe_docs.cli.main import main
from mbe_docs.project import Project
from tests.project import small

OLD, NEW = "smollm2-135m-instruct-q4-1", "smollm2-135m-instruct-q2-k"


@dataclass(frozen=True)
class Outcome:
    """What a run of the command gave."""

    code: int
    out: str
    err: str


@pytest.fixture
def mbe(capsys, monkeypatch):
    """`mbe(root, "diff", …)`: the command on a project, in this process."""

    def run(root, *arguments):
        monkeypatch.setenv("MBE_DOCS_PROJECT", str(root))
        monkeypatch.setattr(sys, "argv", ["mbe-docs", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        streams = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), streams.out, streams.err)

    return run


@pytest.fixture
def own(own_project, tmp_path):
    """A copy of the project's own registry, to change."""
    return shutil.copytree(own_project, tmp_path / "registry")


def accept(root, *behaviors, verdict="regressed", expires="2026-12-31"):
    """Exceptions for the upgrade, all for one reason."""
    text = "".join(
        f"- {{behavior: {name}, old: {OLD}, new: {NEW}, verdict: {verdict}, reason: known, expires: {expires}}}\n"
        for name in behaviors
    )
    (root / "behaviors" / "exceptions.yaml").write_text(text)


WORSE = ("arithmetic-answer-present", "arithmetic-exact-answer", "json-exact-object")


def test_the_shipped_upgrade_fails_the_gate(mbe, own_project):
    """Q2_K is a downgrade: three behaviors got worse."""
    done = mbe(own_project, "diff", OLD, NEW)

    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines()[1].startswith("Worse: “Has the right number somewhere in the reply”, ")


def test_it_passes_when_all_of_it_is_accepted(mbe, own):
    """A decision with a reason and a last day, in a file that is reviewed."""
    accept(own, *WORSE)

    done = mbe(own, "diff", OLD, NEW)

    assert (done.code, done.out.count("accepted until 2026-12-31: known")) == (0, 3)


def test_it_fails_again_when_the_exceptions_expire(mbe, own):
    """The newest run is of 2026-11-23."""
    accept(own, *WORSE, expires="2026-11-22")

    assert mbe(own, "diff", OLD, NEW).code == 1
    assert mbe(own, "diff", OLD, NEW, "--today", "2026-11-22").code == 0


def test_accepting_one_behavior_is_not_accepting_all(mbe, own):
    """The other two still fail."""
    accept(own, WORSE[0])

    found = json.loads(mbe(own, "diff", OLD, NEW, "--format", "json-v1").out)

    assert [one["behavior"] for one in found["findings"] if one["severity"] == "error"] == list(WORSE[1:])


def test_looking_at_one_behavior_leaves_exceptions_of_others_alone(mbe, own):
    """They are not unneeded, only out of sight."""
    accept(own, *WORSE)

    assert mbe(own, "diff", OLD, NEW, "--behavior", "word-limit").code == 0


def test_looking_at_one_behavior_changes_no_verdict(mbe, own_project):
    """Its family is what it was before anybody looked: alone it would be "better"."""
    every = json.loads(mbe(own_project, "diff", OLD, NEW, "--format", "json-v1").out)["comparisons"]
    one = mbe(own_project, "diff", OLD, NEW, "--behavior", "instruction-following", "--format", "json-v1")

    assert json.loads(one.out)["comparisons"] == [
        row for row in every if row["behavior"] == "instruction-following"
    ]


def test_a_wrong_exception_is_2_with_its_place(mbe, own):
    """A typo must not let a regression pass, nor look like one."""
    accept(own, "json-exact-objekt")

    done = mbe(own, "diff", OLD, NEW)

    assert (done.code, done.out) == (2, "")
    assert "behaviors/exceptions.yaml:1:14: behavior is 'json-exact-objekt'; expected a behavior" in done.err
    assert "fix: write `behavior: json-exact-object`" in done.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on", "never"], 0),
        (["--fail-on", "inferior"], 1),
        (["--fail-on", "inconclusive"], 1),
        (["--fail-on", "any-change"], 1),
        (["--require-decided"], 1),
        (["--fail-on", "never", "--require-decided"], 1),
    ],
)
def test_an_undecided_behavior_fails_where_it_is_asked_to_be_decided(mbe, own_project, options, code):
    """Six prompts cannot tell; whether that is fine is a policy."""
    assert mbe(own_project, "diff", OLD, NEW, "--behavior", "one-word-answers", *options).code == code


def test_a_behavior_shown_not_to_be_inferior_passes(mbe, own_project):
    """+8 points, from 0 to +19: undecided, and surely not worse by five."""
    done = mbe(own_project, "diff", OLD, NEW, "--behavior", "instruction-following", "--fail-on", "inferior")

    assert (done.code, "it may be worse" in done.out) == (0, False)


def test_the_policy_of_the_project_is_the_default(mbe, own):
    """One line in the settings, the same gate for everybody; the command line wins."""
    with (own / "behaviors" / "config.yaml").open("a") as file:
        file.write("policy:\n  fail_on: inconclusive\n  require_decided: true\n")
    row = ("diff", OLD, NEW, "--behavior", "one-word-answers")

    assert mbe(own, *row).code == 1
    assert mbe(own, *row, "--fail-on", "never").code == 1
    assert json.loads(mbe(own, *row, "--format", "json-v1").out)["fail_on"] == "inconclusive"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fail_on: worse", "policy.fail_on is 'worse'; expected 'regressed', 'inferior', "),
        ("require_decided: maybe", "policy.require_decided is 'maybe'; expected true or false"),
    ],
)
def test_a_wrong_policy_is_2(mbe, own, line, said):
    """Said with its place; nothing falls back to a laxer gate."""
    with (own / "behaviors" / "config.yaml").open("a") as file:
        file.write(f"policy:\n  {line}\n")

    done = mbe(own, "diff", OLD, NEW)

    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    "names", [(), (OLD,), (OLD, NEW, NEW), ("--baseline", OLD, NEW), (OLD, NEW, "--today", "soon")]
)
def test_a_wrong_command_line_is_2(mbe, own_project, names):
    """Two models, or a baseline and at most one."""
    assert mbe(own_project, "diff", *names).code == 2


def test_slices_are_rows_on_the_command_line(mbe, own_project):
    """Their family is all values of the key."""
    done = mbe(own_project, "diff", OLD, NEW, "--slice", "tier=small")

    assert done.out.splitlines()[1] == (
        "Undecided: “Has the right number somewhere in the reply [tier=small]” and "
        "“Gets simple arithmetic right [tier=small]”."
    )


def test_every_format_says_the_same(mbe, own_project):
    """Six ways to write three regressions."""
    said = {
        form: mbe(own_project, "diff", OLD, NEW, "--format", form)
        for form in ("text", "markdown", "json-v1", "github", "sarif", "junit")
    }

    assert {done.code for done in said.values()} == {1}
    assert said["text"].out.count("▼ worse") == 3
    assert said["markdown"].out.count("| MBE301 |") == 3
    assert json.loads(said["json-v1"].out)["counts"]["regressed"] == 3
    assert said["github"].out.count("::error ") == 3
    results = json.loads(said["sarif"].out)["runs"][0]["results"]
    assert [one["level"] for one in results].count("error") == 3
    assert fromstring(said["junit"].out).get("failures") == "3"


def test_bless_then_diff_is_nothing_new(mbe, own):
    """Both write what they did in plain words."""
    blessed = mbe(own, "bless", OLD, "--reason", "the one that ships")
    again = mbe(own, "bless", OLD, "--reason", "the one that ships")
    done = mbe(own, "diff", "--baseline")

    assert (blessed.code, blessed.err) == (0, "commit behaviors/baseline.json\n")
    assert blessed.out.splitlines()[1] == (
        f"blessed arithmetic-exact-answer on {OLD}: 11\u202f% [5, 19], 40 × 5"
    )
    assert (again.err, again.out.count("kept ")) == ("nothing was written\n", 9)
    assert (done.code, done.out.splitlines()[1]) == (0, "Nothing new since blessing.")


def test_bless_asks_for_a_reason(mbe, own_project):
    """The next reader wants to know why."""
    assert mbe(own_project, "bless", OLD).code == 2


def test_a_worse_run_since_the_blessing_is_1(mbe, tmp_path):
    """Same model, same prompts, other answers: the silent change that a gate is for."""
    root = small.ingested(tmp_path / "registry")
    mbe(root, "bless", "atlas-1", "--reason", "in production")
    small.log(root / "logs" / "later.eval", "atlas-1", "C" * 12 + "I" * 28)
    Project(root).ingest([str(root / "logs")])

    done = mbe(root, "diff", "--baseline", "atlas-1")

    assert done.code == 1
    assert done.out.splitlines()[:2] == [
        "Atlas 1, baseline of 2026-11-01 → Atlas 1, since",
        "Worse: “Adds two numbers”.",
    ]


def test_a_blessed_run_that_is_gone_is_2_with_a_fix(mbe, tmp_path):
    """A baseline without its evidence is no baseline."""
    root = small.ingested(tmp_path / "registry")
    mbe(root, "bless", "atlas-1", "--reason", "in production")
    shutil.rmtree(root / "behaviors" / "evidence")
    Project(root).ingest([str(root / "logs" / "atlas-2.eval")])

    done = mbe(root, "diff", "--baseline")

    assert (done.code, done.out) == (2, "")
    assert "is not in the evidence store" in done.err
    assert "fix: ingest its log again, or bless what is there with `mbe-docs bless atlas-1" in done.err
