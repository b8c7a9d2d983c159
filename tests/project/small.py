"""A registry of one behavior and two models: small enough to build in seconds, and to break on purpose."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mbe_docs.project import Project
from tests.sources.build_logs import eval_log, header, sample

BEHAVIOR = """\
---
title: Adds two numbers
category: accuracy
measure:
  task: arithmetic
  scorer: match
  direction: higher
  margin: 0.1
  min_samples: 20
  slices: [kind]
---

Plain text of the note.
"""
FAMILY = """\
provider: acme
title: Atlas
lineage:
  - [atlas-1, atlas-2]
snapshots:
  atlas-1: {title: Atlas 1}
  atlas-2: {title: Atlas 2}
  atlas-3: {title: Atlas 3}
aliases:
  atlas-latest:
    - {snapshot: atlas-2, from: 2026-01-01}
"""
VALUES = {"atlas-1": "C" * 38 + "I" * 2, "atlas-2": "C" * 8 + "I" * 32}
"""Scores of forty samples: 95 % of the old model's are right, 20 % of the new one's."""


def log(path: Path, model: str, values: Iterable[Any], *, task: str = "arithmetic", **changes: Any) -> Path:
    """A finished log of one sample per value."""
    scores = list(values)
    spec = {
        "eval_id": f"{path.stem}-{model}",
        "run_id": path.stem,
        "task": task,
        "model": f"acme/{model}",
        "dataset": {"name": "sums", "samples": len(scores)},
    }
    samples = [
        sample(number, value=value, metadata={"kind": "easy" if number % 2 else "hard"})
        for number, value in enumerate(scores, start=1)
    ]
    status = changes.pop("status", "success")
    return eval_log(path, samples, header(status, eval=spec | changes))


def start(root: Path, *, logs: bool = True) -> Path:
    """The registry, with its logs in `logs/`, nothing ingested."""
    Project.init(root, title="Small registry")
    (root / "behaviors" / "adds.md").write_text(BEHAVIOR, encoding="utf-8")
    (root / "behaviors" / "models" / "atlas.yaml").write_text(FAMILY, encoding="utf-8")
    if logs:
        (root / "logs").mkdir()
        for model, values in VALUES.items():
            log(root / "logs" / f"{model}.eval", model, values)
    return root


def ingested(root: Path) -> Path:
    """The registry with its logs ingested."""
    start(root)
    assert Project(root).ingest([str(root / "logs")]).count("read") == len(VALUES)
    return root


def configure(root: Path, line: str) -> None:
    """Adds a line to the settings of a registry."""
    path = root / "behaviors" / "config.yaml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def command() -> list[str]:
    """The installed command of the interpreter that runs the tests."""
    script = Path(sys.executable).with_name("mbe-docs")
    return (
        [str(script)]
        if script.exists()
        else [sys.executable, "-c", "from mbe_docs.cli.main import main; main()"]
    )


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return subprocess.run(
        [*command(), *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


def files(root: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder; of a link, where it leads."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"→ {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def containing(root: Path, text: str) -> list[str]:
    """Files below a folder that hold a text; compressed ones are unpacked first."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            elif path.suffix == ".parquet":
                content += repr(pq.read_table(path).to_pylist()).encode()
            if text.encode() in content:
                found.append(path.relative_to(root).as_posix())
    return found
