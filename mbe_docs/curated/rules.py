"""The rule of a quirk: `rate < 0.90` or `flake > 0.10`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, assert_never

from mbe_docs.errors import CuratedError

Operator = Literal["<", "<=", ">", ">="]
Quantity = Literal["rate", "flake"]
_RULE = re.compile(r"(rate|flake)\s*(<=|<|>=|>)\s*(-?\d{1,12}(?:\.\d{1,12})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a snapshot counts as affected."""

    quantity: Quantity
    """`rate`: the behavior's value. `flake`: the probability that two attempts at a sample differ."""
    op: Operator
    threshold: float

    def holds(self, value: float) -> bool:
        """Whether the rule says *affected* of this value."""
        match self.op:
            case "<":
                return value < self.threshold
            case "<=":
                return value <= self.threshold
            case ">":
                return value > self.threshold
            case ">=":
                return value >= self.threshold
            case _:
                assert_never(self.op)

    def __str__(self) -> str:
        return f"{self.quantity} {self.op} {self.threshold:g}"


def parse_rule(text: str) -> Rule:
    """The rule that `affected_when` states: `rate` or `flake`, one of `<  <=  >  >=`, a number.

    Raises:
        CuratedError: the text is something else; without a place, which the caller knows.
    """
    match = _RULE.fullmatch(text.strip())
    if match is None:
        raise CuratedError(
            f"'{text}' is no rule; expected `rate` or `flake`, one of < <= > >=, and a number",
            fix='write it like `affected_when: "rate < 0.90"`',
        )
    return Rule(match.group(1), match.group(2), float(match.group(3)))  # type: ignore[arg-type]
