"""Columns on their way to the store are masked whatever shape they have."""

from __future__ import annotations

from mbe_docs.evidence import columns
from mbe_docs.evidence.masking import Masking
from mbe_docs.records.evals import Excerpt
from mbe_docs.secrets import SecretPolicy
from tests.evidence.logs import observation
from tests.secrets.planted import secrets

KEYS = [secrets(seed)["aws"][1] for seed in range(6)]


def test_a_part_of_a_batch_is_masked_like_the_whole():
    """A batch may be a window on another: its nested columns then do not begin at their first item."""
    rows = [
        observation(sample=f"s{n}", metadata={"a": key, "b": "plain"} if n % 2 else {"c": key})
        for n, key in enumerate(KEYS)
    ]
    batch = columns.observation_batch(rows)

    whole = Masking(SecretPolicy()).batch(batch).to_pylist()
    part = Masking(SecretPolicy()).batch(batch.slice(3, 2)).to_pylist()

    assert [row["sample_id"] for row in part] == ["s3", "s4"]
    assert [dict(row["metadata"]) for row in part] == [
        {"a": "[masked: aws-access-token 1]", "b": "plain"},
        {"c": "[masked: aws-access-token 2]"},
    ]
    assert [sorted(dict(row["metadata"])) for row in part] == [
        sorted(dict(row["metadata"])) for row in whole[3:5]
    ]


def test_scores_of_excerpts_are_masked_in_a_part_of_a_batch_too():
    """Lists of records, with nothing where a scorer said nothing."""
    rows = [
        Excerpt("x:1", f"s{n}", 1, "q", None, key, (("m", None, key, None), ("n", "C", None, f"see {key}")))
        for n, key in enumerate(KEYS)
    ]
    batch = columns.excerpt_batch(rows).slice(2, 3)

    (first, *_) = columns.excerpts_of(Masking(SecretPolicy()).batch(batch))

    mark = "[masked: aws-access-token]"
    assert first == Excerpt(
        "x:1", "s2", 1, "q", None, mark, (("m", None, mark, None), ("n", "C", None, f"see {mark}"))
    )


def test_a_batch_without_secrets_is_the_very_same():
    """Nothing is copied where nothing is found."""
    batch = columns.observation_batch([observation(metadata={"kind": "easy", "key": "easy"})])

    assert Masking(SecretPolicy()).batch(batch) is batch


def test_distinct_secrets_are_counted_for_the_run_they_are_in():
    """A key in every row is one secret; another run's is not counted for this one."""
    from tests import make

    rows = [observation("x:1", metadata={"k": KEYS[0]}), observation("x:1", "b", metadata={"k": KEYS[0]})]
    rows += [observation("x:2", metadata={"k": KEYS[1], "l": KEYS[2]})]
    masking = Masking(SecretPolicy())
    masking.batch(columns.observation_batch(rows))

    counts = [masking.run(make.run(run_key=key)).masked for key in ("x:1", "x:2", "x:3")]

    assert counts == [{"aws-access-token": 1}, {"aws-access-token": 2}, {}]
