"""HELM run directories: five files, one of which is claimed."""

import json
import shutil
from pathlib import Path

import pytest

from mbe_docs.errors import SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.helm import ANCHOR, SOURCE
from mbe_docs.sources.helm_run import task_of
from mbe_docs.sources.interface import LogFile, Settings

FIXTURE = (
    Path(__file__).parents[1]
    / "fixtures"
    / "logs"
    / "helm"
    / "runs"
    / "v1"
    / "sums-level=easy,model=acme_atlas-1"
)
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "helm"


def read(folder, settings=Settings()):  # noqa: B008
    """Everything that is read."""
    return list(SOURCE.read(LogFile(folder / ANCHOR, f"runs/v1/{folder.name}/{ANCHOR}"), settings))


def of(items, kind):
    """The items of one kind."""
    return [item for item in items if isinstance(item, kind)]


def scores(items, scorer="exact_match"):
    """Values by sample and epoch."""
    return {(one.sample_id, one.epoch): one.value for one in of(items, Observation) if one.scorer == scorer}


@pytest.fixture
def folder(tmp_path):
    """A copy of the run directory."""
    return Path(shutil.copytree(FIXTURE, tmp_path / FIXTURE.name))


def change(folder, name, edit):
    """A file of the directory, changed in place by a function."""
    path = folder / name
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))


def test_only_the_scores_are_claimed():
    """`run_spec.json` is the same for two runs of one specification; the scores with their times are not."""
    claimed = [
        path.name for path in sorted(FIXTURE.iterdir()) if SOURCE.claims(path, path.read_bytes()[:4096])
    ]

    assert claimed == [ANCHOR]


def test_train_trials_are_epochs():
    """`train_trial_index` counts from 0."""
    found = scores(read(FIXTURE))

    assert found == {
        ("id1", 1): 1.0,
        ("id2", 1): 0.0,
        ("id3", 1): None,
        ("id1", 2): 1.0,
        ("id2", 2): 1.0,
        ("id3", 2): 0.0,
    }
    assert of(read(FIXTURE), Run)[0].epochs == 2


def test_perturbed_instances_are_no_part_of_the_headline():
    """They have a scorer of their own, and say so in metadata."""
    perturbed = [one for one in of(read(FIXTURE), Observation) if one.metadata.get("perturbation")]

    assert [(one.sample_id, one.scorer, one.value) for one in perturbed] == [
        ("id1", "exact_match/misspellings", 0.0)
    ]
    assert of(read(FIXTURE), Run)[0].samples_planned == 3


def test_seeds_of_a_perturbation_are_told_apart(folder):
    """`seeds_per_instance` gives the same instance several perturbed copies."""

    def seed(rows):
        rows[5]["perturbation"]["seed"] = 0
        copy = json.loads(json.dumps(rows[5]))
        copy["perturbation"]["seed"] = 1
        rows.append(copy)

    change(folder, ANCHOR, seed)
    names = {one.scorer for one in of(read(folder), Observation) if one.metadata.get("perturbation")}

    assert {"exact_match/misspellings#0", "exact_match/misspellings#1"} <= names


def test_a_failed_request_is_no_wrong_answer():
    """HELM scores its empty completion with 0."""
    failed = next(one for one in of(read(FIXTURE), Observation) if (one.sample_id, one.epoch) == ("id3", 1))

    assert (failed.value, failed.outcome) == (None, "infra_error")


def test_a_blocked_request_is_a_refusal(folder):
    """Content filters speak through errors and through finish reasons."""

    def block(state):
        state["request_states"][2]["result"]["error"] = "Content blocked by the provider's content filter"

    change(folder, "scenario_state.json", block)
    blocked = next(one for one in of(read(folder), Observation) if (one.sample_id, one.epoch) == ("id3", 1))

    assert (blocked.value, blocked.outcome) == (0.0, "refused")


@pytest.mark.parametrize(
    ("method", "outcome"), [("generation", "limited"), ("multiple_choice_joint", "scored")]
)
def test_an_answer_at_its_length_is_limited_unless_it_is_a_letter(folder, method, outcome):
    """Multiple choice asks for one token: there every answer ends at its length."""

    def stop(state):
        state["request_states"][0]["result"]["completions"][0]["finish_reason"]["reason"] = "length"

    change(folder, "scenario_state.json", stop)
    change(folder, "run_spec.json", lambda spec: spec["adapter_spec"].update(method=method))
    first = of(read(folder), Observation)[0]

    assert (1.0, outcome, "length") == (first.value, first.outcome, first.stop_reason)


def test_tokens_and_runtime_are_facts_not_scorers():
    """Metrics of use only; bookkeeping is not complained of."""
    items = read(FIXTURE)
    first = of(items, Observation)[0]

    assert (
        first.tokens_in,
        first.tokens_out,
        first.latency_us,
        first.stop_reason,
    ) == (20, 2, 250_000, "stop")
    assert {"exact_match", "toxic_frac", "exact_match/misspellings"} == {
        one.scorer for one in of(items, Observation)
    }
    assert of(items, Finding) == []


def test_facts_of_an_attempt_are_shared_by_its_rows():
    """Each metric class writes rows of its own; tokens stand in one of them."""
    toxic = next(
        one for one in of(read(FIXTURE), Observation) if one.scorer == "toxic_frac" and one.value is not None
    )

    assert (toxic.tokens_in, toxic.tokens_out) == (20, 2)


def test_a_metric_that_is_not_read_is_named(folder):
    """Nothing is left out in silence."""

    def rename(rows):
        rows[0]["stats"][-1]["name"]["name"] = "my_metric"

    change(folder, ANCHOR, rename)
    findings = of(read(folder), Finding)

    assert [(one.code, one.severity) for one in findings] == [("MBE244", "note")]
    assert "'my_metric'" in findings[0].problem


def test_a_statistic_that_helm_left_out_is_unscored(folder):
    """NaN is removed by HELM: the attempt is there, its score is not."""
    change(folder, ANCHOR, lambda rows: rows[1]["stats"].pop())
    items = read(folder)

    assert scores(items)[("id2", 1)] is None
    assert len(scores(items)) == 6


@pytest.mark.parametrize(
    ("stat", "value", "codes"),
    [
        ({"count": 0, "sum": 0}, None, []),
        ({"count": 2, "sum": 1.0}, 0.5, ["MBE242"]),
        ({"count": 1, "mean": "high"}, None, ["MBE211"]),
        ({"count": "x", "mean": 1.0}, None, ["MBE211"]),
        ({"count": 1}, None, ["MBE211"]),
    ],
)
def test_the_mean_of_a_statistic_is_the_value(folder, stat, value, codes):
    """A statistic over nothing is unscored; one over several is a mean, which is said."""

    def replace(rows):
        rows[0]["stats"][-1] = {"name": {"name": "exact_match", "split": "test"}, **stat}

    change(folder, ANCHOR, replace)
    items = read(folder)

    assert value == scores(items)[("id1", 1)]
    assert codes == [one.code for one in of(items, Finding)]


def test_a_score_given_twice_counts_once(folder):
    """The first counts."""
    change(folder, ANCHOR, lambda rows: rows.append(rows[0]))
    items = read(folder)

    assert len(scores(items)) == 6
    assert [one.code for one in of(items, Finding)] == ["MBE213"]


def test_the_run_says_what_was_run():
    """The model is not part of the task; the deployment is kept."""
    (run,) = of(read(FIXTURE), Run)

    assert (run.task, run.model_requested, run.solver) == ("sums:level=easy", "acme/atlas-1", "generation")
    assert (run.dataset, run.metadata["model_deployment"]) == ("SumsScenario", "acme/atlas-1-served")
    assert run.generation_params == {
        "temperature": 0.0,
        "max_tokens": 5,
        "num_outputs": 1,
        "stop_sequences": '["\\n"]',
    }
    assert (run.task_args["scenario.level"], run.task_args["max_train_instances"]) == ("easy", 2)
    assert (run.started_at, run.finished_at) == ("2025-07-05T15:39:58+00:00", "2025-07-05T15:40:58+00:00")
    assert (run.task_version, run.models_resolved) == (None, ())


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("mmlu:subject=law,model=a_b", "mmlu:subject=law"),
        ("mmlu:model=a_b,subject=law,model_deployment=c", "mmlu:subject=law"),
        ("gsm:model=a", "gsm"),
        ("gsm", "gsm"),
    ],
)
def test_the_task_is_the_same_for_all_models(name, task):
    """Run names hold the model."""
    assert task == task_of(name)


def test_reported_means_are_of_unperturbed_instances_and_count_instances():
    """`count` in stats.json is of trials: it is not the number of samples."""
    (run,) = of(read(FIXTURE), Run)

    assert [(one.scorer, one.metric, one.value, one.n_samples) for one in run.reported] == [
        ("exact_match", "mean/test", 0.5, 3)
    ]


@pytest.mark.parametrize("name", ["scenario_state.json", "stats.json"])
@pytest.mark.parametrize("text", [None, "{", "5"])
def test_a_missing_or_damaged_file_beside_is_said(folder, name, text):
    """The scores are read all the same."""
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    items = read(folder)
    (finding,) = of(items, Finding)

    assert (finding.code, finding.severity) == ("MBE240", "warning")
    assert name in finding.problem
    assert scores(items)[("id1", 1)] == 1.0


def test_without_requests_a_failed_one_cannot_be_told_from_a_wrong_answer(folder):
    """HELM scores the empty answer of a failed request with 0, so nothing in such a run is a result."""
    (whole,) = of(read(folder), Run)
    (folder / "scenario_state.json").unlink()
    (blind,) = of(read(folder), Run)

    assert (whole.status, blind.status) == ("success", "partial")
    assert "failed ones look like wrong answers" in blind.status_reason


@pytest.mark.parametrize("spec", [None, {}, {"name": "x"}, {"name": "", "adapter_spec": {"model": "m"}}, []])
def test_without_a_specification_nothing_says_what_was_run(folder, spec):
    """The place is that of the file which is at fault."""
    path = folder / "run_spec.json"
    path.unlink() if spec is None else path.write_text(json.dumps(spec))

    with pytest.raises(SourceError, match="not a HELM run") as caught:
        read(folder)

    assert f"runs/v1/{folder.name}/run_spec.json" == caught.value.at.path


def test_an_entry_without_an_instance_is_lost_alone(folder):
    """The rest is read; the place is said."""
    change(folder, ANCHOR, lambda rows: rows.extend([5, {"instance_id": "id9"}]))
    items = read(folder)

    assert [one.code for one in of(items, Finding)] == ["MBE210", "MBE210"]
    assert len(scores(items)) == 6


def test_instances_of_several_splits_are_pooled_with_a_note(folder):
    """HELM reports one split; the other is told apart by its slice."""

    def move(rows):
        for row in (rows[1], rows[3]):
            for stat in row["stats"]:
                stat["name"]["split"] = "valid"

    def move_requests(state):
        for one in state["request_states"]:
            if one["instance"]["id"] == "id2":
                one["instance"]["split"] = "valid"

    change(folder, ANCHOR, move)
    change(folder, "scenario_state.json", move_requests)
    items = read(folder)

    assert [one.code for one in of(items, Finding)] == ["MBE246"]
    assert {"test", "valid"} == {one.metadata["split"] for one in of(items, Observation)}


def test_input_hashes_are_of_question_and_target():
    """The same instance in two trials is the same sample, its perturbed copy is another question."""
    hashes = {}
    for one in of(read(FIXTURE), Observation):
        hashes.setdefault((one.sample_id, one.metadata.get("perturbation")), set()).add(one.input_hash)

    assert all(len(found) == 1 for found in hashes.values())
    assert hashes[("id1", None)] != hashes[("id1", "misspellings")]


def test_an_attempt_of_several_requests_fails_with_any_of_them(folder):
    """Multiple choice by separate questions asks once per option."""

    def split(state):
        again = json.loads(json.dumps(state["request_states"][0]))
        again["result"] = {"success": False, "error": "connection reset"}
        state["request_states"].append(again)

    change(folder, "scenario_state.json", split)

    assert scores(read(folder))[("id1", 1)] is None


def test_a_run_without_scores_is_said(folder):
    """A green run over nothing would be the worst result."""
    (folder / ANCHOR).write_text("[]")
    (folder / "scenario_state.json").write_text('{"request_states": []}')

    assert [one.code for one in of(read(folder), Finding)] == ["MBE215"]


def test_excerpts_are_of_unperturbed_requests():
    """Question, right answer and what came back."""
    first = of(read(FIXTURE, Settings(excerpts=True)), Excerpt)[0]

    assert (first.input, first.target, first.output) == ("What is 1 + 1?", "2", "2")


def test_a_request_that_names_no_instance_is_said(folder):
    """The others are read."""
    change(folder, "scenario_state.json", lambda state: state["request_states"].append({"instance": {}}))
    items = read(folder)

    assert [one.code for one in of(items, Finding)] == ["MBE210"]
    assert scores(items)[("id1", 1)] == 1.0


def test_a_request_without_a_result_is_no_wrong_answer(folder):
    """A run that was killed leaves such."""
    change(folder, "scenario_state.json", lambda state: state["request_states"][0].pop("result"))

    assert scores(read(folder))[("id1", 1)] is None


def test_a_truncated_prompt_is_metadata(folder):
    """Stated by the request, or by a statistic."""
    stat = {"name": {"name": "prompt_truncated", "split": "test"}, "count": 1, "sum": 1, "mean": 1.0}
    change(folder, ANCHOR, lambda rows: rows[1]["stats"].append(stat))
    change(
        folder, "scenario_state.json", lambda state: state["request_states"][0].update(prompt_truncated=True)
    )
    cut = {
        one.sample_id
        for one in of(read(folder), Observation)
        if one.metadata.get("prompt_truncated") == "true"
    }

    assert cut == {"id1", "id2"}


def test_a_statistic_without_a_name_is_passed_over(folder):
    """It cannot be a score that anybody asked for."""
    change(folder, ANCHOR, lambda rows: rows[0]["stats"].append({"count": 1, "mean": 1.0}))

    assert len(scores(read(folder))) == 6


@pytest.mark.published
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published run directories are not beside the project")
@pytest.mark.parametrize("name", ["commonsense-dataset=hellaswag", "mmlu-subject=philosophy"])
def test_published_means_come_from_the_instances(name):
    """Every mean of use in stats.json is that of the instances of its split."""
    (folder,) = PUBLISHED.glob(f"{name}*")
    items = read(folder)
    (run,) = of(items, Run)
    found = {}
    for one in of(items, Observation):
        found.setdefault((one.scorer, f"mean/{one.metadata['split']}"), []).append(one.value)

    assert len(run.reported) == len(found) >= 8
    for metric in run.reported:
        values = found[(metric.scorer, metric.metric)]
        assert metric.value == pytest.approx(sum(values) / len(values), abs=1e-9)
        assert metric.n_samples == len(values)
