"""Results and samples of the lm-evaluation-harness."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from mbe_docs.errors import SourceError
from mbe_docs.sources.lm_eval import SOURCE
from tests.sources.lm_eval_read import LOGS, SHARED, Read, altered, check, deep, rows_of, torn, written

STAMP = "2026-11-23T16-56-28.900820"
FOLDER = LOGS / "lm_eval" / "q4_1"
RESULTS = FOLDER / f"results_{STAMP}.json"
SAMPLES = FOLDER / f"samples_smol_add_{STAMP}.jsonl"
LONE = LOGS / "lm_eval" / "lone" / "samples_smol_add_2026-11-24T09-00-00.000001.jsonl"
OLD = LOGS / "lm_eval" / "atlas-160m_step1000.json"
BOUNDED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def claims(path):
    """Whether the source claims a file."""
    with path.open("rb") as file:
        return SOURCE.claims(path, file.read(4096))


def row(doc_id=0, **changes):
    """A row of samples with one metric."""
    made = {
        "doc_id": doc_id,
        "doc": {"question": f"q{doc_id}", "level": "easy"},
        "target": "4",
        "arguments": {"gen_args_0": {"arg_0": f"q{doc_id}", "arg_1": {}}},
        "resps": [["4"]],
        "filtered_resps": ["4"],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": f"{doc_id:064x}",
        "prompt_hash": "b" * 64,
        "target_hash": "c" * 64,
        "exact_match": 1.0,
    }
    made |= changes
    return made


def results(task="sums", **changes):
    """Results of one task with one metric."""
    made = {
        "results": {task: {"alias": task, "exact_match,none": 1.0, "exact_match_stderr,none": "N/A"}},
        "group_subtasks": {task: []},
        "configs": {task: {"task": task, "repeats": 1, "output_type": "generate_until"}},
        "versions": {task: 2},
        "n-shot": {task: 0},
        "higher_is_better": {task: {"exact_match": True}},
        "n-samples": {task: {"original": 1, "effective": 1}},
        "config": {"model": "hf", "model_args": "pretrained=acme/atlas-1"},
        "date": 1795452653.5,
        "lm_eval_version": "0.4.13",
        "model_name": "acme/atlas-1",
        "system_instruction": None,
    }
    return made | changes


def pair(folder, rows, **changes):
    """A results file with the samples of its task `sums` beside it."""
    folder.mkdir(exist_ok=True)
    written(folder / f"samples_sums_{STAMP}.jsonl", rows)
    return written(folder / f"results_{STAMP}.json", results(**changes))


def test_results_are_read_with_the_samples_of_the_same_date():
    """One row per document and filter; the filter is a part of the scorer's name."""
    read = Read(SOURCE, RESULTS)

    assert Counter(one.scorer for one in read.observations) == {"exact_match,first": 6, "exact_match,maj3": 6}
    assert {one.epoch for one in read.observations} == {1}
    assert (read.run.samples_planned, read.run.epochs, read.run.status) == (6, 1, "success")


def test_the_header_says_what_was_run():
    """Model, version, few-shot, generation settings, seeds and direction are those of the file."""
    run = Read(SOURCE, RESULTS).run

    assert run.model_requested == "smollm2-135m-instruct-q4_1"
    assert (run.task, run.task_version, run.dataset, run.solver) == (
        "smol_add",
        "1.0",
        "json",
        "generate_until",
    )
    assert run.generation_params["temperature"] == 0.8
    assert run.task_args == {"num_fewshot": 0}
    assert run.metadata["torch_seed"] == 1234
    assert run.metadata["higher_is_better.exact_match"] is True
    assert run.has_system_prompt is False
    assert run.started_at == "2026-11-23T16:50:53.810906+00:00"
    assert {spec.parameters_hash is None for spec in run.scorers} == {False}


def test_samples_beside_their_results_are_not_read_twice():
    """The results file claims both, so a folder yields every observation exactly once."""
    assert claims(RESULTS)
    assert not claims(SAMPLES)


def test_lone_samples_are_read_and_named_after_their_folder(tmp_path):
    """`a__b` is how the harness writes `a/b`; that the model is taken from there is said."""
    folder = tmp_path / "acme__atlas-1"
    folder.mkdir()
    path = shutil.copy(LONE, folder / LONE.name)

    read = Read(SOURCE, path)

    assert claims(path)
    assert read.run.model_requested == "acme/atlas-1"
    assert "'acme/atlas-1'" in read.finding("MBE227").problem
    assert len(read.observations) == 3


def test_a_run_has_one_key_whether_its_samples_came_alone_or_with_results(tmp_path):
    """Samples that were ingested first and got their results later supersede, and are not counted twice."""
    alone = Read(SOURCE, shutil.copy(SAMPLES, tmp_path / SAMPLES.name))

    assert alone.run.run_key == Read(SOURCE, RESULTS).run.run_key


def test_two_runs_of_the_same_second_have_two_keys(tmp_path):
    """Jobs that end together are told apart by what they answered."""
    one = Read(SOURCE, pair(tmp_path / "a", [row()]))
    two = Read(SOURCE, pair(tmp_path / "b", [row(resps=[["5"]])]))

    assert one.run.run_key != two.run.run_key


def test_identical_repeats_of_a_fixed_seed_are_one_attempt():
    """4 of 6 documents have three equal answers; no document gets three epochs from them."""
    read = Read(SOURCE, RESULTS)

    assert read.finding("MBE225").problem.startswith("4 of 6 documents")
    assert len(read.of("exact_match,first")) == 6


def test_scores_per_repeat_are_epochs(tmp_path):
    """Where filter and metric both keep the repeats apart, each is an attempt."""
    kept = {"filtered_resps": [["4", "5", "4"]], "exact_match": [1.0, 0.0, 1.0]}

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", [row(resps=[["4", "5", "4"]], **kept)]))

    assert [(one.epoch, one.value) for one in read.observations] == [(1, 1.0), (2, 0.0), (3, 1.0)]
    assert read.run.epochs == 3


def test_scores_per_repeat_of_identical_answers_are_one_epoch(tmp_path):
    """The same text three times was one draw: counting it three times would narrow the interval."""
    kept = {"filtered_resps": [["4", "4", "4"]], "exact_match": [1.0, 1.0, 1.0]}

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", [row(resps=[["4", "4", "4"]], **kept)]))

    assert [(one.epoch, one.value) for one in read.observations] == [(1, 1.0)]
    assert read.run.epochs == 1


def test_epochs_are_unknown_where_documents_differ_in_them(tmp_path):
    """Collapsed documents must not look like missing attempts."""
    lists = {"exact_match": [1.0, 0.0]}
    rows = [
        row(0, resps=[["4", "5"]], filtered_resps=[["4", "5"]], **lists),
        row(1, resps=[["4", "4"]], filtered_resps=[["4", "4"]], **lists),
    ]

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", rows))

    assert read.run.epochs is None
    assert len(read.observations) == 3


@pytest.mark.parametrize("raw", [[1, 0.3], [0.5, -2.0, 7.0], []])
def test_a_metric_without_a_number_per_document_is_no_observation(tmp_path, raw):
    """Perplexity and F1 log parts of an aggregate; a zero or a mean would be invented."""
    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", [row(exact_match=raw)]))

    assert read.observations == []
    assert "no number per document" in read.finding("MBE226").problem


def test_lists_of_one_repeat_are_not_taken_for_epochs(tmp_path):
    """IFEval logs one truth value per instruction; their count may equal nothing or anything."""
    listed = {"metrics": ["inst"], "inst": [True, False], "resps": [["a", "b"]], "filtered_resps": ["a"]}

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", [row(**listed)]))

    assert read.observations == []


def test_nan_is_unscored_and_infinity_a_finding(tmp_path):
    """Python writes both; neither is a zero."""
    rows = [row(0, exact_match=float("nan")), row(1, exact_match=float("inf")), row(2, exact_match=None)]

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", rows))

    assert [(one.value, one.outcome) for one in read.observations] == [(None, "unscored")] * 3
    assert "'exact_match,none'" in read.finding("MBE211").problem


def test_a_boolean_metric_is_a_number_with_a_label(tmp_path):
    """`true` is 1."""
    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", [row(exact_match=True)]))

    assert [(one.value, one.label) for one in read.observations] == [(1.0, "true")]


def test_rows_may_have_other_metrics_than_the_first(tmp_path):
    """Metrics lie beside the fixed fields under names that each row lists."""
    rows = [row(0), row(1, metrics=["acc", "exact_match"], acc=0.5)]

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", rows))

    assert [(one.sample_id, one.scorer, one.value) for one in read.observations] == [
        ("0", "exact_match,none", 1.0),
        ("1", "acc,none", 0.5),
        ("1", "exact_match,none", 1.0),
    ]


def test_metric_names_are_split_at_the_last_comma(tmp_path):
    """A metric's own name may hold a comma; a filter's does not."""
    stated = results(results={"sums": {"f1,macro,strict-match": 0.25}})

    run = Read(SOURCE, written(tmp_path / "results.json", stated)).run

    assert [(one.scorer, one.metric, one.value) for one in run.reported] == [
        ("f1,macro,strict-match", "value", 0.25)
    ]


def test_a_standard_error_of_n_a_is_missing(tmp_path):
    """Not zero, and not a crash."""
    run = Read(SOURCE, written(tmp_path / "results.json", results())).run

    assert {(one.metric, one.value) for one in run.reported} == {("value", 1.0), ("stderr", None)}


def test_groups_are_reported_and_never_observed(tmp_path):
    """The group repeats what its tasks state."""
    stated = results()
    stated["results"]["all"] = {"alias": "all", "exact_match,none": 1.0}
    stated["group_subtasks"]["all"] = ["sums"]
    stated["groups"] = {"all": {"exact_match,none": 1.0}}
    written(tmp_path / f"samples_sums_{STAMP}.jsonl", [row()])

    read = Read(SOURCE, written(tmp_path / f"results_{STAMP}.json", stated))

    assert len(read.observations) == 1
    assert {run.task: run.metadata.get("group") for run in read.runs} == {"sums": None, "all": True}


def test_results_from_before_version_0_4_are_reported_only():
    """Aggregates never become observations; the checkpoint is a part of the model's name."""
    read = Read(SOURCE, OLD)

    assert claims(OLD)
    assert read.observations == []
    assert {run.model_requested for run in read.runs} == {"acme/atlas-160m@step1000"}
    sums = next(run for run in read.runs if run.task == "sums")
    assert [(one.scorer, one.metric, one.value) for one in sums.reported] == [
        ("acc", "value", 0.25),
        ("acc", "stderr", 0.0433),
        ("acc_norm", "value", 0.5),
        ("acc_norm", "stderr", 0.05),
    ]
    assert (sums.samples_planned, sums.task_version, sums.task_args) == (None, "0", {"num_fewshot": 0})


@pytest.mark.parametrize(
    ("arguments", "config", "requested", "resolved"),
    [
        ("pretrained=a/b,dtype=float16", {}, "a/b", ()),
        ("pretrained=a/b,revision=main", {}, "a/b", ()),
        ("pretrained=a/b,revision=step5", {"model_sha": "c0ffee"}, "a/b@step5", ("a/b@c0ffee",)),
        ({"pretrained": "a/b", "peft": "a/c"}, {}, "a/c", ()),
        ({"model": "gpt-x"}, {}, "gpt-x", ()),
        ("max_memory={0: 1, 1: 2},pretrained=a/b", {}, "a/b", ()),
        ("", {"model": "dummy"}, "dummy", ()),
    ],
)
def test_the_model_is_what_its_arguments_name(tmp_path, arguments, config, requested, resolved):
    """An adapter wins over its base, as in the harness; a commit is what answered."""
    stated = results(model_name=None, config={"model_args": arguments} | config)

    run = Read(SOURCE, written(tmp_path / "results.json", stated)).run

    assert (run.model_requested, run.models_resolved) == (requested, resolved)


def test_credentials_in_model_arguments_are_not_kept(tmp_path):
    """Logs are passed around; what is in them is published."""
    arguments = {
        "model": "x",
        "api_key": "sk-1",
        "auth_token": "t",
        "base_url": "https://u:p@host",
        "tokenizer": "z",
    }

    run = Read(SOURCE, written(tmp_path / "results.json", results(config={"model_args": arguments}))).run

    assert {key for key in run.metadata if key.startswith("model_args.")} == {
        "model_args.model",
        "model_args.tokenizer",
    }


def test_settings_of_the_command_line_override_those_of_the_task(tmp_path):
    """`--gen_kwargs` comes as text in old versions, as an object in new ones."""
    stated = results(config={"model_args": "model=x", "gen_kwargs": "temperature=0.7,top_p=0.9"})
    stated["configs"]["sums"]["generation_kwargs"] = {"temperature": 0, "until": ["\n"]}

    run = Read(SOURCE, written(tmp_path / "results.json", stated)).run

    assert run.generation_params == {"temperature": 0.7, "top_p": 0.9, "until": '["\\n"]'}


def test_addresses_in_a_configuration_do_not_make_another_scorer(tmp_path):
    """The harness writes functions with the address they had in memory."""
    keys = []
    for address in ("0x7f01", "0x7f02"):
        task = {
            "sums": {"metric_list": [{"metric": "exact_match", "aggregation": f"<function f at {address}>"}]}
        }
        read = Read(SOURCE, pair(tmp_path / address, [row()], configs=task))
        keys.append(read.run.scorers[0].parameters_hash)

    assert keys[0] is not None
    assert keys[0] == keys[1]


def test_fewer_documents_than_planned_is_no_result(tmp_path):
    """The samples file was cut, or the run was."""
    planned = {"sums": {"original": 9, "effective": 3}}

    read = Read(SOURCE, pair(tmp_path / "a", [row(0), row(1)], **{"n-samples": planned}))

    assert (read.run.status, read.run.samples_planned) == ("partial", 3)
    assert read.run.status_reason == "2 of 3 documents are in the samples file"


def test_a_cut_last_row_makes_the_run_partial(tmp_path):
    """What was read before counts; the rest is unknown."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0), row(1)])
    path.write_bytes(path.read_bytes()[:-40])

    read = Read(SOURCE, path)

    assert len(read.observations) == 1
    assert (read.run.status, read.finding("MBE212").at.line, read.finding("MBE210").at.line) == (
        "partial",
        2,
        2,
    )


def test_an_unreadable_row_costs_only_itself(tmp_path):
    """Its place is the line of the samples file."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0), row(1), row(2)])
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b'{"doc_id": 1, "doc": {\xff', lines[2], b""]))

    read = Read(SOURCE, path)

    assert [one.sample_id for one in read.observations] == ["0", "2"]
    assert str(read.finding("MBE210").at).endswith(".jsonl:2")


def test_a_document_that_is_there_twice_counts_once(tmp_path):
    """The harness appends to samples files: a second write must not double a document."""
    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", [row(0), row(0, exact_match=0.0)]))

    assert [one.value for one in read.observations] == [1.0]
    assert read.codes.count("MBE213") == 1


def test_ids_of_other_documents_are_told_apart(tmp_path):
    """`doc_id` is a position; joined files have it twice."""
    rows = [row(0), row(0, doc_hash="d" * 64)]

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", rows))

    assert len({one.sample_id for one in read.observations}) == 2
    assert read.codes.count("MBE222") == 1


def test_questions_are_not_kept_as_metadata(tmp_path):
    """Short categories are, to slice by."""
    doc = {"question": "Who? " * 20, "level": "easy", "n": 3, "ok": True, "nested": {"a": 1}, "lines": "a\nb"}

    read = Read(SOURCE, written(tmp_path / "samples_sums_x.jsonl", [row(doc=doc)]))

    assert read.observations[0].metadata == {"level": "easy", "n": "3", "ok": "true"}


def test_excerpts_are_read_on_request_only():
    """Text of attempts, one per document."""
    without, with_text = Read(SOURCE, RESULTS), Read(SOURCE, RESULTS, excerpts=True, excerpt_chars=12)

    assert without.excerpts == []
    assert len(with_text.excerpts) == 6
    assert with_text.excerpts[0].output == "15"
    assert with_text.excerpts[0].input.startswith('[{"role": "u… [cut: ')


def test_a_long_first_row_is_claimed():
    """The hashes may lie behind the first 4 KiB."""
    head = (json.dumps({"doc_id": 0, "doc": {"text": "x" * 9000}})).encode()[:4096]

    assert SOURCE.claims(LONE, head)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"results": {"a": {"b": 1', "not results of lm-eval"),
        ('{"results": {"a": {"acc": 1}}}', "states no model"),
        ('{"results": {}, "configs": {}}', "states no task"),
        ('{"results": {"a": {"alias": "a"}}, "config": {"model": "m"}}', "states no task"),
        ("[1]", "not results of lm-eval"),
    ],
)
def test_a_file_without_results_is_refused_with_a_fix(tmp_path, text, problem):
    """Nothing is guessed from it."""
    path = tmp_path / "results.json"
    path.write_text(text)

    with pytest.raises(SourceError, match=problem) as caught:
        Read(SOURCE, path)

    assert caught.value.fix


def test_a_file_above_the_limit_is_refused(tmp_path):
    """A results file is one document, and is held as a whole."""
    with pytest.raises(SourceError, match="above the limit"):
        Read(SOURCE, OLD, member_bytes=100)


def test_samples_without_a_readable_row_are_refused(tmp_path):
    """An empty success is the worst result."""
    path = written(tmp_path / "samples_sums_x.jsonl", [{"doc_id": 0, "doc_hash": 1}])

    with pytest.raises(SourceError, match="no row of the file can be read"):
        Read(SOURCE, path)


def test_a_run_without_any_score_is_a_finding(tmp_path):
    """A green run over nothing must not look like a result."""
    read = Read(SOURCE, pair(tmp_path / "a", [row(metrics=[])]))

    assert "no row of the run has a score" in read.finding("MBE215").problem


def test_what_is_nested_too_deeply_costs_only_itself(tmp_path):
    """A row without hashes is hashed by its document; this one cannot be."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0, doc="DEEP", doc_hash=None), row(1)])
    path.write_text(path.read_text().replace('"DEEP"', deep()))

    read = Read(SOURCE, path)

    assert [one.sample_id for one in read.observations] == ["1"]
    assert "nested too deeply" in read.finding("MBE210").problem


def test_a_deep_answer_is_not_shown(tmp_path):
    """Its score counts all the same."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0, resps="DEEP", arguments="DEEP")])
    path.write_text(path.read_text().replace('"DEEP"', deep()))

    read = Read(SOURCE, path, excerpts=True)

    assert [one.value for one in read.observations] == [1.0]
    assert read.excerpts[0].output == "(nested too deeply to be shown)"


def test_a_header_that_is_nested_too_deeply_is_refused(tmp_path):
    """With the place, not with a trace."""
    stated = results(config={"model_args": {"model": "x", "odd": "DEEP"}})
    path = written(tmp_path / "results.json", stated)
    path.write_text(path.read_text().replace('"DEEP"', deep()))

    with pytest.raises(SourceError, match="nested too deeply"):
        Read(SOURCE, path)


def test_keys_that_are_there_twice_are_a_note(tmp_path):
    """Strict parsers keep the last one silently."""
    path = tmp_path / "results.json"
    path.write_text('{"results": {"a": {"acc": 1, "acc": NaN}}, "config": {"model": "m"}}')

    read = Read(SOURCE, path)

    assert read.run.reported[0].value is None
    assert "same key twice" in read.finding("MBE216").problem


def test_a_line_above_the_limit_ends_the_file(tmp_path, monkeypatch):
    """A line without end must not fill the memory."""
    monkeypatch.setattr("mbe_docs.sources.lm_eval_lines.LINE_BYTES", 900)
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0), row(1, target="x" * 2000), row(2)])

    read = Read(SOURCE, path)

    assert [one.sample_id for one in read.observations] == ["0"]
    assert read.run.status == "partial"


def test_a_file_of_the_same_date_that_is_no_results_file_does_not_count(tmp_path):
    """Nor does a date that is missing."""
    path = shutil.copy(SAMPLES, tmp_path / SAMPLES.name)
    (tmp_path / f"notes_{STAMP}.json").write_text("{}")
    dateless = shutil.copy(SAMPLES, tmp_path / "samples.jsonl")

    assert claims(path)
    assert claims(dateless)


def test_examples_are_picked_by_a_seed(tmp_path):
    """With no example there is nothing to pick."""
    stated = results(config={"model_args": "model=x", "fewshot_seed": 7}, **{"n-shot": {"sums": 5}})

    run = Read(SOURCE, written(tmp_path / "results.json", stated)).run

    assert run.task_args == {"fewshot_seed": 7, "num_fewshot": 5}


@pytest.mark.parametrize("date", [1e300, -1e300, 0, None, "now"])
def test_a_date_that_is_none_is_unknown(tmp_path, date):
    """Not the epoch, not today."""
    run = Read(SOURCE, written(tmp_path / "results.json", results(date=date))).run

    assert run.started_at is None


@pytest.mark.parametrize(
    ("changes", "observations"),
    [
        ({"metrics": None}, 0),
        ({"doc": "a text"}, 1),
        ({"doc_hash": None}, 1),
        ({"arguments": {"gen_args_0": {"arg_0": ["a", "b"]}}}, 1),
        ({"metrics": ["exact_match", "exact_match"]}, 0),
        ({"resps": [["a", "b"]], "filtered_resps": [["a", "b"]], "exact_match": [[1], [0]]}, 0),
    ],
)
def test_rows_of_odd_shape(tmp_path, changes, observations):
    """Read where they say enough, lost with a finding where they do not."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(5), row(6, **changes)])

    read = Read(SOURCE, path, excerpts=True)

    assert len(read.observations) == 1 + observations
    assert observations or read.findings


def test_a_first_row_that_is_damaged_costs_only_itself(tmp_path):
    """The run's key then does without it."""
    path = written(tmp_path / "samples_sums_x.jsonl", [{"doc_id": 1, "doc_hash": 5}, row(1)])

    assert len(Read(SOURCE, path).observations) == 1


def test_an_empty_samples_file_beside_results_is_partial(tmp_path):
    """Planned, and not there."""
    read = Read(SOURCE, pair(tmp_path / "a", []))

    assert read.run.status == "partial"


def test_an_answer_that_is_not_utf_8_is_not_shown(tmp_path):
    """Its score counts all the same."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0, resps=[["ODD"]])])
    path.write_bytes(path.read_bytes().replace(b"ODD", b"\xff"))

    read = Read(SOURCE, path, excerpts=True)

    assert [one.value for one in read.observations] == [1.0]
    assert read.excerpts[0].output == "null"


def test_an_infinite_likelihood_in_an_answer_is_shown(tmp_path):
    """The harness writes `-Infinity`, which strict parsers refuse."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0, resps=[[[float("-inf"), False]]])])

    read = Read(SOURCE, path, excerpts=True)

    assert read.excerpts[0].output == '[[["-inf",false]]]'


def test_a_lone_surrogate_is_a_note(tmp_path):
    """The row counts."""
    path = written(tmp_path / "samples_sums_x.jsonl", [row(0), row(1, target="\ud800")])

    read = Read(SOURCE, path)

    assert len(read.observations) == 2
    assert read.finding("MBE216").at.line == 2


@BOUNDED
@given(document=altered(rows_of(SAMPLES)[:6]))
def test_altered_samples_never_crash(tmp_path, document):
    """Every value may be missing or of another type."""
    check(SOURCE, written(tmp_path / LONE.name, document), excerpts=True)


@BOUNDED
@given(document=altered(json.loads(RESULTS.read_bytes())))
def test_altered_results_never_crash(tmp_path, document):
    """Every value may be missing or of another type."""
    (tmp_path / SAMPLES.name).write_bytes(SAMPLES.read_bytes())

    check(SOURCE, written(tmp_path / RESULTS.name, document))


@BOUNDED
@given(data=torn(LONE.read_bytes()))
def test_torn_samples_never_crash(tmp_path, data):
    """Every byte may be missing or another."""
    path = tmp_path / LONE.name
    path.write_bytes(data)

    check(SOURCE, path, excerpts=True)


OWN = SHARED / "own" / "smollm2" / "lm-eval" / "q4_1" / f"results_{STAMP}.json"
PYTHIA = SHARED / "data" / "lm-eval" / "pythia-v1"


@pytest.mark.published
@pytest.mark.skipif(not OWN.exists(), reason="the data beside the project are not there")
def test_the_harness_s_own_means_are_reproduced():
    """lm_eval 0.4.13 itself states exact_match 0.15 ± 0.0572 for both filters of 40 documents."""
    read = Read(SOURCE, OWN)

    for name in ("exact_match,first", "exact_match,maj3"):
        values = [one.value for one in read.of(name)]
        stated = {one.metric: one.value for one in read.run.reported if one.scorer == name}
        mean = sum(values) / len(values)
        assert (len(values), mean) == (40, pytest.approx(0.15))
        assert stated["mean"] == pytest.approx(mean)
        error = (sum((value - mean) ** 2 for value in values) / 39 / 40) ** 0.5
        assert stated["stderr"] == pytest.approx(error)
    assert read.finding("MBE225").problem.startswith("35 of 40 documents")


@pytest.mark.published
@pytest.mark.skipif(not PYTHIA.exists(), reason="the data beside the project are not there")
def test_published_checkpoints_are_reported_for_each_step():
    """EleutherAI/pythia, evals/pythia-v1: acc of lambada_openai as the files state it, and no observation."""
    found = {}
    for path in sorted(PYTHIA.glob("pythia-1*/*.json")):
        assert claims(path)
        read = Read(SOURCE, path)
        assert read.observations == []
        stated = json.loads(path.read_bytes())["results"]
        assert len(read.runs) == len(stated)
        run = next(run for run in read.runs if run.task == "lambada_openai")
        value = next(one.value for one in run.reported if (one.scorer, one.metric) == ("acc", "value"))
        assert value == stated["lambada_openai"]["acc"]
        found[run.model_requested] = value

    assert len(found) == len(list(PYTHIA.glob("pythia-1*/*.json")))
