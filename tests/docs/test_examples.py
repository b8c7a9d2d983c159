"""Examples that a reader would copy."""

from __future__ import annotations

import ast
import json

import pytest
import yaml
from jinja2 import Environment

from mbe_docs.config import load_config
from mbe_docs.curated.files import read_behavior, read_family, read_quirk, read_taxonomy
from mbe_docs.registry.exceptions import load_exceptions
from mbe_docs.sources.mapping import read_mapping
from tests.docs import console

FENCES = [fence for page in console.pages() for fence in console.fences(page)]
READERS = {
    "behaviors/quirks/": read_quirk,
    "behaviors/models/": read_family,
    "behaviors/taxonomy.yaml": read_taxonomy,
}


PARSERS = {
    "python": ast.parse,
    "json": json.loads,
    "yaml": yaml.safe_load,
    "jinja": Environment(autoescape=True).parse,
}


def name(fence):
    """Where it stands."""
    return f"{fence.page.relative_to(console.ROOT).as_posix()}:{fence.line}"


@pytest.mark.parametrize("fence", [fence for fence in FENCES if fence.language in PARSERS], ids=name)
def test_examples_are_written_in_their_language(fence):
    """Each one parses, and says something."""
    assert PARSERS[fence.language](fence.text)


@pytest.mark.parametrize(
    "fence",
    [
        fence
        for fence in FENCES
        if (fence.file or "").startswith("behaviors/") and "/mappings/" not in fence.file
    ],
    ids=name,
)
def test_hand_written_files_have_no_mistakes(fence, tmp_path):
    """The readers of the project find nothing to complain about."""
    path = tmp_path / fence.file
    path.parent.mkdir(parents=True)
    path.write_text(fence.text, encoding="utf-8")

    if path.name == "config.yaml":
        load_config(tmp_path)
        return
    if path.name == "exceptions.yaml":
        rules = yaml.safe_load(fence.text)
        subjects = {rule[side] for rule in rules for side in ("old", "new") if side in rule}
        assert load_exceptions(tmp_path, behaviors={rule["behavior"] for rule in rules}, subjects=subjects)
        return
    reader = next((read for start, read in READERS.items() if fence.file.startswith(start)), read_behavior)
    assert reader(path, tmp_path).problems == ()


@pytest.mark.parametrize("fence", [fence for fence in FENCES if "/mappings/" in (fence.file or "")], ids=name)
def test_mappings_have_no_mistakes(fence, tmp_path):
    """The reader of mappings takes them."""
    path = tmp_path / "mapping.yaml"
    path.write_text(fence.text, encoding="utf-8")

    read_mapping(path)
