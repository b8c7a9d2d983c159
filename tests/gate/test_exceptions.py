"""`behaviors/exceptions.yaml`: every mistake with its place, no name that could move."""

from __future__ import annotations

import pytest

from mbe_docs.errors import CuratedError
from mbe_docs.registry.exceptions import load_exceptions

GOOD = """\
- behavior: adds
  old: atlas-1
  new: atlas-2
  verdict: regressed
  reason: a calculator does it
  expires: 2026-12-31
- behavior: adds
  new: atlas-2
  verdict: regressed
  slice: kind=hard
  reason: nobody asks
  expires: 2026-12-31
"""


def load(root, text):
    folder = root / "behaviors"
    folder.mkdir(exist_ok=True)
    (folder / "exceptions.yaml").write_text(text, encoding="utf-8")
    return load_exceptions(root, behaviors={"adds"}, subjects={"atlas-1", "atlas-2"})


def test_without_a_file_there_are_none(tmp_path):
    """Most projects accept nothing."""
    assert load_exceptions(tmp_path, behaviors=(), subjects=()) == ()


@pytest.mark.parametrize("text", ["", "# later\n"])
def test_an_empty_file_has_none(tmp_path, text):
    """The last exception was removed, the file was not."""
    assert load(tmp_path, text) == ()


def test_entries_are_read_in_order_with_their_line(tmp_path):
    """A finding about an exception opens at it."""
    found = load(tmp_path, GOOD)

    assert [(one.rule.slice, one.at.line) for one in found] == [(None, 1), ("kind=hard", 7)]


@pytest.mark.parametrize(
    ("old", "new", "place", "said", "fix"),
    [
        (
            "behavior: adds\n  old",
            "behavior: add\n  old",
            "1:13",
            "behavior is 'add'; expected a behavior",
            "write `behavior: adds`",
        ),
        (
            "old: atlas-1",
            "old: atlas-latest",
            "2:8",
            "old is 'atlas-latest'; expected a snapshot or variant",
            "expected one of: atlas-1, atlas-2",
        ),
        (
            "verdict: regressed\n  reason",
            "verdict: worse\n  reason",
            "4:12",
            "verdict is 'worse'; expected one of: regressed, hidden-flip",
            "write one of",
        ),
        (
            "expires: 2026-12-31\n-",
            "expires: soon\n-",
            "6:12",
            "expires is 'soon'; expected a date like 2026-01-31",
            "write a date",
        ),
        (
            "reason: a calculator does it",
            "reason:",
            "5:3",
            "reason is empty; expected text",
            "write `reason:`",
        ),
        (
            "reason: a calculator does it",
            'reason: " "',
            "5:11",
            "reason is empty; expected a sentence",
            "write why",
        ),
        (
            "slice: kind=hard",
            "slice: hard",
            "10:10",
            "slice is 'hard'; expected a key and a value",
            "slice: op=add",
        ),
        ("  expires: 2026-12-31\n-", "-", "1:3", "expires is missing; expected a date", "write `expires:`"),
        ("old: atlas-1", "odl: atlas-1", "2:3", "unknown key 'odl'; it is not read", "write `old:`"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path, old, new, place, said, fix):
    """Line, what was expected, what to write."""
    assert old in GOOD

    with pytest.raises(CuratedError) as raised:
        load(tmp_path, GOOD.replace(old, new))

    assert f"behaviors/exceptions.yaml:{place}" == str(raised.value.at)
    assert said in raised.value.problem
    assert fix in (raised.value.fix or "")


def test_all_mistakes_are_said_at_once(tmp_path):
    """Three mistakes are one run of the command."""
    text = GOOD.replace("behavior: adds", "behavior: add").replace("slice: kind=hard", "slice: hard")

    with pytest.raises(CuratedError) as raised:
        load(tmp_path, text)

    assert [line.split(": ")[0] for line in raised.value.problem.splitlines()[1:]] == [
        "behaviors/exceptions.yaml:7:13",
        "behaviors/exceptions.yaml:10:10",
    ]


def test_the_same_exception_twice_is_a_mistake(tmp_path):
    """Two last days for one thing say nothing."""
    once = GOOD.partition("- behavior: adds\n  new")[0]

    with pytest.raises(CuratedError, match="the same exception is in line 1 already"):
        load(tmp_path, once + once)


def test_a_mapping_is_no_list(tmp_path):
    """One exception without its hyphen."""
    with pytest.raises(CuratedError, match="the file holds a mapping; expected a list"):
        load(tmp_path, "behavior: adds\n")


def test_broken_yaml_is_said(tmp_path):
    """With the parser's own place."""
    with pytest.raises(CuratedError) as raised:
        load(tmp_path, GOOD + "- [")

    assert "not readable as YAML" in raised.value.problem


def test_a_link_out_of_the_project_is_not_read(tmp_path):
    """A pull request must not show what else is on the machine."""
    (tmp_path / "secret.yaml").write_text(GOOD)
    root = tmp_path / "project"
    (root / "behaviors").mkdir(parents=True)
    (root / "behaviors" / "exceptions.yaml").symlink_to(tmp_path / "secret.yaml")

    with pytest.raises(CuratedError, match="a link to a file outside of the project"):
        load_exceptions(root, behaviors={"adds"}, subjects={"atlas-1", "atlas-2"})
