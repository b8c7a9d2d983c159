"""The command run in this process: quick, with exit code and both streams as a shell would see them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mbe_docs.cli.main import main
from tests.project import small


@dataclass(frozen=True)
class Outcome:
    """What a run of the command gave."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def mbe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`mbe("check", cwd=…)`: the command in a folder."""

    def run(*arguments: str, cwd: Path | None = None) -> Outcome:
        monkeypatch.chdir(cwd or tmp_path)
        monkeypatch.setattr(sys, "argv", ["mbe-docs", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        streams = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), streams.out, streams.err)

    return run


@pytest.fixture(scope="session")
def shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small registry with its logs ingested. Read only: tests share it."""
    return small.ingested(tmp_path_factory.mktemp("cli") / "registry")


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """The small registry with its logs ingested, to change."""
    return small.ingested(tmp_path / "registry")
