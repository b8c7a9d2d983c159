"""Chromium, a loopback server, and the built sites to look at."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mbe_docs.site.build import Built
from tests.site.building import MKDOCS_YML, TEXTS, build

sync_api = pytest.importorskip("playwright.sync_api")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
"""No name but the loopback's resolves: a request that leaves fails, and is counted all the same."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--site FOLDER`: look at this built site instead of the test pages."""
    parser.addoption("--site", type=Path, help="built site that the browser tests open")


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """One browser for all tests: `MBE_CHROMIUM`, or the `chromium` of the system."""
    path = os.environ.get("MBE_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium; name one in MBE_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=["mkdocs", "zensical"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site to open: the one of `--site`, else the test pages by each generator."""
    if given := request.config.getoption("--site", default=None):
        if request.param != "mkdocs":
            pytest.skip("one look at a given site is enough")
        return given.resolve()
    root = tmp_path_factory.mktemp(request.param)
    shutil.copy(MKDOCS_YML, root)
    built: Built = build(root, TEXTS, generator=request.param)
    assert built.is_published, built.findings
    return built.site.resolve()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def visit(chromium, site: Path):
    """Opens pages of the site, and keeps what went wrong in them."""
    with served(site) as base:
        context = chromium.new_context()
        yield Visit(context, base, site)
        context.close()


class Visit:
    """One reader: opens pages, counts requests that leave the host, and errors."""

    def __init__(self, context, base: str, folder: Path) -> None:
        self.base = base
        self.folder = folder
        self.left: list[str] = []
        """Requests to anywhere but the site."""
        self.errors: list[str] = []
        """What the console and the page complained of; violations of the policy are among them."""
        self.page = context.new_page()
        context.on("request", self._requested)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(f"{self.page.url}: {error}"))
        self.page.on("requestfailed", lambda request: self.errors.append(f"{request.url}: {request.failure}"))

    def open(self, path: str) -> None:
        """Waits until everything has loaded."""
        self.page.goto(self.base + path, wait_until="networkidle")

    def paths(self) -> list[str]:
        """Every page of the site."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.html"))

    def _requested(self, request) -> None:
        if not request.url.startswith((self.base, "data:", "blob:", "about:")):
            self.left.append(request.url)

    def _said(self, message) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.errors.append(f"{self.page.url}: {message.text}")
