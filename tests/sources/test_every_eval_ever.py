"""Every Eval Ever: aggregates with their units, instances with their checksums, and converters' copies."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from mbe_docs.errors import SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources import every_eval_ever
from mbe_docs.sources.every_eval_ever import SOURCE
from mbe_docs.sources.interface import LogFile, Settings

LOGS = Path(__file__).parents[1] / "fixtures" / "logs" / "every_eval_ever"
UUID = "5f0c6a54-0000-4000-8000-00000000000"
SUMS = f"data/sums/acme/atlas-1/{UUID}1.json"
BOARD = f"data/board/acme/atlas-1/{UUID}2.json"
COPY = f"data/inspect/acme/atlas-1/{UUID}3.json"
ALONE = "alone/rows.jsonl"


def read(root, name, settings=Settings()):  # noqa: B008
    """Everything that is read."""
    return list(SOURCE.read(LogFile(root / name, name), settings))


def of(items, kind):
    """The items of one kind."""
    return [item for item in items if isinstance(item, kind)]


def codes(items):
    """Codes of the findings."""
    return [one.code for one in of(items, Finding)]


def rows_path(path):
    """The instances of an aggregate."""
    return path.with_name(f"{path.stem}_samples.jsonl")


@pytest.fixture
def root(tmp_path):
    """A copy of the fixtures."""
    return Path(shutil.copytree(LOGS, tmp_path / "eee"))


def change(path, edit):
    """An aggregate, changed in place by a function."""
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))


def change_rows(path, edit):
    """The instances of an aggregate, changed by a function; the aggregate's checksum and count follow."""
    rows = [json.loads(line) for line in rows_path(path).read_text().splitlines()]
    rows = edit(rows) or rows
    data = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    rows_path(path).write_bytes(data)
    details = {
        "hash_algorithm": "sha256",
        "checksum": hashlib.sha256(data).hexdigest(),
        "total_rows": len(rows),
    }
    change(path, lambda value: value["detailed_evaluation_results"].update(details))


def test_rows_of_one_sample_are_repeats_in_order():
    """The format has no epoch."""
    found = [(one.sample_id, one.epoch, one.value) for one in of(read(LOGS, SUMS), Observation)]

    assert found == [("1", 1, 1.0), ("2", 1, 0.0), ("1", 2, 0.0), ("3", 1, None), ("4", 1, 1.0)]


def test_a_row_with_an_error_is_no_wrong_answer():
    """Converters write 0.0 on it."""
    failed = of(read(LOGS, SUMS), Observation)[3]

    assert (failed.value, failed.outcome) == (None, "infra_error")


def test_a_stop_reason_in_metadata_is_read():
    """The format has no field for it."""
    last = of(read(LOGS, SUMS), Observation)[4]

    assert (last.value, last.outcome, last.stop_reason) == (1.0, "limited", "max_tokens")


def test_tokens_and_latency_are_read():
    """Milliseconds become microseconds; cost is not in the format."""
    first = of(read(LOGS, SUMS), Observation)[0]

    assert (
        first.tokens_in,
        first.tokens_in_cached,
        first.tokens_out,
        first.tokens_reasoning,
        first.latency_us,
        first.cost_nusd,
    ) == (12, 4, 2, None, 250_000, None)
    assert first.metadata == {"kind": "easy", "interaction_type": "single_turn"}


def test_the_run_says_what_was_run():
    """One run per evaluation, dataset and generation configuration."""
    (run,) = of(read(LOGS, SUMS), Run)

    assert (run.task, run.model_requested, run.dataset) == ("sums", "acme/atlas-1", "sums")
    assert (
        run.generation_params,
        run.harness,
        run.harness_version,
    ) == ({"temperature": 0.0, "max_tokens": 16}, "acme-harness", "1.2")
    assert (run.epochs, run.samples_planned, run.started_at) == (2, 4, "2026-01-01T00:00:00+00:00")
    assert [(one.scorer, one.metric, one.value, one.n_samples) for one in run.reported] == [
        ("accuracy", "accuracy", 0.375, 4),
        ("accuracy", "stderr", 0.2, 4),
    ]


def test_an_aggregate_alone_reports_and_measures_nothing():
    """Level *reported*: there are no samples behind it."""
    items = read(LOGS, BOARD)

    assert of(items, Observation) == []
    assert {"board", "elo", "safety"} == {one.task for one in of(items, Run)}
    assert {"success"} == {one.status for one in of(items, Run)}
    assert of(items, Finding) == []


def test_a_score_stays_in_its_own_unit():
    """Percent is not turned into a proportion; the unit is kept beside it."""
    board = next(one for one in of(read(LOGS, BOARD), Run) if one.task == "board")

    assert board.reported[0].value == 61.5
    assert (board.metadata["f1.metric_unit"], board.metadata["f1.max_score"]) == ("percent", 100)


def test_micro_and_macro_averages_are_two_metrics():
    """They have one name upstream; pooled, one would replace the other."""
    board = next(one for one in of(read(LOGS, BOARD), Run) if one.task == "board")
    scores = {one.scorer: one.value for one in board.reported if one.metric == "f1"}

    assert list(scores.values()) == [61.5, 58.25]
    assert len({one.parameters_hash for one in board.scorers}) == 2


def test_bounds_may_be_infinite_texts():
    """`"Infinity"` is no number in JSON."""
    elo = next(one for one in of(read(LOGS, BOARD), Run) if one.task == "elo")

    assert (elo.reported[0].value, elo.metadata["elo.min_score"]) == (1210.5, "-Infinity")


def test_an_unknown_level_is_no_score():
    """-1 of a scale of levels means that there was none."""
    safety = next(one for one in of(read(LOGS, BOARD), Run) if one.task == "safety")

    assert safety.reported[0].value is None


def test_an_unknown_level_of_an_instance_is_unscored(root):
    """Also one row at a time."""
    levels = {"score_type": "levels", "has_unknown_level": True, "level_names": ["low", "high"]}
    change_rows(root / SUMS, lambda rows: rows[0]["evaluation"].update(score=-1))
    change(root / SUMS, lambda value: value["evaluation_results"][0]["metric_config"].update(levels))
    items = read(root, SUMS)

    assert (of(items, Observation)[0].value, of(items, Observation)[0].outcome) == (None, "unscored")
    assert codes(items) == []


def test_a_score_outside_its_bounds_is_said_and_kept(root):
    """87 on a scale to 1 is a percentage under the wrong unit; which one is right is not ours to guess."""
    change(root / SUMS, lambda value: value["evaluation_results"][0]["score_details"].update(score=87.0))
    items = read(root, SUMS)

    assert codes(items) == ["MBE245"]
    assert of(items, Run)[0].reported[0].value == 87.0


@pytest.mark.parametrize(
    "edit",
    [
        {"checksum": "0" * 64},
        {"total_rows": 6},
        {"hash_algorithm": "crc32"},
    ],
)
def test_instances_that_do_not_fit_the_aggregate_are_no_result(root, edit):
    """Checksum and number of rows are verified."""
    change(root / SUMS, lambda value: value["detailed_evaluation_results"].update(edit))
    items = read(root, SUMS)

    assert (of(items, Run)[0].status, codes(items)) == ("partial", ["MBE241"])


def test_instances_of_another_model_are_no_result(root):
    """A file under the wrong name."""
    change_rows(root / SUMS, lambda rows: [row | {"model_id": "other/model"} for row in rows])
    items = read(root, SUMS)

    assert (of(items, Run)[0].status, codes(items)) == ("partial", ["MBE241"])


def test_instances_that_are_missing_leave_what_is_reported(root):
    """Stated and not there is not the same as not stated."""
    rows_path(root / SUMS).unlink()
    items = read(root, SUMS)

    assert (of(items, Observation), of(items, Run)[0].status, codes(items)) == ([], "partial", ["MBE240"])
    assert of(items, Run)[0].reported[0].value == 0.375


@pytest.mark.parametrize("name", ["../../../../alone/rows.jsonl", "/etc/passwd", "\x00", "..", "x" * 5000])
def test_a_file_name_is_never_followed_elsewhere(root, name):
    """It comes from a file of unknown origin."""
    rows_path(root / SUMS).unlink()
    change(root / SUMS, lambda value: value["detailed_evaluation_results"].update(file_path=name))
    items = read(root, SUMS)

    assert (of(items, Observation), codes(items)[0]) == ([], "MBE240")


def test_a_link_out_of_the_folder_is_not_followed(root):
    """A symlink is a name too."""
    rows_path(root / SUMS).unlink()
    rows_path(root / SUMS).symlink_to(root / ALONE)

    assert of(read(root, SUMS), Observation) == []


def test_copies_of_the_inspect_converter_are_no_repeats():
    """It writes the mean over epochs on each of them: a flake rate of 0 would come out."""
    items = read(LOGS, COPY)

    assert [(one.sample_id, one.epoch, one.value) for one in of(items, Observation)] == [
        ("1", 1, 0.5),
        ("2", 1, 1.0),
    ]
    assert (codes(items), of(items, Run)[0].epochs) == (["MBE247", "MBE242"], 1)
    assert of(items, Run)[0].metadata["converted_from"] == "inspect_ai"
    assert "epoch" not in of(items, Observation)[0].metadata


def test_copies_are_known_without_the_aggregate(root):
    """The converter leaves `epoch` in the metadata of its rows."""
    (root / COPY).unlink()
    items = read(root, COPY.replace(".json", "_samples.jsonl"))

    assert (len(of(items, Observation)), codes(items)) == (2, ["MBE240", "MBE242"])


def test_the_latency_of_the_inspect_converter_is_the_generation_time():
    """Its `latency_ms` is the time that was *not* spent working."""
    assert of(read(LOGS, COPY), Observation)[0].latency_us == 200_000


def test_a_file_converted_from_lm_eval_is_said(root):
    """Its missing scores are zeros; the native log has the truth."""
    change(root / SUMS, lambda value: value["eval_library"].update(name="lm_eval"))

    assert codes(read(root, SUMS)) == ["MBE247"]


def test_epochs_that_we_exported_come_back(root):
    """`mbe_epoch` in the metadata of a row; its order does not matter then."""

    def number(rows):
        rows[0]["metadata"]["mbe_epoch"], rows[2]["metadata"]["mbe_epoch"] = "2", "1"

    change_rows(root / SUMS, number)
    found = {(one.sample_id, one.epoch): one.value for one in of(read(root, SUMS), Observation)}

    assert (found[("1", 2)], found[("1", 1)]) == (1.0, 0.0)


def test_one_id_with_two_inputs_is_two_samples(root):
    """Subtasks count from 0 each; pooled, they would look like repeats."""
    change_rows(root / SUMS, lambda rows: rows[2]["input"].update(raw="What is 7 + 7?"))
    items = read(root, SUMS)

    assert {1} == {one.epoch for one in of(items, Observation)}
    assert (len({one.sample_id for one in of(items, Observation)}), codes(items)) == (5, ["MBE243"])


def test_rows_find_their_metric_by_its_id(root):
    """Two metrics on the same samples are two scorers, not two epochs."""

    def second(value):
        other = json.loads(json.dumps(value["evaluation_results"][0]))
        other["evaluation_result_id"] = "sums-f1"
        other["metric_config"].update(metric_id="f1", metric_name="f1", metric_kind="f1")
        value["evaluation_results"].append(other)

    change_rows(root / SUMS, lambda rows: [*rows, rows[1] | {"evaluation_result_id": "sums-f1"}])
    change(root / SUMS, second)
    found = [(one.sample_id, one.scorer, one.epoch) for one in of(read(root, SUMS), Observation)]

    assert found[-1] == ("2", "f1", 1)
    assert ("2", "accuracy", 1) in found


def test_rows_of_an_evaluation_that_is_not_reported_are_a_run_of_their_own(root):
    """Their scorer is called `score`."""
    change_rows(
        root / SUMS, lambda rows: rows[1].update(evaluation_name="products", evaluation_result_id=None)
    )
    change(
        root / SUMS,
        lambda value: value["evaluation_results"].append(
            value["evaluation_results"][0] | {"evaluation_name": "x"}
        ),
    )
    items = read(root, SUMS)

    assert {"sums", "x", "products"} == {one.task for one in of(items, Run)}


def test_rows_alone_are_read_with_a_note():
    """Unit and direction are unknown."""
    items = read(LOGS, ALONE)
    (run,) = of(items, Run)

    assert (codes(items), run.scorers[0].name, run.model_requested) == (["MBE240"], "score", "acme/atlas-1")
    assert ([one.value for one in of(items, Observation)], run.status) == ([1.0, 0.0], "success")


def test_rows_of_two_models_in_one_file_are_no_result(root):
    """Which run is whose cannot be told."""
    path = root / ALONE
    path.write_text(path.read_text().replace("acme/atlas-1", "acme/atlas-2", 1))
    items = read(root, ALONE)

    assert (of(items, Run)[0].status, codes(items)) == ("partial", ["MBE240", "MBE241"])


def test_rows_that_an_aggregate_reads_are_not_claimed(root):
    """They would be counted twice; without their aggregate they are."""
    rows = rows_path(root / SUMS)
    head = rows.read_bytes()[:4096]
    before = SOURCE.claims(rows, head)
    (root / SUMS).unlink()

    assert (before, SOURCE.claims(rows, head)) == (False, True)


def test_rows_in_a_folder_below_are_found_and_not_claimed(root):
    """Early converters put them into `instance_level_data/`."""
    rows = rows_path(root / SUMS)
    moved = rows.parent / "instance_level_data" / "x.jsonl"
    moved.parent.mkdir()
    rows.rename(moved)
    change(
        root / SUMS,
        lambda value: value["detailed_evaluation_results"].update(file_path="instance_level_data/x.jsonl"),
    )

    assert len(of(read(root, SUMS), Observation)) == 5
    assert not SOURCE.claims(moved, moved.read_bytes()[:4096])


@pytest.mark.parametrize(
    ("score", "problem"),
    [("high", ["MBE211"]), (None, []), (True, ["MBE211"]), ([], ["MBE211"]), (7, ["MBE245"])],
)
def test_an_unreadable_score_is_unknown(root, score, problem):
    """Never a zero, and never derived from `is_correct`."""
    change_rows(root / SUMS, lambda rows: rows[0]["evaluation"].update(score=score))
    items = read(root, SUMS)
    first = of(items, Observation)[0]

    assert (7.0 if score == 7 else None) == first.value
    assert problem == codes(items)


def test_nan_in_a_row_is_read_as_unknown(root):
    """Python writes NaN."""
    change_rows(root / SUMS, lambda rows: rows[0]["evaluation"].update(score=float("nan")))

    assert (
        of(read(root, SUMS), Observation)[0].value,
        of(read(root, SUMS), Observation)[0].outcome,
    ) == (None, "unscored")


@pytest.mark.parametrize("line", ["{", "5", "{}"])
def test_a_row_that_cannot_be_read_is_lost_alone(root, line):
    """Then the count does not fit either, so the run is no result."""
    path = rows_path(root / SUMS)
    path.write_text(f"{line}\n{path.read_text()}")
    items = read(root, SUMS)

    assert (len(of(items, Observation)), of(items, Run)[0].status) == (5, "partial")
    assert codes(items)[:2] == ["MBE241", "MBE210"]


def test_a_torn_last_row_makes_the_run_partial(root):
    """How much is missing is unknown."""
    path = root / ALONE
    path.write_bytes(path.read_bytes()[:-30])

    assert of(read(root, ALONE), Run)[0].status == "partial"


def test_another_schema_is_read_with_a_note(root):
    """0.2 files differ in little."""
    change(root / BOARD, lambda value: value.update(schema_version="0.2.1"))

    assert codes(read(root, BOARD)) == ["MBE213"]


def test_a_result_without_a_name_is_said(root):
    """The others are read."""
    change(root / BOARD, lambda value: value["evaluation_results"][0].pop("evaluation_name"))
    items = read(root, BOARD)

    assert (len(of(items, Run)), codes(items)) == (3, ["MBE210"])


def test_judges_are_named(root):
    """Another judge is another ruler."""
    judging = {"judges": [{"model_info": {"name": "J", "id": "acme/judge"}}], "input_prompt": "Is it right?"}
    change(
        root / BOARD,
        lambda value: value["evaluation_results"][2]["metric_config"].update(llm_scoring=judging),
    )
    elo = next(one for one in of(read(root, BOARD), Run) if one.task == "elo")

    assert elo.scorers[0].judge_model == "acme/judge"


@pytest.mark.parametrize(
    "value", [{}, {"evaluation_results": []}, {"evaluation_results": [5], "model_info": {"id": "m"}}]
)
def test_an_aggregate_without_results_is_refused(root, value):
    """With a place and a fix."""
    (root / SUMS).write_text(json.dumps(value))

    with pytest.raises(SourceError, match="not an aggregate"):
        read(root, SUMS)


def test_excerpts_hold_question_answer_and_what_was_extracted():
    """Once per attempt."""
    first, *rest = of(read(LOGS, SUMS, Settings(excerpts=True)), Excerpt)

    assert (
        first.input,
        first.target,
        first.output,
        first.scores[0],
    ) == ("What is 1 + 1?", "2", "2", ("accuracy", "true", "2", None))
    assert len(rest) == 4


def test_messages_stand_in_for_an_output(root):
    """Multi-turn rows have no `output`."""
    messages = [
        {"turn_idx": 0, "role": "user", "content": "Hi"},
        {"turn_idx": 1, "role": "assistant", "content": "2"},
    ]
    change_rows(root / SUMS, lambda rows: rows[0].update(output=None, messages=messages))

    assert of(read(root, SUMS, Settings(excerpts=True)), Excerpt)[0].output == "user: Hi\n\nassistant: 2"


def test_what_the_aggregate_does_not_state_is_not_checked(root):
    """No checksum, no number of rows, and rows that name no model."""
    change_rows(root / SUMS, lambda rows: [row | {"model_id": None} for row in rows])
    change(
        root / SUMS, lambda value: value["detailed_evaluation_results"].update(checksum=None, total_rows=None)
    )
    items = read(root, SUMS)

    assert (of(items, Run)[0].status, codes(items)) == ("success", [])


def test_a_latency_that_is_not_stated_is_unknown(root):
    """As are tokens; neither is 0."""
    change_rows(root / SUMS, lambda rows: rows[0].update(performance=None, token_usage=None))
    first = of(read(root, SUMS), Observation)[0]

    assert (first.latency_us, first.tokens_in, first.tokens_out) == (None, None, None)


def test_a_score_below_its_bounds_is_said(root):
    """As one above them is."""
    change(root / SUMS, lambda value: value["evaluation_results"][0]["score_details"].update(score=-0.5))

    assert codes(read(root, SUMS)) == ["MBE245"]


def test_an_exported_epoch_given_twice_counts_once(root):
    """The first counts."""
    change_rows(
        root / SUMS, lambda rows: [rows[at]["metadata"].update(mbe_epoch="1") for at in (0, 2)] and None
    )
    items = read(root, SUMS)

    assert [one.value for one in of(items, Observation) if one.sample_id == "1"] == [1.0]
    assert codes(items) == ["MBE210"]


def test_rows_without_any_score_are_said(root):
    """A green run over nothing would be the worst result."""
    change_rows(root / SUMS, lambda rows: [row | {"evaluation": {}} for row in rows])

    assert codes(read(root, SUMS)) == ["MBE215"]


def test_a_row_with_a_key_given_twice_is_said(root):
    """The last counts; where the tolerant parser sees it, it says so."""
    path = root / ALONE
    path.write_text(path.read_text().replace('"error"', '"x": NaN, "x": 1, "error"', 1))

    assert codes(read(root, ALONE)) == ["MBE240", "MBE216"]


def test_an_aggregate_with_nan_is_read(root):
    """Python writes it; the score is unknown."""
    change(
        root / SUMS, lambda value: value["evaluation_results"][0]["score_details"].update(score=float("nan"))
    )
    text = (root / SUMS).read_text()
    (root / SUMS).write_text(text.replace('"schema_version"', '"x": 1, "x": 2, "schema_version"', 1))
    items = read(root, SUMS)

    assert (of(items, Run)[0].reported[0].value, codes(items)) == (None, ["MBE216"])


def test_a_json_file_that_only_mentions_the_rows_does_not_own_them(root, monkeypatch):
    """Damaged files, large ones and those beyond the first two hundred do not either."""
    rows = rows_path(root / SUMS)
    (root / SUMS).write_text("{")
    (rows.parent / "other.json").write_text("{}")
    (rows.parent / "index.json").write_text(json.dumps({"files": [rows.name]}))
    head = rows.read_bytes()[:4096]

    assert SOURCE.claims(rows, head)
    for limit in ("OWNERS", "OWNER_BYTES"):
        with monkeypatch.context() as patched:
            patched.setattr(every_eval_ever, limit, 0)
            assert SOURCE.claims(rows, head)


def test_other_endings_are_not_claimed():
    """Whatever they hold."""
    assert not SOURCE.claims(Path("a.txt"), b'{"schema_version": "0.3.0", "evaluation_id": "a"}')
