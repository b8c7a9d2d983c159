"""Spark, where somebody asks for it: a session, and an engine that runs the same SQL as DuckDB."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mbe_docs.errors import ConfigError, EvidenceError
from mbe_docs.evidence.columns import observation_schema
from mbe_docs.evidence.engine import OpenEngine, too_large
from mbe_docs.evidence.manifest import PartEntry

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULTS: Final = {
    "spark.app.name": "mbe-docs",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_PATTERN: Final = re.compile(r"([\\*?\[\]{}])")


def start(conf: Mapping[str, str]) -> Any:
    """A session of Spark with these settings, or the one that runs already.

    Without `spark.master` it is the one of Spark's own configuration, else this machine.

    Raises:
        ConfigError: Spark is not installed, or does not start.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigError("the engine 'spark' needs pyspark", fix="pip install 'mbe-docs[spark]'") from error
    # Spark's own default is any `python3` on the path, which need not have what this one has.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder
    for name, value in {**DEFAULTS, **conf}.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # Java's and Python's errors of many classes
        raise ConfigError(
            f"Spark does not start: {words(error)}",
            fix="install Java 17 or later, and check the settings given with --spark-conf",
        ) from error


def words(error: Exception) -> str:
    """The first line of what Spark says; the rest is its stack."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def on_spark(session: Any) -> OpenEngine:
    """An engine for `Aggregation` on a running session; its workers must see the folder of the store."""
    return lambda parts, run_keys: _Spark(session.newSession(), parts, run_keys)


class _Spark:
    """Views and tables are those of a session of its own; closing it gives the cached ones back."""

    def __init__(
        self, session: Any, parts: Sequence[tuple[PartEntry, Path]], run_keys: Collection[str]
    ) -> None:
        self._session = session
        # Without it a sum that does not fit wraps around, and nobody hears of it.
        session.conf.set("spark.sql.ansi.enabled", "true")
        self._cached: list[Any] = []
        with _reported():
            self._observe(parts, frozenset(run_keys))

    def _observe(self, parts: Sequence[tuple[PartEntry, Path]], wanted: frozenset[str]) -> None:
        """The view `observations`: of each part the runs that count, as `observations.observed` has it."""
        columns = observation_schema().names
        live: dict[Path, set[str]] = {}
        mixed: set[Path] = set()
        for entry, path in parts:
            live.setdefault(path, set()).update(entry.live() & wanted)
            if entry.shared is True or any(run.superseded_by and run.run_key in wanted for run in entry.runs):
                mixed.add(path)
        whole = [_plain(path) for path in live if path not in mixed]
        frames = [self._session.read.parquet(*whole).select(*columns)] if whole else []
        for path in mixed:
            frame = self._session.read.parquet(_plain(path)).select(*columns)
            frames.append(frame.where(frame.run_key.isin(*sorted(live[path]))))
        if not frames:
            frames = [self._session.createDataFrame(observation_schema().empty_table())]
        found = frames[0]
        for frame in frames[1:]:
            found = found.unionAll(frame)
        found.createOrReplaceTempView("observations")

    def add(self, name: str, content: pa.Table) -> None:
        with _reported():
            self._session.createDataFrame(content).createOrReplaceTempView(name)

    def view(self, name: str, text: str) -> None:
        with _reported():
            self._session.sql(text).createOrReplaceTempView(name)

    def table(self, name: str, text: str) -> None:
        with _reported():
            made = self._session.sql(text).persist()
            made.createOrReplaceTempView(name)
            self._cached.append(made)

    def query(self, text: str) -> pa.Table:
        with _reported():
            return self._session.sql(text).toArrow()

    def close(self) -> None:
        while self._cached:
            self._cached.pop().unpersist()


def _plain(path: Path) -> str:
    """A path that stands for itself only, on this file system: Spark takes some characters for a pattern."""
    return "file:" + _PATTERN.sub(r"\\\1", str(path.absolute()))


@contextmanager
def _reported() -> Iterator[None]:
    """What Spark refuses, as an `EvidenceError`."""
    try:
        yield
    except Exception as error:  # Java's and Python's errors of many classes
        if "ARITHMETIC_OVERFLOW" in str(error) or "NUMERIC_VALUE_OUT_OF_RANGE" in str(error):
            raise too_large(error) from error
        raise EvidenceError(
            f"the evidence cannot be aggregated on Spark: {words(error)}",
            fix="see to it that Spark's workers run, and read the folder of the store",
        ) from error
