"""Builds and publishes: only differing files are written; a site is built beside the old one and swapped."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from mbe_docs.config import Config
from mbe_docs.errors import GeneratorError, Location
from mbe_docs.records.findings import Finding
from mbe_docs.site import generator
from mbe_docs.site.check import check_site
from mbe_docs.site.csp import with_policy
from mbe_docs.site.links import ASSETS

WORK: Final = "build"
"""Folder below the project with everything that can be made again."""
SITE: Final = "site"
"""Name of the published site below the project: a link to the folder of the current build."""
_LAST_MODIFIED = re.compile(r"\s*<lastmod>[^<]*</lastmod>")


@dataclass(frozen=True, slots=True)
class Written:
    """What a write changed, as sorted paths."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """The outcome of a build."""

    site: Path
    """The published site, a link."""
    digest: str
    """SHA-256 over all files of this build: equal digests are equal sites."""
    is_published: bool
    """False when an error was found; the site of before is still there then."""
    findings: tuple[Finding, ...]
    written: Written
    moved_aside: Path | None = None
    """Where a folder of that name went that was no build of ours."""


def write_pages(files: Mapping[str, bytes], folder: Path) -> Written:
    """Makes `folder` hold exactly these files: only differing ones are written, others are removed.

    Each file is replaced in one step. Links inside the folder are removed, never followed.
    """
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    present = dict(_entries(folder))
    wanted = {_checked(path): content for path, content in files.items()}
    removed = [path for path, is_file in present.items() if path not in wanted or not is_file]
    for path in removed:
        (folder / path).unlink()
    for parent, _, _ in os.walk(folder, topdown=False):
        if Path(parent) != folder:
            with suppress(OSError):
                Path(parent).rmdir()
    changed = []
    for path, content in sorted(wanted.items()):
        target = folder / path
        if present.get(path) and target.stat().st_size == len(content) and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.new")
        fresh.write_bytes(content)
        fresh.replace(target)
        changed.append(path)
    return Written(tuple(changed), tuple(sorted(path for path in removed if path not in wanted)))


def _entries(folder: Path) -> Iterator[tuple[str, bool]]:
    """Every file or link below a folder, with whether it is a file."""
    for parent, folders, names in os.walk(folder):
        for name in (*names, *folders):
            path = Path(parent) / name
            if name in names or path.is_symlink():
                yield path.relative_to(folder).as_posix(), not path.is_symlink()


def _checked(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or pure.as_posix() != path or "\\" in path or "\0" in path:
        raise GeneratorError(f"{path!r} is no path below the site", fix="use names joined by `/`")
    return path


def assets(folders: tuple[Path, ...]) -> dict[str, bytes]:
    """Style sheets and scripts by path in the site: of each name the first folder's file."""
    found: dict[str, bytes] = {}
    for folder in reversed(folders):
        root = (folder / ASSETS).resolve()
        inside = root.is_relative_to(folder.resolve())
        for path, is_file in sorted(_entries(root)) if inside else ():
            if is_file and not PurePosixPath(path).name.startswith("."):
                found[f"{ASSETS}/{path}"] = (root / path).read_bytes()
    return found


def build_site(
    root: Path,
    files: Mapping[str, bytes],
    *,
    config: Config,
    nav: list[Any],
    static: Mapping[str, bytes] | None = None,
) -> Built:
    """Writes the Markdown, runs the generator beside the published site, checks the result and swaps it in.

    Killed at any point, it leaves the published site whole. The same input gives the same bytes in any
    folder, time zone and hash order.

    Args:
        root: The project.
        files: Rendered pages by the path of the page, and assets: all that `build/docs` will hold.
        config: Title, address and generator.
        nav: See `generator.navigation`.
        static: Files that go into the site as they are, whatever the generator would make of them.

    Raises:
        GeneratorError: the generator failed, or another build of this project is running.
    """
    work = root / WORK
    work.mkdir(parents=True, exist_ok=True)
    with _only_one(work):
        for leftover in work.glob(f"{SITE}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        written = write_pages(generator.adapted(config.generator, files), work / "docs")
        fresh = work / f"{SITE}.new-{os.getpid()}"
        config_file = work / generator.CONFIG
        generator.write_config(root, config_file, config=config, nav=nav, docs="docs", site=fresh.name)
        generator.run(config.generator, config_file, root=root)
        for path, content in (static or {}).items():
            target = fresh / _checked(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        _finish(fresh, styles=generator.STYLES[config.generator])
        findings = tuple(check_site(fresh, site_url=config.site_url))
        digest = tree_digest(fresh)
        if any(finding.severity == "error" for finding in findings):
            shutil.rmtree(fresh)
            return Built(root / SITE, digest, is_published=False, findings=findings, written=written)
        aside = _publish(fresh, root / SITE, digest)
    return Built(
        root / SITE, digest, is_published=True, findings=findings, written=written, moved_aside=aside
    )


@contextmanager
def _only_one(work: Path) -> Iterator[None]:
    with (work / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise GeneratorError(
                "another build of this project is running", at=Location(WORK), fix="wait for it to end"
            ) from error
        yield


def _finish(site: Path, *, styles: str) -> None:
    """What every built site gets, whatever the generator: the policy in each page, and no dates."""
    for path in site.rglob("*.html"):
        path.write_text(
            with_policy(path.read_text(encoding="utf-8"), styles=styles), encoding="utf-8", newline="\n"
        )
    sitemap = site / "sitemap.xml"
    if sitemap.is_file():
        text = _LAST_MODIFIED.sub("", sitemap.read_text(encoding="utf-8"))
        sitemap.write_text(text, encoding="utf-8", newline="\n")
        (site / "sitemap.xml.gz").write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))


def tree_digest(folder: Path) -> str:
    """SHA-256 over the paths and contents of all files below a folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()


def _publish(fresh: Path, site: Path, digest: str) -> Path | None:
    """Points the link `site` at the new build in one step; keeps that build and the one before."""
    work = fresh.parent
    target = work / f"{SITE}-{digest[:12]}"
    if not target.exists():
        fresh.rename(target)
    elif tree_digest(target) == digest:
        shutil.rmtree(fresh)
    else:
        target = target.with_name(f"{target.name}-{os.getpid()}")
        fresh.rename(target)
    previous = site.resolve() if site.is_symlink() else None
    link = work / f"{SITE}.link-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(target, site.parent), target_is_directory=True)
    aside = None
    if site.exists() and not site.is_symlink():
        aside = _free_name(site)
        site.rename(aside)
    link.replace(site)
    if previous != target.resolve():
        for old in work.glob(f"{SITE}-*"):
            if old.resolve() not in (target.resolve(), previous):
                shutil.rmtree(old, ignore_errors=True)
    return aside


def _free_name(site: Path) -> Path:
    names = (site.with_name(f"{site.name}.before-{n}") for n in range(1, 10_000))
    return next(path for path in names if not path.exists())
