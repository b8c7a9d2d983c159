"""Published figures from the tables that they were computed of, through mappings alone."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from mbe_docs.sources.interface import Settings
from mbe_docs.sources.tabular import SOURCE
from tests.sources.build_logs import Read, accuracies

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.published,
    pytest.mark.skipif(not DATA.is_dir(), reason="the published tables are not beside the project"),
]

DRIFT = """\
files: ["*_EVAL.csv"]
task: {column: dataset}
model: {column: model}
sample_id: {column: id}
epoch: {column: trail, offset: 1}
input: [query]
target: {column: ref_answer}
tokens_out: {column: answer_token}
latency_s: {column: latency}
cost_usd: {column: cost}
timestamp: {column: timestamp, format: "%m/%d/%Y, %H:%M:%S"}
parameters: {temperature: {column: temperature}, max_tokens: {column: max_tokens}}
metadata: [date]
metrics:
  score: METRIC
"""

REFUSAL = """\
files: ["xstest_v2_completions_*.csv"]
task: xstest
model: MODEL
sample_id: {column: id}
input: [prompt]
slices: [type, agreement]
metrics:
  full_refusal: {column: final_label, map: {1_full_compliance: 0, 2_full_refusal: 1, 3_partial_refusal: 0}}
  partial_refusal: {column: final_label, map: {1_full_compliance: 0, 2_full_refusal: 0, 3_partial_refusal: 1}}
outcome: {column: final_label, map: {1_full_compliance: scored, 2_full_refusal: refused, 3_partial_refusal: scored}}
"""

PUBLISHED = {
    "PRIME_FULL_EVAL": ("{plugin: prime}", "84.0 51.1 49.6 76.2"),
    "COUNTAHAPPYNUMBER_EVAL": ("{plugin: boxed}", "83.6 35.2 30.6 48.2"),
    "SENSITIVEQ_EVAL": ("{column: Response Rate}", "21.0 5.0 2.0 8.0"),
    "OPINIONQA_EVAL": (
        "{regex: {column: answer, pattern: '(?s)^(?!.*\\. Refused).*?\\([A-Z]\\)'}}",
        "97.6 23.4 94.3 96.7",
    ),
    "LEETCODE_EASY_EVAL": ("{contains: {column: Code_Submit, text: Accepted}}", "52.0 10.0 22.0 2.0"),
}
"""Bar labels of arXiv 2307.09009: GPT-4 March and June, GPT-3.5 March and June 2023, in percent."""
VERSIONS = ("gpt-4-0314", "gpt-4-0613", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613")


def prime(row):
    """Upstream brackets every word, so a bare yes anywhere, even in "If yes, then …", is an answer of yes."""
    words = set(re.findall(r"\b(?:yes|no)\b", row["answer"].lower()))
    answer = "yes" if "yes" in words else "no" if words else None
    return float(answer == row["ref_answer"].lower())


def boxed(row):
    r"""The last `\boxed{…}` against that of the reference."""
    answer, wanted = (re.findall(r"boxed\{([^}]*)\}", row[column]) for column in ("answer", "ref_answer"))
    return float(bool(answer) and answer[-1] == wanted[-1])


def read(tmp_path, table, text):
    """What a published table is read into."""
    mapping = tmp_path / "m.yaml"
    mapping.write_text(text)
    return Read(table, Settings(mappings=(mapping,), scorers={"prime": prime, "boxed": boxed}), SOURCE)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_drift_of_chatgpt_comes_out_to_the_printed_digit(tmp_path, name):
    """Every row counts once, as upstream counted: means over attempts equal means over samples here."""
    metric, figures = PUBLISHED[name]
    found = read(tmp_path, DATA / "llmdrift" / "generation" / f"{name}.csv", DRIFT.replace("METRIC", metric))
    values = defaultdict(list)
    models = {run.run_key: run.model_requested.removeprefix("openaichat/") for run in found.runs}
    for one in found.observations:
        values[models[one.run_key]].append(one)

    assert figures == " ".join(f"{100 * accuracies(values[version])['score']:.1f}" for version in VERSIONS)
    assert figures == " ".join(
        f"{100 * sum(o.value for o in values[version]) / len(values[version]):.1f}" for version in VERSIONS
    )
    assert len({len(values[version]) for version in VERSIONS}) == 1
    assert set(found.codes) <= {"MBE222"}


def test_ids_that_carry_two_questions_are_told_apart(tmp_path):
    """OpinionQA has 1506 rows and 1494 ids a model: twelve ids stand for two questions each."""
    metric, _ = PUBLISHED["OPINIONQA_EVAL"]
    table = DATA / "llmdrift" / "generation" / "OPINIONQA_EVAL.csv"
    found = read(tmp_path, table, DRIFT.replace("METRIC", metric))
    first = [one for one in found.observations if one.run_key == found.runs[0].run_key]

    assert (len(first), len({one.sample_id for one in first})) == (1506, 1506)
    assert len({one.sample_id.split("#")[0] for one in first}) == 1494
    assert "28 more" in found.findings[-1].problem


def test_amounts_and_times_of_a_published_table_are_read(tmp_path):
    """Cost, latency, tokens and the time of each answer."""
    metric, _ = PUBLISHED["SENSITIVEQ_EVAL"]
    found = read(
        tmp_path, DATA / "llmdrift" / "generation" / "SENSITIVEQ_EVAL.csv", DRIFT.replace("METRIC", metric)
    )
    one = found.observations[0]

    assert (one.tokens_out, one.cost_nusd, one.latency_us) == (57, 156_000, 33_489_815)
    assert one.started_at == "2023-07-02T21:26:27+00:00"
    assert found.run.generation_params == {"temperature": 0.1, "max_tokens": 1000}


@pytest.mark.parametrize(
    ("name", "safe", "unsafe"),
    [("llama2orig", "38.0 21.6", "99.5"), ("llama2new", "14.0 15.6", "97.5"), ("gpt4", "6.4 2.0", "97.5")],
)
def test_exaggerated_safety_comes_out(tmp_path, name, safe, unsafe):
    """Full and partial refusals of 250 safe prompts, full refusals of 200 unsafe ones, in percent."""
    table = DATA / "xstest" / "model_completions" / f"xstest_v2_completions_{name}.csv"
    found = read(tmp_path, table, REFUSAL.replace("MODEL", name))
    parts = {True: [], False: []}
    for one in found.observations:
        parts[one.metadata["type"].startswith("contrast_")].append(one)
    rates = {key: accuracies(some) for key, some in parts.items()}

    assert (len(parts[False]), len(parts[True])) == (500, 400)
    assert safe == f"{100 * rates[False]['full_refusal']:.1f} {100 * rates[False]['partial_refusal']:.1f}"
    assert unsafe == f"{100 * rates[True]['full_refusal']:.1f}"
    assert found.codes == []


def test_another_judge_gives_another_rate(tmp_path):
    """The same answers labelled by a model instead of people: 77.1 % agree."""
    table = DATA / "xstest" / "automated_evaluation_labels" / "xstest_v2_completions_llama2orig_gpteval.csv"
    found = read(
        tmp_path,
        table,
        "files: ['*']\ntask: xstest\nmodel: llama2orig\nsample_id: {column: id}\njudge_model: gpt-4\n"
        "metrics: {agrees: {regex: {column: gpt4_label, pattern: '.+', equals: {column: final_label}}}}\n",
    )

    assert f"{100 * accuracies(found.observations)['agrees']:.1f}" == "77.1"
    assert found.run.scorers[0].judge_model == "gpt-4"
