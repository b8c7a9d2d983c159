"""Logs behind a URL: listed, fetched while they are read, and nothing else is."""

from __future__ import annotations

import functools
import http.server
import socket
import threading
import tracemalloc

import pytest

from mbe_docs.errors import ConfigError
from mbe_docs.project import Project, remote
from mbe_docs.project.logs import find_logs
from tests.evidence.logs import tree
from tests.project import small

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")


@pytest.fixture
def root(tmp_path):
    """A registry whose logs are not ingested."""
    return small.start(tmp_path / "registry")


@pytest.fixture
def bucket(root):
    """The same logs, a hidden and a foreign file in a store in memory."""
    system = fsspec.filesystem("memory")
    for path in sorted((root / "logs").iterdir()):
        system.pipe(f"/bucket/logs/{path.name}", path.read_bytes())
    system.pipe("/bucket/logs/.cache/broken.eval", b"x")
    system.pipe("/bucket/logs/notes.txt", b"x")
    yield "memory://bucket/logs"
    system.rm("/bucket", recursive=True)


@pytest.fixture
def server(root):
    """A web server on loopback that lists the folder of logs."""
    handler = functools.partial(_Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def outcomes(summary):
    return {result.uri: result.outcome for result in summary.files}


def test_a_folder_behind_a_url_is_read_like_a_folder(root, bucket, tmp_path):
    """The same bytes in the store, and the same names in records."""
    Project(root).ingest([str(root / "logs")])
    stored = root / "behaviors" / "evidence"
    stored.rename(tmp_path / "from-folder")

    summary = Project(root).ingest([bucket])

    assert outcomes(summary) == {"atlas-1.eval": "read", "atlas-2.eval": "read"}
    assert tree(stored) == tree(tmp_path / "from-folder")


def test_a_log_behind_a_url_is_known_by_its_content(root, bucket):
    """Wherever it was read from first."""
    Project(root).ingest([str(root / "logs")])

    assert Project(root).ingest([bucket]).count("known") == 2


@pytest.mark.parametrize("name", ["logs/atlas-1.eval", "logs/", "logs/*-1.eval"])
def test_a_web_server_serves_logs(root, server, name):
    """A file, a page with links, or a glob."""
    summary = Project(root).ingest([f"{server}/{name}"])

    assert outcomes(summary)["atlas-1.eval"] == "read"


@pytest.mark.parametrize("pattern", ["{}/atlas-1.eval", "{}/*-1.eval"])
def test_a_url_may_be_a_file_or_a_glob(root, bucket, pattern):
    """As a path may."""
    summary = Project(root).ingest([pattern.format(bucket)])

    assert outcomes(summary) == {"atlas-1.eval": "read"}


def test_a_file_url_is_read(root):
    """For those who have only URLs."""
    summary = Project(root).ingest([f"file://{root / 'logs'}"])

    assert summary.count("read") == 2


def test_files_that_belong_together_are_fetched_together(root, tmp_path):
    """lm-eval's results name the model of the samples beside them."""
    from tests.conftest import ROOT

    logs = ROOT / "tests" / "fixtures" / "logs"
    folder = next(path.parent for path in sorted(logs.rglob("samples_*.jsonl")))
    system = fsspec.filesystem("memory")
    system.put(f"{folder}/", "/lm/", recursive=True)

    try:
        there = Project(root).ingest(["memory://lm"], dry_run=True)
    finally:
        system.rm("/lm", recursive=True)
    here = Project(root).ingest([str(folder)], dry_run=True)

    assert outcomes(there) == outcomes(here)
    assert (there.runs, there.observations) == (here.runs, here.observations)


def test_a_log_that_cannot_be_fetched_is_refused_and_the_others_are_read(root, bucket, monkeypatch):
    """A store may list what it does not hand over."""
    from fsspec.implementations.memory import MemoryFileSystem

    get = MemoryFileSystem.get_file

    def refuse(self, path, *rest, **more):
        if path.endswith("atlas-1.eval"):
            raise PermissionError("403 Forbidden")
        return get(self, path, *rest, **more)

    monkeypatch.setattr(MemoryFileSystem, "get_file", refuse)

    summary = Project(root).ingest([bucket])

    assert outcomes(summary) == {"atlas-1.eval": "refused", "atlas-2.eval": "read"}
    assert summary.files[0].reason == "it cannot be fetched: 403 Forbidden"


def test_what_was_fetched_is_gone_afterwards(root, bucket, tmp_path, monkeypatch):
    """A bucket may hold more than this disk."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    Project(root).ingest([bucket])

    assert [*(tmp_path / "temporary").iterdir()] == []


@pytest.mark.parametrize(
    "url", ["zip://*::file:///etc", "reference://x", "github://a:b@c/d", "filecache::s3://b", "python://x"]
)
def test_kinds_of_urls_that_do_more_than_fetch_are_refused(url):
    """fsspec would unpack, cache, follow references, or run code."""
    with pytest.raises(ConfigError, match="logs are not read from"):
        find_logs([url], [".eval"])


def test_a_log_of_any_size_takes_constant_memory(root, server, tmp_path):
    """It goes to the disk in pieces."""
    with (root / "logs" / "large.eval").open("wb") as file:
        file.truncate(96 * 2**20)
    tracemalloc.start()

    with remote.fetched([(f"{server}/logs/large.eval", "large.eval")]) as (log,):
        size = log.path.stat().st_size
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert size == 96 * 2**20
    assert peak < 32 * 2**20


def test_a_glob_that_matches_nothing_is_an_error(bucket):
    """As of a path."""
    with pytest.raises(ConfigError, match="nothing is at"):
        find_logs([f"{bucket}/*.evla"], [".eval"])


def test_a_url_without_anything_behind_it_is_an_error(bucket):
    """A typo must not look like an empty bucket."""
    with pytest.raises(ConfigError, match="nothing is at memory://bucket/lgos"):
        find_logs(["memory://bucket/lgos"], [".eval"])


def test_without_fsspec_the_error_says_what_to_install(monkeypatch):
    """The rest of the program works without it."""
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)

    with pytest.raises(ConfigError) as raised:
        find_logs(["s3://bucket/logs"], [".eval"])

    assert raised.value.fix == "pip install 'mbe-docs[remote]'"


def test_without_the_package_of_a_store_the_error_names_it(monkeypatch):
    """fsspec itself comes without them."""
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)

    with pytest.raises(ConfigError, match="s3:// needs the package s3fs") as raised:
        find_logs(["s3://bucket/logs"], [".eval"])

    assert "s3fs" in raised.value.fix


def test_nothing_is_fetched_that_nobody_typed(root, monkeypatch):
    """A log full of addresses, read with every way out guarded."""
    address = "http://169.254.169.254/latest/meta-data"
    small.log(root / "logs" / "urls.eval", "atlas-1", "CI", task_file=address, model_base_url=address)

    def refuse(self, *address):
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert Project(root).ingest([str(root / "logs")]).count("read") == 3


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (["s3://b/a.eval", "s3://b/c.eval"], [[0], [1]]),
        (["s3://b/x/r.json", "s3://b/x/s.jsonl", "s3://b/y/s.jsonl"], [[0, 1], [2]]),
        (["s3://b/x/r.json", "s3://b/x/a.eval", "s3://b/x/s.jsonl"], [[0, 2], [1]]),
    ],
)
def test_single_files_are_fetched_alone_and_others_by_folder(urls, expected):
    """Formats of several files find each other by name."""
    assert remote.groups(urls) == expected
