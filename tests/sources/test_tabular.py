"""CSV, TSV and JSON lines through a mapping."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from mbe_docs.errors import CuratedError, SourceError
from mbe_docs.records.hashing import content_hash, text_hash
from mbe_docs.sources.interface import Settings
from mbe_docs.sources.tabular import SOURCE
from tests.sources.build_logs import Read

BASE = """\
files: ["t.*"]
task: sums
model: {column: model}
sample_id: {column: id}
"""
SCORE = BASE + "metrics: {accuracy: {column: score}}\n"


def read(tmp_path, table, mapping=SCORE, *, name="t.csv", **settings):
    """What a table is read into through a mapping."""
    path = tmp_path / name
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    config = tmp_path / "m.yaml"
    config.write_text(mapping, encoding="utf-8")
    return Read(path, Settings(mappings=(config,), **settings), SOURCE)


def score_of(tmp_path, metric, cell, *, more="", **settings):
    """The one observation of a table with one row, and the finding codes."""
    quoted = '"' + cell.replace('"', '""') + '"'
    found = read(
        tmp_path, f"model,id,x,ref\nm,1,{quoted},{more}\n", BASE + f"metrics: {{s: {metric}}}\n", **settings
    )
    (one,) = found.observations
    return (one.value, one.label, one.outcome), [code for code in found.codes if code != "MBE215"]


def test_a_row_is_an_attempt(tmp_path):
    """Values, ids and models as the columns say."""
    found = read(tmp_path, "model,id,score\na,1,1\na,2,0.5\nb,1,0\n")

    assert found.pairs() == [("1", 1.0), ("2", 0.5), ("1", 0.0)]
    assert [(run.model_requested, run.task) for run in found.runs] == [("a", "sums"), ("b", "sums")]
    assert {run.run_key for run in found.runs} == {o.run_key for o in found.observations}
    assert {"success"} == {run.status for run in found.runs}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_byte_order_marks_and_line_ends_do_not_matter(tmp_path, newline, mark):
    """Spreadsheets write both."""
    found = read(tmp_path, mark + newline.join(["model,id,score", "a,1,1", "", ""]).encode())

    assert found.pairs() == [("1", 1.0)]


def test_cells_may_hold_line_breaks_and_quotes(tmp_path):
    """Answers of models are text like any other; lines are counted as an editor does."""
    table = 'model,id,score,answer\na,1,1,"two\nlines, ""quoted"""\na,2,x,\n'
    found = read(tmp_path, table)

    assert found.pairs() == [("1", 1.0), ("2", None)]
    assert found.observations[0].metadata == {"answer": 'two\nlines, "quoted"'}
    assert found.findings[0].at.line == 4


def test_tab_separated_and_other_delimiters_are_read(tmp_path):
    """By file ending, or as the mapping says."""
    tabs = read(tmp_path, "model\tid\tscore\na\t1\t1\n", name="t.tsv")
    semicolons = read(tmp_path, "model;id;score\na;1;1\n", SCORE + "delimiter: ';'\n")

    assert tabs.pairs() == semicolons.pairs() == [("1", 1.0)]


def test_json_lines_are_read_with_dotted_names(tmp_path):
    """Nested objects are columns; numbers and booleans are text; NaN is missing."""
    table = (
        '{"model": {"name": "a"}, "id": 1, "score": true, "x": [1, {"y": NaN}], "n": null, "e": {}}\n\n'
        '{"model": {"name": "a"}, "id": 2, "score": NaN}\n'
        '{"model": {"name": "a"}, "id": 3}\n'
    )
    mapping = (
        BASE.replace("{column: model}", "{column: model.name}")
        + "metrics: {s: {column: score, type: boolean}}"
    )
    found = read(tmp_path, table, mapping, name="t.jsonl")

    assert found.pairs() == [("1", 1.0), ("2", None), ("3", None)]
    assert [o.metadata for o in found.observations] == [{"x": '[1,{"y":null}]', "e": "{}"}, {}, {}]
    assert found.codes == []


def test_a_line_that_is_no_object_costs_itself(tmp_path):
    """A torn tail, an array, an empty file of one line: each with its line."""
    table = b'[1]\n{"model": "a", "id": 1, "score": 1}\n{"model": "a\xff"}\n{"model": "a", "i'
    found = read(tmp_path, table, name="t.ndjson")

    assert found.pairs() == [("1", 1.0)]
    assert [(one.code, one.at.line) for one in found.findings] == [
        ("MBE220", 1),
        ("MBE220", 3),
        ("MBE220", 4),
    ]


@pytest.mark.parametrize("cell", ["", " ", "NaN", "nan", "N/A", "null", "None", "#N/A"])
@pytest.mark.parametrize("kind", ["number", "boolean", "label"])
def test_a_missing_score_is_unscored(tmp_path, cell, kind):
    """Nothing is nothing: not zero, and no fault."""
    assert score_of(tmp_path, f"{{column: x, type: {kind}}}", cell) == ((None, None, "unscored"), [])


@pytest.mark.parametrize(
    ("metric", "cell", "value", "label"),
    [
        ("{column: x}", "0.25", 0.25, None),
        ("{column: x}", " -3 ", -3.0, None),
        ("{column: x, type: boolean}", "True", 1.0, "true"),
        ("{column: x, type: boolean}", "no", 0.0, "no"),
        ("{column: x, type: label}", "C", 1.0, "C"),
        ("{column: x, type: label}", "7", 7.0, None),
        ("{column: x, map: {2_full: 1, 1_none: 0}}", "2_full", 1.0, "2_full"),
        ("{column: x, map: {2_full: 1, 1_none: 0}}", " 1_none", 0.0, "1_none"),
        ("{column: x, map: {none: 0}}", "none", 0.0, "none"),
        ("{column: x, map: {a: null}}", "a", None, "a"),
    ],
)
def test_a_score_column_is_read_by_its_type(tmp_path, metric, cell, value, label):
    """Numbers, booleans, letters, or labels that the mapping gives a value."""
    outcome = "scored" if value is not None else "unscored"

    assert ((value, label, outcome), []) == score_of(tmp_path, metric, cell)


@pytest.mark.parametrize(
    ("metric", "cell"),
    [
        ("{column: x}", "84%"),
        ("{column: x}", "inf"),
        ("{column: x, type: boolean}", "perhaps"),
        ("{column: x, type: label}", "fine"),
        ("{column: x, map: {a: 1}}", "b"),
        ("{column: x, map: {a: 1}}", "b" * 500),
    ],
)
def test_a_score_that_is_not_what_the_mapping_says_is_unknown_and_named(tmp_path, metric, cell):
    """The finding quotes the value and gives the row; it is never a zero."""
    (value, _, outcome), codes = score_of(tmp_path, metric, cell)

    assert (value, outcome, codes) == (None, "unscored", ["MBE221"])


@pytest.mark.parametrize(
    ("metric", "cell", "more", "expected"),
    [
        ("{contains: {column: x, text: Acc}}", "Accepted", "", (1.0, None, "scored")),
        ("{contains: {column: x, text: acc}}", "Accepted", "", (0.0, None, "scored")),
        ("{contains: {column: x, text: acc, ignore_case: true}}", "Accepted", "", (1.0, None, "scored")),
        ("{contains: {column: x, text: {column: ref}}}", "it is 42", "42", (1.0, None, "scored")),
        ("{contains: {column: x, text: {column: ref}}}", "it is 42", "", (None, None, "unscored")),
        ("{contains: {column: x, text: a}}", "", "", (None, None, "unscored")),
        ("{regex: {column: x, pattern: 'b+'}}", "abba", "", (1.0, None, "scored")),
        ("{regex: {column: x, pattern: 'c'}}", "abba", "", (0.0, None, "scored")),
        ("{regex: {column: x, pattern: 'c', no_match: null}}", "abba", "", (None, None, "model_error")),
        ("{regex: {column: x, pattern: 'c'}}", "", "", (None, None, "unscored")),
        (
            "{regex: {column: x, pattern: '[0-9]+', equals: {column: ref}}}",
            "1 2 3",
            "3",
            (0.0, "1", "scored"),
        ),
        (
            "{regex: {column: x, pattern: '[0-9]+', which: last, equals: {column: ref}}}",
            "1 2 3",
            "3",
            (1.0, "3", "scored"),
        ),
        (
            "{regex: {column: x, pattern: 'is (?P<n>\\w+)', group: n, equals: Yes}}",
            "is Yes",
            "",
            (1.0, "Yes", "scored"),
        ),
        (
            "{regex: {column: x, pattern: 'is (\\w+)', group: 1, equals: Yes}}",
            "is yes",
            "",
            (0.0, "yes", "scored"),
        ),
        (
            "{regex: {column: x, pattern: 'IS (\\w+)', group: 1, equals: Yes, ignore_case: true}}",
            "is yes",
            "",
            (1.0, "yes", "scored"),
        ),
        ("{regex: {column: x, pattern: 'a(b)?', group: 1, equals: b}}", "a", "", (0.0, "", "scored")),
        ("{regex: {column: x, pattern: 'a', equals: {column: ref}}}", "a", "", (None, None, "unscored")),
    ],
)
def test_text_is_scored_by_what_is_in_it(tmp_path, metric, cell, more, expected):
    """Contained text and patterns; an empty answer or reference is unscored, never wrong."""
    assert (expected, []) == score_of(tmp_path, metric, cell, more=more)


@pytest.mark.parametrize(
    ("scorer", "expected", "codes"),
    [
        (lambda row: float(row["x"]) / 2, (2.0, None, "scored"), []),
        (lambda row: None, (None, None, "unscored"), []),
        (lambda row: float("nan"), (None, None, "unscored"), []),
        (lambda row: float("inf"), (None, None, "unscored"), ["MBE221"]),
        (lambda row: row["nope"], (None, None, "unscored"), ["MBE221"]),
    ],
)
def test_a_plug_in_scores_a_row(tmp_path, scorer, expected, codes):
    """A foreign function sees the row as text; what it raises costs the score of that row."""
    assert (expected, codes) == score_of(tmp_path, "{plugin: own}", "4", scorers={"own": scorer})


def test_a_plug_in_is_found_among_installed_packages(tmp_path, monkeypatch):
    """By its name in the entry-point group."""
    point = EntryPoint("length", "builtins:len", "mbe_docs.row_scorers")
    monkeypatch.setattr(
        "mbe_docs.sources.row_scores.entry_points", lambda group, name: [point] if name == point.name else []
    )

    assert score_of(tmp_path, "{plugin: length}", "a")[0] == (4.0, None, "scored")


def test_an_unknown_plug_in_is_named(tmp_path):
    """Before a row is read."""
    with pytest.raises(CuratedError, match="row scorer 'nope' is not known"):
        score_of(tmp_path, "{plugin: nope}", "a")


def test_amounts_are_in_the_units_of_the_records(tmp_path):
    """Nano-USD and microseconds; what is missing is unknown; what is no amount is a finding."""
    mapping = SCORE + (
        "tokens_in: {column: in}\ntokens_out: {column: out}\ncost_usd: {column: cost}\nlatency_s: {column: s}\n"
    )
    table = "model,id,score,in,out,cost,s\na,1,1,10,2,0.0015,1.25\na,2,1,,N/A,,\na,3,1,-1,many,1e99,x\n"
    found = read(tmp_path, table, mapping)

    assert [(o.tokens_in, o.tokens_out, o.cost_nusd, o.latency_us) for o in found.observations] == [
        (10, 2, 1_500_000, 1_250_000),
        (None,) * 4,
        (None,) * 4,
    ]
    assert found.codes == ["MBE221"] * 4


def test_latency_may_be_in_milliseconds(tmp_path):
    """Whichever the table has."""
    found = read(tmp_path, "model,id,score,ms\na,1,1,2.5\n", SCORE + "latency_ms: {column: ms}\n")

    assert found.observations[0].latency_us == 2500


@pytest.mark.parametrize(
    ("form", "cell", "expected"),
    [
        ("", "2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00+00:00"),
        ("", "2026-11-01 10:00:00", "2026-11-01T10:00:00+00:00"),
        (', format: "%m/%d/%Y, %H:%M:%S"', '"07/26/2023, 21:03:32"', "2023-07-26T21:03:32+00:00"),
        (", format: unix", "1700000000", "2023-11-14T22:13:20+00:00"),
        (", format: unix_ms", "1700000000500", "2023-11-14T22:13:20.500000+00:00"),
        ("", "", None),
    ],
)
def test_times_are_read_in_the_format_of_the_mapping(tmp_path, form, cell, expected):
    """A time without a zone is taken as UTC; the run spans its rows."""
    found = read(tmp_path, f"model,id,score,at\na,1,1,{cell}\n", SCORE + f"timestamp: {{column: at{form}}}\n")

    assert expected == found.observations[0].started_at == found.run.started_at == found.run.finished_at


@pytest.mark.parametrize(("form", "cell"), [("", "soon"), (", format: unix", "1e300")])
def test_a_time_that_is_none_is_a_finding(tmp_path, form, cell):
    """The score stays."""
    found = read(tmp_path, f"model,id,score,at\na,1,1,{cell}\n", SCORE + f"timestamp: {{column: at{form}}}\n")

    assert (found.pairs(), found.observations[0].started_at, found.codes) == ([("1", 1.0)], None, ["MBE221"])


@pytest.mark.parametrize(
    ("outcome", "value", "expected"),
    [
        ("ok", "1", (1.0, "scored")),
        ("said no", "0", (0.0, "refused")),
        ("cut", "1", (1.0, "limited")),
        ("crashed", "0", (None, "infra_error")),
        ("garbled", "0", (None, "model_error")),
        ("", "1", (1.0, "scored")),
    ],
)
def test_an_outcome_column_says_how_an_attempt_ended(tmp_path, outcome, value, expected):
    """A score of an attempt that failed is no measurement."""
    mapping = SCORE + (
        "outcome: {column: end, map: {ok: scored, said no: refused, cut: limited, crashed: infra_error,"
        " garbled: model_error}}\n"
    )
    found = read(tmp_path, f"model,id,score,end\na,1,{value},{outcome}\n", mapping)

    assert expected == (found.observations[0].value, found.observations[0].outcome)


def test_an_unknown_outcome_is_a_finding(tmp_path):
    """Nothing is guessed."""
    found = read(tmp_path, "model,id,score,end\na,1,1,odd\n", SCORE + "outcome: {column: end, map: {}}\n")

    assert (found.pairs(), found.codes) == ([("1", 1.0)], ["MBE221"])


def test_each_combination_of_facts_and_parameters_is_a_run(tmp_path):
    """Rows of one file may come from several configurations, in any order."""
    mapping = SCORE + "parameters: {temperature: {column: t}, top_p: 0.9, mode: {column: mode}}\n"
    found = read(
        tmp_path, "model,id,score,t,mode\na,1,1,0.0,\na,1,0,1,x\nb,1,1,0.0,inf\na,2,1,0.0,\n", mapping
    )

    assert [(run.model_requested, run.generation_params) for run in found.runs] == [
        ("a", {"temperature": 0, "top_p": 0.9}),
        ("a", {"temperature": 1, "top_p": 0.9, "mode": "x"}),
        ("b", {"temperature": 0, "top_p": 0.9, "mode": "inf"}),
    ]
    assert len({run.run_key for run in found.runs}) == 3
    assert sum(o.run_key == found.runs[0].run_key for o in found.observations) == 2


def test_facts_of_the_run_come_from_constants_and_columns(tmp_path):
    """Version, dataset, snapshot, judge, system prompt and plan."""
    mapping = SCORE + (
        "task_version: 2\ndataset: d\ndataset_revision: {column: rev}\nsnapshot: {column: snap}\n"
        "judge_model: judge-1\nharness: own\nharness_version: '1'\nsystem_prompt: Be brief\n"
        "samples_planned: 10\nepochs: 3\n"
    )
    found = read(tmp_path, "model,id,score,rev,snap\na,1,1,r1,a-0314\n", mapping)
    run = found.run

    assert (
        run.task_version, run.dataset, run.dataset_revision, run.models_resolved
    ) == ("2", "d", "r1", ("a-0314",))  # fmt: skip
    assert (True, text_hash("Be brief")) == (run.has_system_prompt, run.system_prompt_hash)
    assert (run.harness, run.harness_version, run.samples_planned, run.epochs) == ("own", "1", 10, 3)
    assert ("judge-1", content_hash({"column": "score"})) == (
        run.scorers[0].judge_model, run.scorers[0].parameters_hash
    )  # fmt: skip
    assert found.observations[0].model_resolved == "a-0314"


@pytest.mark.parametrize(("line", "expected"), [("", None), ('system_prompt: ""\n', False)])
def test_no_system_prompt_is_not_an_unknown_one(tmp_path, line, expected):
    """Only a mapping that says so makes it none."""
    assert expected is read(tmp_path, "model,id,score\na,1,1\n", SCORE + line).run.has_system_prompt


def test_rows_with_the_same_id_and_input_are_epochs(tmp_path):
    """Where no column numbers the repeats, their order does."""
    found = read(tmp_path, "model,id,score\na,1,1\na,1,0\na,2,1\n")

    assert [(o.sample_id, o.epoch) for o in found.observations] == [("1", 1), ("1", 2), ("2", 1)]
    assert found.run.epochs == 2


def test_an_epoch_column_may_count_from_zero(tmp_path):
    """The offset makes it count from 1."""
    mapping = SCORE + "epoch: {column: trial, offset: 1}\n"
    found = read(tmp_path, "model,id,score,trial\na,1,1,0\na,1,0,1.0\n", mapping)

    assert [o.epoch for o in found.observations] == [1, 2]


@pytest.mark.parametrize("cell", ["0", "-1", "x", "", "1.5", "inf", "9" * 30, "²"])
def test_an_epoch_that_is_none_loses_the_row(tmp_path, cell):
    """With its line and the fix."""
    found = read(tmp_path, f"model,id,score,n\na,1,1,1\na,2,1,{cell}\n", SCORE + "epoch: {column: n}\n")

    assert (found.pairs(), found.codes) == ([("1", 1.0)], ["MBE220"])


def test_the_same_epoch_twice_counts_once(tmp_path):
    """Which one is right is for a person to say."""
    found = read(tmp_path, "model,id,score,n\na,1,1,1\na,1,0,1\n", SCORE + "epoch: {column: n}\n")

    assert (found.pairs(), found.codes) == ([("1", 1.0)], ["MBE220"])


def test_one_id_for_two_inputs_is_two_samples(tmp_path):
    """Averaging over them would be an average of different questions."""
    table = "model,id,score,q\na,1,1,What?\na,1,0,Why?\na,1,1,Why?\n"
    found = read(tmp_path, table, SCORE + "input: [q]\n")
    other = f"1#{content_hash(['Why?'], None, None)[:8]}"

    assert [("1", 1), (other, 1), (other, 2)] == [(o.sample_id, o.epoch) for o in found.observations]
    assert found.codes == ["MBE222", "MBE222"]


def test_ids_may_be_of_several_columns(tmp_path):
    """Joined where they are short, hashed where they are long."""
    mapping = SCORE.replace("{column: id}", "[id, q]")
    found = read(tmp_path, f"model,id,q,score\na,1,x,1\na,1,{'y' * 300},1\n", mapping)

    assert ["1 / x", f"1#{content_hash('1', 'y' * 300)[:12]}"] == [o.sample_id for o in found.observations]


def test_the_input_hash_is_of_input_columns_and_target(tmp_path):
    """The same question matches across tables."""
    mapping = SCORE + "input: [q]\ntarget: {column: ref}\n"
    found = read(tmp_path, "model,id,score,q,ref\na,1,1,What?,N/A\n", mapping)

    assert content_hash(["What?"], None, "N/A") == found.observations[0].input_hash


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {"kind": "easy", "extra": "1"}),
        ("metadata: [kind]\n", {"kind": "easy"}),
        ("slices: [kind]\nmetadata: []\ncluster: {column: extra}\n", {"kind": "easy", "cluster": "1"}),
    ],
)
def test_columns_that_nothing_reads_are_metadata_unless_it_is_said_which(tmp_path, line, expected):
    """Long and missing cells are left out."""
    table = f"model,id,score,kind,extra,long,none\na,1,1,easy,1,{'x' * 300},\n"

    assert expected == read(tmp_path, table, SCORE + line).observations[0].metadata


def test_a_filter_keeps_only_rows_with_the_values_it_names(tmp_path):
    """One value or several; all conditions must hold."""
    table = "model,id,score,kind,set\na,1,1,x,p\na,2,1,y,p\na,3,1,z,p\na,4,1,x,q\n"

    assert read(tmp_path, table, SCORE + "filter: {kind: [x, y], set: p}\n").pairs() == [
        ("1", 1.0),
        ("2", 1.0),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (b"a,2", "2 cells; the header has 3 columns"),
        (b"a,2,1,1", "4 cells; the header has 3 columns"),
        (b"a,,1", "it has no sample id"),
        (b",2,1", "it has no task or model"),
        (b"a\xff,2,1", "not UTF-8"),
        (b'a,"2"x,1', "not readable as CSV"),
    ],
)
def test_a_row_that_cannot_be_read_costs_itself(tmp_path, row, problem):
    """The finding has the line; the other rows are read."""
    found = read(tmp_path, b"model,id,score\na,1,1\n" + row + b"\na,3,0\n")

    assert found.pairs() == [("1", 1.0), ("3", 0.0)]
    assert [(one.code, one.at.line) for one in found.findings] == [("MBE220", 3)]
    assert problem in found.findings[0].problem


def test_an_unclosed_quote_does_not_pass_for_a_cell(tmp_path):
    """It would swallow every row behind it."""
    found = read(tmp_path, 'model,id,score\na,1,1\na,"2,1\na,3,1\n')

    assert (found.pairs(), found.codes) == ([("1", 1.0)], ["MBE220"])


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("t.csv", "model,id,score\na,1,1\na,{},1\n"),
        ("t.jsonl", '{{"model": "a", "id": 1, "score": 1}}\n{{"x": "{}"}}\n'),
    ],
)
def test_a_cell_above_the_limit_ends_the_table(tmp_path, monkeypatch, name, table):
    """What follows cannot be found again; the run is partial and says so."""
    monkeypatch.setattr("mbe_docs.sources.table_rows.FIELD_BYTES", 2**18)
    monkeypatch.setattr("csv.field_size_limit", _limit())
    found = read(tmp_path, table.format("x" * 2**19), name=name)

    assert (found.run.status, found.pairs(), found.codes) == ("partial", [("1", 1.0)], ["MBE220"])


def _limit():
    import csv

    original = csv.field_size_limit

    def limit(*values):
        return original(2**18) if values else 2**17

    return limit


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("model,id\na,1\n", "column 'score' is there 0 times"),
        ("model,id,score,score\na,1,1,1\n", "column 'score' is there 2 times"),
        ("", "column 'model' is there 0 times"),
        ("model,id,score\n", "no row of the table could be used"),
        ('"a"b\n', "its first line is not a CSV header"),
        ("model,id,score\na,1,1\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_table_that_the_mapping_does_not_fit_is_refused(tmp_path, table, problem):
    """Before the first row, with the columns that there are."""
    with pytest.raises(SourceError) as caught:
        read(tmp_path, table)

    assert problem in caught.value.problem


def test_another_encoding_is_read_where_the_mapping_names_it(tmp_path):
    """Old spreadsheets."""
    table = "model,id,score,x\na,1,1,é\n"
    found = read(tmp_path, table.encode("latin-1"), SCORE + "encoding: latin-1\n")

    assert found.observations[0].metadata == {"x": "é"}


@pytest.mark.parametrize("name", ["utf-16", "utf-8"])
def test_a_wrong_encoding_is_reported(tmp_path, name):
    """Half a character at the end of UTF-16, a byte order mark that is not expected."""
    table = "model,id,score\na,1,1\n".encode("utf-16")[:-1] if name == "utf-16" else b"\xff\xfe,id\n"
    with pytest.raises(SourceError):
        read(tmp_path, table, SCORE + f"encoding: {name}\n")


def test_an_unknown_encoding_is_the_mappings_fault(tmp_path):
    """Python knows none of that name."""
    with pytest.raises(SourceError, match="unknown encoding: klingon"):
        read(tmp_path, "model,id,score\n", SCORE + "encoding: klingon\n")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("other.csv", "model,question_id,prompt,score\na,1,What?,1\n"),
        ("other.jsonl", '[]\n{"model": "a", "question_id": 1, "prompt": "What?", "score": 1}\n'),
    ],
)
def test_without_a_mapping_the_fix_is_a_draft_of_one(tmp_path, name, table):
    """Guessed from column names, for a person to edit."""
    with pytest.raises(SourceError, match="no mapping says what the columns mean") as caught:
        read(tmp_path, table, name=name)

    assert [
        f"files: ['{name}']",
        "task: EDIT-ME",
        "model: {column: 'model'}",
        "sample_id: {column: 'question_id'}",
        "input: {column: 'prompt'}",
        "metrics:",
        "  'score': {column: 'score', type: number}",
        "# columns: 'model', 'question_id', 'prompt', 'score'",
    ] == [line.removeprefix("  ") for line in caught.value.fix.split("\n")[1:]]


def test_an_empty_json_lines_file_has_no_columns_to_guess_from(tmp_path):
    """The draft says what must be filled in."""
    with pytest.raises(SourceError) as caught:
        read(tmp_path, "", name="other.jsonl")

    assert "'EDIT-ME': {column: 'EDIT-ME', type: number}" in caught.value.fix


def test_excerpts_are_of_input_target_and_output_columns(tmp_path):
    """Only where they are allowed."""
    mapping = SCORE + "input: [q]\ntarget: {column: ref}\noutput: {column: answer}\n"
    table = "model,id,score,q,ref,answer\na,1,1,What?,42,It is 42\n"

    assert read(tmp_path, table, mapping).excerpts == []
    (one,) = read(tmp_path, table, mapping, excerpts=True).excerpts
    assert one[1:] == ("1", 1, "What?", "42", "It is 42", (("accuracy", None, None, None),))


def test_a_run_without_any_score_is_said(tmp_path):
    """A mapping of the wrong column must not pass in silence."""
    assert read(tmp_path, "model,id,score\na,1,\n").codes == ["MBE215"]


def test_the_run_key_is_of_content_and_configuration(tmp_path):
    """The same bytes are the same run, wherever they lie."""
    first = read(tmp_path, "model,id,score\na,1,1\n").run.run_key
    again = read(tmp_path, "model,id,score\na,1,1\n", name="t.2.csv").run.run_key
    other = read(tmp_path, "model,id,score\na,1,0\n").run.run_key

    assert first == again != other
    assert first.startswith("table:")


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.csv", b"model,id", True),
        ("a.TSV", b"", True),
        ("a.ndjson", b'{"model": "a"}', True),
        ("a.json", b'{"model": "a"}', False),
        ("samples_x.jsonl", b'{"doc_id": 0, "doc": {}, "doc_hash": "x"}', False),
        ("samples_y.jsonl", b'{"doc_id": 0, "doc": {"question": "', False),
        ("promptfoo.jsonl", b'{"promptIdx": 0, "testIdx": 1}', False),
        ("results.jsonl", b'{"provider":{"id":"x"},"prompt":{"raw":"y"},"vars":{}', False),
        ("eval_results_strict.jsonl", b'{"follow_all_instructions": true, "foll', False),
        ("openai.jsonl", b'{"spec": {"completion_fns": []}}', False),
        ("eee_samples.jsonl", b'{"schema_version": "0.3.0", "evaluation_id": "a", "sample_id": "1"}', False),
    ],
)
def test_tables_are_claimed_by_their_ending_but_not_other_harnesses(name, head, expected):
    """What another harness wrote would be read as something it is not."""
    assert expected is SOURCE.claims(Path(name), head)
