"""The Jinja environment of page templates: sandboxed, strict, text inert whatever a template does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.loaders import split_template_path
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from mbe_docs.errors import Location, TemplateError
from mbe_docs.site.armour import finalize

SHIPPED: Final = "default/"
"""Prefix of a template name that means the shipped file even where the project overrides it."""
_WITHHELD: Final = ("safe", "urlize", "xmlattr", "format", "forceescape", "pprint", "random")
"""Filters that would declare text to be HTML, or differ from run to run."""
DYNAMIC: Final = "\ue002"
"""Stands before a Markdown heading that prints a value; no value can contain it, `inert` marks it."""
_HEADING_OF_TEXT = re.compile(r"(?:(?<=^)|(?<=%\}))(?=#{1,6}[ \t][^\n]*\{\{)", re.MULTILINE)
_BLOCK_TAGS: Final = (
    *("article", "aside", "details", "div", "dl", "figure", "footer", "form", "header", "hr", "main", "nav"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "section", "table", "ul"),
)


class TemplateFiles(BaseLoader):
    """Templates by name from several folders, the first one that has it; never a file outside of them."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    def find(self, name: str) -> Path | None:
        """The file of a template or asset; a link that leaves its folder does not count."""
        folders, wanted = self.folders, name
        if name.startswith(SHIPPED):
            folders, wanted = self.folders[-1:], name.removeprefix(SHIPPED)
        for folder in folders:
            path = folder.joinpath(*split_template_path(wanted))
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                return path
        return None

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Jinja's loader protocol."""
        path = self.find(template)
        if path is None:
            raise TemplateNotFound(template)
        try:
            source = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise TemplateError(
                f"not UTF-8 at byte {error.start}", at=Location(str(path)), fix="save the file as UTF-8"
            ) from error
        stamp = path.stat().st_mtime_ns
        return (
            _HEADING_OF_TEXT.sub(DYNAMIC, source),
            str(path),
            lambda: path.exists() and path.stat().st_mtime_ns == stamp,
        )


class HtmlBlock(Extension):
    """`{% html %}…{% endhtml %}`: one raw HTML block that Markdown leaves alone.

    Indents and blank lines inside go, an empty line is put before and after, and it must begin with a block
    element: Markdown would read anything else as a paragraph.
    """

    tags = {"html"}  # noqa: RUF012  Jinja's own declaration

    def parse(self, parser: Parser) -> nodes.Node:
        """Read the tag."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endhtml",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_tight"), [], [], body).set_lineno(line)

    def _tight(self, caller: Callable[[], str]) -> Markup:
        lines = [line.strip() for line in caller().splitlines()]
        block = "\n".join(line for line in lines if line)
        if block and not block.startswith(tuple(f"<{tag}" for tag in _BLOCK_TAGS)):
            raise TemplateError(
                f"an {{% html %}} block begins with {block[:30]!r}; expected a block element",
                fix="wrap it in <div>…</div>",
            )
        return Markup(f"\n\n{block}\n\n")  # noqa: S704  printed by the template itself


class _Generator(CodeGenerator):
    """Where Jinja itself would settle for HTML escaping, text is made inert in Markdown too."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        """Literals: printed like any other text."""
        const = node.as_const(frame.eval_ctx)
        return str(const) if isinstance(node, nodes.TemplateData) else str(finalize.const(const))

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  Jinja's own name
        self.write("environment.concatenated((")
        for argument in node.nodes:
            self.visit(argument, frame)
            self.write(", ")
        self.write("))")


def concatenated(parts: Iterable[Any]) -> str:
    """The parts one after the other: text as long as all are text, HTML as soon as one is."""
    found = list(parts)
    if any(hasattr(part, "__html__") for part in found):
        return Markup("").join(finalize(part) for part in found)
    return "".join(str(part) for part in found)


def _join(value: Iterable[Any], separator: str = "", attribute: None = None) -> str:
    if attribute is not None:
        raise TemplateError("`join` takes no attribute here", fix="write `| map(attribute='…') | join('…')`")
    parts: list[Any] = []
    for part in value:
        parts.extend((separator, part))
    return concatenated(parts[1:])


def _replace(value: str, old: str, new: str) -> str:
    if any(hasattr(text, "__html__") for text in (value, old, new)):
        raise TemplateError("`replace` on HTML; expected text", fix="replace in the text, then print it")
    return str(value).replace(old, new)


def _to_json(value: Any) -> str:
    """JSON as text: inert once printed, so it goes into an attribute, `data-x="{{ view.x | tojson }}"`."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)


class PageEnvironment(ImmutableSandboxedEnvironment):
    """Jinja for pages; `folders` as in `TemplateFiles`, helpers are globals."""

    intercepted_binops = frozenset({"+", "%"})
    code_generator_class = _Generator

    def __init__(self, folders: Sequence[Path]) -> None:
        self.files = TemplateFiles(folders)
        super().__init__(
            loader=self.files,
            autoescape=True,
            finalize=finalize,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            extensions=[HtmlBlock],
        )
        for name in _WITHHELD:
            del self.filters[name]
        self.filters.update(e=finalize, escape=finalize, join=_join, replace=_replace, tojson=_to_json)
        self.concatenated = concatenated

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Methods of HTML that would take text in with HTML escaping only are not offered."""
        if isinstance(obj, Markup) and attr in {
            "format",
            "format_map",
            "join",
            "replace",
            "unescape",
            "striptags",
        }:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`format` of text gives text, which is inert when printed; that of HTML is not offered."""
        if isinstance(getattr(value, "__self__", None), Markup):
            return None
        return super().wrap_str_format(value)

    def call_binop(self, context: Context, operator: Literal["+", "%"] | str, left: Any, right: Any) -> Any:
        """`+` of HTML and text makes the text inert; `%` on HTML is refused."""
        if operator == "+" and (hasattr(left, "__html__") or hasattr(right, "__html__")):
            return concatenated((left, right))
        if operator == "%" and hasattr(left, "__html__"):
            raise TemplateError("`%` on HTML; expected a number", fix="print the parts one after the other")
        return super().call_binop(context, operator, left, right)
