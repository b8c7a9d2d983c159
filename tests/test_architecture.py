"""Who may import whom, and how long things may get: the house rules, as docs/explanation/architecture.md has them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "mbe_docs"
LAYERS = (
    {"errors", "text"},
    {"bundled", "plugins", "safe_yaml", "secrets"},
    {"config"},
    {"records"},
    {"sources", "evidence", "stats", "curated"},
    {"registry"},
    {"pages", "exports", "reports", "drafting"},
    {"site"},
    {"project"},
    {"cli"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULE_LINES, FUNCTION_LINES = 400, 60


def modules() -> Iterator[tuple[str, str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield path.relative_to(PACKAGE).as_posix(), text, ast.parse(text)


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Full names of what is imported anywhere in a module, lazy and typing-only imports included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"line {node.lineno}: relative import; write the full name")


def test_a_module_imports_only_from_lower_layers_or_its_own_package():
    """Neighbours on a row never import each other."""
    wrong = [
        f"{name}:{line} imports {other}"
        for name, _, tree in modules()
        for line, other in imported(tree)
        if other.startswith("mbe_docs.")
        and (own := name.split("/")[0].removesuffix(".py")) in RANK
        and (part := other.split(".")[1]) in RANK
        and part != own
        and RANK[part] >= RANK[own]
    ]

    assert wrong == []


def test_every_package_has_a_layer():
    """A new folder takes its place in the picture, or the picture is wrong."""
    names = {name.split("/")[0].removesuffix(".py") for name, _, _ in modules()} - {"__init__", "__main__"}

    assert names - set(RANK) == set()


def test_modules_and_functions_stay_short():
    """400 lines a module, 60 a function."""
    long = [
        f"{name}: {text.count(chr(10))} lines"
        for name, text, _ in modules()
        if text.count("\n") > MODULE_LINES
    ]
    long += [
        f"{name}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for name, _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]

    assert long == []


def test_there_are_no_import_cycles():
    """Module imports at the top of files form no circle."""
    graph: dict[str, set[str]] = {}
    for name, _, tree in modules():
        own = f"mbe_docs.{name.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"
        graph[own] = {
            alias
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mbe_docs")
            for alias in (node.module, *(f"{node.module}.{entry.name}" for entry in node.names))
        } - {own}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"cycle: {' → '.join((*above[above.index(module) :], module))}"
        if module not in done:
            for other in sorted(graph.get(module, ())):
                if other in graph and not (module.startswith(f"{other}.") and graph[other] <= {module}):
                    visit(other, (*above, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def test_only_one_file_imports_anthropic():
    """The network client has one door."""
    users = {
        name
        for name, _, tree in modules()
        for _, other in imported(tree)
        if other.split(".")[0] == "anthropic"
    }

    assert users <= {"drafting/client.py"}


def test_nobody_imports_a_peer_to_read_its_files():
    """Reading a log must not cost the seconds that importing its tool takes."""
    peers = {"inspect_ai", "lm_eval", "helm", "deepeval", "every_eval_ever"}
    users = [
        name for name, _, tree in modules() for _, other in imported(tree) if other.split(".")[0] in peers
    ]

    assert users == []


def test_help_imports_nothing_heavy():
    """`mbe-docs --help` answers at once: libraries are imported where they are used."""
    heavy = {
        "anthropic",
        "duckdb",
        "jinja2",
        "mkdocs",
        "numpy",
        "pyarrow",
        "pydantic",
        "rich",
        "scipy",
        "yaml",
    }
    code = (
        "import sys, mbe_docs.cli.main as m\n"
        "sys.argv = ['mbe-docs', '--help']\n"
        "try: m.main()\n"
        "except SystemExit: pass\n"
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"
    assert "diff" in done.stdout
