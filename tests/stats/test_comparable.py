"""Which runs may be compared."""

import pytest

from mbe_docs.stats import comparability
from mbe_docs.stats.comparable import DECIDING_FIELDS

RUN = dict.fromkeys(DECIDING_FIELDS, "same") | {"judge_model": None, "dataset_hash": "d1"}
TEN = {f"s{i}" for i in range(10)}


def test_equal_runs_are_compared_on_their_common_samples():
    """Nothing differs; what neither run knows is named."""
    found = comparability(RUN, RUN, TEN, TEN)

    assert (found.mode, found.reason, found.common_samples) == ("paired", None, 10)
    assert found.unknown == ("judge_model",)


@pytest.mark.parametrize("field", DECIDING_FIELDS)
def test_a_difference_in_any_deciding_field_is_refused_by_name(field):
    """Another ruler measures another thing."""
    found = comparability(RUN, RUN | {field: "other"}, TEN, TEN)

    assert ("refuse", field) == (found.mode, found.reason)


def test_all_differences_are_listed_and_the_first_is_the_reason():
    """In the order of the deciding fields."""
    found = comparability(RUN, RUN | {"scale": "1-5", "scorer": "other"}, TEN, TEN)

    assert found.reason == "scorer"
    assert found.differing == ("scorer", "scale")


@pytest.mark.parametrize("new", [RUN | {"scorer": None}, {k: v for k, v in RUN.items() if k != "scorer"}])
def test_known_on_one_side_only_is_a_difference(new):
    """Unknown is not equal."""
    found = comparability(RUN, new, TEN, TEN)

    assert (found.mode, found.reason) == ("refuse", "scorer")


def test_another_dataset_with_the_same_samples_is_paired():
    """Samples are matched by content."""
    found = comparability(RUN, RUN | {"dataset_hash": "d2"}, TEN, TEN)

    assert found.mode == "paired"


@pytest.mark.parametrize(
    ("old", "new", "mode"),
    [
        (10, range(2, 12), "paired"),
        (10, range(3, 13), "paired_partial"),
        (10, range(9, 10), "paired"),
        (100, range(99, 109), "paired_partial"),
    ],
)
def test_under_80_percent_of_the_smaller_set_is_flagged(old, new, mode):
    """8 of 10 in common is enough, 7 is partial; a small new set inside a large old one is whole."""
    found = comparability(RUN, RUN, {f"s{i}" for i in range(old)}, {f"s{i}" for i in new})

    assert mode == found.mode


def test_no_common_sample_of_one_pool_is_unpaired():
    """Two draws from the pool both runs declare."""
    found = comparability(RUN, RUN, TEN, {"t1", "t2"})

    assert (found.mode, found.reason) == ("unpaired", None)


@pytest.mark.parametrize(("old", "new"), [("d1", "d2"), (None, None), ("d1", None)])
def test_no_common_sample_and_no_common_pool_is_refused(old, new):
    """Nothing says these samples are alike: the pool is the field to blame."""
    found = comparability(RUN | {"dataset_hash": old}, RUN | {"dataset_hash": new}, TEN, {"t1"})

    assert (found.mode, found.reason, found.differing) == ("refuse", "dataset_hash", ())


def test_the_deciding_fields_are_a_policy():
    """Comparing variants, the configuration is the thing compared and does not count against it."""
    fields = [name for name in DECIDING_FIELDS if name != "generation_config_hash"]

    found = comparability(RUN, RUN | {"generation_config_hash": "thinking"}, TEN, TEN, fields=fields)

    assert found.mode == "paired"
