"""The reference says what the code says."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest

from mbe_docs.project.reading import sources
from tests import test_architecture
from tests.docs import console

DOCS = console.ROOT / "docs"


def generator():
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate"] = module
    spec.loader.exec_module(module)
    return module


GENERATED = generator().generated()


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.relative_to(console.ROOT).as_posix())
def test_generated_pages_are_in_step_with_the_code(path):
    """If not: `python docs/generate.py`."""
    assert path.read_text(encoding="utf-8") == GENERATED[path]


def test_the_readme_lists_the_formats_that_are_read():
    """Each reader once, nothing that is not there."""
    readme = (console.ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- formats -->")[2].partition("<!-- /formats -->")[0]

    assert sorted(sources()) == re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)


def test_the_architecture_page_shows_the_layers_that_are_enforced():
    """Row by row, as tests/test_architecture.py has them."""
    page = DOCS / "explanation" / "architecture.md"
    drawn = next(fence.text for fence in console.fences(page) if fence.language == "layers")

    rows = [set(line.split()[1:]) for line in reversed(drawn.splitlines())]

    assert list(test_architecture.LAYERS) == rows


def test_every_finding_is_explained_somewhere():
    """A code that a program prints can be looked up."""
    explained = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    package = (console.ROOT / "mbe_docs").rglob("*.py")
    printed = {
        code for path in package for code in re.findall(r'"(MBE\d{3})"', path.read_text(encoding="utf-8"))
    }

    assert sorted(code for code in printed if code not in explained) == []


def test_the_picture_is_small():
    """A README loads fast."""
    pictures = list((DOCS / "images").glob("*.png"))

    assert pictures != []
    assert [path.name for path in pictures if path.stat().st_size > 300_000] == []
