"""Exaggerated safety (XSTest, NAACL 2024): refusals of safe prompts, and what a system prompt does to them."""

from __future__ import annotations

import csv

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.project import small
from tests.published.registries import MARKS, family, mapping, note, start
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
