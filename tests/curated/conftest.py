"""Registries to read: the valid one, alone or with broken files laid over it."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent.parent / "fixtures" / "curated"
AS_OF = datetime.date(2026, 6, 1)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A writable copy of the valid registry."""
    return Path(shutil.copytree(FIXTURES / "valid", tmp_path / "project"))


@pytest.fixture
def overlay(registry: Path) -> Callable[[str], Path]:
    """Lays the files of a broken case over the valid registry; `x.md.link` becomes the link `x.md`."""

    def lay(case: str) -> Path:
        source = FIXTURES / "broken" / case
        for path in sorted(source.rglob("*")):
            target = registry / path.relative_to(source)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            elif path.suffix == ".link":
                target.with_suffix("").symlink_to(path.read_text(encoding="utf-8").strip())
            elif path.name != "expected.txt":
                shutil.copy(path, target)
        (registry.parent / "outside.md").write_text("---\ntitle: secret\n---\n", encoding="utf-8")
        return registry

    return lay


@pytest.fixture
def write(registry: Path) -> Callable[[str, str], Path]:
    """Writes a file below the valid registry and gives its root."""

    def put(path: str, text: str) -> Path:
        target = registry / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return registry

    return put
