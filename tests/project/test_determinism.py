"""The same input gives the same bytes: in any folder, time zone, language and hash order."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys

import pytest

from mbe_docs.evidence import observations
from mbe_docs.project import Project
from mbe_docs.registry.publish import registry_json
from mbe_docs.site.build import tree_digest
from tests.project import small
from tests.sources.build_logs import eval_log, header, sample

ELSEWHERE = {"PYTHONHASHSEED": "4321", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1"}


@pytest.fixture(scope="module")
def elsewhere(own_project, tmp_path_factory):
    """Our own registry ingested and built again in a process with another folder, hash seed, zone and language."""
    root = tmp_path_factory.mktemp("a folder with spaces & ünïcode") / "other name"
    root.mkdir()
    shutil.copytree(own_project / "behaviors", root / "behaviors", ignore=shutil.ignore_patterns("evidence"))
    shutil.copy(own_project / "mkdocs.yml", root)
    for arguments in (["ingest", "behaviors/logs"], ["build"]):
        done = small.run(*arguments, cwd=root, env=ELSEWHERE)
        assert done.returncode == 0, done.stderr
    return root


def differences(ours, theirs, place="registry"):
    """Where two documents differ, by path, with both values."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(key), theirs.get(key), f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{place}[{index}]")
    elif ours != theirs:
        yield place, ours, theirs


def test_the_site_is_the_same_to_the_byte(own_site, elsewhere):
    """Every file of it; the first that differs is named."""
    differing = {
        name
        for name, digest in small.files(own_site.resolve()).items()
        if small.files((elsewhere / "site").resolve()).get(name) != digest
    }

    assert differing == set()
    assert tree_digest(own_site.resolve()) == tree_digest((elsewhere / "site").resolve())


def test_the_published_registry_is_the_same_to_the_byte(own_site, elsewhere):
    """With the hash of its own content."""
    ours, theirs = ((root / "registry.json").read_text("utf-8") for root in (own_site, elsewhere / "site"))

    assert list(differences(json.loads(ours), json.loads(theirs))) == []
    assert ours == theirs


def test_the_evidence_is_the_same_to_the_byte(own_project, elsewhere):
    """Two people who ingest the same logs have the same store."""
    ours, theirs = (
        small.files(root / "behaviors" / "evidence" / name)
        for root in (own_project, elsewhere)
        for name in ("parts",)
    )

    assert ours == theirs


def test_the_order_of_ingests_does_not_matter(tmp_path):
    """One log at a time, backwards, or all at once: the same registry."""
    once, apart = small.ingested(tmp_path / "once"), small.start(tmp_path / "apart")
    for path in sorted((apart / "logs").iterdir(), reverse=True):
        Project(apart).ingest([str(path)])

    assert Project(once).registry().content_hash == Project(apart).registry().content_hash


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Scores with three decimals, three attempts each, five runs of each model: sums that rounding could tell apart."""
    root = small.start(tmp_path_factory.mktemp("graded") / "registry", logs=False)
    (root / "logs").mkdir()
    draw = random.Random(5)
    for model in ("atlas-1", "atlas-2"):
        for run in range(1, 6):
            samples = [
                sample(number, epoch, value=round(draw.random(), 3), metadata={"kind": f"k{number % 3}"})
                for number in range(40)
                for epoch in (1, 2, 3)
            ]
            times = {"started_at": f"2026-11-{run:02}T10:00:00+00:00"}
            spec = {"eval_id": f"{model}-{run}", "task": "arithmetic", "model": f"acme/{model}"}
            spec["config"] = {"epochs": 3}
            eval_log(root / "logs" / f"{model}-{run}.eval", samples, header(eval=spec, stats=times))
    assert Project(root).ingest([str(root / "logs")]).count("read") == 10
    return root


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_the_number_of_threads_does_not_show(graded, monkeypatch, threads):
    """Sums are of whole numbers, so that their order cannot matter; drift reads rows in the order of the file."""
    once = registry_json(Project(graded).registry())
    real = observations.connect

    def connect(*arguments, **options):
        return real(*arguments, **options | {"threads": threads})

    monkeypatch.setattr(observations, "connect", connect)
    again = registry_json(Project(graded).registry())

    assert list(differences(json.loads(once), json.loads(again))) == []
    assert once == again
    assert json.loads(once)["drifts"]


HASH = "from mbe_docs.project import Project; print(Project.find(None).registry().content_hash)"


@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_the_order_of_sets_does_not_show(graded, seed):
    """Under another hash seed, in another zone, on one processor where the system can say so."""
    pinned = ["taskset", "-c", "0"] if seed == "1" and shutil.which("taskset") else []
    done = subprocess.run(
        [*pinned, sys.executable, "-c", HASH],
        cwd=graded,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == Project(graded).registry().content_hash


def test_a_second_build_changes_nothing(registry):
    """Not even the time of a file that readers may watch."""
    Project(registry).build()
    before = {path: path.stat().st_mtime_ns for path in (registry / "site").resolve().rglob("*")}
    Project(registry).build()

    assert {path: path.stat().st_mtime_ns for path in (registry / "site").resolve().rglob("*")} == before


def test_nothing_of_the_machine_is_published(own_site, own_project):
    """No path, user or host name of who built it."""
    assert small.containing(own_site.resolve(), str(own_project)) == []
