"""Small registries to build and to break."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbe_docs.project import Project
from tests.project import small


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """The small registry with its logs ingested, to change."""
    return small.ingested(tmp_path / "registry")


@pytest.fixture(scope="session")
def built_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small registry with its site built. Read only: tests share it."""
    root = small.ingested(tmp_path_factory.mktemp("built") / "registry")
    assert Project(root).build().published
    return root
