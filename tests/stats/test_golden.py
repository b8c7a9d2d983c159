"""The expected values kept beside the project, and the runner that checks any file like it."""

import json
from pathlib import Path

import pytest

from .run_golden import failures, main

GOLDEN = Path(__file__).parents[3] / "shared/golden/statistics.json"
CASES = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"] if GOLDEN.exists() else []


@pytest.mark.skipif(not GOLDEN.exists(), reason="the expected values are not beside this checkout")
def test_every_expected_value_is_met():
    """Each case is met within its own tolerance."""
    assert {case["id"]: found for case in CASES if (found := failures(case))} == {}


def case(**changes):
    """One passing case (Clopper-Pearson for 0 of 20: 1 - .025^(1/20)), with changes."""
    expected = {"theta": 0, "lo": 0, "hi": 1 - 0.025 ** (1 / 20)}
    given = {"id": "one", "fn": "rate_single", "input": {"k": 0, "n": 20, "conf": 0.95}}
    return given | {"tol": 1e-9, "expected": expected} | changes


def test_runner_counts_and_fails_when_a_case_fails(tmp_path, capsys):
    """A failing case is named with what was expected, the counts come last, and the exit code is 1."""
    file = tmp_path / "golden.json"
    file.write_text(json.dumps({"cases": [case(), case(id="two", expected={"theta": 0.5})]}))

    code = main(file)

    out = capsys.readouterr().out.splitlines()
    assert code == 1
    assert "two (rate_single): theta: expected 0.5, got" in out[0]
    assert out[-1] == "1 passed, 1 failed"


def test_runner_passes_a_file_without_failures(tmp_path, capsys):
    """Exit code 0 and nothing but the count."""
    file = tmp_path / "golden.json"
    file.write_text(json.dumps({"cases": [case()]}))

    assert main(file) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fn": "astrology"}, "unknown fn 'astrology'; expected one of rate_single, "),
        ({"input": {}}, "raised KeyError: 'k'"),
        ({"expected": {"horoscope": 1}}, "horoscope: not computed"),
        ({"expected": {"theta": None}}, "theta: expected None, got"),
        ({"expected": {"theta": "0"}}, "theta: expected '0', got"),
        ({"fn": "fdr", "input": {"p": [1, 1]}, "expected": {"bh": [1]}}, "bh: expected 1 items, got 2"),
    ],
)
def test_runner_says_why_a_case_failed(changes, message):
    """Whatever is wrong with a case is a failed case with a reason, never a crash."""
    (found,) = failures(case(**changes))

    assert found.lstrip(".").startswith(message)
