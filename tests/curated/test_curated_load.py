"""The valid registry is read whole, with places; broken files do not stop the others."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbe_docs.curated import load_curated
from mbe_docs.curated.files import SLUG, read_behavior, split_front_matter
from mbe_docs.errors import Location
from mbe_docs.safe_yaml import Problem

VALID = Path(__file__).parents[1] / "fixtures" / "curated" / "valid"


def test_the_valid_registry_has_no_findings():
    """Every form that may be written is written there."""
    assert load_curated(VALID, as_of=datetime.date(2026, 6, 1)).findings == ()


def test_records_come_in_the_order_of_their_files():
    """Order does not depend on the file system."""
    curated = load_curated(VALID)

    assert [behavior.id for behavior in curated.behaviors] == ["long-addition", "valid-json"]
    assert [quirk.id for quirk in curated.quirks] == ["adds-prose-around-json"]
    assert [family.id for family in curated.families] == ["claude-sonnet"]


def test_reading_twice_gives_the_same():
    """Same input, same output."""
    assert load_curated(VALID) == load_curated(VALID)


def test_text_becomes_what_the_field_holds():
    """Numbers and dates by field; versions and conditions stay text."""
    behavior = load_curated(VALID).behaviors[1]

    assert behavior.measure.task == ("json-format",)
    assert behavior.measure.task_version == "4.10"
    assert behavior.measure.where == {"strict": "no"}
    assert behavior.measure.margin == 0.05


def test_conditions_of_variants_are_numbers_and_truth_values_where_unquoted():
    """`16000` is a number, `"4.10"` is text."""
    variant = load_curated(VALID).families[0].variants["claude-sonnet-4-5-20250929+thinking"]

    expected = {"reasoning_effort": "high", "budget": 16000, "system_prompt": True, "version": "4.10"}
    assert variant.when == expected


def test_a_flat_lineage_is_one_branch():
    """Most families do not branch."""
    expected = (("claude-sonnet-4-20250514", "claude-sonnet-4-5-20250929"),)
    assert load_curated(VALID).families[0].lineage == expected


def test_the_body_begins_where_the_text_does():
    """No blank lines around it, one line feed behind it."""
    body = load_curated(VALID).behaviors[1].body

    assert body.startswith("Products parse")
    assert body.endswith("```\n")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("behavior", "valid-json", "measure", "margin"), "behaviors/valid-json.md:12:11"),
        (("behavior", "valid-json", "measure", "nothing"), "behaviors/valid-json.md:7:1"),
        (("behavior", "valid-json", "measure", "task", 0), "behaviors/valid-json.md:8:9"),
        (("behavior", "valid-json", "body"), "behaviors/valid-json.md:19:1"),
        (("behavior", "valid-json"), "behaviors/valid-json.md:1"),
        (("snapshot", "claude-sonnet-4-5-20250929", "prices", 1, "from"), "behaviors/models/claude-sonnet.yaml:19:16"),
        (("alias", "claude-sonnet-latest"), "behaviors/models/claude-sonnet.yaml:22:3"),
        (("variant", "claude-sonnet-4-5-20250929+thinking", "of"), "behaviors/models/claude-sonnet.yaml:27:9"),
        (("family", "claude-sonnet", "lineage"), "behaviors/models/claude-sonnet.yaml:3:1"),
        (("quirk", "adds-prose-around-json", "statements", 0, "override", "expires"), "behaviors/quirks/adds-prose-around-json.md:12:63"),
        (("taxonomy", "taxonomy", "severities", 1), "behaviors/taxonomy.yaml:6:5"),
    ],
)  # fmt: skip
def test_every_field_has_a_place(path, expected):
    """By the keys as written; what is not written has the place of what is around it."""
    assert str(load_curated(VALID).place(*path)) == expected


@pytest.mark.parametrize("path", [("behavior", "nothing"), ("snapshot", "nothing")])
def test_an_unknown_entry_has_no_place(path):
    """Asking for it is a mistake of the caller."""
    with pytest.raises(KeyError):
        load_curated(VALID).place(*path)


def test_claims_and_mentions_are_collected_with_places():
    """Over all bodies, without those in code."""
    curated = load_curated(VALID)

    assert [str(claim.at) for claim in curated.claims] == ["behaviors/valid-json.md:20:1"]
    expected = [
        ("model", "claude-sonnet-latest"),
        ("quirk", "adds-prose-around-json"),
        ("behavior", "valid-json"),
    ]
    assert [(mention.kind, mention.id) for mention in curated.mentions] == expected


def test_a_project_without_behaviors_is_empty(tmp_path):
    """Nothing written, nothing found."""
    assert load_curated(tmp_path).findings == ()


def test_a_broken_file_does_not_stop_the_others(overlay):
    """It is missing from the records, and its id still counts as known."""
    curated = load_curated(overlay("MBE104"))

    assert [behavior.id for behavior in curated.behaviors] == ["long-addition", "valid-json"]
    assert curated.place("behavior", "letters", "status") == Location("behaviors/letters.md", 5, 9)


def test_an_entry_with_an_unknown_key_survives(overlay):
    """Reading is loose; the warning says what was not read."""
    assert "letters" in [behavior.id for behavior in load_curated(overlay("MBE107")).behaviors]


def test_the_taxonomy_may_be_written_as_mappings(overlay):
    """`format: {title: …}` instead of a list with ids."""
    taxonomy = load_curated(overlay("MBE141")).taxonomy

    assert [category.id for category in taxonomy.categories] == ["format", "arithmetic"]


def test_the_bundle_is_frozen():
    """A change is a new one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_curated(VALID).claims = ()


def test_crlf_and_a_byte_order_mark_change_nothing(registry):
    """Files from other editors read the same."""
    path = registry / "behaviors" / "valid-json.md"
    plain = read_behavior(path, registry).record
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert read_behavior(path, registry).record == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\na: 1\n---\nx\n", ("a: 1\n", 2, "x\n", 4)),
        ("--- \na: 1\n...\n\n \n\n  x\ny", ("a: 1\n", 2, "x\ny\n", 7)),
        ("---\na: 1\n---", ("a: 1\n", 2, "", 3)),
        ("---\na: '---'\n---\n---\nx\n", ("a: '---'\n", 2, "---\nx\n", 4)),
    ],
)
def test_front_matter_is_split_with_lines(text, expected):
    """Front matter and body, each with the line it begins in."""
    assert split_front_matter(text, "x.md") == expected


@given(st.text(max_size=100), st.text(max_size=100))
def test_splitting_loses_no_line(front, body):
    """The body stands where its line says."""
    text = f"---\na: |\n {front!r}\n---\n{body}"
    parts = split_front_matter(text, "x.md")

    assert not isinstance(parts, Problem)
    if parts[2]:
        assert "\n".join(text.split("\n")[parts[3] - 1 :]).strip() == parts[2].strip()


@given(st.text(max_size=100))
def test_an_id_is_a_slug(text):
    """Lower-case ASCII letters, digits and hyphens, at most 80, never a path."""
    if SLUG.fullmatch(text):
        assert text == text.casefold()
        assert text.isascii()
        assert len(text) <= 80
        assert not set(text) & set("/\\. \n")


@pytest.mark.parametrize("name", ["a" * 81, "-a", "A", "a_b", "a.b", "ä", "模型", "a\n"])
def test_other_names_are_no_ids(name):
    """The id is the permalink."""
    assert not SLUG.fullmatch(name)
