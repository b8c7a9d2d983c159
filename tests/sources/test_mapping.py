"""Mapping files: what they may say, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbe_docs.errors import CuratedError
from mbe_docs.sources.mapping import read_mapping

GOOD = """\
files: ["*.csv"]
task: {column: dataset}
model: {column: model}
sample_id: {column: id}
metrics:
  accuracy: {column: correct}
"""


def mapping_of(tmp_path, text):
    """The mapping that a text is read as."""
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def with_(line):
    """A good mapping and one more line."""
    return GOOD + line + "\n"


def metric_of(tmp_path, text):
    """The one metric of a mapping."""
    return mapping_of(tmp_path, GOOD.replace("{column: correct}", text)).metrics[0]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("- a\n", 1, "the mapping is a list; expected keys like `task:`"),
        (GOOD.replace("task:", "tsk:"), 2, "unknown key 'tsk'"),
        (with_("zzzzz: 1"), 7, "unknown key 'zzzzz'"),
        (GOOD.replace("model: {column: model}\n", ""), None, "`model:` is missing"),
        (with_("format: xls"), 7, "'xls'; expected one of: csv, tsv, jsonl"),
        (with_("delimiter: ';;'"), 7, "';;'; expected one character"),
        (with_("epoch: 1"), 7, "'1'; expected `{column: …}`"),
        (with_("epoch: {offset: 1}"), 7, "`column:` is missing"),
        (with_("epoch: {column: a, offset: x}"), 7, "'x'; expected a whole number"),
        (with_("epochs: 0"), 7, "'0'; expected a whole number from 1"),
        (with_("tokens_in: [a]"), 7, "a list; expected keys and values"),
        (with_("tokens_in: {col: a}"), 7, "unknown key 'col'"),
        (with_("outcome: {column: a, map: {x: bad}}"), 7, "'bad'; expected one of: scored"),
        (with_("timestamp: now"), 7, "'now'; expected keys and values"),
        (with_("input: [[a]]"), 7, "a list; expected a text"),
        (GOOD.replace("{column: correct}", "5"), 6, "'5'; expected keys and values"),
        (GOOD.replace("{column: correct}", "{column: [a]}"), 6, "a list; expected a text"),
        (GOOD.replace("{column: correct}", "{type: number}"), 6, "metric 'accuracy' has no kind"),
        (GOOD.replace("{column: correct}", "{column: a, plugin: b}"), 6, "has column and plugin"),
        (GOOD.replace("{column: correct}", "{column: a, type: text}"), 6, "'text'; expected one of: number"),
        (GOOD.replace("{column: correct}", "{column: a, map: {x: y}}"), 6, "'y'; expected a number, or null"),
        (
            GOOD.replace("{column: correct}", "{regex: {column: a, pattern: '('}}"),
            6,
            "not a regular expression",
        ),
        (
            GOOD.replace("{column: correct}", "{regex: {column: a, pattern: b, group: 1}}"),
            6,
            "a group of the pattern",
        ),
        (
            GOOD.replace("{column: correct}", "{regex: {column: a, pattern: b, which: all}}"),
            6,
            "first or last",
        ),
        (
            GOOD.replace("{column: correct}", "{regex: {column: a, pattern: b, ignore_case: 1}}"),
            6,
            "true or false",
        ),
        (GOOD.replace("{column: correct}", "{contains: {column: a}}"), 6, "`text:` is missing"),
        (GOOD.replace("{column: correct}", "&a {column: b}"), 6, "anchor '&a'"),
    ],
)
def test_a_wrong_mapping_names_its_line_and_what_was_expected(tmp_path, text, line, problem):
    """A mapping is written by hand; the message says where to mend it."""
    with pytest.raises(CuratedError) as caught:
        mapping_of(tmp_path, text)

    assert problem in caught.value.problem
    assert (line, True) == (caught.value.at.line, bool(caught.value.fix))


@pytest.mark.parametrize("data", [None, b"task: \xff"])
def test_a_mapping_that_cannot_be_opened_is_said(tmp_path, data):
    """It is named on the command line: a person can mend it."""
    path = tmp_path / "m.yaml"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(CuratedError, match="the mapping cannot be read"):
        read_mapping(path)


def test_globs_match_the_path_or_the_name(tmp_path):
    """A table is found wherever its folder lies."""
    mapping = mapping_of(tmp_path, GOOD.replace('["*.csv"]', "[a/*.csv, EVAL_*.csv]"))

    assert [mapping.applies_to(uri) for uri in ("a/x.csv", "deep/EVAL_1.csv", "b/x.csv", "eval_1.csv")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_text_is_a_list_of_one(tmp_path):
    """`files: x`, `input: query` and `{column: …}` read as one name each."""
    mapping = mapping_of(
        tmp_path, with_("input: query\nmetadata: {columns: [a, b]}\nfilter: {type: [x, y], z: w}")
    )

    assert (mapping.input, mapping.metadata) == (("query",), ("a", "b"))
    assert mapping.filter == {"type": ("x", "y"), "z": ("w",)}


def test_the_direction_of_a_metric_is_no_parameter_of_its_scorer(tmp_path):
    """Saying which way is better does not change the ruler."""
    plain, directed = (
        metric_of(tmp_path, text) for text in ("{column: a}", "{column: a, direction: higher}")
    )

    assert plain.settings == directed.settings


def test_every_column_that_is_read_is_known_with_a_place(tmp_path):
    """So that a missing column is reported before the first row."""
    text = with_(
        "epoch: {column: e}\noutcome: {column: o, map: {}}\ntimestamp: {column: t}\nslices: [s]\n"
        "parameters: {temperature: {column: temp}, top_p: 1}\nfilter: {f: x}\ninput: [i]"
    ).replace("{column: correct}", "{regex: {column: answer, pattern: b, equals: {column: ref}}}")
    columns = mapping_of(tmp_path, text).columns()

    assert {*"eotsfi", "temp", "answer", "ref", "dataset", "model", "id"} == set(columns)
    assert columns["ref"].line == 6


def test_parameters_of_a_metric_are_plain_data(tmp_path):
    """They are hashed: another pattern is another ruler."""
    metric = metric_of(tmp_path, "{regex: {column: a, pattern: 'b', equals: {column: c}}}")

    assert metric.settings == {"regex": {"column": "a", "pattern": "b", "equals": {"column": "c"}}}


def test_the_mapping_of_the_documentation_is_a_mapping(tmp_path):
    """What the reference shows can be copied."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "sources-tabular.md"
    text = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]

    assert [one.name for one in mapping_of(tmp_path, text).metrics] == [
        "accuracy",
        "refusal",
        "exact",
        "accepted",
        "own",
    ]
