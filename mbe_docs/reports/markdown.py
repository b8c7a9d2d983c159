"""A diff as a comment on a pull request: the verdict in one line, the tables folded, nothing that acts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mbe_docs.records.estimates import Comparison
from mbe_docs.registry import wording
from mbe_docs.registry.diff import Diff
from mbe_docs.registry.gate import flaky_words, to_decide
from mbe_docs.stats import CHANGES
from mbe_docs.text import inert, page_slug

MARKER: Final = "<!-- mbe-docs diff {old}..{new} -->"
"""First line of a comment: by it a bot finds its own comment and updates it in place."""
LONGEST: Final = 65_000
"""GitHub refuses comments above 65,536 characters."""
_CELL: Final = 400
"""Characters of one text in a table; the other formats have all of it."""


class _Markdown:
    name = "markdown"

    def render(self, diff: Diff) -> str:
        """GitHub-flavoured Markdown of at most 65,000 characters; cut at a row, and says so."""
        lines = [
            MARKER.format(old=page_slug(diff.old), new=page_slug(diff.new)),
            f"**{_name(diff.old_title)} → {_name(diff.new_title)}**: {diff.headline(_name)}",
        ]
        room = LONGEST - sum(map(len, lines)) - 200
        for title, head, rows in _tables(diff):
            table, room = _table(title, head, rows, room)
            lines.extend(table)
        return "\n".join(lines) + "\n"


REPORT = _Markdown()

_Row = tuple[str, ...]


def _tables(diff: Diff) -> Iterator[tuple[str, _Row, list[_Row]]]:
    """Title, head and rows of each table, the most important first; none is empty."""
    rows = diff.comparisons
    noun = "slice" if any(row.slice for row in rows) else "behavior"
    counting = [(f.code, _code(f.problem)) for f in diff.findings if f.severity == "error"]
    undecided = [(_code(diff.title(row)), inert(more)) for row in rows if (more := to_decide(row))]
    accepted = [
        (f.code, _code(f.problem), _code(f.accepted)) for f in diff.findings if f.accepted is not None
    ]
    moved = [
        (
            _code(diff.title(row)),
            _code(flip.id),
            inert(wording.score_text(flip.old, flip.old_attempts, row.unit)),
            inert(wording.score_text(flip.new, flip.new_attempts, row.unit)),
        )
        for row in rows
        if row.verdict in CHANGES
        for flip in row.flipped_samples
    ]
    flaky = [
        (_code(diff.title(row)), _code(words.removeprefix("flaky: ")))
        for row in rows
        if (words := flaky_words(row, 20))
    ]
    found: tuple[tuple[str, _Row, list[_Row]], ...] = (
        (wording.counted(len(counting), "finding"), ("code", "finding"), [*counting]),
        (
            wording.counted(len(rows), noun),
            (noun, "verdict", "old", "new", "difference"),
            [_row(row, diff) for row in rows],
        ),
        ("Slices", ("slice", "verdict", "old", "new", "difference"), list(_slices(diff))),
        ("What would decide", (noun, "needed"), [*undecided]),
        ("Accepted", ("code", "finding", "accepted"), [*accepted]),
        ("Samples that moved most", (noun, "sample", "old", "new"), [*moved]),
        ("Flaky samples", (noun, "samples"), [*flaky]),
        ("Notes", ("note",), [(_code(note),) for note in diff.notes]),
    )
    yield from (table for table in found if table[2])


def _table(title: str, head: _Row, rows: list[_Row], room: int) -> tuple[list[str], int]:
    """A folded table of as many rows as there is room for, and the room left."""
    lines = [
        "",
        f"<details><summary>{inert(title)}</summary>",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    end = ["", "</details>"]
    room -= sum(len(line) + 1 for line in (*lines, *end)) + 60
    shown: list[str] = []
    for row in rows:
        line = f"| {' | '.join(row)} |"
        if len(line) + 1 > room:
            break
        room -= len(line) + 1
        shown.append(line)
    left = len(rows) - len(shown)
    cut = ["", f"Cut here: {wording.counted(left, 'row')} left out."] if left else []
    return [*lines, *shown, *cut, *end], room


def _row(row: Comparison, diff: Diff) -> _Row:
    word = f"{wording.VERDICT_SHAPE[row.verdict]} {wording.VERDICT_WORD[row.verdict]}"
    flip = " ⇅ slices moved in opposite directions" if row.hidden_flip else ""
    change = ""
    if row.difference is not None:
        ends = wording.signed_interval_text(row.difference, row.unit)
        change = inert(f"{wording.difference_text(row.difference, row.unit)} {ends}")
    why = [_code(reason) for reason in (*row.refused_because, *row.notes)]
    return (
        _code(diff.title(row)),
        inert(word + flip),
        _rate(row, is_new=False),
        _rate(row, is_new=True),
        " ".join(filter(None, (change, *why))),
    )


def _rate(row: Comparison, *, is_new: bool) -> str:
    rate = row.new_rate if is_new else row.old_rate
    if rate is None:
        return "not measured"
    n = (row.n_new, row.attempts_new) if is_new else (row.n_old, row.attempts_old)
    value, ends = wording.value_text(rate, row.unit), wording.interval_text(rate, row.unit)
    return inert(f"{value} {ends}, {wording.n_text(*n)}")


def _slices(diff: Diff) -> Iterable[_Row]:
    for row in diff.comparisons:
        for part in row.slices:
            if part.verdict in ("unchanged", "inconclusive") and not row.hidden_flip:
                continue
            ends = wording.signed_interval_text(part.difference, row.unit)
            yield (
                _code(f"{diff.title(row)} [{part.key}={part.value}]"),
                inert(f"{wording.VERDICT_SHAPE[part.verdict]} {wording.VERDICT_WORD[part.verdict]}"),
                inert(wording.value_text(part.old, row.unit)),
                inert(wording.value_text(part.new, row.unit)),
                inert(f"{wording.difference_text(part.difference, row.unit)} {ends}"),
            )


def _name(text: str) -> str:
    """A name in running text, short: three of each verdict must fit."""
    return _code(text, 120)


def _code(text: str, limit: int = _CELL) -> str:
    """Text that is not ours, as code: GitHub looks for mentions, issues and commits everywhere else.

    Entities alone do not help: they are text again when GitHub looks.
    """
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return f"<code>{inert(cut.replace(chr(10), ' '))}</code>"
