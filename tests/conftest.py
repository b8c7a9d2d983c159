"""No silent skips, and the project's own registry built once for all tests."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A test looks at no clock: how long one example takes says how busy the machine is.
settings.register_profile("mbe-docs", deadline=None)
settings.load_profile("mbe-docs")

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED_DATA = ROOT.parent / "shared" / "data"
"""Published results beside the checkout, too large for it; what needs them is marked `published`."""
MAY_SKIP = "may_skip"


def pytest_configure(config: pytest.Config) -> None:
    """`MBE_NO_SKIP=1` turns skips into failures, but for those that this marker allows."""
    config.addinivalue_line("markers", f"{MAY_SKIP}(reason): may be skipped even where MBE_NO_SKIP=1 is set")


def _is_strict() -> bool:
    return os.environ.get("MBE_NO_SKIP") == "1"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr or "no reason given")


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A check that should have run and did not is a failed check."""
    report.outcome = "failed"
    report.longrepr = f"skipped although MBE_NO_SKIP=1: {_reason(report)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that was skipped."""
    report = yield
    is_allowed = item.get_closest_marker(MAY_SKIP) is not None or (
        item.get_closest_marker("published") is not None and not PUBLISHED_DATA.is_dir()
    )
    if report.skipped and not hasattr(report, "wasxfail") and _is_strict() and not is_allowed:
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """A file of tests that was skipped as a whole."""
    report = yield
    if report.skipped and _is_strict():
        _fail(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What this machine could not test, and why."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", ()))
    if reasons:
        terminalreporter.section("not tested here")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"not tested here: {count} × {reason}")


@pytest.fixture(scope="session")
def own_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the registry that ships with the project, its logs ingested. Read only: tests share it."""
    from mbe_docs.project import Project

    root = tmp_path_factory.mktemp("own") / "registry"
    shutil.copytree(ROOT / "behaviors", root / "behaviors", ignore=shutil.ignore_patterns("evidence"))
    shutil.copy(ROOT / "mkdocs.yml", root)
    summary = Project(root).ingest([str(root / "behaviors" / "logs")])
    assert summary.count("refused") == 0, summary.findings
    return root


@pytest.fixture(scope="session")
def own_site(own_project: Path) -> Path:
    """The site of that registry, built once. Read only."""
    from mbe_docs.project import Project

    built = Project(own_project).build()
    assert built.published, built.findings
    return own_project / "site"
