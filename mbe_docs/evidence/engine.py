"""What runs the SQL of the aggregation: DuckDB, unless somebody asks for something else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mbe_docs.errors import EvidenceError
from mbe_docs.evidence.manifest import PartEntry
from mbe_docs.evidence.observations import add_table, observed

if TYPE_CHECKING:
    import pyarrow as pa


class Engine(Protocol):
    """Runs SQL over `observations`, and over what is added or made of it. Names are ours, never a log's."""

    def add(self, name: str, content: pa.Table) -> None:
        """Have a table under a name, in place of one of the same name."""
        ...

    def view(self, name: str, text: str) -> None:
        """Have a query under a name; it is run whenever it is used."""
        ...

    def table(self, name: str, text: str) -> None:
        """Have the result of a query under a name; it is run once."""
        ...

    def query(self, text: str) -> pa.Table:
        """The result of a query.

        Raises:
            EvidenceError: the engine refuses.
        """
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


OpenEngine = Callable[[Sequence[tuple[PartEntry, Path]], Collection[str]], Engine]
"""An engine with the observations of some runs, from the parts that hold them (`EvidenceStore.parts_of`)."""


def on_duckdb(*, threads: int | None = None, memory_limit: str | None = None) -> OpenEngine:
    """DuckDB in this process.

    `threads` is by default the number of processors; `memory_limit`, such as "512MB", makes it move what is
    above it to a temporary folder (by default: above 80% of the machine's memory).
    """
    return lambda parts, run_keys: _DuckDB(parts, run_keys, threads, memory_limit)


class _DuckDB:
    def __init__(
        self,
        parts: Sequence[tuple[PartEntry, Path]],
        run_keys: Collection[str],
        threads: int | None,
        memory_limit: str | None,
    ) -> None:
        self._stack = ExitStack()
        opened = observed(parts, run_keys, threads=threads, memory_limit=memory_limit)
        self._connection = self._stack.enter_context(opened)

    def add(self, name: str, content: pa.Table) -> None:
        add_table(self._connection, name, content)

    def view(self, name: str, text: str) -> None:
        with _reported():
            self._connection.execute(f"CREATE VIEW {name} AS {text}")

    def table(self, name: str, text: str) -> None:
        with _reported():
            self._connection.execute(f"CREATE TABLE {name} AS {text}")

    def query(self, text: str) -> pa.Table:
        with _reported():
            return self._connection.sql(text).to_arrow_table()

    def close(self) -> None:
        self._stack.close()


@contextmanager
def _reported() -> Iterator[None]:
    """What DuckDB refuses, as an `EvidenceError`."""
    import duckdb

    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise too_large(error) from error
    except duckdb.Error as error:
        raise EvidenceError(
            f"the evidence cannot be aggregated: {error}",
            fix="run the command again; if a part of the store changed meanwhile, `mbe-docs check` names it",
        ) from error


def too_large(error: Exception) -> EvidenceError:
    """What an engine says where whole numbers do not hold a sum."""
    return EvidenceError(
        f"scores are too large to be added exactly: {error}",
        fix="scale the scorer's values down: 10⁸ samples of up to a million in size can be added",
    )
