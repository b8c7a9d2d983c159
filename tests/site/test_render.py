"""Templates: inert by default, strict about mistakes, overridable by file name."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mkdocs.utils.meta import get_data

from mbe_docs.config import Config
from mbe_docs.errors import TemplateError
from mbe_docs.pages.interface import PageFile
from mbe_docs.site.armour import external
from mbe_docs.site.links import page_url, relative_url
from mbe_docs.site.render import front_matter, plain_title, render_pages
from mbe_docs.text import armour_inline, inert

HOSTILE = "*a* <b> {{ x }} [c](d) # `e` | _f_"


@dataclass(frozen=True, slots=True)
class View:
    text: object = HOSTILE
    number: float = -3.5


def page(template: str = "page.md.j2", **changes) -> PageFile:
    """A page that prints the hostile text somewhere."""
    fields = {"id": "model:a", "path": "models/a.md", "template": template, "view": View(), "title": "A"}
    return PageFile(**(fields | changes))


HOME = page("empty.md.j2", id="home", path="index.md", anchors=frozenset({"top-of-it"}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of templates with an empty one and an asset."""
    root = tmp_path / "site_templates"
    (root / "assets").mkdir(parents=True)
    (root / "assets" / "x.css").touch()
    (root / "empty.md.j2").touch()
    return root


def body(folder: Path, source: str, *folders: Path, resolve=None, **changes) -> str:
    """What a page of this template holds after its front matter."""
    (folder / "page.md.j2").write_text(source, encoding="utf-8")
    files = render_pages(
        [page(**changes), HOME], templates=[*folders, folder], config=Config(title="T"), resolve=resolve
    )
    return files["models/a.md"].decode().partition("\n---\n\n")[2]


@pytest.mark.parametrize(
    "expression",
    [
        *("view.text", "view.text | e", "view.text | escape", "'' ~ view.text", "[view.text] | join"),
        *("view.text + ''", "view.text | replace('@', '')", "view.text if true", "(view.text, 'x') | first"),
        *("view.text | trim", "'{}'.format(view.text)"),
    ],
)
def test_text_is_inert_however_it_is_printed(folder, expression):
    """Markdown and HTML find nothing to read in it."""
    assert f"{inert(HOSTILE)}\n" == body(folder, f"{{{{ {expression} }}}}")


@pytest.mark.parametrize(
    "expression",
    [
        "link('home') ~ view.text",
        "[link('home'), view.text] | join",
        "link('home') + view.text",
        "bold('') ~ view.text",
    ],
)
def test_text_joined_with_html_is_still_inert(folder, expression):
    """Jinja alone would settle for HTML escaping here, and leave `*` and `{{` to Markdown and macros."""
    macro = "{% macro bold(x) %}<b>{{ x }}</b>{% endmacro %}"

    assert body(folder, f"{macro}{{{{ {expression} }}}}").endswith(f"{inert(HOSTILE)}\n")


def test_literals_of_a_template_are_text_too(folder):
    """A literal in an expression is printed like any text, not like the template around it."""
    assert f"{inert('*a* <b>')} *a*\n" == body(folder, "{{ '*a* <b>' }} *a*")


def test_numbers_and_html_are_printed_as_they_are(folder):
    """Only text needs care."""
    source = "{% macro m() %}<i>x</i>{% endmacro %}{{ view.number }} {{ 7 }} {{ m() }}"

    assert body(folder, source) == "-3.5 7 <i>x</i>\n"


def test_dates_are_iso_8601(folder):
    """No locale in output."""
    view = View(text=datetime.date(2026, 11, 23))

    assert body(folder, "{{ view.text }}", view=view) == "2026&#45;11&#45;23\n"


def test_json_in_an_attribute_is_text(folder):
    """Sorted, compact, and inert."""
    expected = inert('{"a":[1,2],"b":1}')

    shown = body(folder, """<p data-x="{{ {'b': 1, 'a': [1, 2]} | tojson }}"></p>""")

    assert f'<p data-x="{expected}"></p>\n' == shown


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ view.nope }}", "'nope'"),
        ("{{ nope }}", "'nope' is undefined"),
        ("{{ none }}", "prints None"),
        ("{{ view.text is string }}", "prints True"),
        ("{{ [1] }}", "prints [1]"),
        ("{{ link('model:b') }}", "link to 'model:b', which no page has"),
        ("{{ link('home', 'nope') }}", "anchor 'nope' of 'home', which declares top-of-it"),
        ("{{ asset('nope.css') }}", "no asset 'nope.css'"),
        ("{% include 'nope.j2' %}", "template 'nope.j2'"),
        ("{% if %}", "Expected an expression"),
        ("{{ view.text | safe }}", "No filter named 'safe'"),
        ("{{ view.text | xmlattr }}", "No filter named 'xmlattr'"),
        ("{{ view.text.__class__ }}", "unsafe"),
        ("{{ cycler.__init__.__globals__.os }}", "unsafe"),
        ("{{ link('home').format(view.text) }}", "unsafe"),
        ("{{ link('home') % 1 }}", "`%` on HTML"),
        ("{{ link('home') | replace('a', view.text) }}", "`replace` on HTML"),
        ("{{ [view] | join(attribute='text') }}", "`join` takes no attribute"),
        ("{% html %}text{% endhtml %}", "begins with 'text'"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_mistake_in_a_template_names_its_line(folder, source, message):
    """The place is the template's, and the page it was met on is named."""
    with pytest.raises(TemplateError) as raised:
        body(folder, f"first line\n\n{source}\n")

    assert message in raised.value.problem
    assert str(raised.value.at) == "site_templates/page.md.j2:3"


def test_a_missing_template_says_where_it_was_looked_for(folder):
    """The folders in their order."""
    with pytest.raises(TemplateError, match=r"template 'nope.md.j2' \(page 'home'\) is missing; looked in /"):
        render_pages([page("nope.md.j2", id="home")], templates=[folder], config=Config())


def test_a_template_that_is_not_utf8_is_named(folder):
    """With the byte."""
    (folder / "empty.md.j2").write_bytes(b"caf\xe9")

    with pytest.raises(TemplateError, match="not UTF-8 at byte 3"):
        render_pages([HOME], templates=[folder], config=Config())


def test_the_projects_template_wins_and_may_extend_the_shipped_one(folder, tmp_path):
    """Override by file name, one block at a time."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "page.md.j2").write_text(
        '{% extends "default/page.md.j2" %}{% block b %}own {{ super() }}{% endblock %}'
    )

    shown = body(folder, "before {% block b %}shipped{% endblock %} after", own)

    assert shown == "before own shipped after\n"


def test_a_link_out_of_the_template_folder_is_not_followed(folder, tmp_path):
    """A template is a file of the folder, not what a link in it points to."""
    (tmp_path / "secret.j2").write_text("secret")
    (folder / "linked.j2").symlink_to(tmp_path / "secret.j2")

    with pytest.raises(TemplateError, match=r"template 'linked\.j2'"):
        body(folder, "{% include 'linked.j2' %}")


@pytest.mark.parametrize("name", ["../secret.j2", "/etc/passwd", "default/../../secret.j2"])
def test_template_names_do_not_leave_the_folder(folder, name):
    """No path leads up."""
    (folder.parent / "secret.j2").write_text("secret")

    with pytest.raises(TemplateError):
        body(folder, f"{{% include '{name}' %}}")


def test_an_html_block_loses_its_blank_lines_and_indents(folder):
    """Markdown would end the block at the first of them."""
    shown = body(
        folder, "text\n{% html %}\n  <div>\n\n    {{ armour(view.text) }}\n  </div>\n{% endhtml %}\ntext"
    )

    assert shown.startswith("text\n\n<div>\n<pre ")
    assert shown.endswith("</pre>\n</div>\n\ntext\n")
    assert shown.count("\n\n") == 2
    assert body(folder, "{% html %}{% endhtml %}") == "\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Worse", "## Worse"),
        ("By schema", "## By schema"),
        ("__config", "\n<h2>&#95;&#95;config</h2>\n"),
        ("Evidence", "\n<h2>Evidence</h2>\n"),
        ("Given id", "\n<h2>Given id</h2>\n"),
        ("<b>evidence", "\n<h2>&#60;b&#62;evidence</h2>\n"),
    ],
)
def test_a_heading_that_prints_a_value_takes_no_anchor_of_others(folder, text, shown):
    """It is a Markdown heading while its anchor is plain and free; permalinks never move to its text."""
    source = "first\n\n## {{ view.text }}\n\n## Evidence\n\n<p id='given-id'></p>"

    assert f"first\n\n{shown.strip()}\n\n## Evidence" in body(folder, source, view=View(text=text))


def test_the_second_of_two_equal_headings_has_no_anchor(folder):
    """Markdown would number it, and the number would depend on the order."""
    shown = body(folder, "{% for x in ['Same', 'Same'] %}\n## {{ x }}\n\n{% endfor %}")

    assert shown == "## Same\n\n<h2>Same</h2>\n"


def test_links_lead_from_page_to_page(folder):
    """Relative, so that the site works in any folder of any host."""
    source = "{{ link('home') }} {{ link('home', 'top-of-it') }} {{ link('model:a') }} {{ asset('x.css') }} {{ site_title }}"

    assert body(folder, source) == "../../ ../../#top-of-it ../a/ ../../assets/x.css T\n"


@pytest.mark.parametrize(
    ("start", "target", "url"),
    [
        ("index.md", "", "./"),
        ("index.md", "models/gpt-4/", "models/gpt-4/"),
        ("reading.md", "", "../"),
        ("reading.md", "models/", "../models/"),
        ("models/gpt-4.md", "", "../../"),
        ("models/gpt-4.md", "models/", "../"),
        ("models/gpt-4.md", "models/gpt-4o/", "../gpt-4o/"),
        ("models/gpt-4.md", "assets/x.css", "../../assets/x.css"),
        ("models/index.md", "models/", "./"),
        ("models/index.md", "models/gpt-4/", "gpt-4/"),
        ("a/b/c.md", "a/x/", "../../x/"),
    ],
)
def test_relative_addresses(start, target, url):
    """As a browser resolves them from the page's own address."""
    assert url == relative_url(start, target)


def test_addresses_of_pages():
    """Directory addresses; an index is its folder."""
    assert [page_url(path) for path in ("index.md", "a/index.md", "a/b.md")] == ["", "a/", "a/b/"]


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ((page(), page(path="models/b.md")), "share the id 'model:a'"),
        ((page(), page(id="model:b")), "share the address 'models/a/'"),
        ((page(path="models.md"), page(id="x", path="models/index.md")), "share the address 'models/'"),
        ((page(path="../a.md"),), "has the path '../a.md'"),
        ((page(path="models/GPT.md"),), "has the path 'models/GPT.md'"),
        ((page(path="/a.md"),), "has the path '/a.md'"),
        ((page(path="a.html"),), "has the path 'a.html'"),
    ],
)
def test_pages_that_cannot_be_told_apart_are_refused(folder, pages, message):
    """Also where a file system ignores case."""
    with pytest.raises(TemplateError) as raised:
        render_pages(pages, templates=[folder], config=Config())

    assert message in raised.value.problem


def test_a_notes_references_are_pages_or_what_the_project_says(folder):
    """The project's meaning first, then page ids; what nobody knows is shown as written."""
    source = "{{ note('[[rate: a]] [[home | label]] [[model: a]] [[0]] [[see: below]]') }} {{ note_inline('[[home]]') }}"

    shown = body(folder, source, resolve=lambda kind, text: f"<{text}>" if kind == "rate" else None)

    assert "<p>&#60;a&#62;&#32;" in shown
    assert '<a href="../../">label</a>' in shown
    assert '<a href="../a/">A</a>' in shown
    assert str(armour_inline("[[0]]")) in shown
    assert str(armour_inline("[[see: below]]")) in shown
    assert '<span class="mbe-note"><a href="../../">A</a></span>' in shown


def test_a_reference_to_a_page_that_is_not_there_fails(folder):
    """With the nearest id there is."""
    with pytest.raises(TemplateError, match="link to 'model:aa'") as raised:
        body(folder, "{{ note('[[model: aa]]') }}")

    assert raised.value.fix == "did you mean 'model:a'?"


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://a.example/x?y=z&w", True),
        ("HTTP://a.example", True),
        ("mailto:a@b.example", True),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example", False),
        ("../relative", False),
        ("https://a.example/\u202e", True),
        ("http://[", False),
        ("", False),
    ],
)
def test_links_out_open_pages_and_nothing_else(url, is_link):
    """Any other address is shown as code."""
    assert is_link == external(url).startswith("<a href=")
    assert external(url, "label").endswith(">label</a>" if is_link else "</code>")


@given(st.text(st.characters()), st.text(st.characters()))
def test_front_matter_reads_back_as_one_line_of_escaped_text(title, description):
    """The theme prints it unescaped: nothing in it may be HTML, and no key may come from it."""
    source = front_matter(page(title=title, description=description, search_exclude=True))

    _, meta = get_data(source)
    assert list(meta) == [*["title", "description"][: 2 if description else 1], "search"]
    assert meta["search"] == {"exclude": True}
    assert meta == yaml.safe_load(source.split("---\n")[1])
    for value in (meta["title"], meta.get("description", "")):
        assert not set(value) & set("<>\"'`{}[]*_|\\$%!@~^+=\n\r")


def test_a_title_reads_as_the_text_does():
    """Common punctuation stays, so that the Markdown can be read."""
    assert plain_title("gpt-4.1 (2025/04): x,\n y") == "gpt-4.1 (2025/04): x, y"
