"""A project to build the test pages in, and those pages built once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.site.building import MKDOCS_YML, build


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the settings of the site that we ship."""
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(MKDOCS_YML, root)
    return root


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test pages, built once with MkDocs."""
    root = tmp_path_factory.mktemp("site-project")
    shutil.copy(MKDOCS_YML, root)
    built = build(root)
    assert built.is_published, built.findings
    return built.site
