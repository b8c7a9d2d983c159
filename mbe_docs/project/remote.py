"""Logs behind a URL, through fsspec: listed, then fetched into a temporary folder while they are read.

Only URLs that a person typed are opened, and what listing them gives: nothing that a log names is fetched.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Final

from mbe_docs.errors import ConfigError, SourceError
from mbe_docs.sources.interface import LogFile

PROTOCOLS: Final = {
    "file": "fsspec",
    "memory": "fsspec",
    "http": "fsspec[http]",
    "https": "fsspec[http]",
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
    "hdfs": "pyarrow",
    "webhdfs": "fsspec",
    "sftp": "paramiko",
}
"""Kinds of URLs, and the package that opens each.

A closed list: fsspec knows others that run code, follow references out of a file, or chain (`zip::`,
`reference::`, `filecache::`), which no place of logs needs.
"""
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ALONE: Final = (".eval", ".xml", ".csv", ".tsv", ".parquet")
"""Logs that are read without their neighbours; of others the whole folder is fetched."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that listing a URL gave."""

    url: str
    uri: str
    bytes: int | None
    version: str
    """Changes when the file does, as far as the store says."""
    is_named: bool


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL; `C:\\logs` is not."""
    return _URL.match(text) is not None or "::" in text


def find_remote(url: str, endings: tuple[str, ...]) -> list[RemoteFile]:
    """The files at a URL: itself, those below it with a known ending, or those that its glob matches.

    Raises:
        ConfigError: it cannot be opened, or nothing is there.
    """
    system, path = _opened(url)
    # A web server knows no folders: what ends like a log is one, other pages are searched for links below.
    is_web = url.lower().startswith(("http:", "https:"))
    plain = path.split("?")[0] if is_web else path
    with _said(url):
        system.invalidate_cache()
        if "*" in path:
            listed, root = system.glob(path, detail=True), ""
        elif system.isdir(path) if not (is_web and plain.lower().endswith(endings)) else False:
            listed, root = system.find(path, detail=True), path.rstrip("/") + "/"
        elif system.exists(path):
            about = system.info(path)
            name = PurePosixPath(plain).name
            return [RemoteFile(_full(system, path), name, about.get("size"), _version(about), True)]
        else:
            listed, root = {}, None
    if not listed and (root is None or "*" in path):
        raise ConfigError(f"nothing is at {url}; expected a log, a folder or a glob", fix="check the address")
    found: list[RemoteFile] = []
    for name, about in sorted(listed.items()):
        uri = name.removeprefix(root) if root else PurePosixPath(name).name
        is_hidden = any(part.startswith(".") for part in uri.split("/"))
        if about.get("type") != "directory" and not is_hidden and uri.lower().endswith(endings):
            found.append(RemoteFile(_full(system, name), uri, about.get("size"), _version(about), False))
    return found


def _version(about: Mapping[str, Any]) -> str:
    """The first of what stores call it: a hash, a number, or a time of change."""
    names = ("ETag", "etag", "generation", "version_id", "LastModified", "last_modified", "mtime", "created")
    return next((str(about[name]) for name in names if about.get(name)), "")


def _full(system: Any, name: str) -> str:
    return name if _URL.match(name) else str(system.unstrip_protocol(name))


def groups(urls: Sequence[str]) -> list[list[int]]:
    """Which of these URLs are fetched together, as positions, in their order.

    Formats of several files find each other by name in one folder; others are fetched one by one.
    """
    found: dict[str, list[int]] = {}
    for position, url in enumerate(urls):
        is_alone = url.lower().split("?")[0].endswith(_ALONE)
        found.setdefault(url if is_alone else url.rpartition("/")[0] + "/", []).append(position)
    return list(found.values())


@contextlib.contextmanager
def fetched(wanted: Sequence[tuple[str, str]]) -> Iterator[list[LogFile | SourceError]]:
    """Local copies of files, (URL, name in records), of one group for as long as the `with` lasts.

    They have their own names and lie in one folder. In place of one that cannot be fetched stands why.
    """
    with TemporaryDirectory(prefix="mbe-docs-") as name:
        folder = Path(name).resolve()
        yield [_fetch(url, uri, folder) for url, uri in wanted]


def _fetch(url: str, uri: str, folder: Path) -> LogFile | SourceError:
    path = PurePosixPath(url.split("://", 1)[1].split("?", maxsplit=1)[0])
    # The name of the folder matters to some formats. No name is a way out of ours.
    parent = path.parent.name if path.parent.name not in ("", ".", "..") else "logs"
    target = folder / parent / path.name
    try:
        system, remote = _opened(url)
        target.parent.mkdir(exist_ok=True)
        system.get_file(remote, str(target))  # in pieces: a log of any size takes constant memory
    except ConfigError as error:
        return SourceError(error.problem, fix=error.fix)
    except Exception as error:  # each kind of store has errors of its own
        return SourceError(
            f"it cannot be fetched: {_words(error)}", fix="check the address and the access to it"
        )
    return LogFile(target, uri)


def _opened(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path on it.

    Raises:
        ConfigError: this kind of URL is not read, or its package is missing.
    """
    match = _URL.match(url)
    protocol = match[1].lower() if match and "::" not in url else url.split("://", maxsplit=1)[0]
    if protocol not in PROTOCOLS:
        raise ConfigError(
            f"logs are not read from '{protocol}' URLs; expected one of: {', '.join(PROTOCOLS)}",
            fix="copy the logs to a folder, and name that",
        )
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ConfigError(
            f"{url} needs fsspec, which is not installed",
            fix="pip install 'mbe-docs[remote]'",
        ) from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise ConfigError(
            f"{protocol}:// needs the package {PROTOCOLS[protocol]}, which is not installed",
            fix=f"pip install 'mbe-docs[remote]' {PROTOCOLS[protocol]!r}",
        ) from error
    except Exception as error:  # what a store's own package says of wrong settings
        raise ConfigError(f"{url} cannot be opened: {_words(error)}", fix="check the address") from error
    return system, path


@contextlib.contextmanager
def _said(url: str) -> Iterator[None]:
    """What a store refuses, as a `ConfigError`."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # each kind of store has errors of its own
        raise ConfigError(
            f"{url} cannot be listed: {_words(error)}", fix="check the address and the access to it"
        ) from error


def _words(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())
