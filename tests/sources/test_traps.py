"""Traps of the formats that no other test is named after: what a naive reader gets wrong without noticing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mbe_docs.sources.lm_eval import SOURCE as LM_EVAL
from mbe_docs.sources.openai_evals import SOURCE as OPENAI_EVALS
from mbe_docs.sources.promptfoo import SOURCE as PROMPTFOO
from tests.sources import test_lm_eval as lm_eval
from tests.sources import test_openai_evals as openai_evals
from tests.sources import test_promptfoo as promptfoo
from tests.sources.build_logs import Read, archive, encoded, eval_log, header, json_log, members, sample
from tests.sources.lm_eval_read import Read as ReadOf
from tests.sources.lm_eval_read import written

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the published logs are not beside the project")


# ---- Inspect


def test_an_edited_score_counts_as_edited(tmp_path):
    """The history of a score begins with what the scorer gave; the value is what a person made of it."""
    score = {
        "value": "C",
        "answer": "2",
        "history": [{"value": "I", "answer": "3"}, {"value": "C", "provenance": {"author": "team-evals"}}],
    }
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, scores={"match": score})]))

    assert [(one.value, one.label) for one in read.observations] == [(1.0, "C")]


def test_an_attempt_that_succeeded_after_retries_is_no_error(tmp_path):
    """`error_retries` lists what was overcome; `error` is what was not."""
    retries = [{"message": "Connection reset", "traceback": "…"}]
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, error_retries=retries), sample(2)]))

    assert [(one.value, one.outcome) for one in read.observations] == [(1.0, "scored")] * 2


@pytest.mark.parametrize("id", ["a/b", "a/b_epoch_2.json", "../../etc/passwd", "mmlu/…/q 1"])
def test_a_sample_id_with_a_slash_is_a_sample(tmp_path, id):
    """Ids are not escaped in the names of members, and are never a path of ours."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(id), sample(id, epoch=2, value="I")]))

    assert [(one.sample_id, one.epoch, one.value) for one in read.observations] == [
        (id, 1, 1.0),
        (id, 2, 0.0),
    ]


def test_summaries_of_a_killed_run_are_not_taken_for_samples(tmp_path):
    """The journal repeats samples with their texts thinned and their errors as plain text."""
    summary = [
        {"id": n, "epoch": 1, "input": "What…", "scores": {"match": {"value": "I"}}} for n in (1, 2, 3)
    ]
    made = [*members(header(None), [sample(1)])[:2], ("_journal/summaries/1.json", encoded(summary))]
    (tmp_path / "a.eval").write_bytes(archive(made))

    read = Read(tmp_path / "a.eval")

    assert read.pairs() == [("1", 1.0)]
    assert read.run.status == "partial"


def test_ids_that_a_shuffle_moved_do_not_move_the_questions(tmp_path):
    """Ids that Inspect gives by position mean other questions after a shuffle; the hash of the input stays."""
    first, second = ({"input": f"question {n}", "target": str(n)} for n in (1, 2))
    one = Read(eval_log(tmp_path / "a.eval", [sample(1, **first), sample(2, value="I", **second)]))
    two = Read(eval_log(tmp_path / "b.eval", [sample(1, value="I", **second), sample(2, **first)]))

    by_hash = [{row.input_hash: row.value for row in read.observations} for read in (one, two)]
    assert by_hash[0] == by_hash[1]
    assert [row.sample_id for row in one.observations] == [row.sample_id for row in two.observations]


@pytest.mark.parametrize("completed", [0, 1, 7])
def test_completed_samples_of_the_results_are_not_believed(tmp_path, completed):
    """What the number counts has changed between versions; what was planned is what the dataset says."""
    results = {"total_samples": 2, "completed_samples": completed, "scores": []}
    log = json_log(tmp_path / "a.json", [sample(1), sample(2)], header(results=results))

    assert Read(log).run.samples_planned == 2


def test_a_list_for_a_score_is_unknown_where_inspect_counts_zero(tmp_path):
    """Inspect warns and takes 0.0 for what it cannot turn into a number."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, value=["C", "I"]), sample(2)]))

    assert [(one.value, one.outcome) for one in read.observations] == [(None, "unscored"), (1.0, "scored")]
    assert "MBE211" in read.codes


@pytest.mark.published
@needs_data
def test_a_metric_called_accuracy_may_be_7_67():
    """Grades from 0 to 10, stored as text, averaged under the name of a share."""
    (path,) = (DATA / "inspect-logs" / "teormineval").glob("*.eval")
    read = Read(path)
    values = [one.value for one in read.observations if one.value is not None]

    reported = next(one.value for one in read.run.reported if one.metric == "accuracy")
    assert round(reported, 2) == 7.67
    assert sum(values) / len(values) == pytest.approx(reported)
    assert max(values) > 1


# ---- lm-evaluation-harness


def test_two_filters_of_one_document_are_two_scorers(tmp_path):
    """A row is a document and a filter: neither is an epoch of the other."""
    rows = [
        lm_eval.row(n, filter=name, exact_match=value)
        for n in range(2)
        for name, value in (("strict-match", 0.0), ("flexible-extract", 1.0))
    ]
    read = ReadOf(LM_EVAL, written(tmp_path / f"samples_sums_{lm_eval.STAMP}.jsonl", rows))

    found = {(one.scorer, one.epoch, one.value) for one in read.observations}
    assert found == {("exact_match,strict-match", 1, 0.0), ("exact_match,flexible-extract", 1, 1.0)}
    assert len(read.observations) == 4


def test_a_run_is_dated_by_the_clock_and_not_by_its_counters(tmp_path):
    """`date` is the only wall time: `start_time` and `end_time` count from when the machine was switched on."""
    counters = {"start_time": 1234.5, "end_time": 2345.6, "total_evaluation_time_seconds": "1111.1"}
    path = written(tmp_path / "results.json", lm_eval.results(**counters))

    assert ReadOf(LM_EVAL, path).run.started_at.startswith("2026-11-23T16:50:53")


def test_samples_appended_by_a_second_run_are_no_epochs(tmp_path):
    """The file is opened for appending: the same documents again are the same attempts, or another run's."""
    rows = [lm_eval.row(n) for n in range(3)]
    read = ReadOf(LM_EVAL, written(tmp_path / f"samples_sums_{lm_eval.STAMP}.jsonl", [*rows, *rows]))

    assert [(one.sample_id, one.epoch) for one in read.observations] == [("0", 1), ("1", 1), ("2", 1)]
    assert "MBE213" in read.codes


# ---- promptfoo


def test_a_flagged_answer_is_not_a_blocked_one(tmp_path):
    """A guardrail that flags says so; the answer was given and its score counts."""
    flagged = {"output": "2", "guardrails": {"flagged": True, "flaggedOutput": True}}
    (one,) = promptfoo.of(tmp_path, promptfoo.row(response=flagged)).of("pass")

    assert (one.value, one.outcome, one.metadata["guardrails.flagged"]) == (1.0, "scored", "true")


def test_an_export_of_version_2_with_its_table_is_read(tmp_path):
    """The table repeats the rows for the eye and is not read twice."""
    old = promptfoo.export([promptfoo.row()])
    old["results"] |= {
        "version": 2,
        "table": {"head": {}, "body": [{"outputs": [{"pass": False, "score": 0}]}]},
    }
    read = ReadOf(PROMPTFOO, written(tmp_path / "export.json", old))

    assert [one.value for one in read.of("pass")] == [1.0]


# ---- OpenAI evals


def test_an_old_log_whose_report_has_no_run_id_is_finished(tmp_path):
    """Older versions wrote the final report without one, and not always as the last line."""
    lines = [
        openai_evals.spec(),
        {"final_report": {"accuracy": 1.0, "boostrap_std": 0.0}},
        openai_evals.sampling(),
        openai_evals.event("match", {"correct": True, "expected": "2", "picked": "2", "sampled": "2"}),
    ]
    read = openai_evals.read(tmp_path, *lines)

    assert read.run.status == "success"
    assert {(one.metric, one.value) for one in read.run.reported} >= {("accuracy", 1.0)}
    assert [one.value for one in read.observations] == [1.0]


def test_a_position_in_the_dataset_is_no_question(tmp_path):
    """`sums.dev.0` is whatever came first: samples of two versions meet by their prompts."""
    reads = []
    for number, prompts in enumerate((("a?", "b?"), ("b?", "a?"))):
        lines = [openai_evals.spec()]
        for at, prompt in enumerate(prompts):
            one = openai_evals.sampling(prompt) | {"sample_id": f"sums.dev.{at}"}
            match = openai_evals.event("match", {"correct": prompt == "a?"}, f"sums.dev.{at}")
            lines += [one, match]
        path = written(tmp_path / f"{number}.jsonl", [*lines, openai_evals.DONE])
        reads.append({row.input_hash: row.value for row in ReadOf(OPENAI_EVALS, path).observations})

    assert reads[0] == reads[1]


# ---- tables


@pytest.mark.published
@needs_data
def test_answers_with_line_breaks_and_colour_codes_are_one_cell(tmp_path):
    """Code with commas, JSON and terminal colours: 50 questions × 4 models, not a row more."""
    from tests.sources.test_tabular_published import DRIFT, PUBLISHED, read

    name = "LEETCODE_EASY_EVAL"
    table = DATA / "llmdrift" / "generation" / f"{name}.csv"
    found = read(tmp_path, table, DRIFT.replace("METRIC", PUBLISHED[name][0]))

    assert "\\x1b[" in json.dumps(table.read_text(encoding="utf-8")).replace("\\u001b", "\\x1b")
    assert len(found.observations) == 200
    assert found.codes == []
