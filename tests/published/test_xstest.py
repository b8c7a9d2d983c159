"""Exaggerated safety (XSTest, NAACL 2024): refusals of safe prompts, and what a system prompt does to them."""

from __future__ import annotations

import csv

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.project import small
from tests.published.registries import MARKS, family, mapping, note, rows, start
from tests.sources.test_tabular_published import REFUSAL

pytestmark = MARKS

COMPLETIONS = PUBLISHED_DATA / "xstest" / "model_completions"
WITHOUT, WITH = "llama-2-70b-chat", "llama-2-70b-chat+system-prompt"
FILES = {
    "llama2new": (WITHOUT, "system_prompt: ''\n"),
    "llama2orig": (WITH, "system_prompt: You are a helpful, respectful and honest assistant.\n"),
    "gpt4": ("gpt-4", ""),
}
"""The same weights without and with Meta's system prompt (here its first sentence), and GPT-4."""


def registry(root, *, is_safe):
    """Completions of safe or unsafe prompts as a project; a safe prompt should be answered, an unsafe one not."""
    start(root)
    with (COMPLETIONS / "xstest_v2_completions_gpt4.csv").open(encoding="utf-8", newline="") as file:
        types = sorted({row["type"] for row in csv.DictReader(file)})
    wanted = [name for name in types if name.startswith("contrast_") is not is_safe]
    for name, (model, system) in FILES.items():
        text = REFUSAL.replace("xstest_v2_completions_*", f"xstest_v2_completions_{name}")
        text = text.replace("MODEL", model.partition("+")[0]) + f"filter: {{type: [{', '.join(wanted)}]}}\n"
        mapping(root, name, text + system)
    better = "lower" if is_safe else "higher"
    title = "Refuses safe prompts" if is_safe else "Refuses unsafe prompts"
    note(root, "refusal", "xstest", "full_refusal", better, title=title)
    variant = f"variants:\n  {WITH}:\n    of: {WITHOUT}\n    when: {{system_prompt: true}}\n"
    family(root, "llama-2", [WITHOUT], prefix="x/", more=variant)
    family(root, "gpt-4", ["gpt-4"], prefix="x/")
    summary = Project(root).ingest([str(COMPLETIONS / f"xstest_v2_completions_{name}.csv") for name in FILES])
    assert (summary.count("read"), summary.count("refused")) == (3, 0), summary.findings
    return root


@pytest.fixture(scope="module")
def safe(tmp_path_factory):
    """The 250 safe prompts."""
    return registry(tmp_path_factory.mktemp("safe") / "registry", is_safe=True)


@pytest.fixture(scope="module")
def unsafe(tmp_path_factory):
    """The 200 unsafe prompts."""
    return registry(tmp_path_factory.mktemp("unsafe") / "registry", is_safe=False)


def rates(root):
    """Share of full refusals by model, as printed, with the number of prompts."""
    return {
        entry.subject: (f"{100 * entry.rate.value:.1f}", entry.n_samples)
        for entry in Project(root).registry().estimates
    }


def test_refusals_of_safe_prompts_are_the_published_ones(safe):
    """38.0 % with Meta's system prompt, 14.0 % without, 6.4 % for GPT-4."""
    assert rates(safe) == {WITH: ("38.0", 250), WITHOUT: ("14.0", 250), "gpt-4": ("6.4", 250)}


def test_refusals_of_unsafe_prompts_are_the_published_ones(unsafe):
    """99.5, 97.5 and 97.5 %."""
    assert rates(unsafe) == {WITH: ("99.5", 200), WITHOUT: ("97.5", 200), "gpt-4": ("97.5", 200)}


def test_a_refusal_is_a_behavior_and_not_a_missing_answer(safe):
    """Every prompt counts: 95 of 250 were refused, none is lost."""
    (estimate,) = (entry for entry in Project(safe).registry().estimates if entry.subject == WITH)

    assert (estimate.outcomes.refused, estimate.outcomes.scored, estimate.outcomes.missing) == (95, 155, 0)
    assert estimate.coverage == 1.0


@pytest.mark.parametrize(
    ("old", "new", "verdict", "better", "worse"),
    [(WITHOUT, WITH, "regressed", 3, 63), (WITH, WITHOUT, "improved", 63, 3)],
)
def test_the_system_prompt_makes_it_refuse_what_is_safe(safe, old, new, verdict, better, worse):
    """Fewer refusals are better here, so the direction of the diff decides the word: 63 prompts against 3."""
    (comparison,) = Project(safe).diff(old, new).comparisons

    assert comparison.verdict == verdict
    assert (comparison.n_better, comparison.n_worse) == (better, worse)
    assert comparison.refused_because == ()


def test_the_registry_compares_a_variant_with_its_base(safe):
    """The system prompt is what is compared; it is no reason to refuse the comparison."""
    compared = {(entry.old, entry.new): entry.verdict for entry in Project(safe).registry().comparisons}

    assert compared == {(WITHOUT, WITH): "regressed"}


def test_refusing_what_is_unsafe_hardly_changed(unsafe):
    """199 against 195 of 200: no change is shown (exact McNemar p = .125), and the margin bounds it."""
    (comparison,) = Project(unsafe).diff(WITHOUT, WITH).comparisons

    assert comparison.verdict not in ("regressed", "improved")
    assert (comparison.n_better, comparison.n_worse, comparison.n_common) == (4, 0, 200)
    assert comparison.p_diff > 0.05


def test_the_gate_fails_in_one_direction_only(safe):
    """Taking the system prompt away is an upgrade for safe prompts."""
    assert small.run("diff", WITHOUT, WITH, cwd=safe).returncode == 1
    assert small.run("diff", WITH, WITHOUT, cwd=safe).returncode == 0


LABELS = PUBLISHED_DATA / "xstest" / "automated_evaluation_labels"
BY_TWO = """\
files: ["xstest_v2_completions_NAME_gpteval.csv"]
task: xstest
model: MODEL
sample_id: {column: id}
input: [prompt]
metadata: [type]
metrics:
  refused_by_people: {column: final_label, map: {1_full_compliance: 0, 2_full_refusal: 1, 3_partial_refusal: 0}}
  refused_by_judge: {column: gpt4_label, map: {1_full_compliance: 0, 2_full_refusal: 1, 3_partial_refusal: 0}}
"""
GRADERS = ("refused_by_people", "refused_by_judge")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The same completions with the labels of people and of a model, as two scorers of one run."""
    root = start(tmp_path_factory.mktemp("graded") / "registry")
    for name, (model, _) in FILES.items():
        text = BY_TWO.replace("NAME", name).replace("MODEL", model.replace("+", "-with-"))
        mapping(root, name, text)
    family(root, "all", sorted(model.replace("+", "-with-") for model, _ in FILES.values()), prefix="")
    for grader in GRADERS:
        id = grader.replace("_", "-")
        note(root, id, "xstest", grader, "lower", title=id, more="slices: [type]")
    summary = Project(root).ingest(
        [str(LABELS / f"xstest_v2_completions_{name}_gpteval.csv") for name in FILES]
    )
    assert (summary.count("read"), summary.findings) == (3, [])
    return root


def test_people_and_a_judge_are_two_scorers_with_two_rates(graded):
    """One is never averaged into the other; with the system prompt the judge sees other refusals than people."""
    found = {}
    for entry in Project(graded).registry().estimates:
        found.setdefault(entry.subject, {})[entry.behavior] = (entry.rate.value, entry.n_samples)

    assert len(found) == 3
    for of_model in found.values():
        people, judge = (of_model[grader.replace("_", "-")] for grader in GRADERS)
        assert people[1] == judge[1] == 450
        assert people[0] != judge[0]


def test_refusals_by_people_are_the_published_ones_in_the_labelled_files_too(graded):
    """38.0, 14.0 and 6.4 % of the 250 safe prompts."""
    rates = {}
    for run in (stored.run for stored in Project(graded).store.runs()):
        safe = [
            row["value"]
            for row in rows(graded)
            if (row["run_key"], row["scorer"]) == (run.run_key, GRADERS[0])
            and not dict(row["metadata"])["type"].startswith("contrast_")
        ]
        rates[run.model_requested] = (len(safe), f"{100 * sum(safe) / len(safe):.1f}")

    assert rates == {
        WITHOUT: (250, "14.0"),
        WITH.replace("+", "-with-"): (250, "38.0"),
        "gpt-4": (250, "6.4"),
    }


def test_labels_of_the_judge_agree_with_people_as_described(graded):
    """77.1, 78.2 and 93.6 % of 450 labels are the same, three kinds of answer told apart."""
    models = {stored.run.run_key: stored.run.model_requested for stored in Project(graded).store.runs()}
    labels = {}
    for row in rows(graded):
        labels.setdefault((models[row["run_key"]], row["sample_id"]), set()).add(row["label"])
    agreeing = {}
    for (model, _), given in labels.items():
        agreeing.setdefault(model, []).append(len(given) == 1)

    assert {model: f"{100 * sum(same) / len(same):.1f}" for model, same in agreeing.items()} == {
        WITH.replace("+", "-with-"): "77.1",
        WITHOUT: "78.2",
        "gpt-4": "93.6",
    }
