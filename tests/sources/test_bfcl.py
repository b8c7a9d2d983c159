"""BFCL results with the scores beside them: passes are in no file."""

import json
import shutil
from pathlib import Path

import pytest

from mbe_docs.errors import SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.bfcl import SOURCE
from mbe_docs.sources.bfcl_files import named_of, result_of, score_of
from mbe_docs.sources.interface import LogFile, Settings

LOGS = Path(__file__).parents[1] / "fixtures" / "logs" / "bfcl"
SIMPLE = "2025-12-16/result/acme_atlas-1-FC/non_live/BFCL_v4_simple_python_result.json"
SIMPLE_SCORE = "2025-12-16/score/acme_atlas-1-FC/non_live/BFCL_v4_simple_python_score.json"
TURNS = "2025-12-16/result/acme_atlas-1-FC/multi_turn/BFCL_v4_multi_turn_base_result.json"
TURNS_SCORE = "2025-12-16/score/acme_atlas-1-FC/multi_turn/BFCL_v4_multi_turn_base_score.json"
FORMATS = "2025-12-16/result/acme_atlas-1/format_sensitivity/BFCL_v4_format_sensitivity_result.json"
OLD = "2024-08-11/result/acme_atlas-0/gorilla_openfunctions_v1_test_simple_result.json"
OLD_SCORE = "2024-08-11/score/acme_atlas-0/simple_score.json"


def read(root, name, settings=Settings()):  # noqa: B008
    """Everything that is read."""
    return list(SOURCE.read(LogFile(root / name, name), settings))


def of(items, kind):
    """The items of one kind."""
    return [item for item in items if isinstance(item, kind)]


def values(items):
    """Values by sample."""
    return {one.sample_id: one.value for one in of(items, Observation)}


def codes(items):
    """Codes of the findings."""
    return [one.code for one in of(items, Finding)]


@pytest.fixture
def root(tmp_path):
    """A copy of the fixtures."""
    return Path(shutil.copytree(LOGS, tmp_path / "bfcl"))


def change(path, edit):
    """A JSON-lines file, changed in place by a function of its rows."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows = edit(rows) or rows
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def test_passes_are_results_without_the_failures():
    """The score file lists failures only."""
    found = values(read(LOGS, SIMPLE))

    assert found == {
        "simple_python_0": 1.0,
        "simple_python_1": 1.0,
        "simple_python_2": 0.0,
        "simple_python_3": None,
    }


def test_the_kind_of_failure_is_the_label():
    """Also where newer multi-turn scores keep it inside of `error`."""
    simple, turns = (of(read(LOGS, name), Observation) for name in (SIMPLE, TURNS))

    assert simple[2].label == "ast_decoder:decoder_failed"
    assert (
        turns[1].label,
        turns[1].outcome,
        turns[1].value,
    ) == ("multi_turn:force_terminated", "limited", 0.0)


def test_an_error_during_inference_is_no_wrong_answer():
    """BFCL counts it as a failure, and in the irrelevance categories as a pass."""
    failed = of(read(LOGS, SIMPLE), Observation)[3]

    assert (failed.value, failed.outcome) == (None, "infra_error")


def test_an_error_during_inference_is_no_pass_either(root):
    """An irrelevance test passes where no function is called."""

    def passes(rows):
        rows[0].update(correct_count=3, accuracy=0.75)
        return [row for row in rows if row.get("id") != "simple_python_3"]

    change(root / SIMPLE_SCORE, passes)

    assert values(read(root, SIMPLE))["simple_python_3"] is None


def test_the_accuracy_of_the_header_is_reported_as_it_stands():
    """With errors counted as failures."""
    (run,) = of(read(LOGS, SIMPLE), Run)

    assert [(one.scorer, one.metric, one.value, one.n_samples) for one in run.reported] == [
        ("valid", "accuracy", 0.5, 4)
    ]


def test_function_calling_is_configuration_not_model():
    """`-FC` in the folder's name; score rows give the model's slash back."""
    fc, prompt = (of(read(LOGS, name), Run)[0] for name in (SIMPLE, FORMATS))

    assert (fc.model_requested, prompt.model_requested) == ("acme/atlas-1", "acme/atlas-1")
    assert (
        fc.generation_params,
        prompt.generation_params,
    ) == ({"function_calling": True}, {"function_calling": False})
    assert (fc.solver, prompt.solver) == ("function calling", "prompting")


@pytest.mark.parametrize(
    ("folder", "model", "is_fc"),
    [
        ("command-r-FC-optimized", "command-r-optimized", True),
        ("Salesforce_xLAM-1b-fc-r", "Salesforce_xLAM-1b-fc-r", False),
        ("gpt-4-FCX", "gpt-4-FCX", False),
    ],
)
def test_only_the_suffix_is_configuration(root, folder, model, is_fc):
    """`-fc-r` is part of a model's name."""
    for name in ("result", "score"):
        (root / "2024-08-11" / name / "acme_atlas-0").rename(root / "2024-08-11" / name / folder)
    (run,) = of(read(root, OLD.replace("acme_atlas-0", folder)), Run)

    assert (model, is_fc) == (run.model_requested, run.generation_params["function_calling"])


def test_category_version_and_date_come_from_the_names():
    """Nothing in the files states them."""
    new, old = (of(read(LOGS, name), Run)[0] for name in (SIMPLE, OLD))

    assert (
        new.task,
        new.task_version,
        new.metadata["results_folder"],
    ) == ("bfcl_simple_python", "v4", "2025-12-16")
    assert (old.task, old.task_version, old.started_at) == ("bfcl_simple", "v1", None)


def test_ids_of_2024_are_joined_on_the_prompt():
    """There `id` is a number, one more than the suffix of the result's."""
    assert values(read(LOGS, OLD)) == {"simple_0": 1.0, "simple_1": 0.0, "simple_2": 1.0}


def test_ids_of_2024_without_a_prompt_are_joined_by_position(root):
    """One less than the number that is stated."""
    change(root / OLD_SCORE, lambda rows: rows[1].pop("prompt") and None)

    assert values(read(root, OLD)) == {"simple_0": 1.0, "simple_1": 0.0, "simple_2": 1.0}


def test_results_of_mid_2024_have_a_position_instead_of_an_id(root):
    """`idx`."""
    change(root / OLD, lambda rows: [{"idx": at, "result": row["result"]} for at, row in enumerate(rows)])

    assert values(read(root, OLD)) == {"simple_0": 1.0, "simple_1": 0.0, "simple_2": 1.0}


def test_turns_and_steps_are_summed():
    """Multi-turn counts are lists of lists; a missing part makes the sum unknown."""
    first = of(read(LOGS, TURNS), Observation)[0]

    assert (first.tokens_in, first.tokens_out, first.latency_us) == (450, 35, 1_000_000)


def test_an_unknown_part_makes_the_sum_unknown(root):
    """Never a smaller sum."""
    change(root / TURNS, lambda rows: rows[0].update(input_token_count=[[100, None], [200]]))

    assert of(read(root, TURNS), Observation)[0].tokens_in is None


def test_a_failure_listed_twice_counts_once(root):
    """Multi-turn scoring lists a failed call as an inference error and as forced termination."""
    change(root / TURNS_SCORE, lambda rows: [*rows, rows[1]])

    assert values(read(root, TURNS)) == {"multi_turn_base_0": 1.0, "multi_turn_base_1": 0.0}


def test_prompt_formats_are_other_samples_with_a_cluster():
    """`format_sensitivity` ids are category, configuration and sample: 26 formats are not 26 repeats."""
    found = of(read(LOGS, FORMATS), Observation)

    assert (2, {1}) == (len({one.sample_id for one in found}), {one.epoch for one in found})
    assert {"simple_python_58"} == {one.metadata["base_id"] for one in found}
    assert [one.metadata["ret_fmt"] for one in found] == ["python", "json"]
    assert len({one.input_hash for one in found}) == 2


def test_accuracies_by_prompt_format_are_reported():
    """They stand in the same header."""
    (run,) = of(read(LOGS, FORMATS), Run)

    assert ("accuracy/ret_fmt=json&style=classic", 0.0, 1) in [
        (one.metric, one.value, one.n_samples) for one in run.reported
    ]


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows[:-1],
        lambda rows: rows[1:],
        lambda rows: [{"accuracy": 0.5}, *rows[1:]],
        lambda rows: [rows[0] | {"total_count": 10**30}, *rows[1:]],
        lambda rows: [*rows, {"valid": False}],
        lambda rows: [*rows[:-1], "torn"],
    ],
)
def test_a_header_that_does_not_fit_tells_no_passes(root, edit):
    """A failure that is missing from the list would be a pass."""
    change(root / SIMPLE_SCORE, edit)
    items = read(root, SIMPLE)

    assert {None} == set(values(items).values())
    assert ("partial", {"MBE241", "MBE215"}) == (of(items, Run)[0].status, set(codes(items)))


def test_results_that_were_not_scored_cannot_be_told_from_passes(root):
    """More results than the header counts."""
    change(root / SIMPLE, lambda rows: [*rows, {"id": "simple_python_4", "result": "x"}])
    items = read(root, SIMPLE)

    assert {None} == set(values(items).values())
    assert of(items, Run)[0].status == "partial"


def test_missing_results_lower_coverage(root):
    """Passes that are missing cannot be named; failures can, and keep their value."""
    change(root / SIMPLE, lambda rows: [rows[0]])
    items = read(root, SIMPLE)

    assert values(items) == {"simple_python_0": 1.0, "simple_python_2": 0.0, "simple_python_3": 0.0}
    assert (of(items, Run)[0].samples_planned, codes(items)) == (4, ["MBE241", "MBE241"])


def test_a_result_given_twice_counts_once(root):
    """The first counts; the header counts both lines."""
    change(root / SIMPLE, lambda rows: [*rows, rows[0] | {"result": "other"}])
    change(root / SIMPLE_SCORE, lambda rows: rows[0].update(total_count=5, correct_count=3))
    items = read(root, SIMPLE)

    assert (len(of(items, Observation)), codes(items)) == (4, ["MBE213"])


def test_without_scores_nothing_is_scored(root):
    """The outputs are there; a rate is not."""
    (root / SIMPLE_SCORE).unlink()
    items = read(root, SIMPLE)

    assert {None} == set(values(items).values())
    assert (of(items, Run)[0].status, codes(items)) == ("partial", ["MBE240", "MBE215"])


def test_a_score_file_is_claimed_only_without_its_results(root):
    """Then its header is all that can be reported: failures alone would be a rate of 0."""
    path = root / SIMPLE_SCORE
    claimed_before = SOURCE.claims(path, path.read_bytes())
    (root / SIMPLE).unlink()
    items = read(root, SIMPLE_SCORE)
    (run,) = of(items, Run)

    assert (claimed_before, SOURCE.claims(path, path.read_bytes())) == (False, True)
    assert (of(items, Observation), run.reported[0].value, run.samples_planned) == ([], 0.5, 4)
    assert codes(items) == ["MBE240"]


def test_prerequisite_conversations_are_ignored():
    """They fill a memory and are never scored."""
    path = LOGS / "2025-12-16/result/acme_atlas-1/agentic/memory/kv/BFCL_v4_memory_kv_prereq_result.json"

    assert not SOURCE.claims(path, path.read_bytes())


def test_results_and_scores_in_one_folder_are_found(root, tmp_path):
    """Without the trees around them the folder is the model."""
    folder = tmp_path / "acme-x-FC"
    folder.mkdir()
    for name in (SIMPLE, SIMPLE_SCORE):
        shutil.copy(root / name, folder)
    items = read(folder, Path(SIMPLE).name)

    assert values(items)["simple_python_0"] == 1.0
    assert of(items, Run)[0].model_requested == "acme-x"


@pytest.mark.parametrize("line", ["{", "5", "{}", '{"id": []}'])
def test_a_line_that_is_no_result_is_lost_alone(root, line):
    """It was scored, though: what it was is unknown."""
    path = root / SIMPLE
    path.write_text(f"{line}\n" + "".join(path.read_text().splitlines(keepends=True)[1:]))
    items = read(root, SIMPLE)

    assert len(of(items, Observation)) == 3
    assert (codes(items)[0], of(items, Finding)[0].at.line) == ("MBE210", 1)


def test_a_torn_last_line_makes_the_run_partial(root):
    """How much is missing is unknown."""
    path = root / SIMPLE
    path.write_bytes(path.read_bytes()[:-30])

    assert of(read(root, SIMPLE), Run)[0].status == "partial"


def test_a_file_without_results_is_refused(root):
    """With a place and a fix."""
    (root / SIMPLE).write_text("{}\n")

    with pytest.raises(SourceError, match="no line can be read"):
        read(root, SIMPLE)


def test_excerpts_hold_what_the_model_called():
    """The question is in no result file."""
    first = of(read(LOGS, SIMPLE, Settings(excerpts=True)), Excerpt)[0]

    assert (first.input, first.output) == ("", '[{"add":"{\\"a\\": 1, \\"b\\": 1}"}]')


def test_a_score_file_without_an_accuracy_is_refused(root):
    """With a place and a fix."""
    (root / SIMPLE).unlink()
    (root / SIMPLE_SCORE).write_text('{"accuracy": "high"}')

    with pytest.raises(SourceError, match="states no accuracy"):
        read(root, SIMPLE_SCORE)


def test_an_inference_error_of_the_scorer_is_no_wrong_answer(root):
    """Newer multi-turn scores call it so."""
    change(root / TURNS_SCORE, lambda rows: rows[1]["error"].update(error_type="multi_turn:inference_error"))
    failed = of(read(root, TURNS), Observation)[1]

    assert (failed.value, failed.outcome) == (None, "infra_error")


def test_strangers_are_not_scored_where_the_scores_are_not_believed(root):
    """A failure without a result, in a file that does not add up."""
    change(root / SIMPLE, lambda rows: [rows[0]])
    change(root / SIMPLE_SCORE, lambda rows: rows[0].update(correct_count=1))
    items = read(root, SIMPLE)

    assert values(items) == {"simple_python_0": None}


def test_scores_of_2024_find_their_results(root):
    """Their names have no prefix."""
    path = root / OLD_SCORE

    assert not SOURCE.claims(path, path.read_bytes())


@pytest.mark.parametrize("name", ["notes.json", "BFCL_v4_simple_python.json"])
def test_other_names_have_no_counterpart(name):
    """Neither results nor scores."""
    assert score_of(Path(name)) is None
    assert result_of(Path(name)) is None


def test_a_folder_of_a_group_is_no_model(tmp_path):
    """`live/` below the model, without a tree of results around it."""
    folder = tmp_path / "acme-x" / "live"
    folder.mkdir(parents=True)

    assert named_of(folder / "BFCL_v4_live_simple_result.json").model == "acme-x"
    assert named_of(Path("/live/BFCL_v4_live_simple_result.json")).model == "unknown"


def test_a_model_of_another_name_in_the_scores_is_not_taken(root):
    """Only a slash for an underscore is."""
    change(root / SIMPLE_SCORE, lambda rows: [rows[0], *(row | {"model_name": "other"} for row in rows[1:])])

    assert of(read(root, SIMPLE), Run)[0].model_requested == "acme_atlas-1"
