"""Reading over several processes: the same as by one, and no log takes another down with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from mbe_docs.errors import ConfigError, CuratedError
from mbe_docs.project import Project, pool
from mbe_docs.project.ingest import local
from tests.evidence.logs import tree
from tests.project import small

MAPPING = """\
files: ["*.csv"]
task: arithmetic
model: {column: model}
sample_id: {column: id}
input: [id]
metrics: {match: {plugin: judge}}
"""


def judge(row):
    """A scorer that the system ends, stops or breaks, as the row has it."""
    match row["end"]:
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "wait":
            time.sleep(60)
    return 1.0


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A registry with six tables, and processes started for any two of them."""
    monkeypatch.setattr(pool, "ENOUGH_BYTES", 0)
    root = small.start(tmp_path / "registry", logs=False)
    (root / "behaviors" / "mappings").mkdir()
    (root / "behaviors" / "mappings" / "map.yaml").write_text(MAPPING)
    (root / "logs").mkdir()
    for number in range(6):
        table(root, f"t{number}")
    return root


def table(root, name, end=""):
    """A table of one row."""
    (root / "logs" / f"{name}.csv").write_text(f"id,model,end\n{name},acme/atlas-1,{end}\n")


def ingest(root, jobs, **options):
    """The logs of a registry, read by so many processes."""
    return Project(root).ingest([str(root / "logs")], scorers={"judge": judge}, engine=local(jobs), **options)


@pytest.fixture
def starts(monkeypatch):
    """How many processes were asked for, each time some were."""
    counted = []
    started = pool._Pool._started

    def count(self, jobs):
        counted.append(jobs)
        return started(self, jobs)

    monkeypatch.setattr(pool._Pool, "_started", count)
    return counted


def test_the_number_of_processes_does_not_show(root, tmp_path, starts):
    """The same summary in the same order, the same store to the byte: a refused log and a copy included."""
    (root / "logs" / "broken.csv").write_text("no,such,columns\n1,2,3\n")
    (root / "logs" / "copy.csv").write_bytes((root / "logs" / "t3.csv").read_bytes())
    one, stored = ingest(root, 1), root / "behaviors" / "evidence"
    stored.rename(tmp_path / "by-one")

    several = ingest(root, 3)

    assert starts == [3]
    assert several == one
    assert [(result.uri, result.outcome) for result in one.files] == [
        ("broken.csv", "refused"),
        ("copy.csv", "read"),
        *[(f"t{n}.csv", "known" if n == 3 else "read") for n in range(6)],
    ]
    assert tree(stored) == tree(tmp_path / "by-one")


def test_a_log_that_ends_its_process_is_refused_and_the_others_are_read(root):
    """As the system does where memory runs out; copies of it are not tried again."""
    table(root, "t2", end="killed")
    (root / "logs" / "t2-again.csv").write_bytes((root / "logs" / "t2.csv").read_bytes())

    summary = ingest(root, 2)

    refused = {result.uri: result.reason for result in summary.files if result.outcome == "refused"}
    assert set(refused) == {"t2.csv", "t2-again.csv"}
    assert "ended from outside" in refused["t2.csv"]
    assert summary.count("read") == 5
    assert [finding.code for finding in summary.findings] == ["MBE201", "MBE201"]
    assert len(Project(root).store.runs()) == 5


def test_wrong_configuration_ends_it_and_keeps_what_was_read(root):
    """The mistake reaches the caller as it was raised, with its place; logs before it are kept."""
    small.log(root / "logs" / "a.eval", "atlas-1", "CC")
    (root / "behaviors" / "mappings" / "map.yaml").write_text(MAPPING.replace("metrics", "metric"))

    with pytest.raises(CuratedError, match="unknown key 'metric'") as raised:
        ingest(root, 2)

    assert raised.value.at.line == 6
    assert raised.value.fix
    assert len(Project(root).store.runs()) == 1


def test_few_logs_start_no_process(root, starts, monkeypatch):
    """They are read before a process would have started; so are known ones, however many."""
    monkeypatch.undo()

    assert ingest(root, 8).count("read") == 6
    assert starts == []


def test_known_logs_start_no_process(root, starts):
    """Nothing is to be read, so nobody is called."""
    ingest(root, 1)

    assert ingest(root, 8).count("known") == 6
    assert starts == []


def test_a_scorer_that_cannot_travel_is_used_here(root, starts):
    """A function made on the spot has no name that another process could find."""
    summary = Project(root).ingest([str(root / "logs")], scorers={"judge": lambda row: 0.5}, engine=local(4))

    assert summary.count("read") == 6
    assert starts == []


def refuse_to_begin(reader):
    """Stands for whatever keeps a process from starting."""
    os._exit(1)


def test_processes_that_cannot_start_are_no_fault_of_the_logs(root, monkeypatch):
    """Not a single log is called unreadable for it."""
    monkeypatch.setattr(pool, "_begin", refuse_to_begin)

    with pytest.raises(ConfigError, match="no process can be started"):
        ingest(root, 2)


MAIN = """\
import sys
from mbe_docs.project import pool
pool.ENOUGH_BYTES = 0
from tests.project.test_pool import ingest
from pathlib import Path
if __name__ == "__main__":
    ingest(Path(sys.argv[1]), 2)
"""


def test_a_killed_parent_leaves_no_process_behind(root, tmp_path):
    """They would read on for nobody, or wait for ever."""
    for number in range(6):
        table(root, f"t{number}", end="wait")
    (tmp_path / "main.py").write_text(MAIN)
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py"), str(root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    scratch = root / "behaviors" / "evidence" / "tmp"
    while parent.poll() is None and not (scratch.is_dir() and any(scratch.iterdir())):
        time.sleep(0.01)
    parent.kill()

    # Every process of it holds the other end of the pipe until it is gone.
    assert parent.stdout.read() == b""
    assert parent.wait() == -signal.SIGKILL
