"""`mbe-docs diff`: what counts as a finding, and what programs read."""

from __future__ import annotations

import json

import pytest

from mbe_docs.records.estimates import Comparison
from mbe_docs.registry.diff import FAIL_ON
from tests.project import small

VARIED = """\
---
title: {title}
category: accuracy
measure:
  task: {task}
  scorer: match
  direction: higher
  margin: 0.05
  min_samples: 20
---

Text.
"""


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    """Each verdict on its own pair of models: old-VERDICT, new-VERDICT."""
    from mbe_docs.project import Project

    root = small.start(tmp_path_factory.mktemp("diff") / "registry", logs=False)
    (root / "behaviors" / "models" / "atlas.yaml").unlink()
    values = {
        "regressed": ("C" * 40, "C" * 10 + "I" * 30),
        "improved": ("C" * 10 + "I" * 30, "C" * 40),
        "unchanged": ("C" * 100, "C" * 100),
        "inconclusive": ("C" * 30 + "I" * 10, "C" * 28 + "I" * 12),
        "refused": ("C" * 40, ""),
    }
    (root / "behaviors" / "adds.md").write_text(VARIED.format(title="Adds", task="arithmetic"))
    (root / "logs").mkdir()
    names = []
    for verdict, sides in values.items():
        for side, scores in zip(("old", "new"), sides, strict=True):
            names.append(f"{side}-{verdict}")
            if scores:
                small.log(root / "logs" / f"{names[-1]}.eval", names[-1], scores)
    snapshots = "".join(f"  {name}: {{title: {name}}}\n" for name in names)
    family = f"provider: acme\ntitle: Atlas\nsnapshots:\n{snapshots}"
    (root / "behaviors" / "models" / "atlas.yaml").write_text(family)
    Project(root).ingest([str(root / "logs")])
    return root


EXPECTED = {
    "regressed": {"regressed": 1, "inferior": 1, "inconclusive": 1, "any-change": 1, "never": 0},
    "improved": {"regressed": 0, "inferior": 0, "inconclusive": 0, "any-change": 1, "never": 0},
    "unchanged": {"regressed": 0, "inferior": 0, "inconclusive": 0, "any-change": 0, "never": 0},
    "inconclusive": {"regressed": 0, "inferior": 1, "inconclusive": 1, "any-change": 1, "never": 0},
    "refused": {"regressed": 2, "inferior": 2, "inconclusive": 2, "any-change": 2, "never": 2},
}


@pytest.mark.parametrize("fail_on", FAIL_ON)
@pytest.mark.parametrize("verdict", EXPECTED)
def test_the_exit_code_is_the_verdict_at_the_bar_asked_for(mbe, five, verdict, fail_on):
    """0 nothing at or above the bar, 1 something, 2 nothing could be compared at all."""
    done = mbe(
        "diff", f"old-{verdict}", f"new-{verdict}", "--fail-on", fail_on, "--format", "json-v1", cwd=five
    )

    assert json.loads(done.out)["counts"] == {verdict: 1}
    assert done.code == EXPECTED[verdict][fail_on]


def test_the_default_bar_is_a_regression(mbe, five):
    """An upgrade gate needs no option."""
    assert mbe("diff", "old-regressed", "new-regressed", cwd=five).code == 1
    assert mbe("diff", "old-inconclusive", "new-inconclusive", cwd=five).code == 0


def test_an_unknown_model_is_2_with_the_nearest_name(mbe, shared_registry):
    """A typo gets a suggestion, never a comparison."""
    done = mbe("diff", "atlas-1", "atlas-22", cwd=shared_registry)

    assert (done.code, done.out) == (2, "")
    assert "no family lists the model 'atlas-22'" in done.err
    assert "fix: did you mean 'atlas-2'?" in done.err


def test_a_model_that_is_like_no_other_gets_the_list(mbe, shared_registry):
    """Nothing is guessed."""
    done = mbe("diff", "atlas-1", "zzz", cwd=shared_registry)

    assert done.code == 2
    assert "expected one of: atlas-1, atlas-2, atlas-3" in done.err


def test_an_alias_means_its_newest_snapshot(mbe, shared_registry):
    """`atlas-latest` is atlas-2 here."""
    done = mbe("diff", "atlas-1", "atlas-latest", "--format", "json-v1", cwd=shared_registry)

    assert json.loads(done.out)["new"] == "atlas-2"


def test_nothing_measured_on_either_is_2(mbe, registry):
    """A model that was never run is no unchanged one."""
    note = registry / "behaviors" / "adds.md"
    note.write_text(small.BEHAVIOR.replace("task: arithmetic", "task: other"))

    done = mbe("diff", "atlas-1", "atlas-2", cwd=registry)

    assert (done.code, done.out) == (2, "")
    assert "nothing was measured on atlas-1 or atlas-2" in done.err


def test_an_unknown_behavior_is_2_with_those_there_are(mbe, shared_registry):
    """`--behavior` is exact."""
    done = mbe("diff", "atlas-1", "atlas-2", "--behavior", "add", cwd=shared_registry)

    assert (done.code, done.out) == (2, "")
    assert "there is no behavior 'add'" in done.err
    assert "expected one of: adds" in done.err


def test_an_unknown_format_is_2_with_those_there_are(mbe, shared_registry):
    """The machine format carries its version."""
    done = mbe("diff", "atlas-1", "atlas-2", "--format", "json", cwd=shared_registry)

    assert (done.code, done.out) == (2, "")
    assert "format is 'json'; expected one of: " in done.err
    assert "json-v1" in done.err


def test_wrong_notes_are_2(mbe, registry):
    """A comparison of half the notes would look like one of all."""
    (registry / "behaviors" / "adds.md").write_text(small.BEHAVIOR.replace("higher", "up"))

    done = mbe("diff", "atlas-1", "atlas-2", cwd=registry)

    assert (done.code, done.out) == (2, "")
    assert "behaviors/adds.md:7:14: 1 errors" in done.err or "1 error" in done.err


def test_damaged_evidence_is_2(mbe, registry):
    """Runs that cannot be read are not left out in silence."""
    part = next((registry / "behaviors" / "evidence" / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:-1] + b"\0")

    done = mbe("diff", "atlas-1", "atlas-2", cwd=registry)

    assert (done.code, done.out) == (2, "")
    assert "is not as it was written" in done.err


def test_json_v1_holds_what_its_readers_rely_on(mbe, shared_registry):
    """Version 1 never loses a field; every comparison is a record of the registry."""
    report = json.loads(mbe("diff", "atlas-1", "atlas-2", "--format", "json-v1", cwd=shared_registry).out)

    assert {"format", "old", "new", "headline", "counts", "comparisons"} <= set(report)
    assert report["format"] == "json-v1"
    (comparison,) = (Comparison.model_validate(entry) for entry in report["comparisons"])
    assert (comparison.verdict, comparison.n_worse, comparison.n_common) == ("regressed", 30, 40)
    assert [entry.value for entry in comparison.slices] == ["easy", "hard"]


def test_every_format_says_the_same_verdict(mbe, shared_registry):
    """One comparison, three ways to write it."""
    for form in ("text", "markdown", "json-v1"):
        done = mbe("diff", "atlas-1", "atlas-2", "--format", form, cwd=shared_registry)

        assert done.code == 1
        assert "worse" in done.out.lower() or "regressed" in done.out


def test_a_format_is_named_by_variable_too(mbe, shared_registry, monkeypatch):
    """Flags have MBE_DOCS_* variables."""
    monkeypatch.setenv("MBE_DOCS_DIFF_FORMAT", "json-v1")
    monkeypatch.setenv("MBE_DOCS_DIFF_FAIL_ON", "never")

    done = mbe("diff", "atlas-1", "atlas-2", cwd=shared_registry)

    assert (done.code, json.loads(done.out)["format"]) == (0, "json-v1")


def test_a_diff_writes_nothing_into_the_project(mbe, registry):
    """Looking changes nothing."""
    before = small.files(registry)
    mbe("diff", "atlas-1", "atlas-2", cwd=registry)
    mbe("check", cwd=registry)

    assert small.files(registry) == before
