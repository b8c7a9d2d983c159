"""Checks of single files: can they be read, and is each value what its field holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from mbe_docs.curated.checks import Check, Complaint, Everything


def _of_kind(*kinds: str) -> Callable[[Everything], Iterator[Complaint]]:
    """The problems that reading noted under these kinds."""

    def run(everything: Everything) -> Iterator[Complaint]:
        for file in everything.files:
            for problem in file.problems:
                if problem.kind in kinds:
                    yield Complaint(problem.text, problem.at, problem.fix)

    return run


FILE_CHECKS: Final = (
    Check(
        "MBE101",
        "readable YAML",
        "error",
        "A file that is not YAML says nothing; nothing is guessed from it.",
        "Mend the line; values with `: ` or a leading `[`, `{`, `*`, `&`, `!`, `@` or backtick need quotes.",
        _of_kind("syntax"),
    ),
    Check(
        "MBE102",
        "plain YAML",
        "error",
        "Anchors, aliases, tags and merges make small files huge, run code or hide what a value is.",
        "Write values out, in one document, at most 40 levels deep and 256 KiB long.",
        _of_kind("unsafe"),
    ),
    Check(
        "MBE103",
        "no invisible characters",
        "error",
        "Control, bidirectional and zero-width characters make a file read otherwise than it is.",
        "Delete the character; an editor that shows code points finds it.",
        _of_kind("invisible"),
    ),
    Check(
        "MBE104",
        "values fit their fields",
        "error",
        "A word outside a closed list, or text where a number belongs, has no meaning to count with.",
        "Write one of the words, or the kind of value, that the message names.",
        _of_kind("value"),
    ),
    Check(
        "MBE105",
        "keys written once",
        "error",
        "Of two equal keys YAML readers silently take one, and not all the same one.",
        "Keep one of the two.",
        _of_kind("duplicate"),
    ),
    Check(
        "MBE106",
        "required keys present",
        "error",
        "Direction, measure, severity and the like are never guessed.",
        "Add the key that the message names.",
        _of_kind("missing"),
    ),
    Check(
        "MBE107",
        "known keys only",
        "warning",
        "An unknown key is often a typing mistake in an optional one; it is not read.",
        "Correct the spelling, or remove the key.",
        _of_kind("unknown"),
    ),
    Check(
        "MBE108",
        "readable files",
        "error",
        "A file that cannot be opened, or is far too large, is missing from the registry.",
        "Mend the link or the permissions; keep hand-written files below 256 KiB.",
        _of_kind("file"),
    ),
    Check(
        "MBE109",
        "UTF-8",
        "error",
        "In another encoding letters would turn into other letters.",
        "Save the file as UTF-8.",
        _of_kind("encoding"),
    ),
    Check(
        "MBE110",
        "files inside of the project",
        "error",
        "A link out of the project would publish a file that nobody meant to publish.",
        "Copy the file into the project.",
        _of_kind("outside"),
    ),
    Check(
        "MBE111",
        "file names are ids",
        "error",
        "The id is the permalink: lower-case letters, digits and hyphens work in every address.",
        "Rename the file like `long-addition-carry.md`; a published id goes into `aliases:`.",
        _of_kind("name"),
    ),
    Check(
        "MBE112",
        "notes have front matter",
        "error",
        "Title, measure and severity stand between two `---` lines at the top.",
        "Begin the file with `---`, the keys, and `---` again.",
        _of_kind("front_matter"),
    ),
)
"""About one file each."""
