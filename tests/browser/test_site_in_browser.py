"""The built site in Chromium: nothing leaves the host, nothing fails, and what the theme offers works.

Any built site can be looked at: `pytest tests/browser --site FOLDER`.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser
MOST_PAGES = 40
"""Of a large site so many pages are opened, evenly spread."""


def test_no_page_errs_or_reaches_out(visit):
    """No console error, no violation of the policy, no request but to the site itself."""
    paths = [path for path in visit.paths() if path != "404.html"]

    for path in paths[:: max(1, len(paths) // MOST_PAGES)]:
        visit.open(path.removesuffix("index.html"))

    assert visit.errors == []
    assert visit.left == []


def test_the_policy_holds_when_something_gets_in(visit):
    """A script written into the page does not run, an image from elsewhere is not asked for."""
    visit.open("")

    visit.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            const image = new Image();
            image.src = "https://evil.example/x.png";
            document.body.append(image);
        }"""
    )
    visit.page.wait_for_timeout(200)

    assert visit.page.evaluate("window.ran") is None
    assert sum("Content Security Policy" in error for error in visit.errors) >= 2


def test_search_finds_and_stays_inert(visit):
    """A worker of the theme runs under the policy; results hold no active element."""
    visit.open("")
    word = visit.page.evaluate("document.querySelector('article').innerText.match(/[A-Za-z]{5,}/)[0]")

    visit.page.keyboard.press("/")
    visit.page.wait_for_timeout(300)
    visit.page.keyboard.type(word)
    found = visit.page.locator(".md-search-result__item, ol[role=listbox] li a").first
    found.wait_for(state="attached", timeout=15_000)

    active = visit.page.evaluate(
        """() => {
            const shadows = [...document.querySelectorAll("*")].flatMap((element) => element.shadowRoot ?? []);
            const lists = [document, ...shadows].flatMap((root) =>
                [...root.querySelectorAll(".md-search-result__list *, ol[role=listbox] *")]);
            return lists.filter((element) => /^(img|script|iframe|object|form)$/i.test(element.tagName)
                || [...element.attributes].some((attribute) => attribute.name.startsWith("on"))).length;
        }"""
    )
    assert active == 0
    assert visit.errors == []
    assert visit.left == []


def test_the_palette_can_be_changed(visit):
    """An inline script of the theme is allowed by its hash, on this page and after loading it again."""
    visit.open("")
    before = visit.page.evaluate("document.body.dataset.mdColorScheme")

    visit.page.locator("label[for^=__palette]:visible").first.click()
    visit.open("")

    assert visit.page.evaluate("document.body.dataset.mdColorScheme") != before
    assert visit.errors == []


def test_links_of_a_page_lead_to_pages(visit):
    """As the browser resolves them, on a page one folder down."""
    deep = next(path for path in visit.paths() if path.count("/") == 2)
    visit.open(deep.removesuffix("index.html"))

    addresses = visit.page.evaluate(
        "base => [...document.querySelectorAll('article a[href]')].map(a => a.href).filter(h => h.startsWith(base))",
        visit.base,
    )
    answers = {address: visit.page.request.get(address).status for address in dict.fromkeys(addresses)}

    assert answers
    assert set(answers.values()) == {200}
