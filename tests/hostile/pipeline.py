"""Hostile strings through the whole product: in logs and curated files, ingested and built by `Project`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from mbe_docs.errors import MbeDocsError
from mbe_docs.project import Project
from mbe_docs.text import page_slug
from tests.fixtures.site import text_pages
from tests.hostile.payloads import Payload, Site
from tests.sources import build_logs

LATER = "later"
REPOSITORY = Path(__file__).resolve().parents[2]


def through_pipeline(payloads: list[Payload], root: Path) -> Site:
    """Each string in two logs, a family, a behavior and a quirk of its own; what `check` refuses is left out."""
    shutil.copy(text_pages.HERE / "mkdocs-everything.yml", root / "mkdocs.yml")
    (root / ".env").write_text("CANARY_FILE\n", encoding="utf-8")
    behaviors = root / "behaviors"
    for folder in ("models", "quirks"):
        (behaviors / folder).mkdir(parents=True)
    (root / "logs").mkdir()
    shutil.copy(REPOSITORY / "behaviors" / "taxonomy.yaml", behaviors)
    (behaviors / "config.yaml").write_text("title: Hostile\npublish_excerpts: all\n", encoding="utf-8")
    (behaviors / "plain.md").write_text(_note({**BEHAVIOR, "title": "Plain"}, "Plain."), encoding="utf-8")
    names = {payload.id: f"p-{n}" for n, payload in enumerate(payloads)}
    for payload in payloads:
        _write(payload, names[payload.id], root)
    project, refused = _without_refused(root)
    project.ingest([str(root / "logs")])
    result = project.fresh().build()
    if not result.published:
        raise MbeDocsError("\n".join(str(finding) for finding in result.findings[:20]))
    site = (root / "site").resolve()
    return Site(site, list(_manifest(payloads, names, site, project)), refused=refused)


BEHAVIOR: dict[str, Any] = {
    "category": "format",
    "measure": {"task": "t", "scorer": "match", "direction": "higher", "unit": "proportion", "margin": 0.05},
    "status": "active",
}


def _note(front: dict[str, Any], body: str) -> str:
    return f"---\n{yaml.safe_dump(front, allow_unicode=True)}---\n\n{body}\n"


def _write(payload: Payload, name: str, root: Path) -> None:
    text, behaviors = payload.text, root / "behaviors"
    measure = {**BEHAVIOR["measure"], "task": text, "slices": ["kind"]}
    behavior = {**BEHAVIOR, "title": text, "summary": text, "owner": text, "measure": measure}
    quirk = {
        "title": text[:120],
        "behavior": "plain",
        "severity": "low",
        "symptoms": [text],
        "mitigations": [{"id": "m", "kind": "prompt", "how": text}],
        "reproduce": {"prompt": text, "expect": text, "command": text},
        "owner": text,
    }
    later = f"{name}-later"
    known_as = {name: text, later: f"{text} {LATER}"}
    snapshots = {one: {"title": text, "summary": text, "known_as": [known_as[one]]} for one in known_as}
    family = {
        "provider": text,
        "title": text,
        "summary": text,
        "lineage": [[name, later]],
        "snapshots": snapshots,
    }
    for path, content in (
        (behaviors / f"{name}.md", lambda: _note(behavior, text)),
        (behaviors / "quirks" / f"{name}.md", lambda: _note(quirk, text)),
        (behaviors / "models" / f"{name}.yaml", lambda: yaml.safe_dump(family, allow_unicode=True)),
    ):
        path.write_bytes(content().encode("utf-8", "surrogatepass"))
    for one, value in ((name, "C"), (later, "I")):
        _log(
            root / "logs" / f"{one}.json",
            payload if one == name else replace(payload, id=f"{payload.id} {LATER}"),
            known_as[one],
            value,
        )


def _log(path: Path, payload: Payload, model: str, value: str) -> None:
    text = payload.text
    spec = {
        "eval_id": payload.id,
        "run_id": payload.id,
        "task": text,
        "task_id": payload.id,
        "model": model,
        "dataset": {"name": text, "samples": 1, "sample_ids": [text]},
        "scorers": [{"name": "match", "options": {text: text}, "metrics": []}],
        "task_args": {text: text},
        "model_generate_config": {"stop_seqs": [text]},
    }
    sample = build_logs.sample(
        text,
        input=text,
        target=text,
        messages=[{"role": "user", "content": text}],
        output={
            "model": model,
            "choices": [{"message": {"role": "assistant", "content": text}, "stop_reason": "stop"}],
            "completion": text,
        },
        scores={"match": {"value": value, "answer": text, "explanation": text}},
        metadata={text: text, "kind": text},
        model_usage={model: {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}},
    )
    build_logs.json_log(path, [sample], build_logs.header(eval=spec))


def _without_refused(root: Path) -> tuple[Project, tuple[str, ...]]:
    """The project without what `check` finds errors in: first the body of a note, then the file."""
    refused: list[str] = []
    seen: set[Path] = set()
    while True:
        project = Project(root)
        errors = {
            root / finding.at.path: finding for finding in project.check() if finding.severity == "error"
        }
        if not errors:
            return project, tuple(refused)
        for path, finding in errors.items():
            refused.append(finding.code)
            if path in seen or path.suffix != ".md":
                path.unlink()
            else:
                front = path.read_bytes().partition(b"\n---\n")[0]
                path.write_bytes(front + b"\n---\n\nPlain.\n")
            seen.add(path)


def _manifest(payloads: list[Payload], names: dict[str, str], site: Path, project: Project) -> Any:
    """Every page that shows a string; those with its whole text in a block say so."""
    runs: dict[str, list[str]] = {}
    for stored in project.fresh().store.runs():
        runs.setdefault(stored.run.run_id or "", []).append(stored.run.run_key)
    diffs = [f"diffs/{path.name}" for path in sorted((site / "diffs").iterdir()) if path.is_dir()]
    for payload in payloads:
        name = names[payload.id]
        pages = [(f"evidence/{page_slug(key)}", True) for key in runs.get(payload.id, [])]
        pages += [(f"quirks/{name}", True), (f"behaviors/{name}", False), (f"models/{name}", False)]
        pages += [(diff, True) for diff in diffs if diff.startswith(f"diffs/{name}-")]
        for page, is_exact in pages:
            if (site / page / "index.html").is_file():
                yield {
                    "page": f"{page}/index.html",
                    "id": f"{payload.id} on {page.partition('/')[0]}",
                    "text": payload.text,
                    "exact": is_exact,
                }
