"""A DuckDB that reads the files it was given and can reach nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(
    paths: Iterable[Path], spill: Path, *, threads: int | None = None, memory_limit: str | None = None
) -> duckdb.DuckDBPyConnection:
    """A database in memory that can read these files and keep in `spill` what does not fit in memory.

    No other file, no network, no extension, no variable of this process; and no statement can change that.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "preserve_insertion_order": "false",  # a result that has an order states it
        "temp_directory": str(spill),
    }
    if threads is not None:
        config["threads"] = threads
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    connection = duckdb.connect(":memory:", config=config)
    connection.execute(f"SET allowed_paths = [{', '.join(literal(str(path)) for path in paths)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def file_list(paths: Iterable[Path]) -> str:
    """Files as a literal list; each has to stand for itself (see `plain_path`)."""
    return f"[{', '.join(literal(str(path)) for path in paths)}]"


def plain_path(path: Path, folder: Path) -> Path:
    """A path that stands for itself only: DuckDB takes `[`, `*` and `?` for a pattern and cannot quote them.

    Where the path has one of them, that of a new link to it in `folder`.
    """
    if not set("[*?") & set(str(path)):
        return path
    link = folder / path.name
    link.symlink_to(path.absolute())
    return link
