"""What in a text is a secret, and the text with a mark in its place."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

from mbe_docs.secrets.rules import Rule, compiled, rules


@dataclass(frozen=True, slots=True)
class SecretPolicy:
    """What becomes of secrets; whatever it says, none is ever kept that is not allowed by its hash."""

    allow: frozenset[str] = frozenset()
    """SHA-256, in lower-case hex, of texts that look like a secret and are none."""
    strict: bool = False
    """Whether a log with a secret is refused, in place of being kept with marks in it."""


class Secret(NamedTuple):
    """One secret in a text."""

    rule: str
    start: int
    end: int
    """As slices of the text."""
    sha256: str
    """Of the secret, UTF-8: what an allow-list names it by."""


class Detector:
    """Finds secrets in text. Linear time, whatever the text is; knows nothing of what it saw before."""

    def __init__(self, allow: frozenset[str] = frozenset()) -> None:
        self._allow = allow

    def find(self, text: str) -> tuple[Secret, ...]:
        """The secrets in a text, in its order; none overlaps another."""
        data = text.encode("utf-8", "surrogatepass")
        spans = sorted(
            (start, -end, rank, rule)
            for rank, rule in _candidates(data)
            for start, end in _spans(rule, data)
            if _sha256(data[start:end]) not in self._allow
        )
        found: list[tuple[int, int, int]] = []
        for start, minus_end, rank, _ in spans:
            if found and start < found[-1][1]:
                before = found.pop()
                found.append((before[0], max(before[1], -minus_end), min(before[2], rank)))
            else:
                found.append((start, -minus_end, rank))
        return tuple(_secrets(data, found))

    def suspects(self, texts: Sequence[str]) -> Iterator[int]:
        """Which of many texts may hold a secret, in order; of the others none does.

        They are looked at together: a call for each of a million short texts would cost more than the search.
        """
        batch: list[bytes] = []
        size, first = 0, 0
        for index, text in enumerate(texts):
            batch.append(text.encode("utf-8", "surrogatepass"))
            size += len(batch[-1])
            if size >= _BATCH_BYTES or index == len(texts) - 1:
                yield from (first + one for one in _suspects(batch))
                batch, size, first = [], 0, index + 1

    def mask(self, text: str) -> str:
        """The text with `[masked: RULE]` for each secret in it; the very same text where there is none."""
        return masked(text, self.find(text))


def masked(text: str, secrets: tuple[Secret, ...], numbers: dict[str, int] | None = None) -> str:
    """A text with marks for the secrets that were found in it; `numbers` tells different ones apart."""
    parts, done = [], 0
    for secret in secrets:
        number = "" if numbers is None else f" {numbers.setdefault(secret.sha256, len(numbers) + 1)}"
        parts += [text[done : secret.start], f"[masked: {secret.rule}{number}]"]
        done = secret.end
    return "".join([*parts, text[done:]]) if secrets else text


def _secrets(data: bytes, spans: list[tuple[int, int, int]]) -> Iterator[Secret]:
    """Offsets of bytes as offsets of characters, counted on from the last one."""
    chars, done = 0, 0
    for start, end, rank in spans:
        begin = chars + _length(data[done:start])
        chars, done = begin + _length(data[start:end]), end
        yield Secret(rules()[rank].id, begin, chars, _sha256(data[start:end]))


def _length(data: bytes) -> int:
    return len(data.decode("utf-8", "surrogatepass"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_BATCH_BYTES = 2**20
_BETWEEN = b"\n\x00\n"


def _suspects(texts: list[bytes]) -> list[int]:
    """Texts that a match touches where all stand below each other; one across a border touches both sides."""
    begins = [0, *accumulate(len(text) + len(_BETWEEN) for text in texts)]
    data = _BETWEEN.join(texts)
    found: set[int] = set()
    for _, rule in _candidates(data):
        for match in _pattern(f"(?m){rule.pattern}").finditer(data):
            start, end = match.span()
            found.update(range(bisect_right(begins, start) - 1, bisect_left(begins, end)))
    return sorted(found)


def keywords() -> str:
    """A pattern, for use without regard to case, of which every text with a secret has a match."""
    return "|".join(compiled_keyword(word) for word in _words())


def compiled_keyword(word: str) -> str:
    """A keyword as a pattern that means nothing else."""
    return "".join(f"\\x{ord(char):02x}" if not char.isalnum() else char for char in word)


@cache
def _words() -> tuple[str, ...]:
    return tuple(sorted({word for rule in rules() for word in rule.keywords}))


@cache
def _word_set() -> Any:
    import re2

    words = re2.Set.SearchSet()
    for word in _words():
        words.Add(f"(?i){compiled_keyword(word)}")
    words.Compile()
    return words


@cache
def _ranks() -> dict[str, tuple[int, ...]]:
    """Which rules a keyword calls for, by their place in the list."""
    return {
        word: tuple(rank for rank, rule in enumerate(rules()) if word in rule.keywords) for word in _words()
    }


@cache
def _pattern(pattern: str) -> Any:
    return compiled(pattern)


def _candidates(data: bytes) -> Iterator[tuple[int, Rule]]:
    words = _words()
    called = {rank for index in _word_set().Match(data) or () for rank in _ranks()[words[index]]}
    return ((rank, rules()[rank]) for rank in sorted(called))


def _spans(rule: Rule, data: bytes) -> Iterator[tuple[int, int]]:
    for match in _pattern(rule.pattern).finditer(data):
        start, end = rule.span(match)
        texts = {"secret": data[start:end], "match": match.group(), "line": _line(data, *match.span())}
        if rule.believes({key: value.decode("utf-8", "replace") for key, value in texts.items()}):
            yield start, end


LINE_BYTES = 4096
"""How much of a line around a find an allow-list is shown."""


def _line(data: bytes, start: int, end: int) -> bytes:
    """The line or lines that a match lies on, cut where they are long."""
    begin = data.rfind(b"\n", max(0, start - LINE_BYTES), start) + 1 or max(0, start - LINE_BYTES)
    stop = data.find(b"\n", end, end + LINE_BYTES)
    return data[begin : stop if stop >= 0 else end + LINE_BYTES]
