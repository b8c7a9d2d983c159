"""One model, the same task, 0.889 and then 0.0: the solver had changed, not the model (statik/skills, January 2026)."""

from __future__ import annotations

import json
import shutil
import zipfile

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.project import small
from tests.published.registries import MARKS, note, start

pytestmark = MARKS

LOGS = PUBLISHED_DATA / "inspect-logs" / "statik-skills"
MODEL = "claude-sonnet-4-5-20250929"
ALIAS = f"""\
provider: anthropic
title: Sonnet, as it answered
lineage:
  - [before, after]
snapshots:
  before: {{}}
  after: {{}}
aliases:
  {MODEL}:
    - {{snapshot: before, from: 2026-01-01, to: 2026-01-20}}
    - {{snapshot: after, from: 2026-01-20}}
"""
"""Two dates of one model as two snapshots: what a person suspects who sees the scores fall."""


def registry(root, *, days, models):
    """The logs of some days; each behavior is the main score of a task."""
    start(root)
    scorers = {}
    paths = sorted(str(path) for path in LOGS.glob("*.eval") if path.name[:13] in days)
    assert Project(root).ingest(paths).count("refused") == 0
    for stored in Project(root).store.runs():
        scorers.setdefault(stored.run.task, stored.run.scorers[0].name)
    for task in sorted(scorers):
        id = task.replace("_", "-")
        note(root, id, task, scorers[task], "higher", title=id, min_samples=3)
    (root / "behaviors" / "models" / "sonnet.yaml").write_text(models)
    return root


DAY_14, DAY_25_EARLY, DAY_25_LATE = (
    ("2026-01-14T20", "2026-01-14T21"),
    ("2026-01-25T16",),
    ("2026-01-25T19",),
)


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """14 January against the evening of the 25th."""
    root = tmp_path_factory.mktemp("changed") / "registry"
    return registry(root, days=DAY_14 + DAY_25_LATE, models=ALIAS)


def test_a_change_of_the_solver_is_refused_and_no_regression(changed):
    """Not comparable, with both solvers, although every score fell to 0."""
    comparisons = Project(changed).registry().comparisons

    assert len(comparisons) == 3
    for comparison in comparisons:
        assert comparison.verdict == "refused"
        assert comparison.new_rate.value == 0.0 < comparison.old_rate.value
        (why,) = (reason for reason in comparison.refused_because if reason.startswith("solver differs"))
        assert "claude_code_solver" in why


def test_the_gate_does_not_call_it_a_regression(changed):
    """Exit 2: nothing could be compared at all."""
    done = small.run("diff", "before", "after", cwd=changed)

    assert done.returncode == 2
    assert "not comparable" in done.stdout.decode("utf-8")
    assert "claude_code_solver" in done.stdout.decode("utf-8")


def test_the_solver_is_what_refuses(changed, tmp_path):
    """Where a project says that solvers do not matter, the same logs are a regression: nothing else hides it."""
    root = shutil.copytree(changed, tmp_path / "registry")
    small.configure(root, "policy: {refuse_on: [task_version]}")
    verdicts = {entry.behavior: entry.verdict for entry in Project(root).registry().comparisons}

    assert len(verdicts) == 3
    assert "refused" not in verdicts.values()
    assert "regressed" in verdicts.values()


def system_prompts(days):
    """The system prompts of the logs of some days, read from their samples here."""
    found = set()
    for path in LOGS.glob("*.eval"):
        if path.name[:13] in days:
            archive = zipfile.ZipFile(path)
            for name in archive.namelist():
                if name.startswith("samples/"):
                    messages = json.loads(archive.read(name))["messages"]
                    found.update(json.dumps(one["content"]) for one in messages if one["role"] == "system")
    return found


def test_the_system_prompt_had_changed_before_the_solver(tmp_path):
    """Between 14 January and the afternoon of the 25th the solver stayed, the prompt did not: no fair comparison."""
    root = registry(tmp_path / "registry", days=DAY_14 + DAY_25_EARLY, models=ALIAS)
    comparisons = Project(root).registry().comparisons

    assert len(system_prompts(DAY_14)) == len(system_prompts(DAY_25_EARLY)) == 1
    assert system_prompts(DAY_14) != system_prompts(DAY_25_EARLY)
    assert [entry.verdict for entry in comparisons] == ["refused"] * 3
    for comparison in comparisons:
        assert [entry.slot for entry in comparison.differences if entry.refuses] == ["system_prompt"]


def test_repeated_runs_of_one_day_are_one_estimate(tmp_path):
    """Two runs with the same settings are more attempts at the same samples: .556 and .444 of nine are .5."""
    root = registry(tmp_path / "registry", days=DAY_14, models=ALIAS)
    (estimate,) = (
        entry for entry in Project(root).registry().estimates if entry.behavior == "dns-troubleshooter-eval"
    )

    assert (estimate.n_samples, estimate.n_attempts, len(estimate.runs)) == (9, 18, 2)
    assert estimate.rate.value == pytest.approx((5 / 9 + 4 / 9) / 2)


def test_as_one_model_the_older_runs_are_left_out_and_said(tmp_path):
    """Without aliases it is one snapshot: runs of two solvers are not pooled, and a finding names the solver."""
    models = f"provider: anthropic\ntitle: Sonnet\nsnapshots:\n  {MODEL}: {{}}\n"
    root = registry(tmp_path / "registry", days=DAY_14 + DAY_25_LATE, models=models)
    project = Project(root)
    estimates = {entry.behavior: entry for entry in project.registry().estimates}
    said = [finding.problem for finding in project.check() if finding.code == "MBE232"]

    assert {name: entry.rate.value for name, entry in estimates.items()} == dict.fromkeys(estimates, 0.0)
    assert all(len(entry.other_runs) == 2 for entry in estimates.values())
    assert len(said) == 6
    assert all("solver" in problem for problem in said)


def test_the_series_shows_the_fall_with_the_solver_as_its_cause_and_calls_it_no_drift(tmp_path):
    """.556 and .444 of nine prompts; then 0, under another solver."""
    models = f"provider: anthropic\ntitle: Sonnet\nsnapshots:\n  {MODEL}: {{}}\n"
    root = registry(tmp_path / "registry", days=DAY_14 + DAY_25_LATE, models=models)
    reports = {entry.behavior: entry for entry in Project(root).registry().drifts}

    report = reports["dns-troubleshooter-eval"]

    assert [f"{point.rate.value:.3f}" for point in report.points] == ["0.556", "0.444", "0.000"]
    assert (report.verdict, report.alarm_run) == ("too_short", None)
    assert "solver from generate to claude_code_solver" in report.breaks[-1].cause
