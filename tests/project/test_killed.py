"""Killed at any moment, nothing that was there is lost, and the next run succeeds."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from mbe_docs.project import Project
from mbe_docs.site.build import tree_digest
from tests.project import small


def fresh(build):
    """The site at work, beside the published one."""
    return [path for path in build.glob("site.new-*") if path.is_dir()]


def pages_in(folder):
    """Pages so far; `os.walk` passes over folders that are moved away while it looks, `rglob` does not."""
    return sum(name.endswith(".html") for _, _, names in os.walk(folder) for name in names)


MOMENTS = {
    "the pages are written": lambda build: (build / "docs" / "index.md").exists(),
    "the generator starts": lambda build: (build / "mkdocs.yml").exists(),
    "the first files of the site are there": lambda build: bool(fresh(build)),
    "the home page is there": lambda build: any((path / "index.html").exists() for path in fresh(build)),
    "most pages are there": lambda build: any(pages_in(path) > 8 for path in fresh(build)),
    "our own files are there": lambda build: any((path / "sitemap.xml").exists() for path in fresh(build)),
}
"""Told from what lies on the disk, not from a clock."""


@pytest.fixture(scope="module")
def killed(built_registry, tmp_path_factory):
    """One registry with a site, killed again and again at work on the next one."""
    root = tmp_path_factory.mktemp("killed") / "registry"
    shutil.copytree(built_registry, root, symlinks=True)
    return root


def kill_when(root, is_now):
    """Start a build and kill it, with the generator it has started, once the moment has come."""
    process = subprocess.Popen(
        [*small.command(), "build"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not is_now(root / "build"):
        time.sleep(0.002)
    was_alive = process.poll() is None
    if was_alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return was_alive


@contextmanager
def reader_of(site):
    """Somebody who reads every page over and over: what they met that was not as at the start, and how often they read."""
    expected = {path.relative_to(site): path.read_bytes() for path in site.rglob("*.html")}
    broken, rounds, stop = set(), [0], threading.Event()

    def read():
        while not stop.is_set():
            for name, content in expected.items():
                try:
                    if (site / name).read_bytes() != content:
                        broken.add(f"{name} is another")
                except OSError as error:
                    broken.add(str(error))
            rounds[0] += 1

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield broken, rounds
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_build_leaves_the_site_whole(killed, moment):
    """Every file of the site of before is there, with its bytes, while and after the next build dies."""
    for _ in range(5):  # a build may be done before we look
        before = tree_digest(killed / "site")
        for name in ("docs", "mkdocs.yml"):  # what the moments are told by
            path = killed / "build" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        note = killed / "behaviors" / "adds.md"
        note.write_text(note.read_text(encoding="utf-8") + f"\nKilled when {moment}.\n")
        with reader_of(killed / "site") as (broken, rounds):
            was_killed = kill_when(killed, MOMENTS[moment])
        if was_killed:
            break
    else:
        pytest.fail(f"no build could be killed when {moment}")

    assert tree_digest(killed / "site") == before
    assert broken == set()
    assert rounds[0] >= 1


@pytest.mark.slow
def test_the_next_build_after_kills_succeeds_and_leaves_nothing_behind(killed):
    """It does not need to know that others died."""
    note = killed / "behaviors" / "adds.md"
    note.write_text(note.read_text(encoding="utf-8") + "\nAlive at last.\n")
    kill_when(killed, MOMENTS["the home page is there"])

    done = small.run("build", cwd=killed)

    assert done.returncode == 0, done.stderr
    page = (killed / "site" / "behaviors" / "adds" / "index.html").read_text(encoding="utf-8")
    assert "Alive at last" in page
    assert fresh(killed / "build") == []
    assert len([*(killed / "build").glob("site-*")]) <= 2


@pytest.mark.slow
def test_a_reader_never_meets_half_a_site(registry):
    """While builds swap sites, every request for a page is answered with a whole page."""
    Project(registry).build()
    broken, reads, stop = [], 0, threading.Event()

    def read():
        nonlocal reads
        while not stop.is_set():
            for name in ("index.html", "behaviors/adds/index.html", "registry.json"):
                try:
                    text = (registry / "site" / name).read_text(encoding="utf-8")
                except OSError as error:
                    broken.append(f"{name}: {error}")
                else:
                    reads += 1
                    if not text.rstrip().endswith(("</html>", "}")):
                        broken.append(f"{name}: {len(text)} characters")

    reader = threading.Thread(target=read)
    reader.start()
    note = registry / "behaviors" / "adds.md"
    for number in range(2):
        note.write_text(f"{small.BEHAVIOR}\nEdition {number}.\n")
        assert Project(registry).build().published
    stop.set()
    reader.join()

    assert broken == []
    assert reads > 100


def test_two_builds_at_once_do_not_mix(registry):
    """The second is refused and says why: the first holds the lock for as long as it lives."""
    (registry / "build").mkdir()
    with (registry / "build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = small.run("build", cwd=registry)

    assert (second.returncode, second.stdout) == (2, b"")
    assert b"another build of this project is running" in second.stderr
    assert not (registry / "site").exists()


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_killed_ingest_loses_nothing(tmp_path, after):
    """What was there stays; what was not finished is read by the next ingest."""
    root = small.start(tmp_path / "registry")
    logs = root / "logs"
    Project(root).ingest([str(logs / "atlas-1.eval")])
    for number in range(30):
        small.log(logs / f"more-{number:02}.eval", "atlas-2", "CCCII" * 40)
    process = subprocess.Popen([*small.command(), "ingest", "logs"], cwd=root, stdout=subprocess.DEVNULL)
    parts = root / "behaviors" / "evidence" / "parts"
    while process.poll() is None and len([*parts.iterdir()]) < 1 + 5 * after:
        time.sleep(0.001)
    process.kill()
    process.wait()

    store = Project(root).store
    assert store.verify() == ()
    assert "acme/atlas-1" in {stored.run.model_requested for stored in store.runs()}
    again = small.run("ingest", "logs", cwd=root)
    assert again.returncode == 0
    read, known = map(int, re.search(rb"(\d+) read, (\d+) known", again.stdout).groups())
    assert read + known == 32
    assert len(store.runs()) == 32
    assert [*(root / "behaviors" / "evidence" / "tmp").iterdir()] == []


def test_two_ingests_at_once_lose_nothing(tmp_path):
    """Two people, two folders of logs, and one that both have."""
    root = small.start(tmp_path / "registry")
    for half in ("left", "right"):
        (root / half).mkdir()
        for number in range(6):
            small.log(root / half / f"{half}-{number}.eval", "atlas-1", "CCCII" * 8)
        shutil.copy(root / "logs" / "atlas-2.eval", root / half)
    both = [
        subprocess.Popen([*small.command(), "ingest", half], cwd=root, stdout=subprocess.DEVNULL)
        for half in ("left", "right")
    ]

    assert [process.wait() for process in both] == [0, 0]
    assert len(Project(root).store.runs()) == 13
    assert Project(root).store.verify() == ()


def test_a_killed_start_is_finished_by_the_next(tmp_path):
    """A file that `init` had no time to finish is not taken for one of yours."""
    Project.init(tmp_path / "new")
    for path in [*(tmp_path / "new").rglob("*")]:
        assert not path.name.endswith(".new")
    (tmp_path / "new" / "behaviors" / ".taxonomy.yaml.new").write_text("cut")
    (tmp_path / "new" / "behaviors" / "taxonomy.yaml").unlink()

    written, _ = Project.init(tmp_path / "new")

    assert written == ["behaviors/taxonomy.yaml"]
    assert small.files(tmp_path / "new").keys() & {"behaviors/.taxonomy.yaml.new"} == set()
