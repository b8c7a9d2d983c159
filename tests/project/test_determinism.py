"""The same input gives the same bytes: in any folder, time zone, language and hash order."""

from __future__ import annotations

import json
import shutil

import pytest

from mbe_docs.project import Project
from mbe_docs.site.build import tree_digest
from tests.project import small

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


def test_a_second_build_changes_nothing(registry):
    """Not even the time of a file that readers may watch."""
    Project(registry).build()
    before = {path: path.stat().st_mtime_ns for path in (registry / "site").resolve().rglob("*")}
    Project(registry).build()

    assert {path: path.stat().st_mtime_ns for path in (registry / "site").resolve().rglob("*")} == before


def test_nothing_of_the_machine_is_published(own_site, own_project):
    """No path, user or host name of who built it."""
    assert small.containing(own_site.resolve(), str(own_project)) == []
