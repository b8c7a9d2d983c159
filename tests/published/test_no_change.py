"""Published results in which nothing changed, or nothing may be said to have: a headline is no finding."""

from __future__ import annotations

import csv
import json
import re

import pytest
import yaml
from scipy import stats as oracle

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, family, mapping, note, start
from tests.sources.test_tabular_published import REFUSAL

pytestmark = MARKS


def ingested(root, paths, **more):
    """The project, with every one of these files read."""
    summary = Project(root).ingest([str(path) for path in paths], **more)
    assert (summary.count("read"), summary.count("refused")) == (len(paths), 0), summary.findings
    return Project(root)


# ZeroEval: GSM8K, two versions of GPT-4o

OLD, NEW = "gpt-4o-2024-05-13", "gpt-4o-2024-08-06"
GSM = """\
files: ["gsm-*.jsonl"]
task: gsm
model: {column: generator}
sample_id: {column: id}
input: [chat_history]
target: {column: answer}
parameters: {temperature: {column: configs.temperature}, max_tokens: {column: configs.max_tokens}}
metadata: []
metrics: {correct: {plugin: number}}
"""


def number(row):
    """The answer field of the reply against the reference, both as numbers."""
    reply = json.loads(row["output"])[0]
    found = re.findall(r'"answer"\s*:\s*"?([^"\n}]*)', reply)
    values = [
        re.sub(r"[^0-9.-]", "", text).rstrip(".") for text in (found[-1] if found else "", row["answer"])
    ]
    return float(bool(values[0]) and float(values[0]) == float(values[1]))


@pytest.fixture(scope="module")
def gsm(tmp_path_factory):
    """1319 questions, both versions greedy."""
    root = start(tmp_path_factory.mktemp("gsm") / "registry")
    paths = []
    for name in (OLD, NEW):
        rows = json.loads((PUBLISHED_DATA / "zeroeval" / "result_dirs" / "gsm" / f"{name}.json").read_text())
        path = root / f"gsm-{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        paths.append(path)
    mapping(root, "gsm", GSM)
    note(root, "gsm", "gsm", "correct", "higher", title="Solves word problems")
    family(root, "gpt-4o", [OLD, NEW], prefix="openai/")
    return ingested(root, paths, scorers={"number": number})


def test_the_scores_of_gsm_are_those_published(gsm):
    """95.38 and 96.21 % by ZeroEval's own scorer; by a regular expression a tenth of a point less on both."""
    rates = {entry.subject: entry.rate.value for entry in gsm.registry().estimates}

    assert rates[OLD] == pytest.approx(0.9530, abs=0.00005)
    assert rates[NEW] == pytest.approx(0.9613, abs=0.00005)


def test_a_gain_of_eight_tenths_of_a_point_is_no_change(gsm):
    """22 questions better, 11 worse: p is not below .05, and the margin bounds the difference."""
    (found,) = gsm.registry().comparisons

    assert found.difference.value == pytest.approx(11 / 1319)
    assert (found.n_better, found.n_worse) == (22, 11)
    table = oracle.binom(33, 0.5)
    assert found.p_diff == pytest.approx(2 * table.cdf(11) - table.pmf(11))
    assert found.p_diff > 0.05
    assert found.verdict == "unchanged"


# Aider: twenty runs of one model over two months

AIDER = """\
files: ["*--*.jsonl"]
task: exercism-python
model: claude-3.5-sonnet
sample_id: {column: benchmark}
epoch: {column: case}
input: [benchmark]
timestamp: {column: date}
harness: aider
metadata: []
metrics: {passed: {column: passed}}
"""
CHANGED = ("2024-08-14", "2024-08-18", "2024-08-21")
"""Days of the last seven runs."""


def aider(root, *, lost=0):
    """The runs, of which only totals are known: the benchmark is one sample, a case an attempt.

    `lost`: so many cases less in each of the last runs, as if the model had been degraded.
    """
    start(root)
    paths = []
    for run in yaml.safe_load((PUBLISHED_DATA / "aider" / "sonnet-fine.yml").read_text(encoding="utf-8")):
        cases, name = run["test_cases"], run["dirname"]
        passed = round(run["pass_rate_2"] * cases / 100) - lost * name.startswith(CHANGED)
        date = "{}-{}-{}T{}:{}:{}Z".format(*name.split("--")[0].split("-"))
        rows = [
            {"benchmark": "exercism", "case": case + 1, "passed": int(case < passed), "date": date}
            for case in range(cases)
        ]
        path = root / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        paths.append(path)
    mapping(root, "aider", AIDER)
    note(root, "edits", "exercism-python", "passed", "higher", title="Edits code", min_samples=1)
    family(root, "sonnet", ["claude-3.5-sonnet"], prefix="")
    return ingested(root, paths)


def test_sonnet_seems_as_good_as_ever(tmp_path):
    """Aider's 20 runs, 74.4 to 83.0 % on 133 cases (one on 94): no alarm, as its authors said (26 August 2024)."""
    (report,) = aider(tmp_path / "registry").registry().drifts

    rates = [point.rate.value for point in report.points]
    assert len(rates) == 20
    assert (f"{min(rates):.3f}", f"{max(rates):.3f}") == ("0.744", "0.830")
    assert (report.verdict, report.alarm_run, report.is_reliable) == ("steady", None, True)


def test_had_it_lost_fifteen_points_the_same_runs_would_show_it(tmp_path):
    """20 cases less in each run from 14 August on: the alarm finds the first of them."""
    (report,) = aider(tmp_path / "registry", lost=20).registry().drifts

    change = next(point for point in report.points if point.run == report.change_run)
    assert report.alarm_run is not None
    assert change.date == "2024-08-14"


# XSTest: the same answers, judged by people and by a model


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Llama 2 with Meta's system prompt: one set of answers as two, by who judged them."""
    root = start(tmp_path_factory.mktemp("judged") / "registry")
    folder = PUBLISHED_DATA / "xstest" / "automated_evaluation_labels"
    with (folder / "xstest_v2_completions_llama2orig_gpteval.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    paths = []
    for judge, column in (("people", "final_label"), ("gpt-4", "gpt4_label")):
        paths.append(root / f"judged-by-{judge}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, ["id", "type", "prompt", "final_label"], extrasaction="ignore")
            table.writeheader()
            table.writerows(row | {"final_label": row[column]} for row in rows)
        text = REFUSAL.replace("xstest_v2_completions_*.csv", paths[-1].name).replace("MODEL", f"by-{judge}")
        text = text.replace("slices: [type, agreement]", "slices: [type]")
        mapping(root, judge, f"{text}judge_model: {judge}\n")
    note(root, "refusal", "xstest", "full_refusal", "lower", title="Refuses safe prompts")
    family(root, "llama-2", ["by-people", "by-gpt-4"], prefix="x/")
    return ingested(root, paths)


def test_the_same_answers_under_another_judge_are_refused(judged):
    """The rates differ, the answers do not: the judge is named, and no verdict is given."""
    registry = judged.registry()
    rates = {entry.subject: entry.rate.value for entry in registry.estimates}

    (found,) = registry.comparisons

    assert rates["by-people"] != rates["by-gpt-4"]
    assert found.verdict == "refused"
    assert found.difference is None
    (why,) = found.refused_because
    assert why.startswith("judge model differs: people before (")
    assert why.endswith("; run both with the same judge model")
    assert judged.diff("by-people", "by-gpt-4").exit_code == 2


# tau-bench: how often a frontier model disagrees with itself


def test_flake_of_gpt_4o_on_airline_follows_from_the_published_pass_hat_k(tmp_path):
    """Two trials differ with probability 2·(pass^1 − pass^2) = 2·(.420 − .273): 29.3 % of pairs."""
    root = start(tmp_path / "registry")
    note(root, "airline", "airline", "reward", "higher", title="Serves passengers")
    family(root, "gpt-4o", ["gpt-4o"], prefix="")
    path = PUBLISHED_DATA / "tau-bench" / "historical_trajectories" / "gpt-4o-airline.json"
    project = ingested(root, [path])
    (run,) = (stored.run for stored in project.store.runs())
    note(root, "airline", run.task, run.scorers[0].name, "higher", title="Serves passengers")

    (estimate,) = Project(root).registry().estimates

    repeat = estimate.repeatability
    assert (estimate.n_samples, estimate.n_attempts, repeat.n_samples) == (50, 200, 50)
    assert estimate.rate.value == pytest.approx(0.420)
    assert repeat.flake.value == pytest.approx(2 * (0.420 - 0.27333), abs=1e-4)
    assert repeat.flake.low < repeat.flake.value < repeat.flake.high
