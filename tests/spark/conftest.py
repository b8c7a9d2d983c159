"""One small cluster for all tests: a master and two workers, each a process of its own."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

SETTINGS = {
    "spark.master": "local-cluster[2,1,1024]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.ansi.enabled": "false",  # as a cluster may have it: sums must be exact all the same
    "spark.executorEnv.PYTHONPATH": os.pathsep.join(sys.path),
}


@pytest.fixture(scope="session")
def spark():
    """A session on that cluster."""
    pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from mbe_docs.evidence.spark import start

    session = start(SETTINGS)
    yield session
    session.stop()
