"""Ingests that are killed at random moments, again and again on the same store."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from mbe_docs.project import Project
from tests.evidence.faults import content, evidence
from tests.project import small

INGEST = """
import pyarrow.parquet, sys
from mbe_docs.project import Project
from mbe_docs.project.reading import sources
sources()
print("ready", flush=True)
for folder in sys.argv[1:]:
    Project.find(None).ingest([folder])
"""
FOLDERS = [f"batch-{number:02}" for number in range(12)]
LOGS = 4


def project(root: Path) -> Path:
    """Twelve folders of four logs, to be ingested in as many commits; nothing is ingested yet."""
    small.start(root, logs=False)
    small.configure(root, "publish_excerpts: all")
    for folder in FOLDERS:
        (root / folder).mkdir()
        for number in range(LOGS):
            small.log(root / folder / f"{folder}-{number}.eval", f"atlas-{1 + number % 3}", "CCI" * 20)
    return root


def ingest(root: Path, delay: float | None = None) -> tuple[int, float]:
    """All folders in one process, killed with its children after so many seconds at work: exit code, seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", INGEST, *FOLDERS],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        begun = time.perf_counter()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode, time.perf_counter() - begun


def run(folder: Path, kills: int, seed: int) -> tuple[list[str], str]:
    """What went wrong in so many kills, and what they were."""
    before = project(folder / "before")
    undisturbed = Path(shutil.copytree(before, folder / "undisturbed"))
    code, seconds = ingest(undisturbed)
    assert code == 0
    expected = content(undisturbed)
    draw = random.Random(seed)
    wrong: list[str] = []
    killed = finished = partly = 0
    root, kept = Path(shutil.copytree(before, folder / "killed")), frozenset[str]()
    while killed < kills:
        code, _ = ingest(root, draw.uniform(0, seconds))
        killed += code == -signal.SIGKILL
        store = Project(root).store
        listed = {repr(entry) for entry in store.list()}
        wrong += [f"kill {killed}: damaged: {finding}" for finding in store.verify()]
        if not kept <= listed <= {*expected.values()}:
            wrong.append(f"kill {killed}: a log is lost, or half of one is visible")
        if len(store.load().runs) != len(listed):
            wrong.append(f"kill {killed}: a log is visible and its run is not")
        kept = frozenset(listed)
        partly += 0 < len(listed) < len(FOLDERS) * LOGS
        if len(listed) == len(FOLDERS) * LOGS or killed == kills:
            finished += 1
            code, _ = ingest(root)
            if code or content(root) != expected:
                wrong.append(
                    f"kill {killed}: the next ingest exits {code}; expected the store of an undisturbed one"
                )
            small.log(root / FOLDERS[0] / "one-more.eval", "atlas-2", "CI")
            Project(root).ingest([str(root / FOLDERS[0])])
            if any((evidence(root) / "tmp").iterdir()):
                wrong.append(f"kill {killed}: something is left over")
            shutil.rmtree(root)
            root, kept = Path(shutil.copytree(before, root)), frozenset()
    return (
        wrong,
        f"{killed} kills, {partly} of them with some logs in the store and some not, {finished} stores filled",
    )
