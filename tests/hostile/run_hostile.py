"""Builds a site that shows every hostile string of a corpus everywhere, and counts what the strings achieve.

    python tests/hostile/run_hostile.py CORPUS [--probe FILE] [--through templates|pipeline] [--limit N] [--keep DIR]

CORPUS has one JSON object a line, `{"id": …, "text": …}`. Each string goes two ways: through the whole product, from
logs and hand-written files to every type of page; and through test templates that put it into every kind of place a
template has. A site takes a batch of the strings, since every card names every behavior: one site of all of them
would have pages of a megabyte. The sites are probed *without* their Content-Security-Policy and with every Markdown
extension of the theme switched on: only the handling of text stands between the strings and the page.
The last line is `hits of N`; exit code 1 if there is any hit, 2 if it could not run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

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
            return f"{found[1]}{path.rstrip('/')}/" if (target / path.lstrip("/")).is_dir() else found[0]

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
    folder.mkdir()
    manifest, report = folder / "manifest.json", folder / "report.json"
    manifest.write_text(json.dumps(site.manifest), encoding="utf-8")
    command = [sys.executable, str(script), str(for_probe(site.folder, folder / "bare"))]
    command += ["--manifest", str(manifest), "--json", str(report), "--jobs", str(jobs)]
    command += ["--raw-selector", ".mbe-raw code", "--visible", str(REPOSITORY / "mbe_docs" / "text.py")]
    command += ["--search", "alert", *site.probe_options]
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


def _was_too_slow(row: dict[str, Any]) -> bool:
    """Whether the machine, not the page, kept the probe waiting: it saw nothing, and looks once more."""
    others = [row[kind] for kind in KINDS if kind not in ("struct", "lost", "jserr") and row[kind]]
    said = [*row["struct"], *row["jserr"]]
    return not others and bool(said) and all(line.startswith("probe: ") for line in said)


class Batch(NamedTuple):
    """Some strings on one way."""

    name: str
    way: str
    payloads: list[Payload]
    work: Path
    script: Path


class Outcome(NamedTuple):
    """What the strings of a batch achieved."""

    hits: list[str]
    pages: int
    refused: tuple[str, ...]


def run_batch(batch: Batch) -> Outcome:
    """Build one site and probe it."""
    project = batch.work / "project"
    project.mkdir(parents=True)
    site = BUILDERS[batch.way](batch.payloads, project)
    report = probe(site, batch.work / "first", script=batch.script, jobs=2)
    late = [row for row in report["results"] if _was_too_slow(row)]
    if late:
        pages = {row["page"] for row in late}
        few = replace(site, manifest=[row for row in site.manifest if row["page"] in pages])
        again = probe(few, batch.work / "again", script=batch.script, jobs=1)["results"]
        report["results"] = [row for row in report["results"] if not _was_too_slow(row)] + again
    found = hits(report, site)
    return Outcome([f"{batch.name}: {line}" for line in found], len(site.manifest), site.refused)


def batches(payloads: list[Payload], ways: Iterable[str], size: int, work: Path, script: Path) -> list[Batch]:
    """The strings in parts of at most this size, each on each way."""
    return [
        Batch(name := f"{way}-{start // size}", way, payloads[start : start + size], work / name, script)
        for way in ways
        for start in range(0, len(payloads), size)
    ]


def run_all(todo: list[Batch], *, jobs: int, keep: bool) -> list[Outcome]:
    """Every batch, so many at a time; of one that is done only the report stays, unless kept."""
    outcomes = []
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("forkserver")) as pool:
        for batch, outcome in zip(todo, pool.map(run_batch, todo), strict=True):
            said = [f"{batch.name}: {len(outcome.hits)} hits on {outcome.pages} pages", *outcome.hits]
            print(*said, sep="\n  ", file=sys.stderr, flush=True)
            outcomes.append(outcome)
            if not keep:
                shutil.rmtree(batch.work)
    return outcomes


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--probe", type=Path, default=PROBE)
    parser.add_argument("--through", choices=sorted(BUILDERS), help="one way only")
    parser.add_argument("--limit", type=int, help="the first strings only")
    parser.add_argument("--batch", type=int, default=32, help="strings in one site")
    parser.add_argument("--jobs", type=int, default=2, help="sites at a time")
    parser.add_argument("--keep", type=Path, help="leave projects, sites and reports in this folder")
    options = parser.parse_args()
    if not options.probe.is_file():
        print(f"error: no probe at {options.probe}\n  fix: give its path with --probe FILE", file=sys.stderr)
        return 2
    lines = options.corpus.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()][: options.limit]
    payloads = [Payload(record["id"], record["text"]) for record in records]
    ways = [options.through] if options.through else sorted(BUILDERS)
    with tempfile.TemporaryDirectory() as temporary:
        todo = batches(
            payloads, ways, options.batch, options.keep or Path(temporary), options.probe.resolve()
        )
        try:
            outcomes = run_all(todo, jobs=options.jobs, keep=bool(options.keep))
        except MbeDocsError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    found = [line for outcome in outcomes for line in outcome.hits]
    refused = Counter(code for outcome in outcomes for code in outcome.refused)
    told = ", ".join(f"{code} × {count}" for code, count in sorted(refused.items())) or "none"
    pages = sum(outcome.pages for outcome in outcomes)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"refused by check, in hand-written files: {told}")
    print(f"{len(found)} hits of {len(payloads)} ({pages} pages)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
