"""Registries for published data: notes, families and mappings, written by a table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA

MARKS = [
    pytest.mark.published,
    pytest.mark.skipif(not PUBLISHED_DATA.is_dir(), reason="the published data is not beside the project"),
]


def note(
    root: Path,
    id: str,
    task: str,
    scorer: str,
    direction: str,
    *,
    title: str,
    min_samples: int = 30,
    more: str = "",
) -> None:
    """A behavior; `more` are further lines of its measure."""
    extra = f"  {more}\n" if more else ""
    (root / "behaviors" / f"{id}.md").write_text(
        f"---\ntitle: {title}\ncategory: accuracy\nmeasure:\n  task: {task}\n  scorer: {scorer}\n"
        f"  direction: {direction}\n  unit: proportion\n  range: [0, 1]\n  margin: 0.05\n"
        f"  min_samples: {min_samples}\n{extra}---\n\nMeasured by others; see the paper.\n",
        encoding="utf-8",
    )


def family(root: Path, id: str, snapshots: Iterable[str], *, prefix: str, more: str = "") -> None:
    """Snapshots in upgrade order, which logs call by a prefix and their id."""
    names = list(snapshots)
    known = "".join(f"  {name}: {{known_as: ['{prefix}{name}']}}\n" for name in names)
    text = f"provider: others\ntitle: {id}\nlineage:\n  - [{', '.join(names)}]\nsnapshots:\n{known}{more}"
    (root / "behaviors" / "models" / f"{id}.yaml").write_text(text, encoding="utf-8")


def mapping(root: Path, name: str, text: str) -> None:
    """A mapping file of the project."""
    folder = root / "behaviors" / "mappings"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def rows(root: Path) -> list[dict[str, Any]]:
    """Every observation of the store, as its columns hold it."""
    return [
        row
        for path in sorted((root / "behaviors" / "evidence" / "parts").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def start(root: Path) -> Path:
    """An empty project."""
    Project.init(root, title="Published figures")
    return root
