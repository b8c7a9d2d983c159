"""The check of a built site: what a reader or a browser would stumble over."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbe_docs.site.check import check_site


def site(folder: Path, **pages: str) -> Path:
    """A site with a page `a/index.html` of this content, and a home page, a style sheet and an image."""
    files = {
        "index.html": '<p id="home">',
        "assets/x.css": "p { color: red }",
        "p.png": "",
        "a/index.html": "",
        **pages,
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


@pytest.mark.parametrize(
    "html",
    [
        '<a href="../">x</a>',
        '<a href="..">x</a>',
        '<a href="../index.html#home">x</a>',
        '<a href="../#home">x</a>',
        '<a href="">x</a><a href="#top">x</a><a href="./">x</a>',
        '<a href="/">x</a><a href="/p.png">x</a><a href="/#home">x</a>',
        '<a href="https://elsewhere.example/">x</a><a href="mailto:a@b.example">x</a>',
        '<img src="../p.png"><img src="data:image/png;base64,AA==">',
        '<link rel="stylesheet" href="../assets/x.css"><link rel="canonical" href="https://elsewhere.example/">',
        '<p id="q&amp;r"></p><a href="#q%26r">x</a><a href="#q&amp;r">x</a>',
        '<p>href="nope" src="https://elsewhere.example/x.js"</p><!-- <a href="nope">x</a> -->',
        '<p style="color: red">x</p><style>p { background: url(../p.png) }</style>',
        '<script>location = "https://elsewhere.example/"</script>',
    ],
)
def test_a_sound_page_has_no_finding(tmp_path, html):
    """Links to pages, files, anchors and other hosts; nothing loaded from them."""
    assert check_site(site(tmp_path, **{"a/index.html": html})) == []


@pytest.mark.parametrize(
    ("html", "code", "problem"),
    [
        ('<a href="../b/">x</a>', "MBE391", "link to '../b/', where nothing is"),
        ('<a href="../../../etc/passwd">x</a>', "MBE391", "link to '../../../etc/passwd', where nothing is"),
        ('<a href="/b/">x</a>', "MBE391", "link to '/b/', where nothing is"),
        ('<a href="../p.png/">x</a>', "MBE391", "link to '../p.png/', where nothing is"),
        ('<img src="nope.png">', "MBE391", "link to 'nope.png', where nothing is"),
        ('<a href="http://[">x</a>', "MBE391", "'http://[' is no address"),
        ('<a href="#nope">x</a>', "MBE392", "link to '#nope', which has no such anchor"),
        ('<a href="../#nope">x</a>', "MBE392", "link to '../#nope', which has no such anchor"),
        (
            '<script src="https://evil.example/x.js"></script>',
            "MBE393",
            "loads 'https://evil.example/x.js' from another host",
        ),
        ('<img src="//evil.example/x">', "MBE393", "loads '//evil.example/x' from another host"),
        (
            '<img srcset="../p.png 1x, https://evil.example/x 2x">',
            "MBE393",
            "loads 'https://evil.example/x' from another host",
        ),
        (
            '<link rel="preconnect" href="https://evil.example">',
            "MBE393",
            "loads 'https://evil.example' from another host",
        ),
        (
            '<form action="https://evil.example/"></form>',
            "MBE393",
            "loads 'https://evil.example/' from another host",
        ),
        (
            '<a href="../" ping="https://evil.example/">x</a>',
            "MBE393",
            "loads 'https://evil.example/' from another host",
        ),
        (
            '<p style="background:url(https://evil.example/x)">',
            "MBE393",
            "loads 'https://evil.example/x' from another host",
        ),
        (
            '<style>@import "https://evil.example/x";</style>',
            "MBE393",
            "loads 'https://evil.example/x' from another host",
        ),
        (
            '<svg><use xlink:href="https://evil.example/x#y"/></svg>',
            "MBE393",
            "loads 'https://evil.example/x#y' from another host",
        ),
        (
            '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
            "MBE393",
            "loads 'https://evil.example/' from another host",
        ),
        (
            '<a href="javascript:alert(1)">x</a>',
            "MBE394",
            "link to 'javascript:alert(1)'; expected the address of a page",
        ),
        (
            '<a href="data:text/html,x">x</a>',
            "MBE394",
            "link to 'data:text/html,x'; expected the address of a page",
        ),
        ('<p id="x"></p><p id="x"></p>', "MBE395", "id 'x' occurs twice"),
    ],
)
def test_a_fault_is_found_where_it_is(tmp_path, html, code, problem):
    """With its code, its words, and page and line."""
    findings = check_site(site(tmp_path, **{"a/index.html": f"<p>\n{html}"}))

    assert [(code, problem, "a/index.html:2")] == [(f.code, f.problem, str(f.at)) for f in findings]
    assert findings[0].severity == "error"


def test_a_style_sheet_that_loads_from_elsewhere_is_found(tmp_path):
    """Fonts and imports; what it loads from the site is its own affair."""
    css = "@font-face { src: url(x.woff) }\np { background: url('https://evil.example/x') }"

    findings = check_site(site(tmp_path, **{"assets/y.css": css}))

    assert [str(f).split(" error")[0] for f in findings] == ["assets/y.css:2: MBE393"]


def test_links_to_the_published_address_are_inside(tmp_path):
    """Under the path of `site_url` too; beside it they are outside."""
    html = (
        '<a href="https://docs.example/registry/nope/">x</a><a href="https://docs.example/other/">x</a>'
        '<a href="https://docs.example/registry/#home">x</a><img src="https://docs.example/registry/p.png">'
        '<a href="/registry/">x</a><a href="/other/">x</a>'
    )

    findings = check_site(site(tmp_path, **{"a/index.html": html}), site_url="https://docs.example/registry/")

    assert [f.problem for f in findings] == [
        "link to '/other/', where nothing is",
        "link to 'https://docs.example/registry/nope/', where nothing is",
    ]


def test_the_same_fault_is_told_once_a_page(tmp_path):
    """A dead link in the navigation is on every page; on one page once is enough."""
    assert len(check_site(site(tmp_path, **{"a/index.html": '<a href="x">x</a><a href="x">y</a>'}))) == 1


def test_the_built_test_site_holds_together(built_site):
    """Real pages of the generator, hostile texts everywhere."""
    assert check_site(built_site) == []
