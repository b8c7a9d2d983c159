"""Multilingual IFEval, README leaderboard: instruction-level strict accuracy of two models in two languages."""

from __future__ import annotations

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, family, note, rows, start

pytestmark = MARKS

EVALUATIONS = PUBLISHED_DATA / "m-ifeval" / "evaluations"
OLD, NEW = "gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"
README = {(NEW, "en"): 88.6, (OLD, "en"): 86.0, (NEW, "es"): 89.8, (OLD, "es"): 85.4}
"""In percent, as printed."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Strict and loose results as a project; a behavior for the prompts of each language."""
    root = start(tmp_path_factory.mktemp("ifeval") / "registry")
    summary = Project(root).ingest([str(EVALUATIONS)])
    assert (summary.count("read"), summary.findings) == (6, [])
    for language in ("en", "es"):
        title = f"Follows instructions in {language}"
        note(root, f"follows-{language}", f"ifeval_{language}", "prompt_strict", "higher", title=title)
    family(root, "gpt-4o", [OLD, NEW], prefix="")
    return root


@pytest.mark.parametrize(("model", "language"), README)
def test_instruction_level_strict_accuracy_is_the_published_one(root, model, language):
    """Every verdict about an instruction is a row of the store; their mean is the leaderboard's figure."""
    keys = {
        stored.run.run_key
        for stored in Project(root).store.runs()
        if (stored.run.model_requested, stored.run.task) == (model, f"ifeval_{language}")
    }
    values = [
        row["value"]
        for row in rows(root)
        if row["run_key"] in keys and row["scorer"].startswith("instruction_strict/")
    ]

    assert round(100 * sum(values) / len(values), 1) == README[model, language]


def test_strict_and_loose_are_two_scorers_over_the_same_answers(root):
    """Neither is averaged into the other: 101 of 115 Spanish prompts pass strictly, more pass loosely."""
    passed = {}
    for row in rows(root):
        if row["scorer"] in ("prompt_strict", "prompt_loose"):
            passed.setdefault((row["run_key"], row["scorer"]), []).append(row["value"])
    spanish = {key[1]: sum(some) for key, some in passed.items() if len(some) == 115 and sum(some) >= 101}

    assert spanish["prompt_strict"] == 101
    assert spanish["prompt_loose"] > 101


def test_the_upgrade_is_shown_where_the_pairs_show_it(root):
    """455 against 435 of 541 (discordant 40 and 20, exact McNemar p = .0135); 101 against 95 of 115 (6 and 0)."""
    compared = {entry.behavior: entry for entry in Project(root).diff(OLD, NEW).comparisons}

    english, spanish = compared["follows-en"], compared["follows-es"]
    assert (english.n_better, english.n_worse, english.n_common) == (40, 20, 541)
    assert (spanish.n_better, spanish.n_worse, spanish.n_common) == (6, 0, 115)
    assert english.verdict == "improved"
    assert spanish.verdict not in ("regressed", "unchanged")
