"""One hand-written file each: found under the root, decoded, split, turned into its record."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar

from mbe_docs.curated.convert import SLUG_FIX, SLUG_RULE, convert
from mbe_docs.errors import Location
from mbe_docs.records.base import Record
from mbe_docs.records.behaviors import Behavior, Taxonomy
from mbe_docs.records.models import Family
from mbe_docs.records.quirks import Quirk
from mbe_docs.safe_yaml import MAX_BYTES, Problem, invisible_problems, read, without_invisible
from mbe_docs.safe_yaml import Path as FieldPath

R = TypeVar("R", bound=Record)
EntryKind = Literal["behavior", "quirk", "family", "taxonomy"]

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}", re.ASCII)
"""A stable id."""
_FENCE = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CuratedFile(Generic[R]):
    """A file as read: its record or why not, and where everything in it stands."""

    kind: EntryKind
    id: str
    """From the file name; where that is not an id, the file name."""
    path: str
    """Relative to the project root, with `/`."""
    record: R | None = None
    """`None` where the file has a mistake of its own."""
    partial: R | None = None
    """The record without what could not be read, for checks of the rest."""
    problems: tuple[Problem, ...] = ()
    places: Mapping[FieldPath, Location] = field(default_factory=dict)
    failed: frozenset[FieldPath] = frozenset()
    """Paths of missing and unreadable values; a required one is made up in `partial`."""
    body: str = ""
    body_at: Location | None = None
    """Where the body begins."""

    def at(self, *path: str | int) -> Location:
        """The place of a field, or of the nearest thing around it; the first line where nothing is known."""
        for end in range(len(path), 0, -1):
            if (place := self.places.get(path[:end])) is not None:
                return place
        return Location(self.path, 1)

    def lost(self, *path: str | int) -> bool:
        """Whether a field is missing or unreadable, so that its value in `partial` means nothing."""
        return path in self.failed

    def has(self, *path: str | int) -> bool:
        """Whether a field is written in the file, readable or not."""
        return path in self.places


def find_files(folder: Path, *suffixes: str) -> Iterator[Path]:
    """Files of a folder with one of the suffixes, in name order; no READMEs, no names like `_x` or `.x`."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.suffix in suffixes and path.stem.casefold() != "readme" and path.name[0] not in "._":
            yield path


def read_text(path: Path, root: Path) -> tuple[str, Problem | None]:
    """The text of a file below the root, and why there is none; line ends become `\\n`."""
    at = Location(relative(path, root))
    try:
        real = Path(os.path.realpath(path, strict=True))
        if not real.is_relative_to(os.path.realpath(root)):
            problem = "a link to a file outside of the project; it is not read"
            return "", Problem("outside", problem, at, "copy the file into the project")
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            return "", Problem("file", "not a file that can be read", at, "rename it, or write a file")
        if status.st_size > MAX_BYTES:
            problem = f"{status.st_size} bytes; expected at most {MAX_BYTES}"
            return "", Problem("file", problem, at, "split the file, or move data out of it")
        data = real.read_bytes()
    except OSError as error:
        said = (
            "a link to itself" if error.errno == errno.ELOOP else (error.strerror or "cannot be read").lower()
        )
        return "", Problem(
            "file", f"the file cannot be read: {said}", at, "mend the link, or the permissions"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        return "", Problem("encoding", problem, Location(at.path, line), "save the file as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n"), None


def split_front_matter(text: str, path: str) -> tuple[str, int, str, int] | Problem:
    """Front matter and body of a note, each with the line it begins in: `(yaml, line, body, line)`.

    The body has no blank lines around it and ends in a line feed, unless it is empty.
    """
    fix = "begin the file with `---`, the keys, and `---` again; then the text"
    first, _, rest = text.partition("\n")
    if first.rstrip() != "---":
        return Problem(
            "front_matter", "no front matter; expected `---` in the first line", Location(path, 1, 1), fix
        )
    end = _FENCE.search(rest)
    if end is None:
        return Problem(
            "front_matter", "front matter without an end; expected a line `---`", Location(path, 1, 1), fix
        )
    tail = rest[end.end() :]
    body = tail.lstrip("\n \t").rstrip()
    line = text.count("\n", 0, len(text) - len(tail.lstrip("\n \t"))) + 1
    return rest[: end.start()], 2, f"{body}\n" if body else "", line


def read_behavior(path: Path, root: Path) -> CuratedFile[Behavior]:
    """A behavior, from `behaviors/<id>.md`."""
    return _read_note("behavior", Behavior, path, root)


def read_quirk(path: Path, root: Path) -> CuratedFile[Quirk]:
    """A quirk, from `behaviors/quirks/<id>.md`."""
    return _read_note("quirk", Quirk, path, root)


def read_family(path: Path, root: Path) -> CuratedFile[Family]:
    """A model family, from `behaviors/models/<id>.yaml`."""
    text, trouble = read_text(path, root)
    name = _id_problem(path, root)
    if trouble:
        return CuratedFile("family", path.stem, trouble.at.path, problems=(*name, trouble))
    given: dict[str, object] = {"id": path.stem if not name else "unnamed"}
    return _parsed(
        CuratedFile("family", path.stem, relative(path, root), problems=name), Family, text, 1, given
    )


def read_taxonomy(path: Path, root: Path) -> CuratedFile[Taxonomy]:
    """The closed lists, from `behaviors/taxonomy.yaml`."""
    text, trouble = read_text(path, root)
    if trouble:
        return CuratedFile("taxonomy", "taxonomy", trouble.at.path, problems=(trouble,))
    return _parsed(CuratedFile("taxonomy", "taxonomy", relative(path, root)), Taxonomy, text, 1, {})


def relative(path: Path, root: Path) -> str:
    """A path as findings print it: relative to the root, with `/`, nothing invisible in it."""
    return without_invisible(path.relative_to(root).as_posix())


def _read_note(kind: EntryKind, model: type[R], path: Path, root: Path) -> CuratedFile[R]:
    text, trouble = read_text(path, root)
    where, name = relative(path, root), _id_problem(path, root)
    parts = trouble or split_front_matter(text, where)
    if isinstance(parts, Problem):
        return CuratedFile(kind, path.stem, where, problems=(*name, parts))
    front, front_line, body, body_line = parts
    hidden = tuple(invisible_problems(body, where, body_line))
    given: dict[str, object] = {"id": path.stem if not name else "unnamed", "path": where, "body": body}
    start: CuratedFile[R] = CuratedFile(
        kind, path.stem, where, problems=(*name, *hidden), body=body, body_at=Location(where, body_line, 1)
    )
    return _parsed(start, model, front, front_line, given)


def _parsed(
    start: CuratedFile[R], model: type[R], text: str, line: int, given: dict[str, object]
) -> CuratedFile[R]:
    """The file with its YAML read and converted."""
    node, problems = read(text, start.path, first_line=line)
    found = (*start.problems, *problems)
    if node is None:
        return CuratedFile(
            start.kind, start.id, start.path, problems=found, body=start.body, body_at=start.body_at
        )
    done = convert(node, model, given=given)
    places = dict(done.places)
    if start.body_at:
        places["body",] = start.body_at
    return CuratedFile(
        start.kind,
        start.id,
        start.path,
        None if found else done.record,
        done.partial,
        (*found, *done.problems),
        places,
        done.failed,
        start.body,
        start.body_at,
    )


def _id_problem(path: Path, root: Path) -> tuple[Problem, ...]:
    if SLUG.fullmatch(path.stem):
        return ()
    problem = f"file name '{without_invisible(path.stem)[:100]}' is no id; expected {SLUG_RULE}"
    return (Problem("name", problem, Location(relative(path, root)), f"rename the file; {SLUG_FIX}"),)
