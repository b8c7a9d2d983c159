"""What prose says about the data: claims (`[[rate: …]]`) and mentions (`[[quirk: …]]`), with places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mbe_docs.errors import Location
from mbe_docs.safe_yaml import Problem, closest, shorten

MentionKind = Literal["behavior", "quirk", "model"]
KINDS = ("rate", "behavior", "quirk", "model")
"""The words a double bracket may begin with."""

_BRACKETS = re.compile(r"\[\[([^\[\]]{0,300})\]\]")
_OPENED = re.compile(r"\[\[[ \t\n]{0,8}(?:rate|behavior|quirk|model)\b")
_WORD = re.compile(r"\s*([a-z]+)\s*:(.*)", re.DOTALL)
_KEYWORD = re.compile(r"\s*(rate|behavior|quirk|model)\b")
_RATE = re.compile(
    r"(?P<behavior>[^\s@=]+)\s*@\s*(?P<subject>[^\s@=]+)(?:\s+=\s*(?P<stated>[-+]?\d{1,12}(?:\.(?P<digits>\d{1,9}))?)\s*(?P<percent>%)?)?",
    re.ASCII,
)
_SLICE = re.compile(r"\s/\s+[^\s=]+\s*=")
_TICKS = re.compile(r"`+")
_CODE_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RATE_FORM = "`[[rate: BEHAVIOR @ SUBJECT]]` or `[[rate: BEHAVIOR @ SUBJECT = 20 %]]`"


@dataclass(frozen=True, slots=True)
class Claim:
    """A number in prose that the data must support: the rate of a behavior on a subject."""

    behavior: str
    subject: str
    """A snapshot, a variant or an alias."""
    stated: float | None
    """The number that the text states, percent as a share; `None` where the data fills it in."""
    digits: int
    """Decimals as written, for comparing as precisely as the text states."""
    is_percent: bool
    text: str
    """The claim as written, brackets included."""
    at: Location
    start: int
    """Offset in the body; `end` is behind the last bracket."""
    end: int
    slice: tuple[str, str] | None = None
    """Reserved for claims about one slice."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A link in prose to another entry, by id."""

    kind: MentionKind
    id: str
    text: str
    at: Location
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prose:
    """Everything in double brackets of one body, in reading order."""

    claims: tuple[Claim, ...]
    mentions: tuple[Mention, ...]
    problems: tuple[Problem, ...]
    """Malformed ones; kind is *claim*."""


def find_claims(body: str, origin: Location) -> tuple[Claim, ...]:
    """The claims of a body that begins at `origin`; malformed ones are left to `read_prose`."""
    return read_prose(body, origin).claims


def find_mentions(body: str, origin: Location) -> tuple[Mention, ...]:
    """The mentions of a body that begins at `origin`."""
    return read_prose(body, origin).mentions


def read_prose(body: str, origin: Location) -> Prose:
    """Claims, mentions and malformed brackets of a body that begins at `origin`; code is left alone."""
    shown = without_code(body)
    found: list[Claim | Mention | Problem] = []
    taken: set[int] = set()
    for match in _BRACKETS.finditer(shown):
        taken.add(match.start())
        one = _bracket(match, place_in(body, match.start(), origin))
        if one is not None:
            found.append(one)
    for match in _OPENED.finditer(shown):
        if match.start() not in taken:
            problem = f"'{shorten(shown[match.start() : match.start() + 40], 30)}' has no end; expected `]]`"
            place = place_in(body, match.start(), origin)
            found.append(Problem("claim", problem, place, "close it with `]]`, or write it as code"))
    return Prose(
        tuple(one for one in found if isinstance(one, Claim)),
        tuple(one for one in found if isinstance(one, Mention)),
        tuple(one for one in found if isinstance(one, Problem)),
    )


def place_in(body: str, offset: int, origin: Location) -> Location:
    """The place of an offset in a body that begins at `origin`."""
    line = body.count("\n", 0, offset)
    before = 0 if line else (origin.column or 1) - 1
    return Location(
        origin.path, (origin.line or 1) + line, before + offset - (body.rfind("\n", 0, offset) + 1) + 1
    )


def without_code(body: str) -> str:
    """The body with code fences and code spans blanked, so that offsets stay."""
    out: list[str] = []
    fence = ""
    paragraph: list[str] = []
    for line in body.splitlines(keepends=True):
        match = _CODE_FENCE.match(line)
        if fence:
            if match and match.group(1).startswith(fence) and not line.strip(" \n" + fence[0]):
                fence = ""
            out.append(_blank(line))
        elif match and (match.group(1)[0] == "~" or "`" not in line[match.end() :]):
            out.extend((_without_spans("".join(paragraph)), _blank(line)))
            paragraph, fence = [], match.group(1)
        else:
            paragraph.append(line)
            if not line.strip():
                out.append(_without_spans("".join(paragraph)))
                paragraph = []
    return "".join((*out, _without_spans("".join(paragraph))))


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _without_spans(paragraph: str) -> str:
    """A paragraph with its code spans blanked: a run of backticks up to the next run as long."""
    runs = [(match.start(), match.end()) for match in _TICKS.finditer(paragraph)]
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(runs[index][1] - runs[index][0], []).append(index)
    out: list[str] = []
    done = index = 0
    while index < len(runs):
        start, end = runs[index]
        same = later[end - start]
        while same and same[-1] <= index:
            same.pop()
        if same:
            close = runs[same[-1]][1]
            out.extend((paragraph[done:start], _blank(paragraph[start:close])))
            done, index = close, same[-1] + 1
        else:
            index += 1
    return "".join((*out, paragraph[done:]))


def _bracket(match: re.Match[str], at: Location) -> Claim | Mention | Problem | None:
    """What one pair of double brackets says; `None` where it is not ours."""
    text, inner = match.group(), match.group(1)
    word = _WORD.fullmatch(inner)
    if word is None:
        return _without_colon(text, inner, at)
    kind, rest = word.group(1), word.group(2).strip()
    if kind == "rate":
        return _claim(rest, match, at)
    if kind in ("behavior", "quirk", "model"):
        if rest and not re.search(r"\s", rest):
            return Mention(kind, rest, text, at, match.start(), match.end())  # type: ignore[arg-type]
        problem = f"'{shorten(text)}' names no entry; expected one id"
        return Problem("claim", problem, at, f"write `[[{kind}: id]]`")
    if (near := closest(kind, KINDS)) is None:
        return None
    problem = f"'{shorten(text)}' begins with '{kind}'; expected one of: {', '.join(KINDS)}"
    return Problem("claim", problem, at, f"write `[[{near}: …]]`")


def _without_colon(text: str, inner: str, at: Location) -> Problem | None:
    keyword = _KEYWORD.match(inner)
    if keyword is None:
        return None
    fix = f"write `[[{keyword.group(1)}: …]]`"
    return Problem("claim", f"'{shorten(text)}' has no colon after '{keyword.group(1)}'", at, fix)


def _claim(rest: str, match: re.Match[str], at: Location) -> Claim | Problem:
    text = match.group()
    if _SLICE.search(rest):
        problem = f"'{shorten(text)}' asks for a slice; a claim is about all samples"
        return Problem("claim", problem, at, "remove the part from `/` on")
    parts = _RATE.fullmatch(rest)
    if parts is None:
        problem = f"'{shorten(text)}' cannot be read; expected {_RATE_FORM}"
        return Problem("claim", problem, at, "write the behavior, `@`, the model, and at most `= NUMBER`")
    stated = float(parts["stated"]) if parts["stated"] else None
    is_percent = bool(parts["percent"])
    return Claim(
        parts["behavior"],
        parts["subject"],
        stated / 100 if stated is not None and is_percent else stated,
        len(parts["digits"] or ""),
        is_percent,
        text,
        at,
        match.start(),
        match.end(),
    )


def each_mention(prose: Prose) -> Iterator[tuple[MentionKind, str, Location]]:
    """Every entry that a body names, in claims and mentions: kind, id, place."""
    for claim in prose.claims:
        yield "behavior", claim.behavior, claim.at
        yield "model", claim.subject, claim.at
    for mention in prose.mentions:
        yield mention.kind, mention.id, mention.at
