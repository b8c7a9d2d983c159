"""An ingest that is killed, or told of a bad disk, at one system call: with `strace`, from outside the program."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from mbe_docs.cli.main import main
from mbe_docs.evidence.manifest import PartEntry
from mbe_docs.project import Project
from tests.evidence.logs import tree
from tests.project import small

KILL, FULL, BROKEN = "signal=KILL", "error=ENOSPC", "error=EIO"
WRITING = [
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
]
STRUCK = {
    KILL: [*WRITING, "flock", "close", "read", "getdents64"],
    FULL: ["openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "link", "linkat", "mkdir"],
    BROKEN: [*WRITING, "flock", "read", "getdents64"],
}
"""The calls that can meet each fault."""
SAYS = {FULL: "No space left on device", BROKEN: "Input/output error"}
LINE = re.compile(r"\d+ +(\w+)\(")


@dataclass(frozen=True)
class Strike:
    """A fault at the n-th call of its name."""

    fault: str
    call: str
    number: int
    line: str
    """What the call is, as `strace` shows it."""

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.number}"


@dataclass(frozen=True)
class Ended:
    """How an ingest ended."""

    code: int | None
    said: str
    lines: list[str]
    """Its system calls, as `strace` shows them."""


@cache
def processes() -> ForkServerContext:
    """Processes that begin with everything imported: most of the time of a short command goes into that."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.evidence.faults", "pyarrow.parquet", "mbe_docs.project.ingest"])
    path = os.environ.get("PYTHONPATH")
    # Before Python 3.13 a fork server preloads without the path of its parent, and fails without a word.
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    forkserver.ensure_running()
    os.environ.pop("PYTHONPATH") if path is None else os.environ.update(PYTHONPATH=path)
    return context


def works() -> bool:
    """Whether `strace` is here and may trace."""
    command = ["strace", "-qq", "-o", "/dev/null", "true"]
    return shutil.which("strace") is not None and (
        subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def project(root: Path) -> Path:
    """A registry with one log in its store, and two more to ingest that keep text of attempts, too."""
    small.start(root)
    small.configure(root, "publish_excerpts: all")
    assert Project(root).ingest([str(root / "logs" / "atlas-1.eval")]).count("read") == 1
    small.log(root / "logs" / "atlas-3.eval", "atlas-3", "CCI" * 15)
    return root


def evidence(root: Path) -> Path:
    """The folder of the store."""
    return root / "behaviors" / "evidence"


def _ingest(root: Path, said: Path) -> None:
    """`mbe-docs ingest logs`, once somebody watches."""
    os.chdir(root)
    with said.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["mbe-docs", "ingest", "logs"]
    # PR_SET_PTRACER, PR_SET_PTRACER_ANY: some systems let only ancestors trace.
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))
    os.kill(os.getpid(), signal.SIGSTOP)
    main()


def _wait_for(process: BaseProcess, field: str, values: str) -> None:
    """Until the system says so of a process."""
    status = Path(f"/proc/{process.pid}/status")
    while not re.search(rf"^{field}:\s+[{values}]", status.read_text(), re.MULTILINE):
        time.sleep(0.001)


def traced(root: Path, calls: list[str], *options: str) -> Ended:
    """An ingest under `strace`."""
    said, log = root / "said.txt", root / "trace.txt"
    process = processes().Process(target=_ingest, args=(root, said))
    process.start()
    _wait_for(process, "State", "T")
    # Not `--seccomp-bpf`, which is faster: strace 6.1 then injects errors but no signals.
    command = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(log), "-p", str(process.pid)]
    with subprocess.Popen(
        [*command, "-e", f"trace={','.join(f'?{call}' for call in calls)}", *options]
    ) as watching:
        _wait_for(process, "TracerPid", "1-9")
        os.kill(process.pid or 0, signal.SIGCONT)
        process.join(60)
        if process.exitcode is None:
            process.kill()
        watching.wait(60)
    text = log.read_text(encoding="utf-8", errors="replace")
    return Ended(process.exitcode, said.read_text(encoding="utf-8"), text.splitlines())


def strikes(root: Path, fault: str) -> list[Strike]:
    """Every call of an undisturbed ingest that touches the store and can meet the fault, in order."""
    done = traced(root, STRUCK[fault])
    assert done.code == 0, done.said
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, int], Strike] = {}
    for line in done.lines:
        if match := LINE.match(line):
            process, call = line.split(maxsplit=1)[0], match[1]
            counts[process, call] += 1
            number = counts[process, call]
            if str(evidence(root)) in line and not (
                fault == FULL and call == "openat" and "O_CREAT" not in line
            ):
                found.setdefault((call, number), Strike(fault, call, number, line))
    return list(found.values())


def strike(root: Path, what: Strike) -> tuple[Ended, bool]:
    """An ingest with a fault: how it ended, and whether the fault came at a call on the store."""
    done = traced(root, [what.call], "-e", f"inject={what.call}:{what.fault}:when={what.number}")
    counts: Counter[str] = Counter()
    for line in done.lines:
        if LINE.match(line):
            counts[process := line.split(maxsplit=1)[0]] += 1
            if counts[process] == what.number and str(evidence(root)) in line:
                return done, True
    return done, False


@dataclass(frozen=True)
class Undisturbed:
    """A project before an ingest, and what its store holds afterwards if nothing happens."""

    before: Path
    listed: frozenset[PartEntry]
    """The logs of before."""
    after: dict[str, str]

    @classmethod
    def of(cls, before: Path, scratch: Path) -> Undisturbed:
        """Ingests a copy."""
        root = Path(shutil.copytree(before, scratch))
        assert Project(root).ingest([str(root / "logs")]).count("refused") == 0
        return cls(before, frozenset(Project(before).store.list()), content(root))


def content(root: Path) -> dict[str, str]:
    """What is in a store: the logs of its newest manifest, and every file of evidence, listed or not."""
    listed = {entry.source_uri: repr(entry) for entry in Project(root).store.list()}
    files = {name: digest for name, digest in tree(evidence(root)).items() if name.endswith(".parquet")}
    return listed | files


def faults_after(root: Path, undisturbed: Undisturbed) -> list[str]:
    """What is wrong with a store after a fault, and after the next ingest: nothing, one hopes."""
    store = Project(root).store
    wrong = [f"damaged: {finding}" for finding in store.verify()]
    listed = frozenset(store.list())
    if not undisturbed.listed <= listed:
        wrong.append("a log of before is lost")
    if not {repr(entry) for entry in listed} <= {*undisturbed.after.values()}:
        wrong.append("a log is visible that an undisturbed ingest does not know")
    if len(store.load().runs) != len(listed):
        wrong.append("a log is visible and its run is not")
    if refused := Project(root).ingest([str(root / "logs")]).count("refused"):
        wrong.append(f"the next ingest refuses {refused} logs")
    if content(root) != undisturbed.after:
        wrong.append("after the next ingest the store differs from that of an undisturbed one")
    small.log(root / "logs" / "one-more.eval", "atlas-2", "CI")
    Project(root).ingest([str(root / "logs")])
    if left := [path.name for path in (evidence(root) / "tmp").iterdir()]:
        wrong.append(f"left over: {left}")
    return wrong


def faults_said(done: Ended, what: Strike, root: Path, undisturbed: Undisturbed) -> list[str]:
    """Whether an ingest was killed, or said that the disk is bad, or could do without what it was refused."""
    if what.fault == KILL:
        return [] if done.code == -signal.SIGKILL else [f"it exits {done.code}, not killed"]
    if done.code == 0:
        return [] if content(root) == undisturbed.after else ["it exits 0 and the logs are not in the store"]
    wrong = []
    if done.code != 2:
        wrong.append(f"it exits {done.code}, expected 2")
    if SAYS[what.fault].lower() not in done.said.lower() or "fix:" not in done.said:
        wrong.append(f"it says {done.said[-300:]!r}")
    return wrong
