"""Files that ship with the package: page templates and assets, the site configuration."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """In a checkout its own files win: an editable install can leave a stale packaged copy."""
    checkout = _HERE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "site_templates").is_dir():
        return checkout / name
    return _HERE / "_bundled" / name


def templates() -> Path:
    """The folder of shipped page templates, with `assets/` and `starter/`."""
    return _shipped("site_templates")


def mkdocs_config() -> Path:
    """The `mkdocs.yml` that a new project starts with."""
    return _shipped("mkdocs.yml")
