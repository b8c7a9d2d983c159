"""A small project built once, and `--update-golden` for what its pages should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbe_docs.project import Project
from tests.pages import atlas


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/pages --update-golden` writes the golden pages; look at them in the diff."""
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/pages/golden/ from what is built"
    )


@pytest.fixture(scope="session")
def update_golden(pytestconfig: pytest.Config) -> bool:
    """Whether golden pages are written instead of compared."""
    return bool(pytestconfig.getoption("--update-golden", default=False))


@pytest.fixture(scope="session")
def atlas_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The made-up project, built."""
    project = Project(atlas.write(tmp_path_factory.mktemp("atlas")))
    built = project.build()
    assert built.published, built.findings
    return project


@pytest.fixture(scope="session")
def atlas_site(atlas_project: Project) -> Path:
    """Its site."""
    return atlas_project.root / "site"
