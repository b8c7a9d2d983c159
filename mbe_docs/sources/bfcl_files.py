"""Where BFCL puts results and scores, and what the names of its files and folders say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

RESULT = re.compile(
    r"(?P<prefix>BFCL_(?P<version>v[0-9]+)|gorilla_openfunctions_(?P<old>v[0-9]+)_test)_(?P<category>.+)_result"
)
SCORE = re.compile(
    r"(?:(?P<prefix>BFCL_(?P<version>v[0-9]+)|gorilla_openfunctions_(?P<old>v[0-9]+)_test)_)?(?P<category>.+)_score"
)
PREREQUISITE = "_prereq"
"""Ends the category of conversations that fill a memory before the test; they are never scored."""
RESULTS = re.compile(r"result(?P<suffix>.*)", re.IGNORECASE)
SCORES = re.compile(r"score(?P<suffix>.*)", re.IGNORECASE)
GROUPS = frozenset({"agentic", "format_sensitivity", "live", "memory", "multi_turn", "non_live"})
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FUNCTION_CALLING = re.compile(r"-FC(?=-|$)")


class Named(NamedTuple):
    """What the path of a result or score file says."""

    category: str
    version: str | None
    model: str
    """The folder's name without `-FC`."""
    is_function_calling: bool
    """Whether functions were given to the model as such, not in the prompt."""
    date: str | None
    """The folder that the results are published in, where it is a date."""


def is_result(path: Path) -> bool:
    """Whether a file is of results that are scored."""
    match = RESULT.fullmatch(path.stem) if path.suffix.lower() == ".json" else None
    return match is not None and not match["category"].endswith(PREREQUISITE)


def is_score(path: Path) -> bool:
    """Whether a file is of scores."""
    return path.suffix.lower() == ".json" and SCORE.fullmatch(path.stem) is not None


def named_of(path: Path) -> Named:
    """Category, version, model and mode, from the names of a file and of the folders around it."""
    match = RESULT.fullmatch(path.stem) or SCORE.fullmatch(path.stem)
    groups = match.groupdict() if match else {}
    root, parts = _root_of(path)
    folder = parts[0] if parts else _model_folder(path)
    date = root.parent.name if root is not None else ""
    model = FUNCTION_CALLING.sub("", folder)
    return Named(
        category=groups.get("category") or path.stem,
        version=groups.get("version") or groups.get("old"),
        model=model or "unknown",
        is_function_calling=model != folder,
        date=date if DATE.fullmatch(date) else None,
    )


def score_of(result: Path) -> Path | None:
    """The score file of a result file, if there is one."""
    match = RESULT.fullmatch(result.stem)
    if match is None:
        return None
    names = (f"{match['prefix']}_{match['category']}_score.json", f"{match['category']}_score.json")
    return _first(folder / name for folder in _mirrored(result, RESULTS, "score") for name in names)


def result_of(score: Path) -> Path | None:
    """The result file of a score file, if there is one."""
    match = SCORE.fullmatch(score.stem)
    if match is None:
        return None
    prefixes = (
        [match["prefix"]] if match["prefix"] else ["gorilla_openfunctions_v1_test", "BFCL_v1", "BFCL_v2"]
    )
    names = [f"{prefix}_{match['category']}_result.json" for prefix in prefixes]
    return _first(folder / name for folder in _mirrored(score, SCORES, "result") for name in names)


def _root_of(path: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The innermost folder called `result…` or `score…`, and the folders below it."""
    path = path.absolute()
    for folder in path.parents:
        if RESULTS.fullmatch(folder.name) or SCORES.fullmatch(folder.name):
            return folder, path.relative_to(folder).parts[:-1]
    return None, ()


def _model_folder(path: Path) -> str:
    return next(folder.name for folder in path.absolute().parents if folder.name not in GROUPS)


def _mirrored(path: Path, own: re.Pattern[str], other: str) -> list[Path]:
    """Folders where the counterpart of a file may be: the other tree, then its own folder."""
    root, parts = _root_of(path)
    match = own.fullmatch(root.name) if root is not None else None
    if root is None or match is None:
        return [path.parent]
    tree = root.with_name(other + match["suffix"])
    return [tree.joinpath(*parts), tree.joinpath(*parts[:1]), path.parent]


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)
