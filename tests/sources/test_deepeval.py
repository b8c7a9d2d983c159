"""Test runs of DeepEval."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from mbe_docs.errors import SourceError
from mbe_docs.sources.deepeval import SOURCE
from tests.sources.lm_eval_read import LOGS, Read, altered, check, deep, torn, written

RUN = LOGS / "deepeval" / "test_run_20261123_160000.json"
LATEST = LOGS / "deepeval" / "latest_test_run.json"
BOUNDED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def metric(**changes):
    """A metric that passed, with a judge."""
    made = {
        "name": "Relevancy",
        "threshold": 0.5,
        "success": True,
        "score": 0.9,
        "evaluationModel": "gpt-4.1",
        "evaluationCost": 0.002,
        "inputTokenCount": 900,
        "outputTokenCount": 120,
    }
    return made | changes


def case(*metrics, **changes):
    """A case of one turn."""
    return {
        "name": "test_case_0",
        "input": "Hi",
        "actualOutput": "Hello",
        "metricsData": list(metrics),
    } | changes


def read(tmp_path, *cases, **changes):
    """What is read from a test run of these cases."""
    made = {"testCases": list(cases), "hyperparameters": {"model": "acme/atlas-1"}} | changes
    return Read(SOURCE, written(tmp_path / "run.json", made), excerpts=True)


def test_every_metric_is_a_scorer():
    """The threshold's verdict is the label; an error of the judge measured nothing."""
    found = Read(SOURCE, RUN)

    assert [(one.value, one.label, one.outcome) for one in found.of("Correctness (GEval)")] == [
        (0.8, "pass", "scored"),
        (0.1, "fail", "scored"),
        (None, None, "infra_error"),
    ]
    assert {one.metadata["threshold"] for one in found.of("Correctness (GEval)")} == {"0.7"}
    assert found.findings == []


def test_cases_with_the_same_input_are_epochs():
    """Names are positions; the input tells what was asked."""
    found = Read(SOURCE, RUN)

    assert [(one.sample_id, one.epoch) for one in found.of("Answer Relevancy")] == [
        ("test_case_0", 1),
        ("test_case_0", 2),
        ("test_case_2", 1),
    ]
    assert (found.run.epochs, found.run.samples_planned) == (2, 2)


def test_tokens_and_cost_of_the_judge_are_not_the_model_s():
    """`tokenCost` and `completionTime` of the case are the application's."""
    one = Read(SOURCE, RUN).observations[0]

    assert (one.tokens_in, one.tokens_out, one.cost_nusd, one.latency_us) == (None, None, 400_000, 1_250_000)


def test_tokens_of_the_case_are_the_model_s(tmp_path):
    """New versions count them."""
    (one,) = read(tmp_path, case(metric(), inputTokenCount=7, outputTokenCount=3)).observations

    assert (one.tokens_in, one.tokens_out) == (7, 3)


def test_the_header_says_what_was_run():
    """From the hyperparameters; the time is in the file's name alone."""
    run = Read(SOURCE, RUN).run

    assert (run.task, run.model_requested, run.models_resolved) == (
        "shop-questions",
        "acme/atlas-1",
        ("atlas-1-2026-10-01",),
    )
    assert (run.generation_params, run.task_args) == ({"temperature": 0.2}, {"prompt_template": "v3"})
    assert {spec.judge_model for spec in run.scorers} == {"gpt-4.1"}
    assert run.started_at == "2026-11-23T16:00:00"
    assert run.tags == ("nightly",)
    assert run.run_key == f"deepeval:{run.file_sha256[:32]}"


def test_the_wrapped_latest_run_is_read_too():
    """`.latest_test_run.json` holds the run below `testRunData`, and no time."""
    found = Read(SOURCE, LATEST)

    assert len(found.observations) == 6
    assert found.run.started_at is None


def test_counts_of_the_run_are_reported():
    """Never as observations."""
    stated = {(one.scorer, one.metric): one.value for one in Read(SOURCE, RUN).run.reported}

    assert stated[("Correctness (GEval)", "errors")] == 1.0
    assert stated[("Answer Relevancy", "passes")] == 2.0


@pytest.mark.parametrize(
    ("hyperparameters", "model"),
    [
        ({"Model": "m"}, "m"),
        ({"model": {"name": "m", "temperature": 1}}, "m"),
        ({"model": "m", "api_key": "sk-1"}, "m"),
    ],
)
def test_the_model_is_a_hyperparameter(tmp_path, hyperparameters, model):
    """In any case, or as an object with a name; credentials are not kept."""
    run = read(tmp_path, case(metric()), hyperparameters=hyperparameters).run

    assert (run.model_requested, run.task_args) == (model, {})


@pytest.mark.parametrize("hyperparameters", [None, {}, {"temperature": 0}, {"model": ""}, []])
def test_a_run_without_a_model_is_refused_with_a_fix(tmp_path, hyperparameters):
    """The judge is not the model."""
    with pytest.raises(SourceError, match="which model was tested") as caught:
        read(tmp_path, case(metric()), hyperparameters=hyperparameters)

    assert "hyperparameters=" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("changes", "value", "outcome"),
    [
        ({"score": None}, None, "unscored"),
        ({"score": float("nan")}, None, "unscored"),
        ({"score": 0}, 0.0, "scored"),
        ({"score": 0.4, "error": "judge timed out"}, None, "infra_error"),
        ({"score": [1]}, None, "unscored"),
    ],
)
def test_outcomes(tmp_path, changes, value, outcome):
    """A missing score is not a zero."""
    (one,) = read(tmp_path, case(metric(**changes))).observations

    assert (one.value, one.outcome) == (value, outcome)


def test_old_names_of_fields_are_read(tmp_path):
    """`metricsMetadata`, `metric` and `minimumScore` are from before 2024."""
    old = {"metric": "Relevancy", "score": 0.7, "minimumScore": 0.5}

    found = read(tmp_path, case(metricsMetadata=[old]), hyperparameters=None, configurations={"model": "m"})

    (one,) = found.observations
    assert (one.scorer, one.value, one.metadata) == ("Relevancy", 0.7, {"threshold": "0.5"})


def test_a_flaky_metric_says_so(tmp_path):
    """It never decides whether a case passes."""
    (one,) = read(tmp_path, case(metric(flaky=True))).observations

    assert one.metadata["flaky"] == "true"


def test_conversations_are_samples_by_what_the_user_says(tmp_path):
    """Answers differ between repeats; questions do not."""
    turns = [
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": text}] for text in ("a", "b")
    ]
    cases = [{"name": f"c{n}", "turns": one, "metricsData": [metric()]} for n, one in enumerate(turns)]

    found = read(tmp_path, conversationalTestCases=cases)

    assert [one.epoch for one in found.observations] == [1, 2]
    assert [one.output for one in found.excerpts] == ["a", "b"]


def test_samples_with_one_name_are_told_apart(tmp_path):
    """Different inputs are different samples."""
    found = read(tmp_path, case(metric()), case(metric(), input="Bye"))

    assert len({one.sample_id for one in found.observations}) == 2


def test_a_metric_that_is_there_twice_counts_once(tmp_path):
    """And one without a name is a finding."""
    found = read(tmp_path, case(metric(), metric(score=0.1), metric(name=None)))

    assert [one.value for one in found.observations] == [0.9]
    assert found.codes.count("MBE213") == 2


def test_an_unreadable_case_costs_only_itself(tmp_path):
    """Its place is said."""
    found = read(tmp_path, 7, case(metric()))

    assert len(found.observations) == 1
    assert found.finding("MBE210").problem.startswith("testCases[0] cannot be read")


def test_fewer_cases_than_counted_is_partial(tmp_path):
    """The run counts what it tested."""
    run = read(tmp_path, case(metric()), testPassed=3, testFailed=1).run

    assert (run.status, run.status_reason) == ("partial", "the run counts 4 cases and holds 1")


def test_errors_of_the_judge_alone_are_no_result(tmp_path):
    """Nothing was measured."""
    run = read(tmp_path, case(metric(error="x"))).run

    assert run.status == "error"


def test_a_run_without_a_name_is_called_after_the_tool(tmp_path):
    """A file's name has a date in it: no two runs would be comparable."""
    found = read(tmp_path, case(metric()))

    assert found.run.task == "deepeval"
    assert found.finding("MBE227").severity == "note"


@pytest.mark.parametrize(
    "text", ["", "{", '{"testCases": [], "hyperparameters": {"model": "m"}}', "[]", '{"testCases": 1}']
)
def test_a_run_without_cases_is_refused_with_a_fix(tmp_path, text):
    """An empty success is the worst result."""
    path = tmp_path / "run.json"
    path.write_text(text)

    with pytest.raises(SourceError) as caught:
        Read(SOURCE, path)

    assert caught.value.fix


def test_a_file_above_the_limit_is_refused():
    """A test run is one document."""
    with pytest.raises(SourceError, match="above the limit"):
        Read(SOURCE, RUN, member_bytes=10)


def test_what_is_nested_too_deeply_costs_only_itself(tmp_path):
    """The input of a case is hashed."""
    cases = [case(metric(), input="DEEP"), case(metric())]
    path = written(tmp_path / "run.json", {"testCases": cases, "hyperparameters": {"model": "m"}})
    path.write_text(path.read_text().replace('"DEEP"', deep()))

    found = Read(SOURCE, path)

    assert len(found.observations) == 1
    assert "nested too deeply" in found.finding("MBE210").problem


def test_a_run_whose_cases_are_all_lost_is_partial(tmp_path):
    """And says so."""
    run = read(tmp_path, 7).run

    assert (run.status, run.status_reason) == ("partial", "none of its cases can be read")


def test_a_key_that_is_there_twice_is_a_note(tmp_path):
    """Where a strict parser refuses the file for another reason."""
    path = tmp_path / "run.json"
    text = json.dumps({"testCases": [case(metric(score=float("nan")))], "hyperparameters": {"model": "m"}})
    path.write_text(text.replace('"model": "m"', '"model": "n", "model": "m"'))

    found = Read(SOURCE, path)

    assert "same key twice" in found.finding("MBE216").problem


@BOUNDED
@given(document=altered(json.loads(RUN.read_bytes())))
def test_altered_runs_never_crash(tmp_path, document):
    """Every value may be missing or of another type."""
    check(SOURCE, written(tmp_path / RUN.name, document), excerpts=True)


@BOUNDED
@given(data=torn(RUN.read_bytes()))
def test_torn_runs_never_crash(tmp_path, data):
    """Every byte may be missing or another."""
    path = tmp_path / RUN.name
    path.write_bytes(data)

    check(SOURCE, path)
