"""What MkDocs and Zensical are told, and what becomes of what they say."""

from __future__ import annotations

import socket
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from mbe_docs.config import Config
from mbe_docs.errors import ConfigError, GeneratorError
from mbe_docs.pages.interface import PageFile
from mbe_docs.site.generator import adapted, navigation, run, start_server, write_config


@dataclass(frozen=True)
class View:
    text: str = ""


def page(path: str, *nav: str, shown: bool = True) -> PageFile:
    """A page with a place in the navigation."""
    return PageFile(id=path, path=path, template="x", view=View(), title="X", nav=nav if shown else None)


def config_of(root: Path, **changes) -> dict:
    """The generated settings, read as plain YAML."""
    arguments = {"config": Config(), "nav": [], "docs": "docs", "site": "site"} | changes
    write_config(root, root / "build" / "mkdocs.yml", **arguments)
    return yaml.safe_load((root / "build" / "mkdocs.yml").read_text())


def test_sections_hold_their_pages_in_order_with_the_index_first():
    """Bulk pages stay out; section names are escaped, the theme prints them as they are."""
    pages = [
        page("index.md"),
        page("models/a.md", "Models", "Family <b>"),
        page("models/index.md", "Models"),
        page("models/b.md", "Models", "Family <b>"),
        page("runs/x.md", shown=False),
    ]

    expected = [
        "index.md",
        {"Models": ["models/index.md", {"Family &#60;b&#62;": ["models/a.md", "models/b.md"]}]},
    ]
    assert expected == navigation(pages)


def test_settings_of_the_project_are_kept_and_ours_put_in(tmp_path):
    """Tags of other tools are passed on; paths stay what they were, seen from the project."""
    (tmp_path / "mkdocs.yml").write_text(
        "site_name: old\nINHERIT: base.yml\nhooks: [a.py]\ntheme:\n  name: material\n  custom_dir: overrides\n"
        "extra: {x: !ENV [HOME, none]}\n"
    )

    nav = ["index.md", {"A": ["a/b.md"]}]
    config = Config(title="A <b>: {{ x }}", description='d "q"', site_url="https://docs.example/")
    write_config(
        tmp_path, tmp_path / "build" / "mkdocs.yml", config=config, nav=nav, docs="docs", site="site"
    )

    text = (tmp_path / "build" / "mkdocs.yml").read_text()
    assert "!ENV" in text
    found = yaml.safe_load(text.replace("!ENV", ""))
    assert found == {
        "site_name": "A &#60;b&#62;: &#123;&#123; x &#125;&#125;",
        "site_description": "d &#34;q&#34;",
        "site_url": "https://docs.example/",
        "docs_dir": "docs",
        "site_dir": "site",
        "nav": nav,
        "INHERIT": str(tmp_path / "base.yml"),
        "hooks": [str(tmp_path / "a.py")],
        "theme": {"name": "material", "custom_dir": str(tmp_path / "overrides")},
        "extra": {"x": ["HOME", "none"]},
    }


def test_without_pages_in_it_there_is_no_navigation_setting(project):
    """The generator's own default then; the shipped settings name the site themselves."""
    found = config_of(project)

    assert "nav" not in found
    assert found["site_name"] == Config().title


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "mkdocs.yml: no such file\n  fix: write one with `mbe-docs init`"),
        (b"a: [", "mkdocs.yml:1:5: not YAML: expected the node content, but found '<stream end>'"),
        (b"caf\xe9: 1", "mkdocs.yml: not UTF-8 at byte 3"),
        (b"- a", "mkdocs.yml: expected a mapping of settings"),
    ],
)
def test_settings_that_cannot_be_read_are_named(tmp_path, content, message):
    """With their place."""
    if content is not None:
        (tmp_path / "mkdocs.yml").write_bytes(content)

    with pytest.raises(ConfigError) as raised:
        config_of(tmp_path)

    assert message == str(raised.value)


def test_zensical_gets_links_as_it_reads_them():
    """Relative to the source file, on every page but an index; entities of a text are no quotes."""
    content = b"""<a href="../b/">x</a> <img src='../../y'> <form action="../"> title=&#34; href=&#34;../"""
    files = {"a/x.md": content, "a/index.md": content, "x.css": content}

    found = adapted("zensical", files)

    assert found == files | {
        "a/x.md": b"""<a href="./b/">x</a> <img src='./../y'> <form action="../"> title=&#34; href=&#34;../"""
    }
    assert files == adapted("mkdocs", files)


@pytest.mark.parametrize("generator", ["mkdocs", "zensical"])
def test_what_the_generator_complains_of_is_shown_safely(project, generator):
    """Its own lines, no control characters, and nothing that reads as Python."""
    docs = project / "build" / "docs"
    docs.mkdir(parents=True)
    (docs / "index.md").write_text("# Home\n\n[nowhere](nope\x9b.md)\n")
    config_of(project)

    with pytest.raises(GeneratorError) as raised:
        run(generator, project / "build" / "mkdocs.yml", root=project)

    assert raised.value.problem.startswith(f"{generator} stopped with exit code 1:\n")
    assert "nope" in raised.value.problem
    assert not {"\x1b", "\x9b"} & set(raised.value.problem)


def test_a_generator_that_is_not_installed_says_how_to_get_it(project, monkeypatch):
    """The fix is a command."""
    monkeypatch.setattr("mbe_docs.site.generator.sys.executable", _python_without_packages())
    config_of(project)

    with pytest.raises(GeneratorError) as raised:
        run("zensical", project / "build" / "mkdocs.yml", root=project)

    assert raised.value.fix == "pip install 'mbe-docs[zensical]'"


def test_a_file_of_the_project_is_not_taken_for_a_module(project):
    """`yaml.py` beside the settings is the project's own affair."""
    (project / "yaml.py").write_text("raise SystemExit('imported')")
    (project / "build" / "docs").mkdir(parents=True)
    (project / "build" / "docs" / "index.md").write_text("# Home")
    config_of(project)

    run("mkdocs", project / "build" / "mkdocs.yml", root=project)

    assert (project / "build" / "site" / "index.html").is_file()


def test_the_preview_server_shows_the_pages(project):
    """On loopback; it ends when it is told to."""
    (project / "build" / "docs").mkdir(parents=True)
    (project / "build" / "docs" / "index.md").write_text("# Home of the preview")
    config_of(project)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"

    with start_server("mkdocs", project / "build" / "mkdocs.yml", root=project, address=address) as server:
        shown = _first_answer(f"http://{address}/")
        server.terminate()

    assert "Home of the preview" in shown


def _first_answer(url: str) -> str:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("no answer in 30 s")


def _python_without_packages() -> str:
    """The interpreter that the environment of this test run was made from."""
    import sys

    return str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
