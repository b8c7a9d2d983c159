"""What holds for HELM, Every Eval Ever, BFCL, tau-bench and IFEval alike: one claimant a file."""

import math
from pathlib import Path

import pytest

from mbe_docs.errors import SourceError
from mbe_docs.plugins import discover
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.interface import LogFile, Settings

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
UUID = "5f0c6a54-0000-4000-8000-00000000000"
CLAIMED = {
    "helm/runs/v1/sums-level=easy,model=acme_atlas-1/per_instance_stats.json": "helm",
    "tau_bench/tool-calling-acme_atlas-1-0.0_range_0-2_user-gpt-4o-llm_0115103000.json": "tau_bench",
    "ifeval/es_input_response_data_acme-atlas-1/eval_results_strict.jsonl": "ifeval",
    "ifeval/es_input_response_data_acme-atlas-1/eval_results_loose.jsonl": "ifeval",
    "bfcl/2025-12-16/result/acme_atlas-1-FC/non_live/BFCL_v4_simple_python_result.json": "bfcl",
    "bfcl/2025-12-16/result/acme_atlas-1-FC/multi_turn/BFCL_v4_multi_turn_base_result.json": "bfcl",
    "bfcl/2025-12-16/result/acme_atlas-1/format_sensitivity/BFCL_v4_format_sensitivity_result.json": "bfcl",
    "bfcl/2024-08-11/result/acme_atlas-0/gorilla_openfunctions_v1_test_simple_result.json": "bfcl",
    f"every_eval_ever/data/sums/acme/atlas-1/{UUID}1.json": "every_eval_ever",
    f"every_eval_ever/data/board/acme/atlas-1/{UUID}2.json": "every_eval_ever",
    f"every_eval_ever/data/inspect/acme/atlas-1/{UUID}3.json": "every_eval_ever",
    "every_eval_ever/alone/rows.jsonl": "every_eval_ever",
}
FORMATS = ("helm", "every_eval_ever", "bfcl", "tau_bench", "ifeval")
SOURCES = discover("sources", "SOURCE")


def claimants(path: Path) -> list[str]:
    """Names of all formats that claim a file."""
    head = LogFile(path, path.name).head()
    return [name for name, source in SOURCES.items() if source.claims(path, head)]


def all_fixtures() -> list[str]:
    """The files of these five formats."""
    return sorted(
        path.relative_to(LOGS).as_posix()
        for name in FORMATS
        for path in (LOGS / name).rglob("*")
        if path.is_file()
    )


@pytest.mark.parametrize("name", all_fixtures())
def test_each_file_has_one_claimant_or_belongs_to_one_that_has(name):
    """Files that are read through another are ignored by every format."""
    expected = [CLAIMED[name]] if name in CLAIMED else []

    assert expected == claimants(LOGS / name)


def test_every_claimed_fixture_is_there():
    """A renamed fixture would pass the test above in silence."""
    assert set() == set(CLAIMED) - set(all_fixtures())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("zeroeval.json", '[{"session_id": "a", "chat_history": [], "output": ["1"], "id": "x"}]'),
        ("tasks.json", '[{"task_id": 1, "instruction": "no reward"}]'),
        ("stats.json", '[{"name": {"name": "exact_match"}, "count": 1}]'),
        ("run_spec.json", '{"name": "mmlu", "adapter_spec": {"model": "m"}}'),
        ("my_score.json", '{"accuracy": 1.0}'),
        ("input_data.jsonl", '{"key": 1, "prompt": "p", "instruction_id_list": ["a"], "kwargs": [{}]}'),
        ("collection.json", '{"schema_version": "1", "name": "no evaluation id"}'),
    ],
)
def test_look_alikes_are_not_claimed(tmp_path, name, text):
    """Other harnesses' files, and those beside a run."""
    path = tmp_path / name
    path.write_text(text)

    assert set() == set(claimants(path)) & set(FORMATS)


def checked(items: list) -> None:
    """What the evidence store relies on."""
    runs = {item.run_key for item in items if isinstance(item, Run)}
    observations = [item for item in items if isinstance(item, Observation)]
    keys = [(one.run_key, one.sample_id, one.epoch, one.scorer) for one in observations]
    assert runs
    assert {one.run_key for one in observations} <= runs
    assert len(keys) == len(set(keys))
    for one in observations:
        assert one.value is None or (isinstance(one.value, float) and math.isfinite(one.value))
        assert one.value is None or one.outcome in ("scored", "refused", "limited")
        assert one.outcome != "scored" or one.value is not None
        assert one.epoch >= 1
        assert one.sample_id
        numbers = (one.tokens_in, one.tokens_in_cached, one.tokens_out, one.tokens_reasoning, one.latency_us)
        assert all(number is None or 0 <= number < 2**63 for number in numbers)
        assert all(isinstance(text, str) for pair in one.metadata.items() for text in pair)
        "".join((*map(str, one[:5]), *one.metadata.values(), one.label or "", one.stop_reason or "")).encode()
    for item in items:
        if isinstance(item, Run):
            item.model_dump_json().encode()
            assert item.samples_planned is None or item.samples_planned < 2**63
        elif isinstance(item, Finding):
            str(item).encode()
        elif isinstance(item, Excerpt):
            "".join(map(str, item)).encode()


@pytest.mark.parametrize("name", sorted(CLAIMED))
def test_every_fixture_is_read_the_same_twice(name):
    """Nothing depends on a clock or on the order of a set."""
    source, log = SOURCES[CLAIMED[name]], LogFile(LOGS / name, name)
    first, second = (list(source.read(log, Settings(excerpts=True))) for _ in range(2))

    checked(first)
    assert first == second


@pytest.mark.parametrize("name", sorted(CLAIMED))
@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01", b"[]", b"{}", b"[1, null, {}]", b"\xff\xfe{\x00", b"<html>", b"[" * 9000]
)
def test_what_is_no_log_is_refused_with_a_place_and_a_fix(tmp_path, name, data):
    """An empty or foreign file is never a run with nothing in it."""
    path = tmp_path / Path(name).name
    path.write_bytes(data)

    with pytest.raises(SourceError) as caught:
        list(SOURCES[CLAIMED[name]].read(LogFile(path, path.name), Settings()))

    assert caught.value.at is not None
    assert caught.value.fix
