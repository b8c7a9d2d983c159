"""Event logs of OpenAI's evals framework."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from mbe_docs.errors import SourceError
from mbe_docs.sources.openai_evals import SOURCE
from tests.sources.lm_eval_read import LOGS, Read, altered, check, deep, rows_of, torn, written

LOG = next((LOGS / "openai_evals").glob("*.jsonl"))
BOUNDED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def spec(**changes):
    """The first line."""
    made = {
        "completion_fns": ["gpt-x"],
        "eval_name": "sums.dev.v1",
        "base_eval": "sums",
        "split": "dev",
        "run_config": {"seed": 1, "eval_spec": {"cls": "evals.elsuite.basic.match:Match"}},
        "run_id": "R1",
        "created_at": "2026-11-23 16:00:00.5",
    }
    return {"spec": made | changes}


def event(kind, data, sample="sums.dev.0"):
    """One event."""
    return {"run_id": "R1", "event_id": 0, "sample_id": sample, "type": kind, "data": data}


def sampling(prompt="1 + 1?", sampled="2", model="gpt-x-0125", tokens=(9, 1)):
    """A call of a model."""
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    return event("sampling", {"prompt": prompt, "sampled": [sampled], "model": model, "usage": usage})


DONE = {"final_report": {"accuracy": 1.0}}


def read(tmp_path, *lines, **options):
    """What is read from a log of these lines."""
    return Read(SOURCE, written(tmp_path / "log.jsonl", lines), **options)


def test_a_log_is_read():
    """Matches are scores, errors are not, and what has neither is unscored."""
    found = Read(SOURCE, LOG)

    assert {one.sample_id[-1]: (one.value, one.label, one.outcome) for one in found.observations} == {
        "0": (1.0, "true", "scored"),
        "1": (0.0, "false", "scored"),
        "2": (None, None, "infra_error"),
        "3": (None, None, "unscored"),
    }
    assert (found.observations[0].tokens_in, found.observations[0].tokens_out) == (21, 1)


def test_the_header_says_what_was_run():
    """Times are UTC without saying so; the answering model is the one that the calls name."""
    run = Read(SOURCE, LOG).run

    assert (run.task, run.task_version) == ("test-match.s1", "simple-v0")
    assert (run.model_requested, run.models_resolved) == ("gpt-3.5-turbo", ("gpt-3.5-turbo-0125",))
    assert run.started_at == "2026-11-23T16:00:00.123456+00:00"
    assert run.task_args["seed"] == 20220722
    assert (run.status, run.samples_planned, run.epochs) == ("success", 4, 1)


def test_the_final_report_is_reported_wherever_it_stands():
    """It is not always the last line; the framework's misspelling is kept."""
    run = Read(SOURCE, LOG).run

    assert [(one.scorer, one.metric, one.value) for one in run.reported] == [
        ("match", "accuracy", 0.5),
        ("match", "boostrap_std", 0.35),
    ]


def test_without_a_final_report_the_run_is_partial(tmp_path):
    """Killed, or still running."""
    found = read(tmp_path, spec(), sampling(), event("match", {"correct": True}))

    assert found.run.status == "partial"
    assert found.run.samples_planned is None
    assert "no final report" in found.finding("MBE215").problem


def test_metrics_are_scorers_of_their_own(tmp_path):
    """Numbers and truth values are scores, texts are labels, lists are findings."""
    data = {"score": 0.5, "ok": True, "choice": "A", "empty": None, "parts": [1]}

    found = read(tmp_path, spec(), sampling(), event("metrics", data), DONE)

    assert {one.scorer: (one.value, one.label) for one in found.observations} == {
        "metrics/score": (0.5, None),
        "metrics/ok": (1.0, "true"),
        "metrics/choice": (None, "A"),
        "metrics/empty": (None, None),
        "metrics/parts": (None, None),
    }
    assert "'metrics/parts'" in found.finding("MBE211").problem


def test_samples_are_matched_by_their_prompt(tmp_path):
    """Ids are positions: the same question elsewhere in another version is the same sample."""
    one = read(tmp_path, spec(), sampling(), event("match", {"correct": True}), DONE)
    two = read(
        tmp_path,
        spec(),
        sampling() | {"sample_id": "sums.dev.7"},
        event("match", {"correct": True}, "sums.dev.7"),
        DONE,
    )

    assert one.observations[0].input_hash == two.observations[0].input_hash
    assert one.observations[0].sample_id != two.observations[0].sample_id


def test_tokens_of_a_grader_are_not_the_model_s(tmp_path):
    """Calls of another model, or any further call of a model-graded eval."""
    grader = sampling("Was it right?", "Y", "grader-1", (500, 50))

    found = read(tmp_path, spec(), sampling(), sampling(), grader, event("match", {"correct": True}), DONE)

    assert (found.observations[0].tokens_in, found.observations[0].tokens_out) == (18, 2)
    assert found.run.models_resolved == ("gpt-x-0125",)


@pytest.mark.parametrize(
    ("changes", "judge"),
    [
        ({}, None),
        ({"completion_fns": ["gpt-x", "gpt-y"]}, "gpt-y"),
        (
            {"run_config": {"eval_spec": {"cls": "evals.elsuite.modelgraded.classify:ModelBasedClassify"}}},
            "gpt-x",
        ),
    ],
)
def test_the_judge_is_the_last_completion_function(tmp_path, changes, judge):
    """A model-graded eval with one function lets the model grade itself."""
    found = read(tmp_path, spec(**changes), sampling(), event("match", {"correct": True}), DONE)

    assert {one.judge_model for one in found.run.scorers} == {judge}


def test_a_second_match_of_a_sample_does_not_count(tmp_path):
    """The framework has no repeats; a second match is no second attempt."""
    found = read(
        tmp_path, spec(), event("match", {"correct": True}), event("match", {"correct": False}), DONE
    )

    assert [one.value for one in found.observations] == [1.0]
    assert found.codes.count("MBE213") == 1


def test_an_error_behind_a_score_is_a_note(tmp_path):
    """An error before it makes the sample a failure of the harness."""
    late = read(tmp_path, spec(), event("match", {"correct": True}), event("error", {"type": "X"}), DONE)
    early = read(tmp_path, spec(), event("error", {"type": "X"}), event("match", {"correct": False}), DONE)

    assert [(one.value, one.outcome) for one in late.observations] == [(1.0, "scored")]
    assert late.codes == ["MBE218"]
    assert [(one.value, one.outcome) for one in early.observations] == [(None, "infra_error")]


def test_errors_alone_are_no_result(tmp_path):
    """Every sample failed: no zero, no success."""
    found = read(tmp_path, spec(), event("error", {"type": "X"}), DONE)

    assert [(one.scorer, one.outcome) for one in found.observations] == [("match", "infra_error")]
    assert found.run.status == "error"


def test_an_unreadable_line_costs_only_itself(tmp_path):
    """A second specification is one too."""
    found = read(tmp_path, spec(), 7, spec(), {"type": "match"}, event("match", {"correct": True}), DONE)

    assert len(found.observations) == 1
    assert [finding.at.line for finding in found.findings] == [2, 3, 4]


def test_a_cut_last_line_makes_the_run_partial(tmp_path):
    """Even behind a final report."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(LOG.read_bytes()[:-20])

    found = Read(SOURCE, path)

    assert (found.run.status, found.run.status_reason) == ("partial", "the file is cut off")


def test_nan_is_unscored(tmp_path):
    """Python writes it; it is not a zero."""
    found = read(tmp_path, spec(), event("metrics", {"score": float("nan")}), DONE)

    assert [(one.value, one.outcome) for one in found.observations] == [(None, "unscored")]


def test_excerpts_are_read_on_request_only(tmp_path):
    """Prompt, answer and what was expected."""
    lines = (spec(), sampling(), event("match", {"correct": True, "expected": "2"}), DONE)
    assert read(tmp_path, *lines).excerpts == []

    (excerpt,) = read(tmp_path, *lines, excerpts=True).excerpts

    assert (excerpt.input, excerpt.target, excerpt.output) == ("1 + 1?", "2", "2")


@pytest.mark.parametrize(
    "first",
    [
        "{",
        '{"spec": {"completion_fns": []}}',
        '{"spec": {"completion_fns": ["x"]}}',
        '{"spec": {"completion_fns": [1], "eval_name": "a"}}',
        "",
    ],
)
def test_a_log_without_a_specification_is_refused_with_a_fix(tmp_path, first):
    """Nothing else says what was run."""
    path = tmp_path / "log.jsonl"
    path.write_text(f"{first}\n")

    with pytest.raises(SourceError, match="not a log of OpenAI evals") as caught:
        Read(SOURCE, path)

    assert caught.value.fix


def test_what_is_nested_too_deeply_costs_only_itself(tmp_path):
    """The prompt of a call is hashed."""
    path = written(
        tmp_path / "log.jsonl", [spec(), sampling("DEEP"), event("match", {"correct": True}), DONE]
    )
    path.write_text(path.read_text().replace('"DEEP"', deep()))

    found = Read(SOURCE, path)

    assert [one.value for one in found.observations] == [1.0]
    assert "nested too deeply" in found.finding("MBE210").problem


def test_a_header_that_is_nested_too_deeply_is_refused(tmp_path):
    """With the place, not with a trace."""
    first = spec(run_config={"eval_spec": {"args": {"odd": "DEEP"}}})
    path = written(tmp_path / "log.jsonl", [first, event("match", {"correct": True}), DONE])
    path.write_text(path.read_text().replace('"DEEP"', deep()))

    with pytest.raises(SourceError, match="nested too deeply"):
        Read(SOURCE, path)


def test_a_name_without_parts_is_the_task(tmp_path):
    """Nothing is a version then."""
    run = read(tmp_path, spec(eval_name="sums", split=None), event("match", {"correct": True}), DONE).run

    assert (run.task, run.task_version) == ("sums", None)


def test_a_lone_surrogate_is_a_note(tmp_path):
    """It is shown as U+FFFD."""
    found = read(
        tmp_path, spec(), sampling(sampled="\ud800"), event("match", {"correct": True}), DONE, excerpts=True
    )

    assert found.excerpts[0].output == "\ufffd"
    assert "MBE216" in found.codes


def test_a_run_without_scores_is_a_finding(tmp_path):
    """An empty success is the worst result."""
    found = read(tmp_path, spec(), sampling(), DONE)

    assert found.observations == []
    assert "no sample of the run has a score" in found.finding("MBE215").problem


def test_events_of_other_kinds_are_skipped(tmp_path):
    """Embeddings, function calls and the like say nothing about the score."""
    others = [event(kind, {"x": 1}) for kind in ("embedding", "function_call", "extra", "unheard-of")]

    found = read(tmp_path, spec(), sampling(), *others, event("match", {"correct": True}), DONE)

    assert [one.value for one in found.observations] == [1.0]
    assert found.codes == []


@BOUNDED
@given(document=altered(rows_of(LOG)))
def test_altered_logs_never_crash(tmp_path, document):
    """Every value may be missing or of another type."""
    check(SOURCE, written(tmp_path / "log.jsonl", document), excerpts=True)


@BOUNDED
@given(data=torn(LOG.read_bytes()))
def test_torn_logs_never_crash(tmp_path, data):
    """Every byte may be missing or another."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(data)

    check(SOURCE, path)
