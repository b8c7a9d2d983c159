"""Exports of promptfoo."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from mbe_docs.errors import SourceError
from mbe_docs.sources.promptfoo import SOURCE
from tests.sources.lm_eval_read import LOGS, SHARED, Read, altered, check, deep, rows_of, torn, written

EXPORT = LOGS / "promptfoo" / "export.json"
LINES = LOGS / "promptfoo" / "lines.jsonl"
BOUNDED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LARGEST_MAPPED = pytest.mark.parametrize("member_bytes", [2**29, 10], ids=["mapped", "streamed"])
GRADED = {"pass": True, "score": 1, "reason": "All assertions passed"}


def row(**changes):
    """A result that passed."""
    made = {
        "provider": {"id": "openai:chat:gpt-x", "label": "x"},
        "prompt": {"raw": "What is 1 + 1?", "label": "{{q}}"},
        "promptId": "p",
        "promptIdx": 0,
        "testIdx": 0,
        "vars": {"q": "What is 1 + 1?"},
        "testCase": {
            "description": "add",
            "assert": [{"type": "equals", "value": "2"}],
            "metadata": {"kind": "sum"},
        },
        "response": {
            "output": "2",
            "tokenUsage": {"prompt": 9, "completion": 1, "total": 10},
            "cached": False,
        },
        "success": True,
        "score": 1,
        "namedScores": {},
        "gradingResult": GRADED,
        "failureReason": 0,
        "latencyMs": 250,
        "cost": 0.00012,
    }
    return made | changes


def export(rows, **changes):
    """A version 3 export."""
    made = {
        "evalId": "eval-1",
        "results": {
            "version": 3,
            "timestamp": "2026-11-23T16:44:39.053Z",
            "prompts": [{"raw": "{{q}}", "label": "{{q}}", "metrics": {"testPassCount": 1, "score": 1}}],
            "results": rows,
        },
        "config": {
            "description": "sums",
            "providers": [{"id": "openai:chat:gpt-x", "config": {"temperature": 0}}],
        },
        "metadata": {"promptfooVersion": "0.118.17"},
    }
    return made | changes


def of(tmp_path, *rows, **settings):
    """What is read from an export of these rows."""
    return Read(SOURCE, written(tmp_path / "export.json", export(list(rows))), **settings)


@LARGEST_MAPPED
def test_every_provider_and_prompt_is_a_run(member_bytes):
    """Two providers with one id differ by label: merging them would mix two configurations."""
    read = Read(SOURCE, EXPORT, member_bytes=member_bytes)

    assert [run.metadata["provider_label"][-3:] for run in read.runs] == ["-t0", "t08"]
    assert {run.model_requested for run in read.runs} == {"openai:chat:smollm2-135m-instruct-q4_1"}
    assert [run.generation_params["temperature"] for run in read.runs] == [0, 0.8]
    assert {run.task for run in read.runs} == {"SmolLM2-135M-Instruct, tiny behaviour checks"}
    assert {run.status for run in read.runs} == {"success"}
    assert {run.harness_version for run in read.runs} == {"0.118.17"}
    assert {run.started_at for run in read.runs} == {"2026-11-23T16:44:39.053000+00:00"}


@LARGEST_MAPPED
def test_repeats_are_epochs_of_one_sample(member_bytes):
    """`testIdx` counts on with every repeat; variables and assertions do not."""
    read = Read(SOURCE, EXPORT, member_bytes=member_bytes)

    attempts = Counter((one.run_key, one.sample_id) for one in read.of("pass"))
    assert set(attempts.values()) == {3}
    assert {sample_id for _, sample_id in attempts} == {"add-1", "cap-1", "json-1"}
    assert {one.epoch for one in read.observations} == {1, 2, 3}
    assert {(run.epochs, run.samples_planned) for run in read.runs} == {(3, 3)}


def test_a_stream_reads_the_same_as_a_mapped_file():
    """Above the size limit the file is streamed in constant memory."""
    mapped, streamed = Read(SOURCE, EXPORT), Read(SOURCE, EXPORT, member_bytes=10)

    assert streamed.observations == mapped.observations
    assert streamed.runs == mapped.runs
    assert streamed.findings == mapped.findings


def test_json_lines_read_the_same_scores_as_json():
    """Lines have no header: task, prompt template and eval id are missing, scores and samples are not."""
    whole, lines = Read(SOURCE, EXPORT), Read(SOURCE, LINES)

    def scores(read):
        return sorted(
            (one.sample_id, one.input_hash, one.scorer, one.value, one.outcome) for one in read.observations
        )

    assert scores(lines) == scores(whole)
    assert [run.generation_params for run in lines.runs] == [run.generation_params for run in whole.runs]
    assert {run.task for run in lines.runs} == {"lines"}
    assert lines.finding("MBE227").severity == "note"


def test_a_declared_temperature_is_only_declared():
    """Repeats at a declared temperature of 0 differ: the setting did not reach the model."""
    problem = Read(SOURCE, EXPORT).finding("MBE228").problem

    assert problem.startswith("3 samples of")
    assert "-t0'" in problem


def test_credentials_in_a_provider_s_settings_are_not_kept():
    """The lines hold the whole configuration, `apiKey` included."""
    assert {key for run in Read(SOURCE, LINES).runs for key in run.generation_params} == {
        "temperature",
        "max_tokens",
    }


def test_cached_rows_are_not_samples(tmp_path):
    """A copy from the cache says nothing new; it is counted in a finding."""
    copied = row(response={"output": "2", "cached": True})
    graded = row(gradingResult=GRADED | {"metadata": {"cachedResponse": True}})

    read = of(tmp_path, row(), copied, graded)

    assert len(read.of("pass")) == 1
    assert read.finding("MBE223").problem.startswith("2 of 3 answers")


def test_a_run_from_the_cache_alone_is_no_result(tmp_path):
    """Nothing was measured."""
    read = of(tmp_path, row(response={"output": "2", "cached": True}))

    assert read.observations == []
    assert (read.run.status, read.run.status_reason) == (
        "partial",
        "every answer is a copy from promptfoo's cache",
    )


@pytest.mark.parametrize(
    ("changes", "value", "outcome"),
    [
        ({}, 1.0, "scored"),
        ({"success": False, "score": 0, "failureReason": 1, "error": "Expected 2"}, 0.0, "scored"),
        (
            {"success": False, "score": 0, "failureReason": 2, "error": "429", "response": None},
            None,
            "infra_error",
        ),
        (
            {"success": False, "score": 0, "failureReason": None, "error": "429", "response": None},
            None,
            "infra_error",
        ),
        ({"success": False, "score": 0, "failureReason": None, "error": "Expected 2"}, 0.0, "scored"),
        ({"response": {"output": "I cannot", "isRefusal": True}, "success": False}, 0.0, "refused"),
        ({"response": {"output": "", "finishReason": "content_filter"}}, 1.0, "refused"),
        ({"response": {"output": "2", "finishReason": "length"}}, 1.0, "limited"),
        ({"response": {"output": "2", "finishReason": "stop"}}, 1.0, "scored"),
        ({"response": {"output": "2", "guardrails": {"flagged": True}}}, 1.0, "scored"),
        ({"success": None}, None, "unscored"),
        ({"success": "maybe"}, None, "unscored"),
    ],
)
def test_outcomes(tmp_path, changes, value, outcome):
    """A failed assertion is a score, a failed call is not; a raised guardrail stopped nothing."""
    (passed,) = of(tmp_path, row(**changes)).of("pass")

    assert (passed.value, passed.outcome) == (value, outcome)


def test_a_failed_call_has_no_zero_in_any_score(tmp_path):
    """promptfoo stores score 0; metrics that the assertions name are unknown too."""
    test = {
        "description": "add",
        "assert": [{"type": "assert-set", "assert": [{"type": "x", "metric": "tone"}]}],
    }

    read = of(tmp_path, row(testCase=test, success=False, score=0, failureReason=2, response=None))

    assert {one.scorer: one.value for one in read.observations} == {
        "pass": None,
        "score": None,
        "score/tone": None,
    }
    assert (read.run.status, read.run.status_reason) == ("error", "all 1 answers ended in an error")


def test_named_scores_are_scorers_of_their_own(tmp_path):
    """As the assertion's metric names them."""
    read = of(tmp_path, row(namedScores={"tone": 0.5, "brevity": 1}))

    assert {one.scorer: one.value for one in read.observations} == {
        "pass": 1.0,
        "score": 1.0,
        "score/tone": 0.5,
        "score/brevity": 1.0,
    }


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"gradingResult": None, "score": 0}, None),
        ({"gradingResult": None, "score": 0.5}, 0.5),
        ({"gradingResult": None, "score": 0, "success": False, "failureReason": 1}, 0.0),
        ({"gradingResult": GRADED | {"score": 0.25}, "score": 0.25}, 0.25),
        ({"gradingResult": GRADED | {"score": None}, "score": None}, None),
    ],
)
def test_a_score_that_was_missing_is_not_zero(tmp_path, changes, score):
    """promptfoo stores 0 for null; a row that passed without grading cannot have scored 0."""
    (found,) = of(tmp_path, row(**changes)).of("score")

    assert found.value == score


def test_a_test_without_assertions_is_unscored(tmp_path):
    """promptfoo lets it pass with score 1, which measures nothing."""
    read = of(
        tmp_path, row(gradingResult=GRADED | {"reason": "No assertions"}, testCase={"description": "add"})
    )

    assert {one.outcome for one in read.observations} == {"unscored"}
    assert read.finding("MBE229").problem.startswith("1 rows")


def test_amounts(tmp_path):
    """Tokens of the answer, not of graders; cost in nano-USD, latency in microseconds."""
    (one,) = of(tmp_path, row()).of("pass")

    assert (one.tokens_in, one.tokens_out, one.cost_nusd, one.latency_us) == (9, 1, 120_000, 250_000)


def test_zero_cost_latency_and_tokens_are_unknown(tmp_path):
    """promptfoo stores 0 for what it does not know."""
    usage = {"prompt": 0, "completion": 0, "total": 0, "completionDetails": {"reasoning": 0}}

    (one,) = of(tmp_path, row(cost=0, latencyMs=0, response={"output": "2"}, tokenUsage=usage)).of("pass")

    assert (one.tokens_in, one.tokens_out, one.tokens_reasoning, one.cost_nusd, one.latency_us) == (None,) * 5


def test_tests_with_the_same_variables_and_other_assertions_are_two_samples(tmp_path):
    """Otherwise the second would look like a repeat of the first."""
    other = {"description": "add", "assert": [{"type": "is-json"}]}

    read = of(tmp_path, row(), row(testCase=other))

    assert [(one.sample_id.split("#")[0], one.epoch) for one in read.of("pass")] == [("add", 1), ("add", 1)]
    assert len({one.sample_id for one in read.of("pass")}) == 2


def test_variables_of_the_session_do_not_tell_repeats_apart(tmp_path):
    """`sessionId` and variables that begin with `_` differ in every repeat."""
    rows = [
        row(vars={"q": "x", "sessionId": name, "_conversation": [name]}, testIdx=index)
        for index, name in enumerate("ab")
    ]

    assert [one.epoch for one in of(tmp_path, *rows).of("pass")] == [1, 2]


def test_stated_repeats_win_over_order(tmp_path):
    """Newer exports say which repeat a row is."""
    rows = [row(repeatGroupId="g", repeatIndex=index) for index in (2, 0, 0)]

    read = of(tmp_path, *rows)

    assert [one.epoch for one in read.of("pass")] == [3, 1]
    assert "repeat 0 again" in read.finding("MBE213").problem


def test_rows_without_texts_are_told_apart_by_position(tmp_path):
    """With `PROMPTFOO_STRIP_*` nothing else is left; the finding says that repeats are not seen."""
    stripped = {
        "vars": {},
        "testCase": {},
        "prompt": {"raw": "[prompt stripped]", "label": "[prompt stripped]"},
        "response": {"output": "[output stripped]"},
    }

    read = of(tmp_path, row(**stripped), row(**stripped, testIdx=1))

    assert [one.epoch for one in read.of("pass")] == [1, 1]
    assert len({one.sample_id for one in read.of("pass")}) == 2
    assert read.finding("MBE224").problem.startswith("2 rows")
    assert "MBE228" not in read.codes


def test_the_answering_model_is_what_the_raw_response_names(tmp_path):
    """Only some providers keep it."""
    read = of(tmp_path, row(response={"output": "2", "raw": {"model": "gpt-x-2026-01-01", "id": "1"}}))

    assert read.run.models_resolved == ("gpt-x-2026-01-01",)
    assert read.of("pass")[0].model_resolved == "gpt-x-2026-01-01"


def test_metadata_holds_what_can_be_sliced_by(tmp_path):
    """Metadata of the test and short variables; questions are not kept."""
    given = {"q": "What? " * 20, "language": "de"}

    (one,) = of(tmp_path, row(vars=given, response={"output": "2", "guardrails": {"flagged": True}})).of(
        "pass"
    )

    assert one.metadata == {"kind": "sum", "vars.language": "de", "guardrails.flagged": "true"}


@pytest.mark.parametrize(
    ("assertion", "judge"),
    [
        ({"type": "equals"}, None),
        ({"type": "llm-rubric", "provider": "openai:gpt-4.1"}, "openai:gpt-4.1"),
        ({"type": "not-factuality", "provider": {"id": "x"}}, "x"),
        ({"type": "model-graded-closedqa"}, "default-judge"),
    ],
)
def test_the_judge_is_the_model_that_grades(tmp_path, assertion, judge):
    """Named by the assertion, else by the default test."""
    made = export([row(testCase={"assert": [assertion]})])
    made["config"]["defaultTest"] = {"options": {"provider": "default-judge"}}

    read = Read(SOURCE, written(tmp_path / "export.json", made))

    assert {spec.judge_model for spec in read.run.scorers} == {judge}


@pytest.mark.parametrize(
    ("raw", "has_system"),
    [
        ('[{"role": "system", "content": "Be brief"}, {"role": "user", "content": "{{q}}"}]', True),
        ('[{"role": "user", "content": "{{q}}"}]', False),
        ("{{q}}", None),
        ("[not json", None),
        ('["a", "b"]', None),
    ],
)
def test_a_system_prompt_is_seen_in_chat_prompts_only(tmp_path, raw, has_system):
    """What the provider adds to a plain prompt is unknown."""
    made = export([row()])
    made["results"]["prompts"][0]["raw"] = raw

    run = Read(SOURCE, written(tmp_path / "export.json", made)).run

    assert run.has_system_prompt is has_system
    assert (run.system_prompt_hash is not None) is bool(has_system)


@pytest.mark.parametrize(
    ("providers", "temperature"),
    [
        ([{"id": "openai:chat:gpt-x", "label": "x", "config": {"temperature": 1}}], 1),
        ([{"openai:chat:gpt-x": {"config": {"temperature": 1}}}], 1),
        ([{"id": "openai:chat:gpt-x", "config": {"generationConfig": {"temperature": 1}}}], 1),
        (["openai:chat:gpt-x"], None),
        ([{"id": "openai:chat:gpt-x", "config": {"temperature": one}} for one in (0, 1)], None),
        ([{"id": "other", "config": {"temperature": 1}}], None),
        (None, None),
    ],
)
def test_settings_are_those_of_the_one_provider_that_fits(tmp_path, providers, temperature):
    """Where two entries could be meant, neither is taken."""
    made = export([row()])
    made["config"]["providers"] = providers

    run = Read(SOURCE, written(tmp_path / "export.json", made)).run

    assert run.generation_params.get("temperature") == temperature


@LARGEST_MAPPED
def test_a_cut_export_is_partial(tmp_path, member_bytes):
    """The rows before the cut are kept."""
    path = tmp_path / "export.json"
    path.write_bytes(EXPORT.read_bytes()[:20_000])

    read = Read(SOURCE, path, member_bytes=member_bytes)

    assert read.observations
    assert {run.status for run in read.runs} == {"partial"}
    assert read.codes.count("MBE212") == 1


def test_a_cut_last_line_is_partial(tmp_path):
    """A killed eval leaves half a line."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(LINES.read_bytes()[:-100])

    read = Read(SOURCE, path)

    assert len(read.of("pass")) == 17
    assert {run.status for run in read.runs} == {"partial"}
    assert read.finding("MBE210").at.line == 18


def test_fewer_rows_than_the_export_counts_is_partial(tmp_path):
    """Filtered exports hold a part of the eval."""
    made = export([row()])
    made["results"]["stats"] = {"successes": 2, "failures": 1, "errors": 0}

    run = Read(SOURCE, written(tmp_path / "export.json", made)).run

    assert (run.status, run.status_reason) == ("partial", "the export counts 3 results and holds 1")


@pytest.mark.parametrize(
    "bad", [7, {"provider": {}}, {"promptIdx": 0}, {"provider": {"id": "x"}, "response": "text"}]
)
def test_an_unreadable_row_costs_only_itself(tmp_path, bad):
    """Its place is said; its scores are unknown."""
    read = of(tmp_path, bad, row())

    assert len(read.of("pass")) == 1
    assert read.finding("MBE210").problem.startswith("results[0] cannot be read")


def test_lone_surrogates_and_nan_are_tolerated(tmp_path):
    """Both are legal where the file was written by other tools than promptfoo."""
    odd = row(response={"output": "\ud800"}, namedScores={"x": float("nan")})

    read = of(tmp_path, row(), odd)

    assert [one.value for one in read.of("pass")] == [1.0, 1.0]
    assert [(one.value, one.outcome) for one in read.of("score/x")] == [(None, "unscored")]
    assert "MBE216" in read.codes


def test_excerpts_are_read_on_request_only(tmp_path):
    """Prompt as sent, answer, and the reason of the verdict."""
    assert of(tmp_path, row()).excerpts == []

    (excerpt,) = of(tmp_path, row(), excerpts=True).excerpts

    assert (excerpt.input, excerpt.output) == ("What is 1 + 1?", "2")
    assert excerpt.scores[0] == ("pass", "pass", None, "All assertions passed")


def test_promptfoo_s_own_sums_are_reported(tmp_path):
    """Never as observations."""
    run = of(tmp_path, row()).run

    assert [(one.scorer, one.metric, one.value) for one in run.reported] == [
        ("pass", "passed", 1.0),
        ("score", "sum", 1.0),
    ]


def test_a_long_first_line_is_claimed():
    """The indices may lie behind the first 4 KiB."""
    head = json.dumps(row(response={"output": "x" * 9000})).encode()[:4096]

    assert SOURCE.claims(LINES, head)


@pytest.mark.parametrize(
    "text", ["", "{", '{"evalId": "e", "results": {"version": 3, "results": []}}', "[]", "null"]
)
def test_an_export_without_rows_is_refused_with_a_fix(tmp_path, text):
    """An empty success is the worst result."""
    path = tmp_path / "export.json"
    path.write_text(text)

    with pytest.raises(SourceError, match="no result of promptfoo can be read") as caught:
        Read(SOURCE, path)

    assert caught.value.fix


def test_a_header_that_is_nested_too_deeply_is_refused(tmp_path):
    """With the place, not with a trace."""
    made = export([row()])
    made["config"]["providers"][0]["config"] = {"tools": "DEEP"}
    path = written(tmp_path / "export.json", made)
    path.write_text(path.read_text().replace('"DEEP"', deep()))

    with pytest.raises(SourceError, match="nested too deeply"):
        Read(SOURCE, path)


def test_tests_of_two_groups_are_two_samples_even_where_they_are_equal(tmp_path):
    """Newer exports say which rows are repeats of each other."""
    rows = [row(repeatGroupId=name, repeatIndex=0) for name in "abcd"]

    assert [one.epoch for one in of(tmp_path, *rows).of("pass")] == [1] * 4
    assert len({one.sample_id for one in of(tmp_path, *rows).of("pass")}) == 4


def test_reasoning_tokens_of_a_sum_are_unknown_where_they_are_zero(tmp_path):
    """A provider that states 0 means it; promptfoo's own sum starts at 0."""
    usage = {"prompt": 9.0, "completion": 1, "completionDetails": {"reasoning": 0}}
    stated = row(response={"output": "2", "tokenUsage": usage})
    summed = row(response={"output": "2"}, tokenUsage=usage, vars={"q": "other"})

    read = of(tmp_path, stated, summed)

    assert [(one.tokens_in, one.tokens_reasoning) for one in read.of("pass")] == [(9, 0), (9, None)]


@pytest.mark.parametrize("raw", ['{"model": "a', "text", None, {"model": 5}, {"id": 1}])
def test_a_raw_response_may_be_anything(tmp_path, raw):
    """Some providers keep text, some nothing."""
    assert of(tmp_path, row(response={"output": "2", "raw": raw})).run.models_resolved == ()


def test_usage_may_be_missing(tmp_path):
    """Tokens are then unknown."""
    (one,) = of(tmp_path, row(response={"output": "2"}, latencyMs=-5, cost="free")).of("pass")

    assert (one.tokens_in, one.latency_us, one.cost_nusd) == (None, None, None)


def test_a_byte_order_mark_is_skipped(tmp_path):
    """In a stream too."""
    path = tmp_path / "export.json"
    path.write_bytes(b"\xef\xbb\xbf" + EXPORT.read_bytes())

    assert len(Read(SOURCE, path).observations) == len(Read(SOURCE, path, member_bytes=10).observations) == 54


def test_a_large_file_that_a_strict_parser_refuses_is_streamed(tmp_path, monkeypatch):
    """Up to the fault."""
    monkeypatch.setattr("mbe_docs.sources.promptfoo_files.MOST_TOLERATED", 10)
    path = written(tmp_path / "export.json", export([row(), row(score=float("nan")), row()]))

    read = Read(SOURCE, path)

    assert len(read.of("pass")) == 1
    assert "past row 1" in read.finding("MBE212").problem


def test_a_lone_surrogate_in_a_line_is_a_note(tmp_path):
    """With its line; the row counts."""
    path = written(tmp_path / "lines.jsonl", [row(), row(response={"output": "\ud800"})])

    read = Read(SOURCE, path)

    assert len(read.of("pass")) == 2
    assert read.finding("MBE216").at.line == 2


def test_a_raw_response_that_cannot_be_decoded_names_no_model(tmp_path):
    """Parts that are skipped are not checked by the parser until somebody looks."""
    path = written(tmp_path / "lines.jsonl", [row(response={"output": "2", "raw": {"model": "ODD"}})])
    path.write_bytes(path.read_bytes().replace(b"ODD", b"\xff"))

    read = Read(SOURCE, path)

    assert [one.model_resolved for one in read.of("pass")] == [None]


def test_a_guardrail_that_says_nothing_is_not_kept(tmp_path):
    """Only `flagged` is read."""
    (one,) = of(tmp_path, row(response={"output": "2", "guardrails": {"reason": "x"}})).of("pass")

    assert "guardrails.flagged" not in one.metadata


@BOUNDED
@given(document=altered(json.loads(EXPORT.read_bytes())))
def test_altered_exports_never_crash(tmp_path, document):
    """Every value may be missing or of another type."""
    path = written(tmp_path / "export.json", document)

    check(SOURCE, path, excerpts=True)
    check(SOURCE, path, member_bytes=10)


@BOUNDED
@given(document=altered(rows_of(LINES)[:4]))
def test_altered_lines_never_crash(tmp_path, document):
    """Every value may be missing or of another type."""
    check(SOURCE, written(tmp_path / "lines.jsonl", document), excerpts=True)


@BOUNDED
@given(data=torn(EXPORT.read_bytes()))
def test_torn_exports_never_crash(tmp_path, data):
    """Every byte may be missing or another."""
    path = tmp_path / "export.json"
    path.write_bytes(data)

    check(SOURCE, path)


OWN = SHARED / "own" / "smollm2" / "promptfoo"


@pytest.mark.published
@pytest.mark.skipif(not OWN.exists(), reason="the data beside the project are not there")
@pytest.mark.parametrize("name", ["results_0.118.17.json", "results_0.118.17.jsonl"])
def test_promptfoo_s_own_counts_are_reproduced(name):
    """promptfoo 0.118.17 states 15 passed and 33 failed of 48, in 8 tests × 2 providers × 3 repeats."""
    read = Read(SOURCE, OWN / name)

    assert Counter(one.label for one in read.of("pass")) == {"pass": 15, "fail": 33}
    assert [(run.samples_planned, run.epochs) for run in read.runs] == [(8, 3), (8, 3)]
    for run in read.runs:
        mine = [one for one in read.observations if one.run_key == run.run_key]
        for metric in run.reported:
            if metric.metric == "sum":
                total = sum(one.value or 0 for one in mine if one.scorer == metric.scorer)
                assert total == pytest.approx(metric.value)
