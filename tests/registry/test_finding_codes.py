"""One code, one meaning: who sees MBE235 can look it up."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"MBE\d{3}")


def given(tree: ast.AST) -> set[str]:
    """Codes that a module gives to a finding: all constants but those it only compares with or looks up.

    A report may ask whether a finding is an MBE302, or have a heading for each code in a mapping.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        mentions: list[ast.AST | None] = []
        match node:
            case ast.Compare() | ast.Set() | ast.Tuple():
                continue
            case ast.Dict():
                mentions = list(node.values)
            case _:
                mentions = list(ast.iter_child_nodes(node))
        for child in mentions:
            if (
                isinstance(child, ast.Constant)
                and isinstance(child.value, str)
                and CODE.fullmatch(child.value)
            ):
                found.add(child.value)
    return found


def uses() -> dict[str, dict[str, set[str]]]:
    """Code → package → modules that give it to a finding."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in sorted((ROOT / "mbe_docs").rglob("*.py")):
        module = path.relative_to(ROOT / "mbe_docs").as_posix()
        for code in given(ast.parse(path.read_text(encoding="utf-8"))):
            found[code][module.partition("/")[0]].add(module)
    return found


def clashes(found: dict[str, dict[str, set[str]]]) -> list[str]:
    """Codes that more than one package uses, with the modules."""
    return [
        f"{code}: " + "; ".join(", ".join(sorted(modules)) for _, modules in sorted(packages.items()))
        for code, packages in sorted(found.items())
        if len(packages) > 1
    ]


def test_a_code_belongs_to_one_package():
    """It may be raised in several places of it; another package takes another number."""
    found = uses()

    assert len(found) > 30
    assert not (clashing := clashes(found)), "\n".join(clashing)


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ({"registry": {"registry/a.py", "registry/b.py"}}, []),
        (
            {"registry": {"registry/a.py"}, "sources": {"sources/b.py"}},
            ["MBE999: registry/a.py; sources/b.py"],
        ),
    ],
)
def test_a_clash_is_two_packages_and_names_the_modules(packages, expected):
    """What the test above prints."""
    assert clashes({"MBE999": packages}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Finding("MBE999", "error")', {"MBE999"}),
        ('Finding(code="MBE999")', {"MBE999"}),
        ('code = "MBE999" if broken else "MBE998"', {"MBE999", "MBE998"}),
        ('code, text = {"late": "MBE999"}[word], ""', {"MBE999"}),
        ('finding.code == "MBE999"', set()),
        ('finding.code in ("MBE999", "MBE998")', set()),
        ('NAMES = {"MBE999": "Regressed"}', set()),
        ('"""See MBE999."""', set()),
    ],
)
def test_a_code_is_used_where_a_finding_gets_it(text, expected):
    """Comparing with a code or naming it in a report gives it no meaning."""
    assert given(ast.parse(text)) == expected


def test_every_code_is_in_the_reference():
    """`docs/reference/` says what to do about each code; hand-written notes' codes are listed by their checks."""
    written = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))

    assert [code for code in sorted(uses()) if code not in written] == []
