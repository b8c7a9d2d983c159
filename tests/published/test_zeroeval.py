"""ZeroEval: which of 13.11 and 13.8 is bigger, and GSM8K; all printed accuracies, by a plug-in like upstream's."""

from __future__ import annotations

import json
import re

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.published.registries import MARKS, family, mapping, note, start

pytestmark = MARKS

RESULTS = PUBLISHED_DATA / "zeroeval" / "result_dirs"
MAPPING = """\
files: ["*.jsonl"]
task: {column: dataset}
model: {column: generator}
sample_id: {column: session_id}
input: [question]
target: {column: answer}
metrics: {correct: {plugin: json_answer}}
parameters: {temperature: {column: configs.temperature}}
metadata: [type]
"""
PRINTED = {
    "numersense-v2": ("gpt-4o-2024-05-13 98.83", "gpt-4o-mini-2024-07-18 89.65", "gpt-3.5-turbo-0125 65.62"),
    "numersense-v2/sampling": ("gpt-4o-2024-05-13 99.02", "gpt-4o-mini-2024-07-18 85.55"),
    "numersense-v2/greedy@no_cot": ("gpt-4o-mini-2024-07-18 88.87",),
    "gsm": ("gpt-4o-2024-05-13 95.38", "gpt-4o-2024-08-06 96.21"),
}
"""Acc of `*.summary.json`, in percent."""


def last_object(text):
    """The last JSON object in a text that is one."""
    found, begins = None, []
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            begins.append(brace.start())
        elif begins:
            begin = begins.pop()
            try:
                found = found if begins else json.loads(text[begin : brace.end()].replace("\n", ""))
            except ValueError:
                continue
    return found


def json_answer(row):
    """Whether the field `answer` of the reply is that of the key: the same text, or the same first number."""
    (reply,) = json.loads(row["output"])
    given = last_object(reply)
    if not isinstance(given, dict) or "answer" not in given:
        loose = re.findall(r'"answer"\s*:\s*"?([^",}\n]*)', reply)
        if not loose:
            return None
        given = {"answer": loose[-1]}
    one, other = (re.sub(r"[$,#%]", "", str(text)).strip() for text in (given["answer"], row["answer"]))
    numbers = [re.search(r"-?\d+(\.\d+)?", text) for text in (one, other)]
    return float(one == other or (all(numbers) and float(numbers[0][0]) == float(numbers[1][0])))


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Makes the registry of one folder of results."""

    def made(folder):
        root = start(tmp_path_factory.mktemp("zeroeval") / "registry")
        mapping(root, "zeroeval", MAPPING)
        names = sorted({line.split()[0] for lines in PRINTED.values() for line in lines})
        family(root, "models", names, prefix="openai/")
        note(root, "right", folder.split("/")[0], "correct", "higher", title="Answers right")
        (root / "results").mkdir()
        for path in sorted((RESULTS / folder).glob("*.json")):
            listed = json.loads(path.read_bytes())
            text = "\n".join(map(json.dumps, listed))
            (root / "results" / f"{path.stem}.jsonl").write_text(text, encoding="utf-8")
        summary = Project(root).ingest([str(root / "results")], scorers={"json_answer": json_answer})
        assert (summary.count("refused"), summary.findings) == (0, [])
        return root

    return made


@pytest.mark.parametrize("folder", PRINTED)
def test_accuracies_are_the_printed_ones(registry, folder):
    """To the last digit, every one of them."""
    estimates = Project(registry(folder)).registry().estimates

    found = {f"{entry.subject} {100 * entry.rate.value:.2f}" for entry in estimates}
    assert found == set(PRINTED[folder])
    assert {entry.n_samples for entry in estimates} == {512 if "numersense" in folder else 1319}


def test_a_higher_headline_is_no_improvement_yet(registry):
    """95.38 → 96.21 on the same 1319 problems: the exact McNemar test of the pairs gives p > .05."""
    root = registry("gsm")

    (comparison,) = Project(root).diff("gpt-4o-2024-05-13", "gpt-4o-2024-08-06").comparisons

    assert comparison.n_common == 1319
    assert comparison.n_better - comparison.n_worse == 11
    assert comparison.p_diff > 0.05
    assert comparison.verdict not in ("improved", "regressed")
