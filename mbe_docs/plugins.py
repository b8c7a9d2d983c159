"""Discovery: members are the modules of a folder, then the entry points of the group with the same name."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import Any

from mbe_docs.errors import ConfigError


def discover(package: str, attribute: str) -> dict[str, Any]:
    """Members of `mbe_docs.<package>` that define `attribute`, by module name, in name order.

    Third parties add members through the entry-point group `mbe_docs.<package>`; the entry point
    loads the member itself. A name that is taken already is an error, never a silent override.
    """
    folder = importlib.import_module(f"mbe_docs.{package}")
    members: dict[str, Any] = {}
    for info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"mbe_docs.{package}.{info.name}")
        if hasattr(module, attribute):
            members[info.name] = getattr(module, attribute)
    for point in sorted(entry_points(group=f"mbe_docs.{package}"), key=lambda point: point.name):
        if point.name in members:
            raise ConfigError(
                f"entry point '{point.name}' of group 'mbe_docs.{package}' ({point.value}) is taken already",
                fix="uninstall one of the two packages, or rename the entry point",
            )
        members[point.name] = point.load()
    return members
