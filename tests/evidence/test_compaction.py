"""Compaction and forgetting: fewer files, the same evidence."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from mbe_docs.errors import EvidenceError
from mbe_docs.evidence import compaction, locks
from mbe_docs.evidence.compaction import compact, forget, found_logs
from mbe_docs.evidence.run_counts import run_counts
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.project import Project
from mbe_docs.records.evals import Excerpt
from tests.evidence.logs import ingest, log, observation, tree, write


@pytest.fixture
def store(tmp_path):
    """Five logs of a run each; the third has text, and an edited version that supersedes it."""
    store = EvidenceStore(tmp_path / "evidence")
    for number in range(5):
        ingest(store, f"log-{number}", items(number))
    ingest(store, "log-2-edited", items(2, value=0.0, finished_at="2026-12-01T00:00:00+00:00"))
    return store


def items(number, value=1.0, **run):
    """A log of three attempts, with the text of one."""
    key = f"x:{number}"
    rows = [observation(key, str(n), value) for n in range(3)]
    if number == 2:
        rows.append(Excerpt(key, "0", 1, "a question", None, f"answer {value}", ()))
    return log(key, rows, **run)


def content(store):
    """What a reader gets: runs with their logs, counts, texts."""
    runs = [(s.run, s.entry.source_sha256, s.entry.rows, s.superseded_by) for s in store.runs()]
    counts = run_counts(store, [f"x:{number}" for number in range(5)])
    return runs, counts, store.excerpts("x:2", 9)


def test_many_small_parts_become_few_and_nothing_else_changes(store):
    """Every log keeps its entry, every run its rows, texts included; two versions of a run lie apart."""
    before = content(store)

    done = compact(store)

    assert (done.parts_before, done.parts_after) == (6, 2)
    assert content(store) == before
    assert store.verify() == ()
    assert len([*(store.root / "parts").iterdir()]) == 2
    assert len([*(store.root / "excerpts").iterdir()]) == 2


def test_a_second_compaction_changes_nothing(store):
    """What is compact stays."""
    compact(store)
    before = tree(store.root)

    compact(store)

    assert tree(store.root) == before


def test_it_gives_the_same_files_wherever_it_is_done(store, tmp_path):
    """Parts are named by their content; the order of ingests does not show."""
    other = EvidenceStore(tmp_path / "other")
    ingest(other, "log-2-edited", items(2, value=0.0, finished_at="2026-12-01T00:00:00+00:00"))
    for number in (4, 2, 0, 3, 1):
        ingest(other, f"log-{number}", items(number))

    compact(store), compact(other)

    assert {entry.part for entry in store.list()} == {entry.part for entry in other.list()}


def test_a_log_in_a_shared_part_can_be_superseded(store):
    """The older version's rows lie beside others that count, and are not counted."""
    compact(store)

    ingest(store, "log-1-edited", items(1, value=None, finished_at="2026-12-01T00:00:00+00:00"))

    assert run_counts(store, ["x:1"])["x:1"].by_scorer == {"match": {"unscored": 3}}
    assert run_counts(store, ["x:0", "x:1"])["x:0"].by_scorer == {"match": {"scored": 3}}


def test_a_log_whose_shared_part_is_damaged_can_be_ingested_again(store):
    """Alone; the others of the part wait for their turn, and nothing is counted twice."""
    compact(store)
    part = store.part_path(store.list()[0])
    whole = part.read_bytes()
    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    ingest(store, "log-0", items(0))
    part.write_bytes(whole)

    assert run_counts(store, ["x:0", "x:1"])["x:0"].by_scorer == {"match": {"scored": 3}}


def test_what_is_forgotten_no_longer_counts_and_then_is_gone(store):
    """What it superseded counts again; its rows leave the disk with the next compaction."""
    compact(store)
    edited = found_logs(store, "logs/log-2-edited")

    forget(store, {entry.source_sha256 for entry in edited})

    assert run_counts(store, ["x:2"])["x:2"].values == {"match": 3}
    assert [text.output for text in store.excerpts("x:2", 9)] == ["answer 1.0"]
    compact(store)
    assert len(store.runs()) == 5
    assert not any(b"answer 0.0" in path.read_bytes() for path in store.root.rglob("*.parquet"))


def test_rows_of_a_forgotten_log_leave_a_shared_part(store):
    """They are left out when the part is written anew; the other logs stay as they were."""
    compact(store)
    before = run_counts(store, ["x:0", "x:3"])
    forget(store, {entry.source_sha256 for entry in found_logs(store, "x:4")})

    compact(store)

    assert run_counts(store, ["x:0", "x:3"]) == before
    rows = sum(len(run_counts(store, [f"x:{n}"])) for n in (0, 1, 2, 3))
    assert rows == 4
    import pyarrow.parquet as pq

    kept = {
        key for path in (store.root / "parts").iterdir() for key in pq.read_table(path)["run_key"].to_pylist()
    }
    assert kept == {"x:0", "x:1", "x:2", "x:3"}


def test_a_forgotten_log_that_comes_back_counts_once(store):
    """Its old rows may still lie in a shared part."""
    compact(store)
    forget(store, {entry.source_sha256 for entry in found_logs(store, "x:4")})

    ingest(store, "log-4", items(4))

    assert run_counts(store, ["x:3", "x:4"])["x:4"].by_scorer == {"match": {"scored": 3}}


def test_a_run_among_others_of_its_log_is_not_forgotten_alone(store):
    """The log states both; the message says what to name."""
    both = [*log("x:8"), *log("x:9")]
    ingest(store, "both", both)

    with pytest.raises(EvidenceError, match="states 2 runs, which would go with it"):
        found_logs(store, "x:8")
    assert len(found_logs(store, "logs/both")) == 1


def test_nothing_is_deleted_while_somebody_adds(store):
    """Parts that an ingest has written are in no manifest yet."""
    entry = write(store, "new", items(7))

    with locks.adding(store.root):
        done = compact(store)
    assert done.at_work
    assert done.deleted_files == 0
    store.commit([entry])

    assert "x:7" in {stored.run.run_key for stored in store.runs()}
    assert not compact(store).at_work


def test_left_overs_of_killed_ingests_are_deleted(store):
    """A part that no manifest lists is not in the store, and nobody is about to list it."""
    write(store, "never-committed", items(7))

    done = compact(store)

    assert done.deleted_files > 0
    listed = {f"{entry.part}.parquet" for entry in store.list()}
    assert {path.name for path in (store.root / "parts").iterdir()} == listed


def test_older_states_are_kept_as_asked(store):
    """With `keep`, the files of older manifests stay with them."""
    compact(store, keep=3)

    numbers = sorted(int(path.stem) for path in (store.root / "manifests").iterdir())
    assert len(numbers) == 3
    (store.root / "manifests" / f"{numbers[-1]:08}.json").unlink()
    assert store.verify() == ()


def test_nothing_is_compacted_where_something_is_damaged(store):
    """What cannot be read would be lost for good."""
    path = store.part_path(store.list()[0])
    path.write_bytes(path.read_bytes()[:-1])
    before = tree(store.root)

    with pytest.raises(EvidenceError, match="MBE250"):
        compact(store)

    assert tree(store.root) == before


@pytest.mark.parametrize("call", ["replace", "link", "fsync", "unlink"])
@pytest.mark.parametrize("at", [0, 1, 2, 5])
def test_a_compaction_that_is_cut_short_changes_nothing(store, monkeypatch, call, at):
    """The next one completes."""
    before, original, calls = content(store), getattr(os, call), 0

    def fail(*arguments, **more):
        nonlocal calls
        calls += 1
        if calls > at:
            raise OSError(28, "No space left on device")
        return original(*arguments, **more)

    monkeypatch.setattr(os, call, fail)
    with contextlib.suppress(EvidenceError, OSError):
        compact(store)
    monkeypatch.undo()

    assert content(store) == before
    compact(store)
    assert content(store) == before
    assert len([*(store.root / "parts").iterdir()]) == 2


def test_the_registry_of_a_compacted_store_is_the_same(own_project, tmp_path):
    """To the byte."""
    root = tmp_path / "registry"
    shutil.copytree(own_project, root, ignore=shutil.ignore_patterns("site*", "build"))
    before = Project(root).registry()

    assert compaction.compact(Project(root).store).parts_after == 1

    assert Project(root).registry() == before
