"""EQ-Bench v2: scores that are not 0 or 1, and two scorer versions in one file."""

from __future__ import annotations

import json
import math

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, family, mapping, start

pytestmark = MARKS

FOLDER = PUBLISHED_DATA / "eq-bench"
MAPPING = """\
files: ["*.jsonl"]
task: eq-bench
task_version: v2
model: {column: model}
sample_id: {column: question}
input: [prompt]
metrics:
  first_pass: {plugin: first_pass}
  revised: {plugin: revised}
  legacy: {column: legacy}
metadata: []
"""
NOTE = """\
---
title: Says what people in a dialogue feel
category: accuracy
measure:
  task: eq-bench
  scorer: {scorer}
  direction: higher
  unit: points
  range: [-30, 10]
  margin: 0.3
---

Scored on the full scale of version 2.
"""


def full_scale(part):
    """The score of version 2: 10 minus the distances of four intensities, small ones bent to count less."""

    def score(row):
        wanted = {row[f"emotion{n}"]: float(row[f"emotion{n}_score"]) for n in range(1, 5)}
        given = {name: float(row[key]) for name in wanted if (key := f"{part}.{name}") in row}
        if set(given) != set(wanted):
            return None
        total = 0.0
        for name, value in given.items():
            distance = abs(value - wanted[name])
            bent = 6.5 / (1 + math.exp(-1.2 * (distance - 4))) if distance <= 5 else distance
            total += bent if distance else 0.0
        return 10 - 0.7477 * total

    return score


def files():
    """Models by name, with what their file says."""
    found = {}
    for path in sorted(FOLDER.glob("*_results.json")):
        found[path.name.removesuffix("_eqbench_v2_results.json")] = json.loads(path.read_bytes())
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Eight models, each question with the answers as they stand and the file's own legacy score."""
    root = start(tmp_path_factory.mktemp("eq") / "registry")
    mapping(root, "eq", MAPPING)
    questions = json.loads((FOLDER / "eq_bench_v2_questions_171.json").read_bytes())
    (root / "results").mkdir()
    for model, said in files().items():
        lines = []
        for number, answers in said["raw_results"]["1"]["respondent_answers"].items():
            legacy = said["raw_results"]["1"]["individual_scores"][number].get("first_pass_score")
            known = questions[number]
            row = {"model": model, "question": number, "prompt": known["prompt"], "legacy": legacy}
            lines.append(json.dumps(row | known["reference_answer_fullscale"] | answers))
        (root / "results" / f"{model}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    scorers = {part: full_scale(part) for part in ("first_pass", "revised")}
    summary = Project(root).ingest([str(root / "results")], scorers=scorers)
    assert summary.count("read") == 8
    family(root, "gpt", sorted(files()), prefix="")
    for scorer in ("first_pass", "revised", "legacy"):
        text = NOTE.format(scorer=scorer)
        (root / "behaviors" / f"{scorer.replace('_', '-')}.md").write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def scores(root):
    """Estimates on the scale of the leaderboard, 0 to 100, by model and behavior."""
    found = {}
    for entry in Project(root).registry().estimates:
        found.setdefault(entry.subject, {})[entry.behavior] = 10 * entry.rate.value
    return found


def test_the_published_score_is_the_better_of_two_means(scores):
    """`benchmark_score` of all eight files within .011, the rounding of the file included."""
    assert len(scores) == 8
    for model, said in files().items():
        best = max(scores[model]["first-pass"], scores[model].get("revised", -math.inf))
        assert best == pytest.approx(said["benchmark_score"], abs=0.011), model


def test_the_scores_in_the_file_are_of_another_version(scores):
    """The trap: `individual_scores` are version 1, and average to the published score of no file."""
    for model, said in files().items():
        assert abs(scores[model]["legacy"] - said["benchmark_score"]) > 5, model


def test_scores_below_zero_are_scores(root):
    """A single question may score less than nothing; its interval is that of the mean, not of a share."""
    from tests.published.registries import rows

    values = [row["value"] for row in rows(root) if row["scorer"] == "first_pass"]

    assert (len(values), None in values) == (8 * 171, False)
    assert min(values) < 0 < max(values) <= 10


def test_answers_that_were_not_given_are_unscored(root):
    """One model was not asked to revise: its 171 rows have no value, and no estimate is made of them."""
    subjects = {entry.subject for entry in Project(root).registry().estimates if entry.behavior == "revised"}

    assert "gpt-4-0125-preview" not in subjects
    assert len(subjects) == 7
