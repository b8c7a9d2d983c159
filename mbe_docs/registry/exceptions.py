"""Exceptions: what a person accepted for a while, with a reason and a last day."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from mbe_docs.curated.convert import convert
from mbe_docs.curated.files import read_text
from mbe_docs.errors import CuratedError, Location
from mbe_docs.records.base import Record
from mbe_docs.safe_yaml import List, Problem, Text, closest, quote, read

Acceptable = Literal[
    "regressed", "hidden-flip", "inconclusive", "refused", "improved", "increased", "decreased"
]


class ExceptionRule(Record):
    """One entry of `behaviors/exceptions.yaml`."""

    behavior: str
    old: str | None = None
    """The model compared with; without it any."""
    new: str
    verdict: Acceptable
    """What is accepted; anything else that the same behavior shows is not."""
    reason: Annotated[str, StringConstraints(max_length=500)]
    expires: datetime.date
    """The last day on which it holds."""
    slice: str | None = None
    """`key=value`; without it the behavior as a whole."""


@dataclass(frozen=True, slots=True)
class Exempt:
    """An exception and its place."""

    rule: ExceptionRule
    at: Location

    @property
    def words(self) -> str:
        """Reason and last day, as reports print them."""
        return f"until {self.rule.expires}: {self.rule.reason}"


def load_exceptions(
    root: Path, *, behaviors: Collection[str], subjects: Collection[str]
) -> tuple[Exempt, ...]:
    """The exceptions of a project, in file order; none where there is no file.

    Raises:
        CuratedError: the file cannot be read, or has mistakes: all of them, each with its place.
    """
    path = root / "behaviors" / "exceptions.yaml"
    if not (path.exists() or path.is_symlink()):
        return ()
    text, trouble = read_text(path, root)
    if trouble:
        raise _error([trouble])
    name = path.relative_to(root).as_posix()
    node, found = read(text, name)
    problems = list(found)
    if node is None or (isinstance(node, Text) and node.is_empty):
        if problems:
            raise _error(problems)
        return ()
    if not isinstance(node, List):
        fix = "write `- behavior: …` and the other keys below it"
        raise _error([Problem("value", f"the file holds {quote(node)}; expected a list", node.at, fix)])
    exempt: list[Exempt] = []
    for item in node.items:
        done = convert(item, ExceptionRule)
        problems.extend(done.problems)
        if done.record is not None:
            places = dict(done.places)
            for key, wrong, fix in _mistakes(done.record, behaviors, subjects):
                problems.append(Problem("value", wrong, places.get((key,), item.at), fix))
            own = _key(done.record)
            if (first := next((one for one in exempt if _key(one.rule) == own), None)) is not None:
                twice = f"the same exception is in line {first.at.line} already"
                problems.append(Problem("duplicate", twice, item.at, "keep one of the two"))
            exempt.append(Exempt(done.record, item.at))
    if problems:
        raise _error(problems)
    return tuple(exempt)


def _key(rule: ExceptionRule) -> tuple[str | None, ...]:
    return (rule.behavior, rule.old, rule.new, rule.verdict, rule.slice)


def _mistakes(
    rule: ExceptionRule, behaviors: Collection[str], subjects: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    """(Key, what is wrong, fix) for each name that is no id: an alias would move, and take the exception."""
    for key, value, known, noun in (
        ("behavior", rule.behavior, behaviors, "behavior"),
        ("old", rule.old, subjects, "snapshot or variant"),
        ("new", rule.new, subjects, "snapshot or variant"),
    ):
        if value is not None and value not in known:
            near = closest(value, known)
            fix = f"write `{key}: {near}`" if near else f"expected one of: {', '.join(sorted(known))}"
            yield key, f"{key} is '{value}'; expected a {noun}", fix
    if rule.slice is not None and not all(rule.slice.partition("=")):
        yield "slice", f"slice is '{rule.slice}'; expected a key and a value", "write it like `slice: op=add`"
    if not rule.reason.strip():
        yield "reason", "reason is empty; expected a sentence", "write why it is accepted"


def _error(problems: list[Problem]) -> CuratedError:
    """One error for all problems: the first in its place, each other on a line with its own."""
    first, *others = sorted(problems, key=lambda problem: (problem.at.line or 0, problem.at.column or 0))
    text = "\n".join((first.text, *(f"{other.at}: {other.text}" for other in others)))
    fix = "; ".join(dict.fromkeys((first.fix, *(other.fix for other in others))))
    return CuratedError(text, at=first.at, fix=fix)
