"""Hostile strings through the whole product, from logs and notes to the page in Chromium: nothing acts, nothing moves.

The strings are a sample, in `tests/hostile/own.jsonl`; `make hostile CORPUS=…` takes any number of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mbe_docs.text import visible
from tests.browser.conftest import Visit, served
from tests.hostile import pipeline
from tests.hostile.payloads import Payload, Site
from tests.hostile.run_hostile import for_probe

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OWN = Path(pipeline.__file__).with_name("own.jsonl")
PAYLOADS = [Payload(**json.loads(line)) for line in OWN.read_text(encoding="utf-8").splitlines()]
PLAIN = PAYLOADS[0]
IN_NOTES = {
    "a",
    "blockquote",
    "br",
    "code",
    "dd",
    "em",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "ul",
}
"""What Markdown makes of a note's body."""
AROUND = {"table", "thead", "tbody", "tr", "th", "td", "div", "nav", "button"}
"""Tables, and what the theme puts around them and around code."""

HOOK = """
window.ran = [];
for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = () => window.ran.push(name);
document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (link && link.protocol.startsWith("http")) event.preventDefault();
}, true);
"""
ACT = """() => {
    for (const element of document.querySelectorAll("article *")) {
        for (const type of ["mouseover", "mouseenter", "focus", "toggle", "load", "error", "animationstart"])
            element.dispatchEvent(new Event(type, {bubbles: true}));
        element.focus?.();
        if (!element.closest("button")) element.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
    }
}"""
LOOK = """() => {
    const article = document.querySelector("article");
    const all = [...article.querySelectorAll("*")].filter((element) => !element.matches(".mbe-unseen"));
    const inside = (element) => element.parentElement.closest(".mbe-note") !== null;
    const names = (element) => [element.localName, ...element.getAttributeNames().sort()].join(" ");
    return {
        shape: all.filter((element) => !inside(element)).map(names),
        note: all.filter(inside).map(names),
        schemes: [...article.querySelectorAll("[href]")].map((element) => element.protocol ?? ""),
        raw: [...article.querySelectorAll(".mbe-raw code, code.mbe-raw")].map((element) => element.textContent),
        config: document.querySelectorAll("[id=__config]").length,
        ran: window.ran,
    };
}"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Site:
    """The strings in every place of a project, built; without the policy that would stop what got through."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "project").mkdir()
    built = pipeline.through_pipeline(PAYLOADS, folder / "project")
    return Site(for_probe(built.folder, folder / "bare"), built.manifest, refused=built.refused)


@pytest.fixture(scope="module")
def looks(chromium, hostile):
    """What the browser makes of every page: by type of page, then by string."""
    found: dict[str, dict[str, dict]] = {}
    with served(hostile.folder) as base:
        context = chromium.new_context()
        context.add_init_script(HOOK)
        visit = Visit(context, base, hostile.folder)
        for entry in hostile.manifest:
            visit.left.clear()
            visit.errors.clear()
            visit.page.goto(base + entry["page"], wait_until="load")
            look = visit.page.evaluate(LOOK)
            visit.page.evaluate(ACT)
            look["ran"] += visit.page.evaluate("window.ran")
            look |= {
                "left": [*visit.left],
                "errors": [
                    error for error in visit.errors if "ERR_ABORTED" not in error
                ],  # by leaving the page
                "at": visit.page.url.removeprefix(base),
            }
            name, _, kind = entry["id"].rpartition(" on ")
            found.setdefault(kind, {})[name] = look | entry
        context.close()
    return found


KINDS = ["evidence", "behaviors", "models", "quirks", "diffs"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_acts(looks, kind):
    """No script, no request that leaves, no error, no other page, no address that is more than a link."""
    for name, look in looks[kind].items():
        assert (look["ran"], look["left"], look["errors"]) == ([], [], []), name
        assert look["at"] == look["page"], name
        assert {*look["schemes"]} <= {"http:", "https:", "mailto:"}, name
        assert look["config"] == 1, name


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_makes_an_element_that_plain_words_do_not_make(looks, kind):
    """Tag by tag and attribute by attribute; what a note's body is rendered to is looked at apart."""
    for name, look in looks[kind].items():
        if all(name in looks[other] for other in KINDS):  # else it has no link to the page that was refused
            assert look["shape"] == looks[kind][PLAIN.id]["shape"], name
        assert {*look["shape"]} <= {*looks[kind][PLAIN.id]["shape"]}, name
        assert {names.split()[0] for names in look["note"]} <= IN_NOTES | AROUND, name
        assert not [
            names for names in look["note"] if any(word.startswith("on") for word in names.split()[1:])
        ], name


def test_every_string_is_shown_exactly(looks):
    """On the page of its run, in a block of its own; what cannot be seen is marked."""
    shown = {
        name: visible(look["text"]).rstrip("\n") in [text.rstrip("\n") for text in look["raw"]]
        for name, look in looks["evidence"].items()
    }

    assert {payload.id for payload in PAYLOADS} == {*shown}
    assert [name for name, is_shown in shown.items() if not is_shown] == []


def test_no_file_of_the_builder_is_read(hostile):
    """Nor is a template run: what the strings ask for is nowhere in the site."""
    for path in hostile.folder.rglob("*"):
        if path.is_file():
            assert b"CANARY_FILE" not in path.read_bytes(), path
