"""The house keeps its shape: arrows point down only, and the pure modules stay pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "synrouter_cli"

# Each may import what stands below it, and its own package. The longest name that fits is a module's place.
LAYERS = (
    ("cli",),
    ("commands",),
    ("daemon", "dashboard", "estimate", "demo"),
    ("proxy",),
    ("clients.changing", "clients.machine"),
    ("clients.files", "clients.records"),
    ("models_file",),
    ("settings", "keys", "clients", "ledger"),
    ("config_file", "service_units"),
    ("budgets", "listening"),
    ("own_providers",),
    ("addresses", "credentials", "keyring_child", "paths", "private_files", "textedit", "toml_lines"),
    ("sessions",),
    ("session_memory",),
    ("session",),
    ("lane",),
    ("cache",),
    ("identity", "meter", "prompt", "routing", "ways"),
    ("providers", "ledger.rows"),
    ("wire",),
    ("errors",),
    ("",),
)
PURE = frozenset(
    "own_providers addresses budgets cache clients dashboard errors identity lane ledger.rows listening meter prompt providers routing service_units session session_memory sessions textedit toml_lines ways wire".split()
)
# What a pure module may import from outside: nothing that reads a clock, the environment, a file or a socket.
HARMLESS = frozenset(
    "__future__ array base64 binascii bisect codecs collections contextlib copy ctypes dataclasses datetime"
    " decimal difflib enum fractions functools hashlib heapq hmac inspect ipaddress itertools json math"
    " msgspec operator re string struct textwrap tomllib types typing unicodedata urllib.parse weakref zlib".split()
)
HARMLESS_FOR = {
    "clients": {"importlib.import_module", "pathlib.PurePath", "shlex"},
    "dashboard": {"rich"},
    "providers": {"importlib.resources"},
    "service_units": {"plistlib", "xml.parsers.expat.ExpatError"},
    "textedit": {"yaml"},
    "wire": {"backports.zstd", "brotli", "compression.zstd", "importlib.import_module"},
}
IMPURE_CALLS = {"open", "print", "input", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")


def place_of(name: str) -> str:
    """`ledger.rows` for itself, `ledger` for `ledger.writer`, the empty name for the package."""
    fits = (place for layer in LAYERS for place in layer if not place or f"{name}.".startswith(f"{place}."))
    return max(fits, key=len)


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported name in full: `from a.b import c` gives `a.b.c`, a module or what is in one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_has_its_place():
    assert [n for n in map(name_of, MODULES) if n not in ("", "__main__") and not place_of(n)] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_point_down(path: Path):
    depth = {place: level for level, layer in enumerate(LAYERS) for place in layer}
    here = place_of(name_of(path))
    for target in imports(ast.parse(path.read_text())):
        package, _, name = target.partition(".")
        if package == PACKAGE.name and here and (there := place_of(name)) != here:
            assert depth[there] > depth[here], f"{here} imports {name}, which stands no lower"


@pytest.mark.parametrize("path", [p for p in MODULES if place_of(name_of(p)) in PURE], ids=name_of)
def test_pure_modules_do_no_io_and_read_no_clock(path: Path):
    tree = ast.parse(path.read_text())
    allowed = HARMLESS | HARMLESS_FOR.get(place_of(name_of(path)), set())
    for target in imports(tree):
        if target.startswith(f"{PACKAGE.name}."):
            assert place_of(target.partition(".")[2]) in PURE | {""}, f"{target} is not pure"
        else:
            assert any(f"{target}.".startswith(f"{name}.") for name in allowed), f"{target} is not pure"
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called & IMPURE_CALLS == set()
