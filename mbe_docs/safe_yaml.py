"""YAML as text with places: what expands, runs or hides is refused.

Only parser *events* are used: loading them into objects is where YAML crashes, expands or guesses types.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

import yaml

from mbe_docs.errors import CuratedError, Location

MAX_BYTES = 256 * 1024
"""Size of one YAML text in UTF-8."""
MAX_DEPTH = 40
"""Lists and mappings inside each other."""
MAX_REPEATS = 20
"""Problems of one kind listed for one text: a damaged file is not a thousand lines of report."""

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of a text to a value."""

_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = "\u200c\u200d"
_SYNTAX_FIXES = (
    ("mapping values are not allowed", "put the value in quotes (it contains `: `), or mend the indentation"),
    ("'\\t'", "indent with spaces, not tabs"),
    ("cannot start any token", "put the value in quotes"),
    ("end of stream", "close the quote"),
    ("expected <block end>", "indent the keys of one level alike"),
    ("could not find expected ':'", "write `key: value`; a text of several lines starts with `key: |`"),
    ("expected ',' or", "close the bracket, and put a comma between items"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a hand-written file."""

    kind: str
    """Decides which check reports it; here syntax, unsafe, invisible or duplicate."""
    text: str
    at: Location
    fix: str


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as written: `4.10` stays `4.10`, `no` stays `no`."""

    text: str
    is_plain: bool
    """Without quotes and not a block, so that `null` and numbers may mean themselves."""
    at: Location

    @property
    def is_empty(self) -> bool:
        """Nothing, `~` or `null`: the same as leaving the key out."""
        return self.is_plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class List:
    """A sequence."""

    items: tuple[Node, ...]
    at: Location


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its place, and its value."""

    key: str
    at: Location
    value: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping with unique text keys, in written order."""

    entries: tuple[Entry, ...]
    at: Location


Node: TypeAlias = Text | List | Map


def invisible_in(text: str) -> Iterator[tuple[int, str]]:
    """Offset and name of each control, bidirectional or invisible character, but tab and line feeds.

    Joiners between two visible characters outside ASCII (Persian words, composed emoji) are allowed.
    """
    for match in _INVISIBLE.finditer(text):
        at, char = match.start(), match.group()
        around = text[at - 1 : at] + text[at + 1 : at + 2] if at else ""
        if (
            char in _JOINERS
            and len(around) == 2
            and all(c > "\x7f" and not _INVISIBLE.match(c) for c in around)
        ):
            continue
        yield at, f"U+{ord(char):04X} {unicodedata.name(char, 'control character').lower()}"


def without_invisible(text: str) -> str:
    """The text with every invisible character replaced by U+FFFD, so that offsets stay."""
    chars = list(text)
    for at, _ in invisible_in(text):
        chars[at] = "\ufffd"
    return "".join(chars)


def invisible_problems(text: str, path: str, first_line: int = 1) -> Iterator[Problem]:
    """A problem for each invisible character of a text, with line and column."""
    for at, name in invisible_in(text):
        line = text.count("\n", 0, at)
        place = Location(path, first_line + line, at - (text.rfind("\n", 0, at) + 1) + 1)
        yield Problem("invisible", f"invisible character {name}", place, "delete it")


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end is not reached yet."""

    at: Location
    is_map: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Node | None = None

    def closed(self) -> Node:
        return Map(tuple(self.entries.values()), self.at) if self.is_map else List(tuple(self.items), self.at)


class _Builder:
    """Turns events into nodes without recursion, collecting problems."""

    def __init__(self, path: str, first_line: int) -> None:
        self.path, self.first_line = path, first_line
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.is_broken = False
        self.has_hole = False
        self.counts: Counter[str] = Counter()

    def at(self, mark: Any) -> Location:
        if mark is None:  # the reader's own errors have no mark
            return Location(self.path, self.first_line)
        return Location(self.path, mark.line + self.first_line, mark.column + 1)

    def complain(self, kind: str, text: str, at: Location, fix: str, *, breaks: bool = False) -> None:
        self.is_broken |= breaks
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_REPEATS:
            self.problems.append(Problem(kind, text, at, fix))

    def take(self, event: yaml.Event) -> None:
        at = self.at(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self.complain("unsafe", "a second YAML document; expected one", at, "remove `---`", breaks=True)
        elif isinstance(event, yaml.AliasEvent):
            self.complain(
                "unsafe", f"alias '*{event.anchor}'; expected the value itself", at, "write the value out"
            )
            self.has_hole = True
            self.add(Text("", is_plain=True, at=at))
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.anchor is not None:
                self.complain("unsafe", f"anchor '&{event.anchor}'; expected a plain value", at, "remove it")
            if event.tag is not None:
                self.complain(
                    "unsafe", f"tag '{without_invisible(event.tag)}'; expected a plain value", at, "remove it"
                )
            if isinstance(event, yaml.ScalarEvent):
                self.add(self.scalar(event, at))
            elif len(self.open) == MAX_DEPTH:
                problem = f"lists and mappings nested more than {MAX_DEPTH} deep"
                self.complain("unsafe", problem, at, "close the brackets, or nest less", breaks=True)
            else:
                self.open.append(_Open(at, isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            self.add(self.open.pop().closed())

    def scalar(self, event: yaml.ScalarEvent, at: Location) -> Text:
        for _, name in invisible_in(event.value):
            self.complain("invisible", f"escaped invisible character {name}", at, "delete it")
        return Text(without_invisible(event.value), not event.style, at)

    def add(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if not parent.is_map:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            key, parent.key = parent.key, None
            if not isinstance(key, Text) or not key.text:
                self.complain("unsafe", "a key that is not text", key.at, "write a name before the `:`")
            elif key.is_plain and key.text == "<<":
                self.complain(
                    "unsafe", "merge key '<<'; expected the values themselves", key.at, "write them out"
                )
            elif (first := parent.entries.get(key.text)) is not None:
                problem = f"key '{shorten(key.text)}' is written twice; first in line {first.at.line}"
                self.complain("duplicate", problem, key.at, "keep one of the two")
            else:
                parent.entries[key.text] = Entry(key.text, key.at, node)

    def syntax(self, error: Exception) -> None:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or "an escape or a number that cannot be read")
        if "end of stream" in said:
            mark = getattr(error, "context_mark", None) or mark
        fix = next((fix for part, fix in _SYNTAX_FIXES if part in said), "write `key: value` lines")
        self.complain(
            "syntax", f"not readable as YAML: {without_invisible(said)}", self.at(mark), fix, breaks=True
        )


def read(text: str, path: str, *, first_line: int = 1) -> tuple[Node | None, tuple[Problem, ...]]:
    """The node tree of a YAML text and every problem with it; `None` where there is no tree to go on with.

    Never raises for any text. An empty text is an empty `Text`. Of a duplicate key the first value stays.
    """
    start = Location(path, first_line, 1)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if (size := len(text.encode("utf-8", "surrogatepass"))) > MAX_BYTES:
        long = f"{size} bytes of YAML; expected at most {MAX_BYTES}"
        return None, (Problem("unsafe", long, start, "move long text into the body of a note"),)
    hidden = tuple(islice(invisible_problems(text, path, first_line), MAX_REPEATS))
    shown = without_invisible(text) if hidden else text
    # Either parser may be missing or word its errors its own way: what C refuses, the Python parser judges.
    for loader in (getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader):
        builder = _Builder(path, first_line)
        try:
            for event in yaml.parse(shown, Loader=loader):
                builder.take(event)
                if builder.is_broken:
                    break
            break
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            builder.syntax(error)
    found = (*hidden, *builder.problems)
    if builder.is_broken or builder.has_hole:
        return None, found
    return builder.root or Text("", is_plain=True, at=start), found


def load(text: str, path: str, *, first_line: int = 1) -> Node:
    """The node tree of a YAML text.

    Raises:
        CuratedError: the first problem of the text, with line and column.
    """
    node, problems = read(text, path, first_line=first_line)
    for problem in problems:
        raise CuratedError(problem.text, at=problem.at, fix=problem.fix)
    assert node is not None
    return node


def shorten(text: str, limit: int = 60) -> str:
    """The text on one line, cut with an ellipsis where it is longer than `limit` characters."""
    line = " ".join(without_invisible(text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quote(node: Node) -> str:
    """How a message names a value: `'actve'`, `a list`, `a mapping`."""
    if isinstance(node, Text):
        return f"'{shorten(node.text)}'"
    return "a list" if isinstance(node, List) else "a mapping"


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option someone who wrote `word` most likely meant, or `None`."""
    near = difflib.get_close_matches(word.casefold(), sorted(options), n=1, cutoff=0.66)
    return near[0] if near else None
