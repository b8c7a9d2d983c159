"""`mbe-docs ingest --engine spark`: the same store as from this machine, whatever becomes of a worker."""

from __future__ import annotations

import os
import signal

import pytest

from mbe_docs.errors import ConfigError
from mbe_docs.evidence import spark as spark_engine
from mbe_docs.project import Project
from mbe_docs.project.cluster import spark as on_spark
from tests.conftest import ROOT
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
    """A scorer that ends its process where the row says so."""
    if row["end"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return 1.0


@pytest.mark.slow
def test_the_store_is_the_same_to_the_byte(spark, tmp_path):
    """The project's own logs, a broken one and a copy; then everything is known."""
    roots = [small.start(tmp_path / name, logs=False) for name in ("here", "there")]
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "broken.eval").write_bytes(b"PK but no archive")
    first = small.log(logs / "a.eval", "atlas-1", "CI")
    (logs / "b.eval").write_bytes(first.read_bytes())
    paths = [str(logs), str(ROOT / "behaviors" / "logs")]

    here = Project(roots[0]).ingest(paths)
    there = Project(roots[1]).ingest(paths, engine=on_spark({}))
    again = Project(roots[1]).ingest(paths, engine=on_spark({}))

    assert there == here
    assert here.count("read") == 15
    assert again.count("known") == 16
    first, second = (tree(root / "behaviors" / "evidence") for root in roots)
    assert first == second


@pytest.mark.slow
def test_a_log_that_ends_its_worker_is_refused_and_the_others_are_read(spark, tmp_path):
    """Spark tries it as often as it is told; then the other logs get jobs of their own."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "behaviors" / "mappings").mkdir()
    (root / "behaviors" / "mappings" / "map.yaml").write_text(MAPPING)
    (root / "logs").mkdir()
    for name, end in (("a", ""), ("b", "killed"), ("c", "")):
        (root / "logs" / f"{name}.csv").write_text(f"id,model,end\n{name},acme/atlas-1,{end}\n")

    summary = Project(root).ingest([str(root / "logs")], scorers={"judge": judge}, engine=on_spark({}))

    assert [(result.uri, result.outcome) for result in summary.files] == [
        ("a.csv", "read"),
        ("b.csv", "refused"),
        ("c.csv", "read"),
    ]
    assert len(Project(root).store.runs()) == 2


def test_without_pyspark_the_error_says_what_to_install(monkeypatch):
    """Spark is never needed, and never started unasked."""
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)

    with pytest.raises(ConfigError) as raised:
        spark_engine.start({})

    assert raised.value.fix == "pip install 'mbe-docs[spark]'"


def test_spark_is_not_started_where_nothing_is_to_be_read(tmp_path, monkeypatch):
    """Everything is known: nobody is called."""
    root = small.ingested(tmp_path / "registry")
    monkeypatch.setattr("mbe_docs.project.cluster.start", lambda conf: pytest.fail("started"))

    assert Project(root).ingest([str(root / "logs")], engine=on_spark({})).count("known") == 2
