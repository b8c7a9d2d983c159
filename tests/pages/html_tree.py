"""Built HTML as a tree, to ask questions of and to print one way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from pathlib import Path

VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
INLINE = frozenset(("a", "abbr", "b", "br", "button", "code", "em", "i", "label", "span", "strong", "text"))


@dataclass
class Element:
    """One element; children are elements and texts."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """This element and everything in it, in reading order."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """Elements in it with one of these tags and all of these attributes."""
        return [
            element
            for element in self.walk()
            if (not tags or element.tag in tags)
            and all(element.attributes.get(name) == value for name, value in attributes.items())
        ]

    def of_class(self, name: str) -> list[Element]:
        """Elements in it with this class."""
        return [element for element in self.walk() if name in element.classes]

    @property
    def classes(self) -> list[str]:
        """Its classes."""
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """Its text on one line."""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())

    def within(self, *tags: str) -> bool:
        """Whether it is inside of such an element."""
        above = self.parent
        while above is not None and above.tag not in tags:
            above = above.parent
        return above is not None

    def __str__(self) -> str:
        return f"<{self.tag} {self.attributes}> {self.text[:60]}"


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("document", {})

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag, attrs):
        self.at.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag):
        above = self.at
        while above.parent is not None and above.tag != tag:
            above = above.parent
        if above.parent is not None:
            self.at = above.parent

    def handle_data(self, data):
        self.at.children.append(data)


def parse(path: Path) -> Element:
    """A page as a tree."""
    builder = _Builder()
    builder.feed(path.read_text(encoding="utf-8"))
    builder.close()
    return builder.root


def article(path: Path) -> Element:
    """Our part of a page: what the theme puts its frame around."""
    (found,) = (element for element in parse(path).all("article") if "md-content__inner" in element.classes)
    return found


def printed(element: Element, depth: int = 0) -> str:
    """The element's content, one line for each block and text run; white space is what a reader sees."""
    lines: list[str] = []
    run: list[str] = []

    def flush() -> None:
        text = " ".join("".join(run).split())
        if text:
            lines.append("  " * depth + text)
        run.clear()

    for child in element.children:
        if isinstance(child, str):
            run.append(escape(child, quote=False))
        elif _is_run(child):
            run.append(_inline(child))
        else:
            flush()
            inner = printed(child, depth + 1)
            start, pad = _start(child), "  " * depth
            if "\n" not in inner.strip() and all(isinstance(c, str) or _is_run(c) for c in child.children):
                end = "" if child.tag in VOID else f"</{child.tag}>"
                lines.append(f"{pad}{start}{inner.strip()}{end}")
            else:
                lines.extend((f"{pad}{start}", inner, f"{pad}</{child.tag}>"))
    flush()
    return "\n".join(lines)


def _is_run(element: Element) -> bool:
    return element.tag in INLINE and all(isinstance(c, str) or _is_run(c) for c in element.children)


def _inline(element: Element) -> str:
    inner = "".join(escape(c, quote=False) if isinstance(c, str) else _inline(c) for c in element.children)
    return f"{_start(element)}{inner}" + ("" if element.tag in VOID else f"</{element.tag}>")


def _start(element: Element) -> str:
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in element.attributes.items())
    return f"<{element.tag}{attributes}>"
