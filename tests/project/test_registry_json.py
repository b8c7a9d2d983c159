"""What others read: registry.json and its schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from mbe_docs.project import Project
from mbe_docs.registry.publish import read_registry, registry_json


def test_it_fits_the_schema_published_beside_it(own_site):
    """A reader in any language can rely on the schema."""
    schema = json.loads((own_site / "schema" / "registry.json").read_text(encoding="utf-8"))
    registry = json.loads((own_site / "registry.json").read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(schema)
    found = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(registry)]

    assert found == []


def test_the_schema_refuses_what_is_no_registry(own_site):
    """A schema that accepts everything proves nothing."""
    schema = json.loads((own_site / "schema" / "registry.json").read_text(encoding="utf-8"))
    registry = json.loads((own_site / "registry.json").read_text(encoding="utf-8"))
    registry["estimates"][0]["rate"]["value"] = "high"

    assert not jsonschema.Draft202012Validator(schema).is_valid(registry)


def test_it_comes_back_as_the_registry_it_was(own_site, own_project):
    """Nothing is lost on the way: read, it writes the same bytes."""
    text = (own_site / "registry.json").read_text(encoding="utf-8")
    registry = read_registry(text)

    assert registry == Project(own_project).registry()
    assert registry_json(registry) == text


EDITS = {
    "a number": lambda text: text.replace('"value":0.', '"value":0.9', 1),
    "a verdict": lambda text: text.replace('"verdict":"regressed"', '"verdict":"improved"', 1),
    "a title": lambda text: text.replace("SmolLM2", "SmolLM3", 1),
    "the hash": lambda text: text.replace('"content_hash":"', '"content_hash":"0', 1),
    "a field more": lambda text: text.replace("{\n", '{\n"approved":true,\n', 1),
    "the end": lambda text: text[: len(text) // 2],
    "nothing at all": lambda text: "",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_file_is_refused(own_site, edit):
    """Numbers that somebody mended by hand are not our numbers."""
    text = (own_site / "registry.json").read_text(encoding="utf-8")
    edited = edit(text)

    assert edited != text
    with pytest.raises(ValueError):  # noqa: PT011  many reasons, one promise
        read_registry(edited)


def test_a_diff_of_it_can_be_read(own_site):
    """One record a line: a change of one estimate is a change of one line."""
    text = (own_site / "registry.json").read_text(encoding="utf-8")
    registry = json.loads(text)

    for record in registry["estimates"]:
        line = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert text.count(f"\n{line}") == 1
