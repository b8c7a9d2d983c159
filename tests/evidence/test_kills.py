"""An ingest that meets a kill or a bad disk at a system call: a sample of what `run_kills.py` does at every call."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from mbe_docs.project import Project
from tests.evidence import faults, random_kills
from tests.project import small
from tests.sources import build_logs

WRITES = 5
"""Of the hundreds of `write`, which are alike; of all other calls, each is taken."""

needs_strace = pytest.mark.skipif(not faults.works(), reason="strace is missing or may not trace")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> faults.Undisturbed:
    """A project with something to ingest, and what that should come to."""
    folder = tmp_path_factory.mktemp("faults")
    return faults.Undisturbed.of(faults.project(folder / "before"), folder / "undisturbed")


def sample(found: list[faults.Strike], kept: set[str]) -> list[faults.Strike]:
    """Every call of some kinds, and a few writes from the first to the last."""
    writes = [what for what in found if what.call in ("write", "pwrite64")]
    few = [writes[n * (len(writes) - 1) // (WRITES - 1)] for n in range(WRITES)]
    return few + [what for what in found if what.call in kept]


SAMPLED = {
    faults.KILL: {"openat", "fsync", "rename", "link", "unlink"},
    faults.FULL: {"openat", "fsync", "rename", "link"},
    faults.BROKEN: {"getdents64", "fsync", "rename", "link"},
}


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("fault", SAMPLED)
def test_a_fault_at_a_call_on_the_store_loses_nothing(undisturbed, tmp_path, fault):
    """The store is valid, the next ingest makes it what an undisturbed one would have, and a bad disk is named."""
    found = faults.strikes(Path(shutil.copytree(undisturbed.before, tmp_path / "counted")), fault)
    taken = sample(found, SAMPLED[fault])
    hits = 0

    for what in taken:
        root = Path(shutil.copytree(undisturbed.before, tmp_path / "struck"))
        done, is_hit = faults.strike(root, what)
        said = faults.faults_said(done, what, root, undisturbed)
        assert said + faults.faults_after(root, undisturbed) == [], f"{what}\n{what.line}"
        hits += is_hit
        shutil.rmtree(root)

    assert hits >= len(taken) - 2 >= 8, "the faults did not come where they were meant to"


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing(tmp_path):
    """Also in the middle of a call; `run_kills.py` does two hundred."""
    wrong, _ = random_kills.run(tmp_path, kills=6, seed=7)

    assert wrong == []


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.may_skip("containers often forbid mounts; faults.FULL does the same through strace")
def test_a_full_disk_is_named_and_the_next_ingest_completes(tiny_disk, tmp_path):
    """Exit 2, what was there is unharmed, nothing is left over; with more room the rest comes in."""
    root = small.start(tmp_path / "registry")
    (root / "behaviors" / "evidence").symlink_to(tiny_disk)
    assert small.run("ingest", "logs", cwd=root).returncode == 0
    before = Project(root).store.list()
    for number in range(4):
        noise = random.Random(number)
        samples = [build_logs.sample(noise.randbytes(100).hex()) for _ in range(700)]
        spec = {"eval_id": f"more-{number}", "task": "arithmetic", "model": "acme/atlas-3"}
        build_logs.eval_log(root / "logs" / f"more-{number}.eval", samples, build_logs.header(eval=spec))

    full = small.run("ingest", "logs", cwd=root)
    kept = Project(root).store

    assert full.returncode == 2
    assert b"No space left on device" in full.stderr
    assert b"fix: make room" in full.stderr
    assert set(before) <= set(kept.list())
    assert len(kept.list()) < 6
    assert kept.verify() == ()
    assert list((tiny_disk / "tmp").iterdir()) == []
    subprocess.run(["mount", "-o", "remount,size=20m", str(tiny_disk)], check=True)
    again = small.run("ingest", "logs", cwd=root)
    assert again.returncode == 0, again.stderr
    assert len(Project(root).store.list()) == 6
    assert Project(root).store.verify() == ()


def test_eight_ingests_at_once_lose_nothing(tmp_path):
    """Each with a log of its own, and one that all have; whole commands, not only commits."""
    root = small.start(tmp_path / "registry", logs=False)
    for number in range(8):
        (root / str(number)).mkdir()
        small.log(root / str(number) / f"own-{number}.eval", "atlas-1", "CI" * 4)
        small.log(root / str(number) / "shared.eval", "atlas-2", "CCI")

    running = [
        subprocess.Popen([*small.command(), "ingest", str(number)], cwd=root, stdout=subprocess.DEVNULL)
        for number in range(8)
    ]

    assert [process.wait(120) for process in running] == [0] * 8
    store = Project(root).store
    assert sorted(stored.run.run_id for stored in store.runs()) == [*(f"own-{n}" for n in range(8)), "shared"]
    assert store.verify() == ()
    assert list((root / "behaviors" / "evidence" / "tmp").iterdir()) == []
