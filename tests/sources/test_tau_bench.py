"""tau-bench trajectories: rewards by task and trial, and what is no reward."""

import json
from pathlib import Path

import pytest

from mbe_docs.errors import SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.interface import Limits, LogFile, Settings
from mbe_docs.sources.tau_bench import SOURCE, named_of
from mbe_docs.stats.repeat import pass_hat_k

FIXTURE = (
    Path(__file__).parents[1]
    / "fixtures/logs/tau_bench/tool-calling-acme_atlas-1-0.0_range_0-2_user-gpt-4o-llm_0115103000.json"
)
PUBLISHED = (
    Path(__file__).parents[3]
    / "shared"
    / "data"
    / "tau-bench"
    / "historical_trajectories"
    / "gpt-4o-airline.json"
)


def read(path, settings=Settings()):  # noqa: B008
    """Everything that is read."""
    return list(SOURCE.read(LogFile(path, path.name), settings))


def of(items, kind):
    """The items of one kind."""
    return [item for item in items if isinstance(item, kind)]


@pytest.fixture
def entries():
    """The trajectories of the fixture."""
    return json.loads(FIXTURE.read_text())


@pytest.fixture
def read_entries(tmp_path):
    """A function that writes trajectories to a file and reads it."""

    def write(entries, name=FIXTURE.name):
        path = tmp_path / name
        path.write_text(json.dumps(entries))
        return read(path)

    return write


def test_the_reward_is_the_value_and_the_trial_the_epoch():
    """Trials count from 0, epochs from 1."""
    found = [(one.sample_id, one.epoch, one.value, one.scorer) for one in of(read(FIXTURE), Observation)]

    assert found == [
        ("0", 1, 1.0, "reward"),
        ("1", 1, 0.0, "reward"),
        ("0", 2, 1.0, "reward"),
        ("1", 2, 1.0, "reward"),
        ("0", 3, 0.0, "reward"),
        ("1", 3, None, "reward"),
    ]


def test_an_exception_is_no_reward_of_zero():
    """The runner writes 0.0 where it caught an exception."""
    failed = of(read(FIXTURE), Observation)[-1]

    assert (failed.value, failed.outcome) == (None, "infra_error")


def test_a_traceback_without_its_message_is_no_reward_of_zero(entries, read_entries):
    """Whatever was lost of the error, the runner wrote a reward of 0 that nobody measured."""
    entries[-1]["info"]["error"] = None

    last = of(read_entries(entries), Observation)[-1]

    assert (last.value, last.outcome) == (None, "infra_error")


def test_a_failed_trial_is_of_the_same_sample_as_the_others():
    """It states no task; another trial does."""
    hashes = {one.input_hash for one in of(read(FIXTURE), Observation) if one.sample_id == "1"}

    assert len(hashes) == 1


def test_the_file_name_says_what_was_run():
    """Model, strategy, temperature, and who played the user; the policy says which environment."""
    (run,) = of(read(FIXTURE), Run)

    assert (
        run.task,
        run.model_requested,
        run.solver,
    ) == ("tau_bench_airline", "acme_atlas-1", "tool-calling")
    assert run.generation_params == {"temperature": 0.0}
    assert tuple(run.task_args[key] for key in ("user_model", "user_strategy", "end_index")) == (
        "gpt-4o",
        "llm",
        2,
    )
    assert (run.epochs, run.samples_planned, run.has_system_prompt) == (3, 2, True)


@pytest.mark.parametrize(
    ("stem", "model", "environment"),
    [
        ("gpt-4o-airline", "gpt-4o", "airline"),
        ("sonnet-35-new-retail", "sonnet-35-new", "retail"),
        ("gpt-4o-retail-fc", "gpt-4o", "retail"),
        ("react-acme_x-1.0_range_0--1_user-claude-3-opus-react_verify_0101000000", "acme_x", None),
        ("results", None, None),
    ],
)
def test_names_of_files(stem, model, environment):
    """As the runner and as the published trajectories are named."""
    named = named_of(stem)

    assert (model, environment) == (named.model, named.environment)


def test_the_model_in_info_wins_over_the_file_name(entries, read_entries):
    """A field is a better source than a name."""
    for entry in entries:
        entry["info"]["model"] = "acme/atlas-1"
    (run,) = of(read_entries(entries), Run)

    assert run.model_requested == "acme/atlas-1"


def test_an_unknown_model_and_environment_are_said(entries, read_entries):
    """The file's name stands in, and a finding says so."""
    items = read_entries([entry | {"traj": []} for entry in entries], "results.json")
    (run,) = of(items, Run)

    assert (run.model_requested, run.task, run.has_system_prompt) == ("results", "tau_bench", None)
    assert [one.code for one in of(items, Finding)] == ["MBE243", "MBE243"]


def test_the_cost_of_the_simulated_user_is_not_the_models():
    """It is kept as metadata; what the model cost is unknown."""
    first = of(read(FIXTURE), Observation)[0]

    assert (first.cost_nusd, first.metadata["user_cost_usd"]) == (None, "0.0021")


def test_how_the_conversation_ended_is_metadata():
    """`transfer_to_human_agents` is an ending like any other, scored."""
    one = of(read(FIXTURE), Observation)[4]

    assert (one.metadata["ended_by"], one.outcome) == ("transfer_to_human_agents", "scored")


def test_a_trial_given_twice_counts_once(entries, read_entries):
    """The first counts, the second is a finding."""
    items = read_entries([*entries, entries[0] | {"reward": 0.0}])

    assert [one.value for one in of(items, Observation) if (one.sample_id, one.epoch) == ("0", 1)] == [1.0]
    assert [one.code for one in of(items, Finding)] == ["MBE213"]


def test_trials_that_are_not_stated_are_in_file_order(entries, read_entries):
    """Early files have no trial."""
    items = read_entries(
        [{key: value for key, value in entry.items() if key != "trial"} for entry in entries]
    )

    assert [one.epoch for one in of(items, Observation)] == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("reward", "codes"), [(None, []), ("high", ["MBE211"]), (True, ["MBE211"]), ([1], ["MBE211"])]
)
def test_an_unreadable_reward_is_unknown(entries, read_entries, reward, codes):
    """Never a zero."""
    items = read_entries([entries[0] | {"reward": reward}, *entries[1:]])
    first = of(items, Observation)[0]

    assert (first.value, first.outcome) == (None, "unscored")
    assert codes == [one.code for one in of(items, Finding)]


@pytest.mark.parametrize(
    "entry",
    [5, None, {"reward": 1.0}, {"task_id": 7, "trial": -1}, {"task_id": 7, "trial": "x"}, {"task_id": ""}],
)
def test_an_entry_that_is_no_trajectory_is_lost_alone(entries, read_entries, entry):
    """The rest of the file is read; the place is said."""
    items = read_entries([entry, *entries])

    assert len(of(items, Observation)) == 6
    assert [one.code for one in of(items, Finding)] == ["MBE210"]
    assert "entry [0]" in of(items, Finding)[0].problem


def test_nan_is_read_as_unknown(entries, tmp_path):
    """Python writes NaN; a strict parser refuses the whole file."""
    path = tmp_path / "gpt-4o-airline.json"
    path.write_text(json.dumps([entries[0] | {"reward": float("nan")}, entries[1]]))

    assert [one.value for one in of(read(path), Observation)] == [None, 0.0]


def test_a_run_of_nothing_but_errors_is_no_result(entries, read_entries):
    """The runner itself would print a pass^1 of 0."""
    items = read_entries([entry | {"info": {"error": "boom"}} for entry in entries])
    (run,) = of(items, Run)

    assert run.status == "error"
    assert [one.code for one in of(items, Finding)] == ["MBE215"]


def test_a_file_above_the_limit_is_refused():
    """One document is held in memory."""
    with pytest.raises(SourceError, match="above the limit"):
        read(FIXTURE, Settings(limits=Limits(member_bytes=100)))


def test_excerpts_show_the_conversation_without_the_policy():
    """Only where text is asked for; what is cut is said."""
    first = of(read(FIXTURE, Settings(excerpts=True, excerpt_chars=60)), Excerpt)[0]

    assert first.input.startswith("You are ann_0.")
    assert first.output.startswith("user: Cancel R0.\n\nassistant: cancel_reservation({})")
    assert "more characters]" in first.output
    assert "Policy" not in first.output
    assert of(read(FIXTURE), Excerpt) == []


@pytest.mark.parametrize(
    "traj", [[], [{"role": "user", "content": "Hi"}], [{"role": "system", "content": "Be brief."}]]
)
def test_the_environment_may_come_from_the_file_name(entries, read_entries, traj):
    """Where no policy says it."""
    (run,) = of(read_entries([entry | {"traj": traj} for entry in entries], "gpt-4o-retail.json"), Run)

    assert (run.task, run.model_requested) == ("tau_bench_retail", "gpt-4o")


@pytest.mark.published
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published trajectories are not beside the project")
@pytest.mark.parametrize(("k", "figure"), [(1, 0.420), (2, 0.273), (3, 0.220), (4, 0.200)])
def test_published_pass_hat_k_of_gpt_4o_on_airline(k, figure):
    """README leaderboard of tau-bench, tool calling, gpt-4o, airline: pass^1 to pass^4."""
    attempts, passed = {}, {}
    for one in of(read(PUBLISHED), Observation):
        attempts[one.sample_id] = attempts.get(one.sample_id, 0) + 1
        passed[one.sample_id] = passed.get(one.sample_id, 0) + one.value
    found = pass_hat_k(list(attempts.values()), list(passed.values()), k)

    assert (50, {4}) == (len(attempts), set(attempts.values()))
    assert figure == pytest.approx(float(found.value[0]), abs=0.0005)
