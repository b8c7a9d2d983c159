"""Editors get schemas that accept what reading accepts, and mark what it complains about."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from mbe_docs.curated.files import split_front_matter
from mbe_docs.curated.schemas import authored_schemas

VALID = Path(__file__).parents[1] / "fixtures" / "curated" / "valid" / "behaviors"
SCHEMAS = authored_schemas()
FILES = [
    ("behavior", VALID / "valid-json.md"),
    ("behavior", VALID / "long-addition.md"),
    ("quirk", VALID / "quirks" / "adds-prose-around-json.md"),
    ("family", VALID / "models" / "claude-sonnet.yaml"),
    ("taxonomy", VALID / "taxonomy.yaml"),
]


class EditorLoader(yaml.SafeLoader):
    """YAML as editors read it: no dates, `on` is a word."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", "bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_editor(path: Path) -> object:
    """What an editor validates."""
    text = path.read_text(encoding="utf-8")
    return yaml.load(split_front_matter(text, "x")[0] if path.suffix == ".md" else text, EditorLoader)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_schemas_are_schemas(kind):
    """Valid JSON Schema 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize(("kind", "path"), FILES, ids=lambda part: getattr(part, "stem", part))
def test_valid_files_fit_their_schema(kind, path):
    """No red line under what is right."""
    jsonschema.Draft202012Validator(SCHEMAS[kind]).validate(as_editor(path))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("behavior", {"status": "actve"}),
        ("behavior", {"titel": "x"}),
        ("behavior", {"id": "x"}),
        ("behavior", {"withdrawn": "31.01.2026"}),
        ("behavior", {"measure": {"task": "t", "scorer": "s"}}),
        ("quirk", {"severity": "worst"}),
        ("quirk", {"title": "x" * 121}),
        ("quirk", {"behavior": "Not An Id"}),
        ("family", {"snapshots": {"a": {"status": "old"}}}),
        ("taxonomy", {"severities": [{"id": "worst", "rule": "x"}]}),
    ],
)
def test_mistakes_do_not_fit(kind, change):
    """What is a finding later is marked while writing."""
    document = as_editor(next(path for name, path in FILES if name == kind)) | change

    assert not jsonschema.Draft202012Validator(SCHEMAS[kind]).is_valid(document)


@pytest.mark.parametrize(
    "document", [{}, {"title": "x", "policy": {"alpha": 0.1, "refuse_on": ["judge_model"]}}]
)
def test_configurations_fit(document):
    """Every key has a default."""
    jsonschema.Draft202012Validator(SCHEMAS["config"]).validate(document)
