"""Rows as Arrow columns, and the part they become."""

from __future__ import annotations

import gc

import pytest

from mbe_docs.evidence import columns, parts
from mbe_docs.evidence.store import EvidenceStore
from tests.evidence.logs import log, observation, write


def test_scores_of_one_attempt_share_a_mapping_and_equal_rows_with_copies_of_it():
    """Sharing saves time, and nothing else; keys come out sorted."""
    shared = {"topic": "law", "level": "3"}
    given = [shared, shared, {"a": "1"}, {}, shared]
    batch = columns.observation_batch([observation(metadata=one) for one in given])
    copies = columns.observation_batch([observation(metadata=dict(one)) for one in given])

    sorted_pairs = [("level", "3"), ("topic", "law")]
    assert batch.column("metadata").to_pylist() == [
        sorted_pairs,
        sorted_pairs,
        [("a", "1")],
        [],
        sorted_pairs,
    ]
    assert batch.equals(copies)


def test_metadata_that_is_no_text_shows_as_replacement_characters():
    """UTF-8 cannot hold a lone surrogate, in a key or in a value."""
    batch = columns.observation_batch([observation(metadata={"k\ud800": "v\udfff"}), observation()])

    assert batch.column("metadata").to_pylist() == [[("k\ufffd", "v\ufffd")], []]


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_the_bytes_of_a_part_do_not_depend_on_how_many_rows_are_converted_at_once(
    tmp_path, monkeypatch, at_once
):
    """The row group decides them: it is written in one piece."""
    monkeypatch.setattr(parts, "ROWS_PER_GROUP", 40)

    def stored(name):
        rows = [observation(sample=str(i % 9), metadata={"k": str(i // 4)}) for i in range(100)]
        return write(EvidenceStore(tmp_path / name), "source", log(rows=rows)).part

    usual = stored("usual")
    monkeypatch.setattr(parts, "ROWS_AT_ONCE", at_once)
    assert stored("other") == usual


def test_the_collector_is_as_it_was_after_a_log_that_breaks_off(tmp_path):
    """Whoever calls us keeps their own setting."""

    def breaks():
        yield from log()
        assert gc.get_threshold()[0] == parts.OBJECTS_PER_COLLECTION
        raise RuntimeError("broken off")

    before = gc.get_threshold()
    with pytest.raises(RuntimeError, match="broken off"):
        write(EvidenceStore(tmp_path), "source", breaks())
    assert gc.get_threshold() == before
