"""Which subject a run measured."""

import datetime

import pytest

from mbe_docs.registry.subjects import Subjects
from tests import make


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("atlas-1", "atlas-1"),
        ("ATLAS-1", "atlas-1"),
        ("acme/atlas-1", "atlas-1"),
        ("local/atlas_one", "atlas-1"),
        ("atlas", None),
        ("atlas-1-preview", None),
        ("atlas-11", None),
    ],
)
def test_a_model_name_is_matched_exactly_or_not_at_all(name, expected):
    """A near name is another model: a guess would put numbers on the wrong card."""
    subjects = Subjects([make.family()])

    assert subjects.snapshot_named(name, None) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2025-12-31", None), ("2026-01-01", "atlas-1"), ("2026-05-31", "atlas-1"), ("2026-06-01", "atlas-2")],
)
def test_an_alias_means_what_it_meant_on_the_day_of_the_run(day, expected):
    """The end of an interval is exclusive."""
    subjects = Subjects([make.family()])

    assert subjects.snapshot_named("atlas-latest", datetime.date.fromisoformat(day)) == expected


def test_an_alias_without_a_date_is_nothing():
    """A run without a date may have met any snapshot behind an alias."""
    subjects = Subjects([make.family()])

    assert subjects.of_run(make.run(model_requested="atlas-latest", started_at=None)) is None


def test_the_model_that_answered_wins_over_the_one_asked_for():
    """An alias that resolved to a dated snapshot counts for the snapshot."""
    subjects = Subjects([make.family()])
    run = make.run(model_requested="atlas-1", models_resolved=("atlas-2",))

    assert subjects.of_run(run) == "atlas-2"


def test_the_variant_with_the_most_conditions_that_hold_wins():
    """Temperature 0 with a system prompt fits two variants of one condition and one of two."""
    family = make.family()
    both = family.variants["atlas-1+t0"].model_copy(
        update={"id": "atlas-1+both", "when": {"temperature": 0, "system_prompt": True}}
    )
    subjects = Subjects([family.model_copy(update={"variants": {**family.variants, both.id: both}})])
    run = make.run(generation_params={"temperature": 0.0}, has_system_prompt=True)

    assert subjects.of_run(run) == "atlas-1+both"


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(0, "atlas-1+t0"), (0.0, "atlas-1+t0"), ("0", "atlas-1+t0"), (0.8, "atlas-1"), (False, "atlas-1")],
)
def test_conditions_compare_numbers_as_numbers(temperature, expected):
    """0, 0.0 and "0" are one temperature; `false` is none."""
    subjects = Subjects([make.family()])

    assert subjects.of_run(make.run(generation_params={"temperature": temperature})) == expected


@pytest.mark.parametrize(
    ("effort", "expected"), [("high", "atlas-1+deep"), ("low", "atlas-1"), (1, "atlas-1")]
)
def test_conditions_compare_words_as_words(effort, expected):
    """`high` is no number."""
    family = make.family()
    deep = family.variants["atlas-1+t0"].model_copy(update={"id": "atlas-1+deep", "when": {"effort": "high"}})
    subjects = Subjects([family.model_copy(update={"variants": {deep.id: deep}})])

    assert subjects.of_run(make.run(generation_params={"effort": effort})) == expected


def test_an_unknown_system_prompt_is_neither_with_nor_without():
    """Unknown is not equal: the run stays with the snapshot."""
    subjects = Subjects([make.family()])

    assert subjects.of_run(make.run(has_system_prompt=None)) == "atlas-1"
