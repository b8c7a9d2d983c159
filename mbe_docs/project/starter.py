"""What `mbe-docs init` writes: settings, closed vocabularies, and templates to copy."""

from __future__ import annotations

import json
from pathlib import Path

from mbe_docs import bundled
from mbe_docs.curated.schemas import authored_schemas


def write_starter(path: Path, *, title: str | None = None) -> tuple[list[str], list[str]]:
    """Write the starter files below `path`; names written and names kept because they were there.

    A project has no behaviors, quirks or models until somebody writes them: an invented one would end up on
    an official page.
    """
    folder = bundled.templates() / "starter"
    files = {
        file.relative_to(folder).as_posix().replace("gitignore", ".gitignore"): file.read_text(
            encoding="utf-8"
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    for kind, schema in authored_schemas().items():
        files[f"behaviors/_schema/{kind}.json"] = json.dumps(schema, indent=1, sort_keys=True) + "\n"
    files["mkdocs.yml"] = bundled.mkdocs_config().read_text(encoding="utf-8")
    name = title or path.resolve().name
    written, kept = [], []
    for relative, text in files.items():
        target = path / relative
        if target.exists():
            kept.append(relative)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        # JSON is YAML, so any title is quoted right.
        content = text.replace("$title", json.dumps(name, ensure_ascii=False))
        fresh = target.with_name(f".{target.name}.new")
        fresh.write_text(content, encoding="utf-8", newline="\n")
        fresh.replace(target)
        written.append(relative)
    for empty in ("behaviors/models", "behaviors/quirks"):
        (path / empty).mkdir(parents=True, exist_ok=True)
    return written, kept
