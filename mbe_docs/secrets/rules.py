"""The rules: those of gitleaks as data, and our own for what its rules leave out."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

_FILES: Final = ("gitleaks.toml", "own.toml")
"""Beside this module. Of two rules that find the same text, the first names it."""
_ENDS_IN_CODE: Final = r"""(?:[\x60'"\s;]|\\[nr]|$)"""
"""How most gitleaks patterns end: rules for source code, where a quote or a line end follows a key."""
_ENDS_IN_PROSE: Final = r"(?:[^\w-]|$)"
"""What is put there: in a sentence a key is followed by a full stop, a comma or a bracket."""
_GENERIC: Final = "generic-api-key"
"""Finds whatever is called a key and looks like one. Its pattern stays; other rules name a find better."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """What looks like a secret and is none: an allow-list of gitleaks."""

    regexes: tuple[Any, ...]
    stopwords: tuple[str, ...]
    of: str
    """`secret`, or `match`: the secret with what is around it in the pattern; `line`: its whole line."""

    def covers(self, texts: Mapping[str, str]) -> bool:
        """Whether a find, given as `secret`, `match` and `line`, is none."""
        secret = texts["secret"].lower()
        return any(word in secret for word in self.stopwords) or any(
            regex.search(texts[self.of]) for regex in self.regexes
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret."""

    id: str
    keywords: tuple[str, ...]
    """Lower case; where none of them is in a text, the pattern need not be tried."""
    pattern: str
    group: int
    """Which group of the pattern is the secret; 0: the first that took part, or all of it."""
    entropy: float
    """Bits a character above which a find is believed."""
    exemptions: tuple[Exemption, ...]

    def span(self, match: Any) -> tuple[int, int]:
        """Where the secret is in a match of the pattern."""
        groups = (self.group,) if self.group else range(1, (match.re.groups or 0) + 1)
        for group in groups:
            if match.group(group):
                return match.span(group)  # type: ignore[no-any-return]
        return match.span()  # type: ignore[no-any-return]

    def believes(self, texts: Mapping[str, str]) -> bool:
        """Whether a find is a secret after all."""
        if self.entropy and entropy(texts["secret"]) <= self.entropy:
            return False
        return not any(exemption.covers(texts) for exemption in self.exemptions)


def entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def compiled(pattern: str) -> Any:
    """A pattern of RE2: the rules are written for it, and it takes linear time whatever the text is."""
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, the ones that know best what they found first."""
    found: list[Rule] = []
    for name in _FILES:
        data = tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
        common = (_exemption(data["allowlist"]),)
        found += [_rule(rule, common) for rule in data["rules"] if "regex" in rule and _is_of_text(rule)]
    return tuple(sorted(found, key=lambda rule: rule.id == _GENERIC))


def _is_of_text(data: Mapping[str, Any]) -> bool:
    """Whether a rule or an allow-list is about any text: some are about files of a certain name only."""
    return "path" not in data and "paths" not in data


def _rule(data: Mapping[str, Any], common: tuple[Exemption, ...]) -> Rule:
    ends = _ENDS_IN_CODE if data["id"] == _GENERIC else _ENDS_IN_PROSE
    return Rule(
        id=data["id"],
        keywords=tuple(keyword.lower() for keyword in data["keywords"]),
        pattern=data["regex"].replace(_ENDS_IN_CODE, ends),
        group=data.get("secretGroup", 0),
        entropy=data.get("entropy", 0.0),
        exemptions=common + tuple(map(_exemption, filter(_is_of_text, data.get("allowlists", ())))),
    )


def _exemption(data: Mapping[str, Any]) -> Exemption:
    patterns: Sequence[str] = data.get("regexes", ())
    return Exemption(
        regexes=tuple(compiled(pattern) for pattern in patterns),
        stopwords=tuple(word.lower() for word in data.get("stopwords", ())),
        of=data.get("regexTarget", "secret"),
    )
