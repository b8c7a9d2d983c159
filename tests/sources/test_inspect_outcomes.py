"""How one attempt of an Inspect log ends: values, labels, outcomes, amounts."""

from __future__ import annotations

import math

import pytest

from tests.sources.build_logs import MODEL, Read, archive, eval_log, header, json_log, members, sample

FAILED = {"scores": None, "output": None, "error": {"message": "Connection reset"}}


def stopped(reason):
    """An output that ended for this reason."""
    return {
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": "x"}, "stop_reason": reason}],
    }


@pytest.mark.parametrize(
    ("value", "number", "label"),
    [
        ("C", 1.0, "C"),
        ("P", 0.5, "P"),
        ("I", 0.0, "I"),
        ("yes", 1.0, "yes"),
        ("No", 0.0, "No"),
        ("TRUE", 1.0, "TRUE"),
        ("false", 0.0, "false"),
        ("7.5", 7.5, None),
        (3, 3.0, None),
        (0.25, 0.25, None),
        (True, 1.0, "true"),
        (False, 0.0, "false"),
    ],
)
def test_a_scalar_score_is_read_as_inspect_reads_it(tmp_path, value, number, label):
    """Letters, yes and no, numbers and text of numbers mean what Inspect's `value_to_float` says."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(value=value)]))

    assert [(number, label, "scored")] == [(o.value, o.label, o.outcome) for o in read.observations]


@pytest.mark.parametrize("value", [math.nan, None])
def test_a_score_that_the_scorer_declined_is_unscored(tmp_path, value):
    """NaN, and null in older logs, is no value; it is no fault either."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, value=value), sample(2)]))

    assert [(o.value, o.outcome) for o in read.observations] == [(None, "unscored"), (1.0, "scored")]
    assert read.codes == []


@pytest.mark.parametrize(
    "value",
    ["maybe", "", "nan", "inf", "1_000", [1, 0], [], {}, math.inf, -math.inf, {"a": [1]}, 10**400, "x" * 300],
)
def test_a_score_that_cannot_be_read_is_unknown_and_a_finding(tmp_path, value):
    """Inspect would count these as 0.0 with a warning; unknown is not zero."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, value=value), sample(2)]))

    assert [o.value for o in read.observations] == [None, 1.0]
    assert read.codes == ["MBE211"]
    assert "unknown, not zero" in read.findings[0].problem


def test_each_key_of_a_dict_score_is_a_scorer(tmp_path):
    """A dict-valued score gives `scorer/key`, each with its own value."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(value={"tone": "C", "facts": 0.5, "style": None})]))

    assert [(o.scorer, o.value) for o in read.observations] == [
        ("match/tone", 1.0),
        ("match/facts", 0.5),
        ("match/style", None),
    ]


def test_no_answer_is_a_refusal_that_keeps_its_zero(tmp_path):
    """The letter N is 0 in Inspect's metrics; the outcome says that it was a refusal."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(value="N")]))

    assert read.observations[0][5:8] == (0.0, "N", "refused")


@pytest.mark.parametrize(
    ("stop", "limit", "value", "expected"),
    [
        ("stop", None, "C", (1.0, "scored")),
        ("content_filter", None, "I", (0.0, "refused")),
        ("max_tokens", None, "C", (1.0, "limited")),
        ("length", None, "C", (1.0, "limited")),
        ("model_length", None, "I", (0.0, "limited")),
        ("stop", {"type": "message", "limit": 5}, "I", (0.0, "limited")),
        ("stop", "token", "I", (0.0, "limited")),
        ("stop", {"type": "context", "limit": 5}, "I", (0.0, "limited")),
        ("max_tokens", None, math.nan, (None, "limited")),
        ("model_length", None, math.nan, (None, "model_error")),
        ("stop", {"type": "context", "limit": 5}, math.nan, (None, "model_error")),
        ("stop", {"type": "time", "limit": 5}, math.nan, (None, "model_error")),
        ("stop", {"type": "working", "limit": 5}, math.nan, (None, "model_error")),
        ("model_length", {"type": "cost", "limit": 5}, math.nan, (None, "limited")),
        ("unknown", None, "C", (1.0, "scored")),
    ],
)
def test_outcome_follows_stop_reason_and_limit(tmp_path, stop, limit, value, expected):
    """A limit or refusal keeps the scorer's value; without one, overflow and timeout are the model's."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(value=value, output=stopped(stop), limit=limit)]))

    assert expected == (read.observations[0].value, read.observations[0].outcome)


def test_an_error_is_one_unknown_per_scorer_that_others_have(tmp_path):
    """The denominators are right: every scorer seen in the log misses the attempt that failed."""
    two = {"match": {"value": "C"}, "graded": {"value": {"a": 1}}}
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, **FAILED), sample(2, scores=two)]))

    assert [(o.sample_id, o.scorer) for o in read.observations] == [
        ("2", "match"),
        ("2", "graded/a"),
        ("1", "match"),
        ("1", "graded/a"),
    ]
    assert [o.value for o in read.observations[2:]] == [None, None]
    assert {"infra_error"} == {o.outcome for o in read.observations[2:]}


def test_an_error_without_other_samples_takes_the_scorers_of_the_header(tmp_path):
    """Nothing was scored, yet the header names the scorer."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, **FAILED)]))

    assert [o.scorer for o in read.observations] == ["match"]


def test_an_error_without_any_known_scorer_is_still_an_attempt(tmp_path):
    """The scorer is empty where no name is known; the attempt is not dropped."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, **FAILED)], head=header(eval={"scorers": None})))

    assert [(o.scorer, o.value, o.outcome) for o in read.observations] == [("", None, "infra_error")]


def test_scorers_that_the_results_name_are_expected_too(tmp_path):
    """`results.scores` of a dict-valued scorer names its keys."""
    scores = [
        {"name": "tone", "scorer": "graded", "metrics": {}},
        {"name": "facts", "scorer": "graded", "metrics": {}},
    ]
    head = header(results={"total_samples": 1, "scores": scores})
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, **FAILED)], head=head))

    assert [o.scorer for o in read.observations] == ["graded/tone", "graded/facts"]


def test_what_was_scored_after_an_error_is_not_counted(tmp_path):
    """With `score_on_error` the score measures the fault, not the model; its label stays to be seen."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, value="I", error={"message": "boom"}), sample(2)]))

    assert [o[5:8] for o in read.observations] == [(None, "I", "infra_error"), (1.0, "C", "scored")]
    assert read.codes == ["MBE218"]


def test_an_error_may_be_plain_text(tmp_path):
    """Summaries and some exports keep only the message."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, scores=None, error="boom"), sample(2)]))

    assert read.observations[-1].outcome == "infra_error"


def test_a_sample_that_was_never_scored_is_unscored_for_each_scorer(tmp_path):
    """Runs with `--no-score` have attempts and no values, and say so."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, scores=None), sample(2, scores={})]))

    assert [(o.sample_id, o.scorer, o.value, o.outcome) for o in read.observations] == [
        ("1", "match", None, "unscored"),
        ("2", "match", None, "unscored"),
    ]
    assert read.codes == ["MBE215"]


def test_many_attempts_without_score_are_not_held_back_for_ever(tmp_path, monkeypatch):
    """Beyond a bound they are given with the scorers known so far: memory stays flat."""
    monkeypatch.setattr("mbe_docs.sources.inspect_samples.WAITING", 2)
    samples = [sample(1), *(sample(i, **FAILED) for i in range(2, 6))]
    read = Read(eval_log(tmp_path / "a.eval", samples))

    assert [("match", sum(o.outcome == "infra_error" for o in read.observations))] == [("match", 4)]


def test_the_oldest_logs_have_one_unnamed_score(tmp_path):
    """`score` became `scores`; its name is that of the run's scorer."""
    old = sample(1, score={"value": "I"})
    del old["scores"]
    head = header(
        eval={"scorers": None}, results={"scorer": {"name": "match"}, "metrics": {"accuracy": {"value": 0}}}
    )
    read = Read(json_log(tmp_path / "a.json", [old], head=head))

    assert [(o.scorer, o.value) for o in read.observations] == [("match", 0.0)]
    assert [(m.scorer, m.metric, m.value) for m in read.run.reported] == [("match", "accuracy", 0.0)]


def test_an_unnamed_score_of_a_run_without_scorers_is_called_score(tmp_path):
    """There is nothing better to call it."""
    old = sample(1, score={"value": "I"}, scores=None)
    read = Read(json_log(tmp_path / "a.json", [old], head=header(eval={"scorers": None})))

    assert [o.scorer for o in read.observations] == ["score"]


def test_an_invalidated_sample_is_not_read(tmp_path):
    """Somebody struck it out; it counts as absent, and is said to be."""
    samples = [sample(1, value="I", invalidation={"author": "me", "reason": "broken"}), sample(2)]
    read = Read(eval_log(tmp_path / "a.eval", samples, head=header(invalidated=True)))

    assert read.pairs() == [("2", 1.0)]
    assert read.codes == ["MBE214"]
    assert read.run.status == "success"


@pytest.mark.parametrize("make", [eval_log, json_log])
def test_an_invalidated_log_that_names_no_sample_is_not_read(tmp_path, make):
    """It keeps its run, so that an edited log replaces the one that was good before."""
    name = "a.eval" if make is eval_log else "a.json"
    read = Read(make(tmp_path / name, [sample(1), {"id": []}], head=header(invalidated=True)))

    assert read.observations == []
    assert (read.run.status, read.run.status_reason) == ("error", "the log is marked as invalidated")
    assert read.codes == ["MBE214"]


def test_tokens_count_cached_ones_as_input(tmp_path):
    """Inspect's `input_tokens` leaves cached tokens out; we say all that was read, and what of it was cached."""
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 122,
        "input_tokens_cache_read": 100,
        "input_tokens_cache_write": 7,
        "reasoning_tokens": 3,
        "total_cost": 0.00123,
    }
    read = Read(eval_log(tmp_path / "a.eval", [sample(model_usage={MODEL: usage})]))
    one = read.observations[0]

    assert (one.tokens_in, one.tokens_in_cached, one.tokens_out, one.tokens_reasoning) == (117, 100, 5, 3)
    assert one.cost_nusd == 1_230_000


def test_cached_tokens_that_are_in_the_total_already_are_not_counted_twice(tmp_path):
    """Some providers state input tokens with the cached ones; the total gives it away."""
    usage = {"input_tokens": 110, "output_tokens": 5, "total_tokens": 115, "input_tokens_cache_read": 100}
    read = Read(eval_log(tmp_path / "a.eval", [sample(model_usage={MODEL: usage})]))

    assert (read.observations[0].tokens_in, read.observations[0].tokens_in_cached) == (110, 100)


@pytest.mark.parametrize(
    ("usage", "output", "expected"),
    [
        ({MODEL: {"input_tokens": 1}, "judge": {"input_tokens": 50}}, {}, 1),
        ({"renamed": {"input_tokens": 2}}, {}, 2),
        ({"a": {"input_tokens": 2}, "b": {"input_tokens": 3}}, {"usage": {"input_tokens": 4}}, 4),
        ({}, {"usage": {"input_tokens": 5}}, 5),
        ({}, {}, None),
        ({MODEL: {"output_tokens": 5}}, {}, None),
        ({MODEL: {"input_tokens": 2**70}}, {}, None),
        ({MODEL: {"input_tokens": -1}}, {}, None),
    ],
)
def test_tokens_are_those_of_the_evaluated_model(tmp_path, usage, output, expected):
    """A grader's tokens are another model's; what is not stated is unknown, not zero."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(model_usage=usage, output=output)]))

    assert expected == read.observations[0].tokens_in


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"output": {"time": 1.5}, "working_time": 2.0, "total_time": 3.0}, 1_500_000),
        ({"output": {}, "working_time": 2.0, "total_time": 3.0}, 2_000_000),
        ({"output": None, "working_time": None, "total_time": 3.0}, 3_000_000),
        ({"output": None, "working_time": None, "total_time": None}, None),
        ({"output": {"time": -1.0}, "working_time": math.nan, "total_time": 1e30}, None),
    ],
)
def test_latency_is_the_models_where_it_is_stated(tmp_path, times, expected):
    """Model call, else working time, else total time; an impossible time is unknown."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(**times)]))

    assert expected == read.observations[0].latency_us


def test_the_model_that_answered_is_kept_beside_the_one_asked(tmp_path):
    """Aliases resolve to snapshots in the answer."""
    read = Read(eval_log(tmp_path / "a.eval", [sample()]))

    assert read.observations[0].model_resolved == "model-1-20261101"
    assert (read.run.model_requested, read.run.models_resolved) == (MODEL, ("model-1-20261101",))


def test_an_output_without_choices_resolves_no_model(tmp_path):
    """Inspect fills in the requested model before anything is answered."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(output={"model": "m", "choices": []})]))
    one = read.observations[0]

    assert (one.model_resolved, one.served_by_fallback, one.stop_reason) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"model_fallbacks": [{"model": "a", "fallback_model": "b", "count": 1}]}, True),
        ({"output": stopped("stop") | {"fallback": {"model": "a"}}}, True),
        ({"output": None}, None),
    ],
)
def test_an_answer_of_a_fallback_model_is_marked(tmp_path, changes, expected):
    """Another model's answer must not pass for the one asked."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(**changes)]))

    assert expected is read.observations[0].served_by_fallback


def test_scalar_metadata_is_kept_as_text(tmp_path):
    """Slices need text; what is nested, long or not a number is left out."""
    metadata = {
        "kind": "easy",
        "n": 3,
        "share": 0.5,
        "flag": True,
        "off": False,
        "none": None,
        "nested": {"a": 1},
        "list": [1],
        "long": "x" * 201,
        "nan": math.nan,
    }
    read = Read(eval_log(tmp_path / "a.eval", [sample(metadata=metadata)]))

    assert read.observations[0].metadata == {
        "kind": "easy",
        "n": "3",
        "share": "0.5",
        "flag": "true",
        "off": "false",
    }


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-11-01T10:00:02+00:00", "2026-11-01T10:00:02+00:00"),
        ("2026-11-01T06:00:02.5-04:00", "2026-11-01T10:00:02.500000+00:00"),
        ("2026-11-01T10:00:02", "2026-11-01T10:00:02"),
        ("yesterday", None),
        ("0001-01-01T00:00:00+10:00", None),
        (None, None),
    ],
)
def test_times_are_in_utc(tmp_path, stamp, expected):
    """Old logs have the zone of the machine that ran them; what is no time is unknown."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(started_at=stamp)]))

    assert expected == read.observations[0].started_at


@pytest.mark.parametrize("epoch", [0, -1, 2**63, 2**70])
def test_an_epoch_that_cannot_be_is_a_lost_sample(tmp_path, epoch):
    """Epochs count from 1."""
    read = Read(json_log(tmp_path / "a.json", [sample(epoch=epoch), sample(2)]))

    assert read.pairs() == [("2", 1.0)]
    assert read.codes == ["MBE210"]


def test_an_id_that_is_too_large_is_a_lost_sample(tmp_path):
    """Python itself refuses to print it."""
    read = Read(json_log(tmp_path / "a.json", [sample(10**30), sample(2)]))

    assert read.pairs() == [("2", 1.0)]


def test_the_same_attempt_twice_counts_once(tmp_path):
    """Two members may claim the same sample and epoch; which one is right is for a person to say."""
    read = Read(json_log(tmp_path / "a.json", [sample(1, value="C"), sample(1, value="I")]))

    assert read.pairs() == [("1", 1.0)]
    assert read.codes == ["MBE213"]


def test_what_cannot_be_read_does_not_say_whether_it_was_invalidated(tmp_path):
    """A log that is marked and of which no readable sample is, is not read at all."""
    listed = [*members(header(invalidated=True), [sample(1)]), ("samples/2_epoch_1.json", b"{")]
    data = bytearray(archive([*listed, ("samples/3_epoch_1.json", b"{}")], method=0))
    data[data.index(b"samples/3_epoch_1.json{}") + 22] ^= 1
    path = tmp_path / "a.eval"
    path.write_bytes(data)
    read = Read(path)

    assert (read.observations, read.run.status) == ([], "error")
