"""Live preview: build, serve the site, build again when something it is made of changes."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mbe_docs.errors import ConfigError, MbeDocsError
from mbe_docs.records.findings import Finding

if TYPE_CHECKING:
    from mbe_docs.project.project import Project

Say = Callable[[str], None]
Report = Callable[[Iterable[Finding]], None]


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files of the current site; the browser asks again every time."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: requests are not news."""


def serve(
    project: Project,
    *,
    host: str,
    port: int,
    interval: float,
    say: Say,
    report: Report,
    rounds: int | None = None,
) -> None:
    """Until interrupted, or for so many looks at the files.

    A build that fails is reported and the previous site stays up.

    Raises:
        ConfigError: the address is in use, or none of this machine.
    """
    handler = functools.partial(_Handler, directory=str(project.root / "site"))
    try:
        server = http.server.ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}",
            fix="name another --port, or --port 0 for any that is free",
        ) from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        watched = _stamps(project.root)
        _build(project, say, report)
        say(f"http://{host}:{server.server_address[1]}/ (stop with Ctrl-C)")
        while rounds is None or rounds > 0:
            time.sleep(interval)
            rounds = None if rounds is None else rounds - 1
            now = _stamps(project.root)
            if now != watched:
                changed = sorted({path for path, _ in now ^ watched})
                watched = now
                say(f"changed: {', '.join(changed[:3])}{' …' if len(changed) > 3 else ''}")
                project = project.fresh()
                _build(project, say, report)
    except KeyboardInterrupt:
        say("stopped")
    finally:
        server.shutdown()
        server.server_close()


def _build(project: Project, say: Say, report: Report) -> None:
    started = time.monotonic()
    try:
        result = project.build()
    except MbeDocsError as error:
        say(str(error))
        return
    report(result.findings)
    took = time.monotonic() - started
    say(f"{result.pages} pages in {took:.1f} s" if result.published else "not built; the previous site stays")


def _stamps(root: Path) -> frozenset[tuple[str, int]]:
    """What a site is made of, by path and time of change; a new manifest stands for new evidence."""
    return frozenset(_each(root))


def _each(root: Path) -> Iterator[tuple[str, int]]:
    places = (
        (
            "behaviors",
            ("*.md", "*.yaml", "*.yml", "evidence/manifests/*.json", "quirks/*.md", "models/*.y*ml"),
        ),
        ("site_templates", ("**/*",)),
        (".", ("mkdocs.yml",)),
    )
    for folder, patterns in places:
        for pattern in patterns:
            for path in (root / folder).glob(pattern):
                with contextlib.suppress(OSError):  # an editor may be replacing it
                    if path.is_file():
                        yield path.relative_to(root).as_posix(), path.stat().st_mtime_ns
