"""Building and publishing: same bytes everywhere, and a site that is whole at every moment."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mkdocs.utils.meta import get_data

from mbe_docs.config import Config
from mbe_docs.errors import GeneratorError
from mbe_docs.site.build import assets, build_site, tree_digest, write_pages
from mbe_docs.site.check import check_site
from tests.site.building import EVERYTHING_YML, TEXTS, build

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tests.site.building"]


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_only_differing_files_are_written_and_stale_ones_go(tmp_path):
    """An unchanged file keeps its time stamp: a preview server does not render it again."""
    write_pages({"same.md": b"1", "other.md": b"2", "old/gone.md": b"3"}, tmp_path)
    os.utime(tmp_path / "same.md", (1, 1))

    written = write_pages({"same.md": b"1", "other.md": b"4", "new/x.md": b"5"}, tmp_path)

    assert written.changed == ("new/x.md", "other.md")
    assert written.removed == ("old/gone.md",)
    assert (tmp_path / "same.md").stat().st_mtime == 1
    assert files_of(tmp_path) == {"same.md": b"1", "other.md": b"4", "new/x.md": b"5"}
    assert not (tmp_path / "old").exists()


def test_a_folder_may_become_a_file_and_a_file_a_folder(tmp_path):
    """Nothing of the old shape is in the way."""
    write_pages({"a": b"1", "b/c": b"2"}, tmp_path)

    write_pages({"a/d": b"3", "b": b"4"}, tmp_path)

    assert files_of(tmp_path) == {"a/d": b"3", "b": b"4"}


def test_links_in_the_folder_are_removed_and_never_followed(tmp_path):
    """Neither to a file, nor to a folder, nor where the folder itself is one."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.md").write_text("kept")
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "file.md").symlink_to(outside / "kept.md")
    (docs / "folder").symlink_to(outside)
    (tmp_path / "linked").symlink_to(outside)

    for folder in (docs, tmp_path / "linked"):
        write_pages({"file.md": b"new", "folder/x.md": b"new"}, folder)

    assert files_of(outside) == {"kept.md": b"kept"}
    assert files_of(docs) == files_of(tmp_path / "linked") == {"file.md": b"new", "folder/x.md": b"new"}


@pytest.mark.parametrize(
    "path", ["../x.md", "/x.md", "a/../../x.md", "a//b.md", "a\\b.md", "./x.md", "a\0.md"]
)
def test_paths_that_leave_the_folder_are_refused(tmp_path, path):
    """Before anything is written."""
    with pytest.raises(GeneratorError, match="is no path below the site"):
        write_pages({"fine.md": b"", path: b""}, tmp_path / "docs")

    assert files_of(tmp_path) == {}


def test_assets_come_from_the_first_folder_that_has_them(tmp_path):
    """Links and hidden files are left out."""
    for name, content in (
        ("own/assets/x.css", "own"),
        ("shipped/assets/x.css", "shipped"),
        ("shipped/assets/y/z.js", "z"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "own" / "assets" / ".hidden").touch()
    (tmp_path / "own" / "assets" / "linked.css").symlink_to(tmp_path / "shipped" / "assets" / "x.css")
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "assets").symlink_to(tmp_path / "shipped" / "assets")

    found = assets((tmp_path / "third", tmp_path / "own", tmp_path / "shipped", tmp_path / "none"))

    assert found == {"assets/x.css": b"own", "assets/y/z.js": b"z"}


@pytest.mark.parametrize("generator", ["mkdocs", "zensical"])
def test_the_same_input_gives_the_same_bytes(tmp_path, generator, monkeypatch):
    """In another folder, hash order, time zone and locale, with another generator cache."""
    digests = set()
    for name, changes in {
        "one": {"PYTHONHASHSEED": "1", "TZ": "UTC"},
        "two/deeper": {
            "PYTHONHASHSEED": "77",
            "TZ": "Asia/Tokyo",
            "LC_ALL": "C",
            "SOURCE_DATE_EPOCH": "1700000000",
        },
    }.items():
        root = tmp_path / name
        root.mkdir(parents=True)
        shutil.copy(REPOSITORY / "mkdocs.yml", root)
        for key, value in changes.items():
            monkeypatch.setenv(key, value)
        digests.add(build(root, generator=generator, site_url="https://docs.example/x/").digest)
        digests.add(build(root, generator=generator, site_url="https://docs.example/x/").digest)

    assert len(digests) == 1


def test_both_generators_make_the_same_pages_and_links(tmp_path):
    """The Markdown is the product; what makes it HTML can be changed."""
    found = {}
    for generator in ("mkdocs", "zensical"):
        root = tmp_path / generator
        root.mkdir()
        shutil.copy(REPOSITORY / "mkdocs.yml", root)
        built = build(root, generator=generator)
        assert built.is_published, built.findings
        pages = {
            path: text.decode()
            for path, text in files_of(built.site.resolve()).items()
            if path.endswith(".html")
        }
        articles = {path: re.search(r"<article.*</article>", html, re.S) for path, html in pages.items()}
        found[generator] = {
            path: re.findall(r'<(?:a|img)\s[^>]*?(?:href|src)="([^"]*)"', article[0])
            for path, article in articles.items()
            if article
        }

    by_mkdocs, by_zensical = (
        {path: {os.path.normpath(link) for link in links} for path, links in pages.items()}
        for pages in found.values()
    )
    assert by_mkdocs == by_zensical
    assert len(by_mkdocs) > len(TEXTS)


def test_no_date_is_in_the_output(project):
    """A site map without days; its compressed copy without a time."""
    site = build(project, site_url="https://docs.example/").site

    assert "<loc>https://docs.example/texts/plain/</loc>" in (site / "sitemap.xml").read_text()
    assert "lastmod" not in (site / "sitemap.xml").read_text()
    assert (site / "sitemap.xml.gz").read_bytes()[4:8] == b"\0\0\0\0"


def test_a_generator_may_write_no_site_map(project, monkeypatch):
    """A theme of the project can leave it out."""

    def run(_generator: str, config_file: Path, *, root: Path) -> None:
        del root
        site = config_file.parent / f"site.new-{os.getpid()}"
        site.mkdir()
        (site / "index.html").write_text("<head></head>")

    monkeypatch.setattr("mbe_docs.site.generator.run", run)

    assert set(files_of(build_site(project, {}, config=Config(), nav=[]).site.resolve())) == {"index.html"}


def test_files_that_are_no_pages_go_into_the_site_as_they_are(project):
    """Whatever the generator would make of their names."""
    site = build(project, static={"api/x.json": b"{}", "llms.md": b"# as it is"}).site

    assert (site / "api" / "x.json").read_bytes() == b"{}"
    assert (site / "llms.md").read_bytes() == b"# as it is"


def test_the_site_is_a_link_to_the_current_build_and_the_one_before_is_kept(project):
    """Older ones go; a build that changes nothing keeps both."""
    sites = [build(project, [("a", str(n))]).site.resolve() for n in (1, 2, 3, 3)]

    assert (project / "site").is_symlink()
    assert not (project / "site").readlink().is_absolute()
    assert sites[2] == sites[3] == (project / "site").resolve()
    assert {path.name for path in (project / "build").glob("site*")} == {sites[1].name, sites[2].name}
    assert sites[3].name == f"site-{tree_digest(sites[3])[:12]}"


def test_a_build_somebody_changed_is_not_published_again(project):
    """Its name says what should be in it; what is in it counts."""
    first = build(project)
    (first.site / "index.html").write_text("changed by hand")

    again = build(project)

    assert again.digest == first.digest == tree_digest(again.site.resolve())


def test_a_folder_that_is_no_build_of_ours_is_moved_aside(project):
    """Never overwritten, never deleted."""
    for name in ("site", "site.before-1"):
        (project / name).mkdir()
        (project / name / "mine.html").write_text(name)

    built = build(project)

    assert built.moved_aside == project / "site.before-2"
    assert (project / "site.before-2" / "mine.html").read_text() == "site"
    assert (project / "site.before-1" / "mine.html").read_text() == "site.before-1"
    assert (project / "site" / "index.html").is_file()


def test_a_site_with_a_dead_link_is_not_published(project):
    """The site of before stays, and the finding says where."""
    before = build(project).site.resolve()
    page = b"# Home\n\n<p>\n<a href='nowhere/'>x</a></p>\n"

    built = build_site(project, {"index.md": page}, config=Config(), nav=[])

    assert not built.is_published
    assert {"MBE391"} == {finding.code for finding in built.findings}
    assert "link to 'nowhere/', where nothing is" in {finding.problem for finding in built.findings}
    assert (project / "site").resolve() == before
    assert {path.name for path in (project / "build").glob("site*")} == {before.name}


def test_what_the_generator_refuses_leaves_the_site(project):
    """Its error passes through; the next build cleans up."""
    before = build(project).site.resolve()
    with pytest.raises(GeneratorError, match=r"nope\.md"):
        build_site(project, {"index.md": b"# Home\n\n[x](nope.md)\n"}, config=Config(), nav=[])

    assert (project / "site").resolve() == before
    build(project)
    assert list((project / "build").glob("site.new-*")) == []


def test_two_builds_at_once_do_not_mix(project):
    """The second says so and stops."""
    (project / "build").mkdir()
    with (project / "build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(GeneratorError, match="another build of this project is running"):
            build(project)


def test_a_build_killed_at_any_moment_leaves_the_previous_site_whole(project):
    """SIGKILL all along a build, then once more to the end: always the old site or the new one, complete."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    started = time.monotonic()
    command = [*COMMAND, str(project)]
    old = subprocess.run(
        [*command, "old"], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    took = time.monotonic() - started

    for step in range(1, 11):
        running = subprocess.Popen(
            [*command, "new"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(took * step / 10)
        running.send_signal(signal.SIGKILL)
        running.communicate()

        published = (project / "site").resolve()
        digest = tree_digest(published)
        assert published.name == f"site-{digest[:12]}"
        if digest != old:
            break

    new = subprocess.run(
        [*command, "new"], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert new == tree_digest((project / "site").resolve()) != old
    assert list((project / "build").glob("site.new-*")) == []


HOSTILE = [
    ("snippet", '--8<-- ".env"\n\n--8<--\n.env\n--8<--\n\n;--8<-- "mkdocs.yml"'),
    ("macro", "{{ cycler.__init__.__globals__ }} {% include '.env' %} {{ 6 * 7 }}forty"),
    ("strict", "[see](foo.md) ![x](nope.png) <https://x.example> [a][b]\n\n[b]: ../../nope.md"),
    ("anchor", "## Evidence\n\n## __config\n\n## After\n\n{: #evidence }"),
    ("attributes", "x{: onclick=alert(1) #after }\n\n{: .y }"),
    ("table", "a | b | c\n--|--|--\n1 | 2 | 3"),
    ("critic", "{--deleted--}{++added++}{>>note<<}"),
    ("mermaid", "```mermaid\ngraph\n```\n\n:smile: $x$ ==y== ^^z^^ ++ctrl+c++"),
    ("parser", "<![><img src=x> <a <a </article></main> <plaintext> <!-- "),
    ("surrogate", "\ud800 \x00 \x02 \x03 \x1b[31m"),
    ("front", "---\ntitle: '<script>alert(1)</script>'\ntemplate: nope.html\n---\n"),
]
"""One text for each way that `threats.md` lists in which a text takes over a page or stops a build."""


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory) -> Path:
    """Built with every extension that reads text switched on."""
    root = tmp_path_factory.mktemp("hostile")
    shutil.copy(EVERYTHING_YML, root / "mkdocs.yml")
    (root / ".env").write_text("CANARY_FILE")
    built = build(root, HOSTILE)
    assert built.is_published, built.findings
    return built.site


def test_no_text_stops_a_strict_build_or_breaks_its_links(hostile_site):
    """Every page is there, with the anchors that it should have and no other of them."""
    assert check_site(hostile_site) == []
    for name, _ in HOSTILE:
        article = _article(hostile_site, name)
        assert article.count('id="evidence"') == article.count('id="after"') == 1
        assert re.search(
            r'<h2 id="evidence">Evidence<a [^>]*>[^<]*</a></h2>\s*<p>trusted evidence paragraph</p>', article
        )
        assert re.search(
            r'<h2 id="after">After<a [^>]*>[^<]*</a></h2>\s*<p>sentinel of the page</p>', article
        )
        assert '<a href="https://example.org/evidence">evidence</a>' in article


def test_no_file_of_the_builder_is_in_the_site(hostile_site):
    """Neither in a page nor in the search index; templates in texts are not evaluated."""
    for path, content in files_of(hostile_site.resolve()).items():
        assert b"CANARY_FILE" not in content, path
        assert b"42forty" not in content, path


@pytest.mark.parametrize("name", [name for name, _ in HOSTILE])
def test_no_text_becomes_an_element_or_an_attribute(hostile_site, name):
    """Nothing active is in the article; only the two notes may make a table of a table's source."""
    article = _article(hostile_site, name)

    assert re.findall(r"<(?!/)(?:" + ACTIVE + r")\b|<[a-z][^>]*\son[a-z]+=", article) == []
    assert article.count("<table") == 2 + 2 * (name == "table")


def test_a_title_cannot_leave_its_place_on_any_page(hostile_site):
    """In `<title>`, header, navigation and description it is text, on its own page and on all others."""
    for path in hostile_site.resolve().rglob("*.html"):
        html = path.read_text()
        outside = html.partition("<article")[0] + html.rpartition("</article>")[2]
        assert "alert(1)</script>" not in outside
        assert "<plaintext>" not in outside


def test_front_matter_in_the_sources_has_known_keys_only(hostile_site):
    """Nothing of a text is a key; every value is one escaped line."""
    for path in (hostile_site.parent / "build" / "docs" / "texts").glob("*.md"):
        _, meta = get_data(path.read_text())
        assert set(meta) <= {"title", "description", "search"}
        assert not set("".join((meta["title"], meta["description"]))) & set("<>{}\n")


ACTIVE = (
    "script|iframe|object|embed|style|base|meta|link|img|input|form|textarea|plaintext|del|ins|mark|kbd|sup"
)


def _article(site: Path, name: str) -> str:
    page = (site / "texts" / name / "index.html").read_text()
    return page[page.index("<article") : page.rindex("</article>")]
