"""The evidence store when others write too, when a writer is killed, and when the disk says no."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import resource
import signal
import sys
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from mbe_docs.errors import EvidenceError
from mbe_docs.evidence import files
from mbe_docs.evidence.store import EvidenceStore
from tests.evidence.logs import ingest, log, observation, tree, write

CALLS = {os: ("fsync", "link", "replace", "unlink"), files: ("sweep",)}
"""What a write to the store is made of, as far as a fault can tell."""


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with the store imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.evidence.logs", "pyarrow.parquet", "pytest"])
    with pytest.MonkeyPatch.context() as monkeypatch:
        # Before Python 3.13 a fork server preloads without the path of its parent, and fails without a word.
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


def items(name: str):
    """A log of its own run."""
    return log(f"x:{name}", [observation(f"x:{name}", sample=str(i)) for i in range(5)])


def ingest_some(root: Path, names: list[str]) -> None:
    """What one process of several does."""
    store = EvidenceStore(root)
    for name in names:
        ingest(store, name, items(name))


def names_in(store: EvidenceStore) -> list[str]:
    """Whose runs are in the store."""
    return sorted(stored.run.run_key for stored in store.runs())


@pytest.mark.parametrize("writers", [2, 8])
def test_processes_that_commit_at_once_lose_nothing(processes, tmp_path, writers):
    """An unguarded list kept 24 of 96 in the same race."""
    names = [[f"{writer}-{i}" for i in range(6)] for writer in range(writers)]

    children = [processes.Process(target=ingest_some, args=(tmp_path, mine)) for mine in names]
    for child in children:
        child.start()
    for child in children:
        child.join()

    store = EvidenceStore(tmp_path)
    assert [child.exitcode for child in children] == [0] * writers
    assert names_in(store) == sorted(f"x:{name}" for mine in names for name in mine)
    assert store.verify() == ()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_processes_that_ingest_the_same_logs_at_once_list_each_once(processes, tmp_path):
    """And end with the tree that one of them alone would have made, manifests apart."""
    names = [str(i) for i in range(6)]
    alone = EvidenceStore(tmp_path / "alone")
    ingest_some(alone.root, names)

    children = [processes.Process(target=ingest_some, args=(tmp_path / "both", names)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()

    assert EvidenceStore(tmp_path / "both").list() == alone.list()
    assert tree(tmp_path / "both" / "parts") == tree(tmp_path / "alone" / "parts")


def fail_at(monkeypatch: pytest.MonkeyPatch, turn: int, fault) -> list[str]:
    """Have the calls that publish files come to a fault at one of them; the calls made so far."""
    made: list[str] = []

    def watched(name, call):
        def instead(*args, **kwargs):
            made.append(name)
            if len(made) == turn:
                fault()
            return call(*args, **kwargs)

        return instead

    for module, names in CALLS.items():
        for name in names:
            monkeypatch.setattr(module, name, watched(name, getattr(module, name)))
    return made


def kill_at(root: Path, turn: int) -> None:
    """Ingest two logs in one commit, and die at a certain call."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        fail_at(monkeypatch, turn, lambda: os.kill(os.getpid(), signal.SIGKILL))
        store = EvidenceStore(root)
        store.commit([write(store, name, items(name)) for name in "bc"])


def calls_of_a_commit(tmp_path: Path) -> list[str]:
    """The calls that there are to be killed at."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = fail_at(monkeypatch, 0, lambda: None)
        store = EvidenceStore(tmp_path)
        store.commit([write(store, name, items(name)) for name in "bc"])
    return made


def test_a_writer_killed_at_any_call_harms_nothing(processes, tmp_path):
    """What was there is there, the commit is all or nothing, and the next one clears up."""
    calls = len(calls_of_a_commit(tmp_path / "counted"))
    outcomes = set()
    for turn in range(1, calls + 1):
        store = EvidenceStore(tmp_path / str(turn))
        ingest(store, "a", items("a"))

        child = processes.Process(target=kill_at, args=(store.root, turn))
        child.start()
        child.join()

        assert child.exitcode == -signal.SIGKILL
        assert store.verify() == ()
        outcomes.add(tuple(names_in(store)))
        ingest(store, "b", items("b"))
        ingest(store, "c", items("c"))
        assert names_in(store) == ["x:a", "x:b", "x:c"]
        ingest(store, "d", items("d"))
        assert list((store.root / "tmp").iterdir()) == []
    assert calls > 10
    assert outcomes == {("x:a",), ("x:a", "x:b", "x:c")}


def ingest_for_ever(root: Path, pipe) -> None:
    """Say each log that is in the store."""
    store = EvidenceStore(root)
    for i in range(10_000):
        ingest(store, str(i), items(str(i)))
        pipe.send(i)


def test_a_writer_killed_at_any_moment_keeps_what_it_said_is_kept(processes, tmp_path):
    """Not only between calls."""
    store = EvidenceStore(tmp_path)
    for round_ in range(4):
        ours, theirs = processes.Pipe(duplex=False)
        child = processes.Process(target=ingest_for_ever, args=(tmp_path, theirs))
        child.start()
        said = [ours.recv() for _ in range(round_ + 1)]
        child.kill()
        child.join()

        assert store.verify() == ()
        assert {f"x:{i}" for i in said} <= set(names_in(store))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_call_that_fails_harms_nothing_and_is_reported(monkeypatch, tmp_path, number):
    """At whichever call the disk gives up; a scratch file that cannot be deleted is for the next sweep."""
    calls = calls_of_a_commit(tmp_path / "counted")
    assert {"fsync", "replace", "link", "unlink"} == set(calls)
    for turn, call in enumerate(calls, 1):
        store = EvidenceStore(tmp_path / str(turn))
        ingest(store, "a", items("a"))

        def fault():
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            fail_at(patch, turn, fault)
            expected = (
                contextlib.nullcontext() if call == "unlink" else pytest.raises((EvidenceError, OSError))
            )
            with expected as caught:
                store.commit([write(store, name, items(name)) for name in "bc"])

        if call == "unlink":
            assert names_in(store) == ["x:a", "x:b", "x:c"]
            ingest(store, "d", items("d"))
            assert list((store.root / "tmp").iterdir()) == []
            continue
        assert os.strerror(number) in str(caught.value)
        assert store.verify() == ()
        assert names_in(store) in (["x:a"], ["x:a", "x:b", "x:c"])
        store.commit([write(store, name, items(name)) for name in "bc"])
        assert names_in(store) == ["x:a", "x:b", "x:c"]
        assert list((store.root / "tmp").iterdir()) == []


def write_little(root: Path, limit: int, pipe) -> None:
    """Ingest a log where no file can grow beyond a limit."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    store = EvidenceStore(root)
    try:
        ingest(store, "b", items("b"))
        pipe.send("written")
    except EvidenceError as error:
        pipe.send(str(error))


@pytest.mark.parametrize("limit", [0, 4, 600, 3000, 6000])
def test_a_disk_that_fills_up_while_writing_harms_nothing(processes, tmp_path, limit):
    """The system cuts the write short; inside Parquet, in its footer, or in the manifest."""
    store = EvidenceStore(tmp_path)
    ingest(store, "a", items("a"))
    for i in range(20):
        ingest(store, f"a{i}", items(f"a{i}"))
    before = tree(tmp_path)
    ours, theirs = processes.Pipe(duplex=False)

    child = processes.Process(target=write_little, args=(tmp_path, limit, theirs))
    child.start()
    said = ours.recv()
    child.join()

    assert "cannot write to the evidence store" in said
    assert "make room" in said
    assert tree(tmp_path / "manifests") == {
        name.removeprefix("manifests/"): digest for name, digest in before.items() if "manifests" in name
    }
    assert store.verify() == ()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_file_that_is_being_written_is_not_swept(tmp_path):
    """Its writer holds a lock, in this process as in any other."""
    with files.scratch(tmp_path) as (path, _):
        assert files.sweep(tmp_path) == 0
        assert path.exists()


def test_what_a_killed_writer_left_is_swept(tmp_path):
    """Nobody holds its lock."""
    (tmp_path / "write.tmp-left").write_bytes(b"half")
    (tmp_path / "notes.txt").write_bytes(b"somebody's")

    assert files.sweep(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_sweep_between_making_and_locking_a_file_makes_another(tmp_path, monkeypatch):
    """The one moment when a file at work has no lock."""
    swept = []

    def sweep_first(file, operation, lock=files.fcntl.flock):
        if not swept and operation == files.fcntl.LOCK_EX:
            swept.append(True)
            assert files.sweep(tmp_path) == 1
        lock(file, operation)

    monkeypatch.setattr(files.fcntl, "flock", sweep_first)

    with files.scratch(tmp_path) as (path, file):
        file.write(b"kept")
        assert swept
        assert path.exists()


def test_a_number_that_another_took_is_followed_by_the_next(tmp_path, monkeypatch):
    """What the other committed is in the manifest that follows."""
    store, other = EvidenceStore(tmp_path), EvidenceStore(tmp_path)
    entry = write(store, "a", items("a"))

    def late(path, target, publish=files.publish_new):
        if not other.known():
            monkeypatch.undo()
            ingest(other, "b", items("b"))
        return publish(path, target)

    monkeypatch.setattr("mbe_docs.evidence.store.publish_new", late)
    made = store.commit([entry])

    assert (made.number, names_in(store)) == (2, ["x:a", "x:b"])


def test_a_system_without_locks_keeps_what_was_left(tmp_path, monkeypatch):
    """Nobody can tell there whether a file is at work."""
    monkeypatch.setattr(files, "fcntl", None)
    (tmp_path / "write.tmp-left").write_bytes(b"half")

    with files.scratch(tmp_path) as (path, _):
        assert path.exists()

    assert files.sweep(tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["write.tmp-left"]


def test_a_system_that_cannot_flush_folders_is_not_asked_to(tmp_path, monkeypatch):
    """Windows opens no folder."""
    missing = tmp_path / "missing"
    monkeypatch.setattr(files.os, "name", "nt")

    files.flush_folder(missing)


@pytest.fixture
def nobody():
    """Root may read everything, so it becomes someone else for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield
    if is_root:
        os.seteuid(0)


def test_a_store_that_may_not_be_read_is_not_an_empty_one(tmp_path, request):
    """Nothing would be published from all that is in it."""
    ingest(EvidenceStore(tmp_path), "a", items("a"))
    (tmp_path / "manifests").chmod(0)
    request.getfixturevalue("nobody")

    with pytest.raises(EvidenceError, match="cannot read: Permission denied"):
        EvidenceStore(tmp_path).list()
