"""Which source claims which file: exactly one, or nobody, and never two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mbe_docs.plugins import discover
from tests.sources.lm_eval_read import LOGS

FORMATS = {
    "lm_eval": "lm-eval",
    "promptfoo": "promptfoo",
    "junit": "junit",
    "openai_evals": "openai-evals",
    "deepeval": "deepeval",
}
READ_WITH_ANOTHER = {"lm_eval/q4_1/samples_smol_add_2026-11-23T16-56-28.900820.jsonl"}
"""Samples files whose results file claims them too."""
FILES = sorted(path.relative_to(LOGS).as_posix() for path in LOGS.rglob("*") if path.is_file())


def claimants(path: Path) -> list[str]:
    """Names of all sources that claim a file."""
    head = path.read_bytes()[:4096]
    return [source.name for source in discover("sources", "SOURCE").values() if source.claims(path, head)]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_claimed_once(name):
    """Two claims would be a guess, none would lose a log."""
    found = claimants(LOGS / name)

    expected = FORMATS.get(name.split("/")[0])
    if name in READ_WITH_ANOTHER:
        assert found == []
    elif expected:
        assert found == [expected]
    else:
        assert len(found) <= 1


@pytest.mark.parametrize("name", [name for name in FILES if name.split("/")[0] in FORMATS])
def test_a_byte_order_mark_changes_nothing(tmp_path, name):
    """Editors on Windows add one when a log is opened and saved."""
    head = b"\xef\xbb\xbf" + (LOGS / name).read_bytes()[:4093]
    path = tmp_path / Path(name).name

    found = [source.name for source in discover("sources", "SOURCE").values() if source.claims(path, head)]

    assert found == [FORMATS[name.split("/")[0]]]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.json", b"{}"),
        ("a.json", b'{"results": []}'),
        ("a.json", b'{"results": {"a": {"b": {"c": 1}}}}'),
        ("a.json", b'{"testCases": {}}'),
        ("a.json", b'[{"results": {"a": {"acc": 1}}}]'),
        ("a.xml", b"<promptfoo/>"),
        ("a.xml", b"<html>testsuite</html>"),
        ("a.txt", b"<testsuite/>"),
        ("results.txt", b'{"results": {"a": {"acc": 1}}}'),
    ],
)
def test_other_files_are_nobody_s(tmp_path, name, head):
    """A folder of logs holds other things too."""
    path = tmp_path / name

    found = [source.name for source in discover("sources", "SOURCE").values() if source.claims(path, head)]

    assert found == []


def test_a_json_lines_export_beside_its_json_is_not_read_again(tmp_path):
    """`-o a.json -o a.jsonl` writes one eval twice."""
    lines = tmp_path / "export.jsonl"
    lines.write_bytes((LOGS / "promptfoo" / "lines.jsonl").read_bytes())
    assert claimants(lines) == ["promptfoo"]

    (tmp_path / "export.json").write_bytes((LOGS / "promptfoo" / "export.json").read_bytes())

    assert claimants(lines) == []


LONG = "x" * 9000


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"doc_id": 0, "doc": {"text": LONG}, "target": "a", "doc_hash": "b"}, "lm-eval"),
        (
            {
                "provider": {"id": "a"},
                "prompt": {"raw": "b", "label": "c"},
                "vars": {},
                "response": {"output": LONG},
                "promptIdx": 0,
                "testIdx": 0,
            },
            "promptfoo",
        ),
        ({"spec": {"completion_fns": ["a"], "eval_name": "b", "run_config": LONG}}, "openai-evals"),
    ],
)
def test_a_first_line_longer_than_the_head_is_claimed_once(tmp_path, row, expected):
    """What tells the format may lie behind a long document or answer."""
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(row) + "\n")

    assert claimants(path) == [expected]
