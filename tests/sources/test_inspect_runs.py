"""What an Inspect log says about its run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from mbe_docs.errors import SourceError
from mbe_docs.plugins import discover
from mbe_docs.records.hashing import content_hash, text_hash
from mbe_docs.sources.inspect_ai import SOURCE
from mbe_docs.sources.interface import LogFile, Settings
from tests.sources.build_logs import MODEL, Read, encoded, eval_log, header, json_log, sample

FIXTURES = Path(__file__).parent.parent / "fixtures" / "logs"
FAILED = {"scores": None, "output": None, "error": {"message": "Connection reset"}}


def run_of(tmp_path, samples=None, **changes):
    """The run of a log with these changes to its header."""
    status = changes.pop("status", "success")
    samples = [sample(1), sample(2)] if samples is None else samples
    return Read(eval_log(tmp_path / "a.eval", samples, head=header(status, **changes))).run


@pytest.mark.parametrize("path", sorted(filter(Path.is_file, FIXTURES.iterdir())), ids=lambda path: path.name)
def test_every_kept_log_is_claimed_by_exactly_one_source(path):
    """Detection looks at the name and the first 4 KiB."""
    log = LogFile(path, path.name)

    claiming = [
        name for name, source in discover("sources", "SOURCE").items() if source.claims(path, log.head())
    ]

    assert claiming == ["inspect_ai"]


@pytest.mark.parametrize(
    ("name", "status", "values", "codes"),
    [
        ("success-zstd.eval", "success", [1.0, 0.0], []),
        ("success-deflate.eval", "success", [1.0, 0.0], []),
        ("success.json", "success", [1.0, 0.0], []),
        ("killed.eval", "partial", [1.0], []),
        ("cancelled.eval", "cancelled", [1.0], []),
        ("unscored-nan.eval", "success", [None, 1.0], []),
        ("all-errored.eval", "error", [None, None], ["MBE215"]),
        ("edited.eval", "success", [1.0, 1.0], ["MBE213"]),
        ("truncated.eval", "partial", [1.0, 0.0], ["MBE212", "MBE210"]),
    ],
)
def test_the_kept_logs_read_as_what_they_are(name, status, values, codes):
    """One log per way in which a run ends."""
    read = Read(FIXTURES / name)

    assert (status, values, codes) == (read.run.status, [o.value for o in read.observations], codes)


@pytest.mark.parametrize(
    ("status", "samples", "expected", "reason"),
    [
        ("success", [sample()], "success", None),
        ("cancelled", [sample()], "cancelled", None),
        ("error", [sample()], "error", "Out of memory"),
        ("started", [sample()], "partial", "the run was killed or is still running"),
        ("paused", [sample()], "partial", "unknown status 'paused'"),
        ("success", [], "partial", "the log says success, but its samples are not in the log"),
        (
            "success",
            [{"id": [], "epoch": 1}],
            "partial",
            "the log says success, but its samples are unreadable",
        ),
        (
            "success",
            [sample(invalidation={"author": "me"})],
            "partial",
            "the log says success, but its samples are invalidated",
        ),
        (
            "success",
            [sample(1, **FAILED), sample(2, **FAILED)],
            "error",
            "the log says success, but all 2 samples ended in an error",
        ),
        ("success", [sample(1, **FAILED), sample(2)], "success", None),
    ],
)
def test_only_a_finished_run_with_answers_is_a_success(tmp_path, status, samples, expected, reason):
    """Zero samples are never a success, and neither is a run in which everything failed."""
    error = {"message": "Out of memory\nTraceback: …"} if status == "error" else None
    run = run_of(tmp_path, samples, status=status, error=error)

    assert (expected, reason) == (run.status, run.status_reason)


def test_a_run_without_header_is_partial(tmp_path):
    """A killed run has only what was written when it began."""
    run = Read(eval_log(tmp_path / "a.eval", [sample()], head=header(None))).run

    assert (run.status, run.task, run.model_requested) == ("partial", "arithmetic", MODEL)


def test_the_facts_of_a_run(tmp_path):
    """Field by field, as the log states them."""
    run = run_of(
        tmp_path,
        eval={
            "task_version": 3,
            "revision": {"type": "git", "commit": "abc123"},
            "tags": ["b"],
            "metadata": {"team": "evals", "nested": {"a": 1}},
            "task_args": {"system": None, "n": 5, "options": {"b": 2, "a": 1}, "long": "x" * 300},
            "model_args": {"device": "cpu", "api_key": "sk-1"},
            "config": {"epochs": 3},
        },
        tags=["a", ""],
        metadata={"edited": True},
    )

    assert run.run_key == "inspect:EvalId1"
    assert (run.source_format, run.log_uri, run.run_id) == ("inspect", "a.eval", "RunId1")
    assert (run.task_version, run.dataset, run.dataset_revision) == ("3", "sums", None)
    assert (run.harness, run.harness_version, run.git_commit) == ("inspect_ai", "0.3.285", "abc123")
    assert (run.started_at, run.finished_at) == ("2026-11-01T10:00:01+00:00", "2026-11-01T10:01:00+00:00")
    assert (run.tags, run.epochs) == (("a", "b"), 3)
    assert run.metadata == {"team": "evals", "edited": True, "model_args.device": "cpu"}
    assert {
        "system": None,
        "n": 5,
        "options": '{"a":1,"b":2}',
        "long": "#" + text_hash("x" * 300)[:16],
    } == run.task_args


@pytest.mark.parametrize(
    ("version", "expected"), [(0, None), ("0", None), ("", None), (2, "2"), ("1-A", "1-A")]
)
def test_task_version_zero_means_not_versioned(tmp_path, version, expected):
    """0 is Inspect's default: unknown, so never equal."""
    assert expected == run_of(tmp_path, eval={"task_version": version}).task_version


@pytest.mark.parametrize(
    ("dataset", "config", "results", "expected"),
    [
        ({"samples": 100, "sample_ids": [1, 2, 3]}, {"limit": 3}, None, 3),
        ({"samples": 100}, {"limit": 10}, None, 10),
        ({"samples": 5}, {"limit": 10}, None, 5),
        ({"samples": 100}, {"limit": [5, 20]}, None, 15),
        ({"samples": 100}, {}, None, 100),
        ({}, {"epochs": 2}, {"total_samples": 8}, 4),
        ({"samples": 1, "sample_ids": [1]}, {}, {"total_samples": 80}, 80),
        ({}, {}, None, None),
    ],
)
def test_planned_samples_are_those_the_run_set_out_to_do(tmp_path, dataset, config, results, expected):
    """Ids, else limit, else dataset; never fewer than the results count."""
    assert (
        expected
        == run_of(tmp_path, eval={"dataset": dataset, "config": config}, results=results).samples_planned
    )


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"steps": [{"solver": "generate", "params": {}}]}, "generate"),
        (
            {
                "steps": [
                    {
                        "solver": "generate",
                        "params": {"tool_calls": "loop", "kwargs": {}},
                        "params_passed": {},
                    }
                ]
            },
            "generate",
        ),
        (
            {
                "steps": [
                    {"solver": "multiple_choice", "params": {"cot": True, "b": 1}},
                    {"solver": "generate"},
                ]
            },
            "multiple_choice(b=1, cot=true) | generate",
        ),
        (
            {
                "steps": [
                    {"solver": "system_message", "params": {"template": "Be brief"}},
                    {"solver": "generate"},
                ]
            },
            "generate",
        ),
        ({"steps": [{"solver": "system_message", "params": {"template": "Be brief"}}]}, None),
        ({"steps": [{"solver": "generate"}], "finish": {"solver": "verify"}}, "generate | verify"),
        (
            {"steps": [{"solver": "ask", "params": {"t": "x" * 300}}]},
            f"ask(t=#{text_hash(json.dumps('x' * 300))[:16]})",
        ),
        ({}, None),
    ],
)
def test_the_solver_is_its_steps_and_what_was_passed_to_them(tmp_path, plan, expected):
    """Defaults that a harness version adds are not another solver; system prompts have a slot of their own."""
    assert expected == run_of(tmp_path, plan=plan).solver


def test_the_solver_of_a_log_without_steps_is_the_one_named(tmp_path):
    """Agents are named in the header."""
    run = run_of(tmp_path, plan={}, eval={"solver": "claude_code", "solver_args": {"turns": 5}})

    assert run.solver == "claude_code(turns=5)"


def test_generation_parameters_are_the_plans_over_the_models(tmp_path):
    """What cannot change an answer is left out, and so is what is not set."""
    run = run_of(
        tmp_path,
        eval={"model_generate_config": {"temperature": 0.5, "seed": 1, "max_connections": 9}},
        plan={"config": {"temperature": 0.0, "top_p": None, "stop_seqs": ["a"], "system_message": "Hi"}},
    )

    assert run.generation_params == {"temperature": 0.0, "seed": 1, "stop_seqs": '["a"]'}


@pytest.mark.parametrize(
    ("changes", "one", "expected"),
    [
        (
            {"plan": {"steps": [{"solver": "system_message", "params": {"template": "Be brief"}}]}},
            {},
            (True, text_hash("Be brief")),
        ),
        ({"plan": {"steps": [{"solver": "system_message", "params": {}}]}}, {}, (True, None)),
        ({"plan": {"config": {"system_message": "Be kind"}}}, {}, (True, text_hash("Be kind"))),
        (
            {"eval": {"model_generate_config": {"system_message": "Be kind"}}},
            {},
            (True, text_hash("Be kind")),
        ),
        ({}, {"input": [{"role": "system", "content": "In input"}]}, (True, text_hash("In input"))),
        (
            {},
            {"messages": [{"role": "system", "content": [{"type": "text", "text": "S"}]}]},
            (True, text_hash("S")),
        ),
        ({}, {"messages": [{"role": "user", "content": "Hi"}]}, (False, None)),
        ({}, {"messages": []}, (None, None)),
        ({}, {"messages": 5}, (None, None)),
    ],
)
def test_the_system_prompt_is_found_where_it_is(tmp_path, changes, one, expected):
    """In the plan, in the generation settings, in the inputs or in the first conversation."""
    run = run_of(tmp_path, [sample(1, **one)], **changes)

    assert expected == (run.has_system_prompt, run.system_prompt_hash)


def test_system_prompts_that_differ_by_sample_are_part_of_the_inputs(tmp_path):
    """Input hashes cover them; the run's hash says that there are such."""
    samples = [sample(i, input=[{"role": "system", "content": f"You are {i}"}]) for i in (1, 2)]

    assert text_hash("in sample inputs") == run_of(tmp_path, samples).system_prompt_hash


@pytest.mark.parametrize(
    ("scorer", "roles", "judge"),
    [
        ({"name": "match", "options": {}}, {"grader": {"model": "openai/judge"}}, None),
        ({"name": "model_graded_qa", "options": {}}, {"grader": {"model": "openai/judge"}}, "openai/judge"),
        ({"name": "model_graded_qa", "options": {}}, {"grader": "openai/judge"}, "openai/judge"),
        ({"name": "own", "options": {"model_role": "critic"}}, {"critic": {"model": "c"}}, "c"),
        ({"name": "model_graded_qa", "options": {"model": "own/judge"}}, {}, "own/judge"),
        ({"name": "model_graded_qa", "options": {"model": ["a", "b"]}}, {}, "a,b"),
        ({"name": "own", "options": {"judge": {"model": "x"}}}, {}, "x"),
        ({"name": "pkg/model_graded_fact", "options": {}}, None, MODEL),
        ({"name": "own", "options": {}}, None, None),
    ],
)
def test_the_judge_of_a_scorer_is_named(tmp_path, scorer, roles, judge):
    """Another judge is another ruler. Model-graded scorers without one ask the evaluated model itself."""
    (spec,) = run_of(tmp_path, eval={"scorers": [scorer], "model_roles": roles}).scorers

    assert judge == spec.judge_model


def test_scorer_parameters_are_hashed(tmp_path):
    """Known to be empty is not unknown."""
    scorers = [
        {"name": "match", "options": {"numeric": True}},
        {"name": "exact", "options": {}},
        {"name": "odd"},
    ]
    run = run_of(tmp_path, eval={"scorers": [*scorers, {"name": "match", "options": {}}, {}]})

    assert [("match", content_hash({"numeric": True})), ("exact", content_hash({})), ("odd", None)] == [
        (one.name, one.parameters_hash) for one in run.scorers
    ]


def test_settings_of_the_judge_count_as_parameters(tmp_path):
    """A grader at another temperature is another ruler."""
    scorers = [{"name": "model_graded_qa", "options": {}}]
    hashes = {
        run_of(
            tmp_path,
            eval={
                "scorers": scorers,
                "model_roles": {"grader": {"model": "j", "config": {"temperature": t}}},
            },
        )
        .scorers[0]
        .parameters_hash
        for t in (0, 1)
    }

    assert len(hashes) == 2


def test_old_logs_name_scorers_in_their_results(tmp_path):
    """`eval.scorers` came later."""
    scores = [{"name": "match", "scorer": "match", "params": {"numeric": True}, "metrics": {}}]
    (spec,) = run_of(tmp_path, eval={"scorers": None}, results={"scores": scores}).scorers

    assert ("match", content_hash({"numeric": True})) == (spec.name, spec.parameters_hash)


def test_reported_metrics_are_kept_as_they_stand(tmp_path):
    """Reducers and dict-valued metrics are told apart; NaN is unknown."""
    results = {
        "total_samples": 2,
        "scores": [
            {
                "name": "match",
                "scorer": "match",
                "reducer": "mode",
                "scored_samples": 2,
                "metrics": {
                    "accuracy": {"value": 0.5},
                    "stderr": {"value": math.nan},
                    "odd": 3,
                    "bad": "x",
                    "big": 10**400,
                },
            },
            {
                "name": "a",
                "scorer": "graded",
                "reducer": "mean",
                "metrics": {"ci": {"value": {"lower": 0, "upper": 1}}},
            },
        ],
    }
    run = run_of(tmp_path, results=results)

    assert [(one.scorer, one.metric, one.value, one.n_samples) for one in run.reported] == [
        ("match", "mode/accuracy", 0.5, 2),
        ("match", "mode/stderr", None, 2),
        ("match", "mode/odd", 3.0, 2),
        ("match", "mode/bad", None, 2),
        ("match", "mode/big", None, 2),
        ("graded/a", "ci.lower", 0.0, None),
        ("graded/a", "ci.upper", 1.0, None),
    ]


@pytest.mark.parametrize(
    ("ids", "same"),
    [
        ({"eval_id": "", "run_id": "R", "task_id": "T"}, True),
        ({"eval_id": None, "run_id": "...", "task_id": "..."}, False),
    ],
)
def test_logs_from_before_eval_ids_have_a_stable_key(tmp_path, ids, same):
    """From run, task and time; ids that somebody blacked out are none, so the file itself is the key."""
    keys = {run_of(tmp_path, [sample(value=value)], eval=ids).run_key for value in "CI"}

    assert (1 if same else 2) == len(keys)
    assert all(key.startswith("inspect:") for key in keys)


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 2, "status": "success", "eval": {"eval_id": "a", "task": "t"',
        '{\n "eval": {"run_id": "a", "task": "t"',
        '\ufeff{"error": null, "eval": {"created": "2026", "task": "t"',
    ],
)
def test_a_json_log_is_claimed_by_its_first_keys(text):
    """With or without a version, and in any order of scalar keys before `eval`."""
    assert SOURCE.claims(Path("a.json"), text.encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("promptfoo.json", '{"evalId": "eval-1", "results": {"version": 3, "results": []}}'),
        ("lm-eval.json", '{"results": {"t": {}}, "configs": {}, "versions": {}, "task_hashes": {}}'),
        (
            "every-eval-ever.json",
            '{"schema_version": "0.3.0", "evaluation_id": "a", "model_info": {"id": "m"}}',
        ),
        ("quoting.json", '{"note": "{\\"eval\\": {\\"run_id\\": 1, \\"task\\": 2", "x": [1]}'),
        ("other-eval.json", '{"eval": {"name": "x"}}'),
        ("log.jsonl", '{"eval": {"run_id": "a", "task": "t"}}'),
        ("log.txt", '{"eval": {"run_id": "a", "task": "t"}}'),
    ],
)
def test_json_of_other_harnesses_is_not_claimed(name, text):
    """A wrong claim would keep the right source from reading the file."""
    assert not SOURCE.claims(Path(name), text.encode())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<html>login</html>", "not a zip archive, or cut off; it begins with '<html>login</html>'"),
        (b"", "not a zip archive"),
        (b'{"eval": {"task": "t"}}', "its header does not state eval.model"),
        (b'{"eval": 5}', "its header does not state eval.task and eval.model"),
        (b'{"eval": ', "not JSON"),
        (b"{}", "does not state"),
        (b'{"a": "\xff"', "not UTF-8 at byte 7"),
    ],
)
def test_what_is_no_log_is_refused_with_the_reason(tmp_path, data, problem):
    """The message says what the file is instead."""
    path = tmp_path / "a.eval"
    path.write_bytes(data)

    with pytest.raises(SourceError, match="not an Inspect log") as caught:
        Read(path)

    assert problem in str(caught.value)
    assert caught.value.fix


def test_a_json_log_above_the_limit_is_refused(tmp_path):
    """One document is held in memory; the fix names the format that is not."""
    path = json_log(tmp_path / "a.json", [sample()])
    limits = Settings().limits

    with pytest.raises(SourceError, match="above the limit of 100 bytes") as caught:
        Read(path, Settings(limits=type(limits)(member_bytes=100)))

    assert "inspect log convert" in str(caught.value)


def test_nan_anywhere_in_a_json_log_is_read(tmp_path):
    """Python writes NaN, strict parsers refuse it: the whole document is read again."""
    read = Read(
        json_log(
            tmp_path / "a.json",
            [sample(1, value=math.nan), sample(2), 5],
            head=header(results={"x": math.nan}),
        )
    )

    assert read.pairs() == [("1", None), ("2", 1.0)]
    assert read.codes == ["MBE210"]


def test_lone_surrogates_become_replacement_characters(tmp_path):
    """They are no text and would stop whoever writes them; what was done is said."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(1, target="\ud800", metadata={"\udfff": "a\ud800"})]))

    assert content_hash("What is 1 + 1?", None, "\ufffd") == read.observations[0].input_hash
    assert read.observations[0].metadata == {"\ufffd": "a\ufffd"}
    assert read.codes == ["MBE216"]


def test_a_key_given_twice_is_said_where_it_is_seen(tmp_path):
    """The last one counts, in every JSON reader; the tolerant path can tell."""
    data = encoded(header() | {"samples": [sample(1, value=math.nan)]}).replace(
        b'"epoch"', b'"id": 7, "epoch"'
    )
    path = tmp_path / "a.json"
    path.write_bytes(data)
    read = Read(path)

    assert read.pairs() == [("7", None)]
    assert "MBE216" in read.codes


def test_samples_that_are_no_list_are_not_samples(tmp_path):
    """The header still says what was run."""
    path = tmp_path / "a.json"
    path.write_bytes(encoded(header() | {"samples": {"1": sample()}}))

    assert Read(path).run.status == "partial"


def test_a_log_without_samples_reports_and_measures_nothing(tmp_path):
    """`log_samples=False` leaves the aggregates: reported, not measured."""
    results = {
        "total_samples": 2,
        "scores": [{"name": "match", "scorer": "match", "metrics": {"accuracy": {"value": 1}}}],
    }
    read = Read(json_log(tmp_path / "a.json", None, head=header(results=results)))

    assert (read.observations, read.run.status, read.run.reported[0].value) == ([], "partial", 1.0)


def test_a_log_is_refused_before_anything_of_it_is_given(tmp_path):
    """A reader that raises later would leave half a run behind."""
    path = tmp_path / "a.eval"
    path.write_bytes(b"nothing")

    with pytest.raises(SourceError):
        next(iter(SOURCE.read(LogFile(path, "a.eval"), Settings())))


def test_many_like_findings_become_one(tmp_path):
    """A million damaged samples are not a million lines; the count is exact."""
    read = Read(json_log(tmp_path / "a.json", [sample(i, value="?") for i in range(1, 51)]))

    assert read.codes.count("MBE211") == 21
    assert read.findings[-1].problem.startswith("30 more like the 20 above")
