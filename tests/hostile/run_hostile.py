"""Builds a site that shows every hostile string of a corpus everywhere, and counts what the strings achieve.

    python tests/hostile/run_hostile.py CORPUS [--probe FILE] [--through templates|pipeline] [--limit N] [--keep DIR]

CORPUS has one JSON object a line, `{"id": …, "text": …}`. The site is probed *without* its Content-Security-Policy
and with every Markdown extension of the theme switched on: only the handling of text stands between the strings
and the page. The last line is `hits of N`; exit code 1 if there is any hit, 2 if it could not run.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from mbe_docs.config import Config  # noqa: E402
from mbe_docs.errors import MbeDocsError  # noqa: E402
from mbe_docs.site.build import assets, build_site  # noqa: E402
from mbe_docs.site.generator import navigation  # noqa: E402
from mbe_docs.site.links import page_url  # noqa: E402
from mbe_docs.site.render import render_pages  # noqa: E402
from tests.fixtures.site import text_pages  # noqa: E402
from tests.hostile.payloads import Payload, Site  # noqa: E402
from tests.hostile.pipeline import through_pipeline  # noqa: E402

PROBE = REPOSITORY.parent / "shared" / "tools" / "xss_probe.py"
OWN_LINK = re.compile(r'(<a (?:class="[a-z-]+" )?href=")([a-z0-9./-]+)(?=["#])')
KINDS = ("exec", "net", "file", "tmpl", "dom", "clobber", "struct", "lost", "jserr")
SEARCH_BYTES = 2_000_000
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def through_templates(payloads: list[Payload], project: Path) -> Site:
    """Test templates that put the text into every kind of place; rendering, generator and publishing are real."""
    shutil.copy(text_pages.HERE / "mkdocs-everything.yml", project / "mkdocs.yml")
    (project / ".env").write_text("CANARY_FILE\n", encoding="utf-8")
    config, templates = Config(title="Hostile"), (text_pages.TEMPLATES,)
    pages = text_pages.pages((payload.id, payload.text) for payload in payloads)
    files = {**render_pages(pages, templates=templates, config=config), **assets(templates)}
    built = build_site(project, files, config=config, nav=navigation(pages))
    if not built.is_published:
        raise MbeDocsError("\n".join(str(finding) for finding in built.findings[:20]))
    texts = {f"text:{payload.id}": payload for payload in payloads}
    manifest = [
        {
            "page": f"{page_url(page.path)}index.html",
            "id": texts[page.id].id,
            "text": texts[page.id].text,
            "exact": True,
        }
        for page in pages
        if page.id in texts
    ]
    trusted = ("--after-id", "after", "--sentinel", "sentinel of the page", "--hcount", "3")
    return Site(built.site.resolve(), manifest, (*trusted, "--trusted-href", "https://example.org/evidence"))


BUILDERS: dict[str, Callable[[list[Payload], Path], Site]] = {
    "templates": through_templates,
    "pipeline": through_pipeline,
}
"""Ways from a corpus to a site; each gets the payloads and an empty project folder."""


def for_probe(site: Path, target: Path) -> Path:
    """A copy of a site that no browser policy protects.

    Links that the templates made get absolute paths: the probe clicks every other link, and counts it as a hit
    when one leads away. Links that come out of a text are entity-coded and stay as they are.
    """
    shutil.copytree(site, target)
    for page in target.rglob("*.html"):
        folder = "/" + page.parent.relative_to(target).as_posix()

        def absolute(found: re.Match[str], folder: str = folder) -> str:
            path = posixpath.normpath(posixpath.join(folder, found[2]))
            return f"{found[1]}{path}/" if (target / path.lstrip("/")).is_dir() else found[0]

        html = POLICY.sub("", page.read_text(encoding="utf-8"))
        page.write_text(OWN_LINK.sub(absolute, html), encoding="utf-8")
    _shorten_search(target / "search" / "search_index.json")
    return target


def _shorten_search(index: Path) -> None:
    """Keeps every n-th section: the probe leaves a page before a large index has come, an error to the theme."""
    found = json.loads(index.read_text(encoding="utf-8"))
    step = max(1, index.stat().st_size // SEARCH_BYTES)
    found["docs"] = [{**doc, "text": doc["text"][:2_000]} for doc in found["docs"][::step]]
    index.write_text(json.dumps(found), encoding="utf-8")


def probe(site: Site, folder: Path, *, script: Path, jobs: int) -> dict[str, Any]:
    """Runs the probe in Chromium: its counts, and every page with a hit."""
    manifest, report = folder / "manifest.json", folder / "report.json"
    manifest.write_text(json.dumps(site.manifest), encoding="utf-8")
    command = [sys.executable, str(script), str(for_probe(site.folder, folder / "bare"))]
    command += ["--manifest", str(manifest), "--json", str(report), "--jobs", str(jobs)]
    command += ["--raw-selector", ".mbe-raw code", "--visible", str(REPOSITORY / "mbe_docs" / "text.py")]
    command += ["--search", "alert,script,fails", *site.probe_options]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def hits(report: dict[str, Any], site: Site) -> list[str]:
    """One line per page on which something happened, a script failed, or the text shown was not the text."""
    inexact = {row["page"] for row in site.manifest if not row["exact"]}
    lines = []
    for row in report["results"]:
        kinds = [kind for kind in KINDS if row[kind] and not (kind == "lost" and row["page"] in inexact)]
        if kinds:
            lines.append(f"{row['id']}: " + ", ".join(f"{kind} {row[kind]}" for kind in kinds))
    for word, result in (report["search"] or {}).items():
        if result["active"] or result["exec"]:
            lines.append(f"search for {word!r}: {result}")
    return lines


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--probe", type=Path, default=PROBE)
    parser.add_argument("--through", choices=sorted(BUILDERS), default="templates")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="leave project, site and report in this folder")
    options = parser.parse_args()
    if not options.probe.is_file():
        print(f"error: no probe at {options.probe}\n  fix: give its path with --probe FILE", file=sys.stderr)
        return 2
    lines = options.corpus.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()][: options.limit]
    payloads = [Payload(record["id"], record["text"]) for record in records]
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or Path(temporary)
        project = work / "project"
        project.mkdir(parents=True)
        try:
            site = BUILDERS[options.through](payloads, project)
        except MbeDocsError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        found = hits(probe(site, work, script=options.probe, jobs=options.jobs), site)
    print("\n".join([*found, f"{len(found)} hits of {len(payloads)} ({len(site.manifest)} pages)"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
