"""Configuration files as people leave them: a value in a layout drawn at random, and edits of it."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

# Not shrunk: what fails is small already, and a thousand files more would take minutes.
THOUSAND = settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
HUNDREDS = settings(THOUSAND, max_examples=200)

NAMES = st.sampled_from(["a", "b", "env", "model", "base url", "x.y", "ключ", "k-1", "'", '"', "#no", "yes", "0", ""])
TEXTS = st.one_of(
    st.sampled_from(
        ["", "no", "~", "1", "http://127.0.0.1:7477", "a # b", "// no", "- x", "a: b", "é\n ", "'", '"\\', "{", "😀"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc", "Cs"]), max_size=6),
)
NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9, allow_nan=False).filter(lambda x: str(x) != "-0.0")
)


def values(names: st.SearchStrategy[str] = NAMES, nulls: bool = True) -> st.SearchStrategy[Any]:
    scalars = st.one_of(st.booleans(), NUMBERS, TEXTS, *([st.none()] if nulls else []))
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
        max_leaves=6,
    )


def objects(names: st.SearchStrategy[str] = NAMES, nulls: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(names, values(names, nulls), max_size=4)


@st.composite
def paths_in(draw: st.DrawFn, value: Any, names: st.SearchStrategy[str] = NAMES) -> tuple[str | int, ...]:
    """A path into `value`: of something that is there, or of a new key below something that is."""
    path: list[str | int] = []
    while True:
        if isinstance(value, dict):
            key: str | int = draw(st.one_of(names, st.sampled_from(sorted(value)))) if value else draw(names)
        elif isinstance(value, list):
            key = draw(st.integers(0, len(value)))
        else:
            return (
                (*path, *draw(st.lists(names, min_size=1, max_size=2))) if value is None and not path else tuple(path)
            )
        path.append(key)
        there = key in value if isinstance(value, dict) else key < len(value)
        if not there:
            return tuple(path) if not draw(st.booleans()) else (*path, draw(names))
        if draw(st.booleans()):
            return tuple(path)
        value = value[key]


# ── JSON in every layout ──


class Layout:
    def __init__(self, rng: random.Random, kind: str) -> None:
        self.rng = rng
        self.kind = kind
        self.newline = rng.choice(["\n", "\n", "\r\n", "\r"])
        self.unit = rng.choice(["  ", "    ", "\t", " "])
        self.colon = rng.choice([": ", ":", ":  ", " : "])
        self.comma = rng.choice([", ", ","])
        self.trailing = kind != "json" and rng.random() < 0.5
        self.notes = kind != "json" and rng.random() < 0.7
        self.last = rng.choice(["", self.newline])

    def note(self, inline: bool) -> str:
        if not self.notes or self.rng.random() < 0.6:
            return ""
        if inline:
            return self.rng.choice([" /* , } */ ", "/**/", " "])
        return self.rng.choice([' // it\'s "here", }', f" /* over{self.newline}lines ] */", "   ", "\t// x"])

    def text(self, value: str) -> str:
        if self.kind == "json5" and self.rng.random() < 0.5:
            inner = json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
            return f"'{inner}'" if self.rng.random() < 0.8 else f"'\\{self.newline}{inner}'"
        return json.dumps(value, ensure_ascii=self.rng.random() < 0.2)

    def key(self, key: str) -> str:
        plain = key.isalpha() and self.kind == "json5" and self.rng.random() < 0.5
        return key if plain else self.text(key)

    def number(self, value: float) -> str:
        if self.kind == "json5" and type(value) is int and value >= 0 and self.rng.random() < 0.5:
            return self.rng.choice([f"+{value}", hex(value), f"0X{value:X}"])
        return json.dumps(value)

    def render(self, value: Any, indent: str = "") -> str:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, float) or type(value) is int:
            return self.number(value)
        if not isinstance(value, dict | list):
            return json.dumps(value)
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        inner = indent + self.unit
        lines = self.rng.random() < 0.7
        below = inner if lines else indent
        items = (
            [f"{self.key(k)}{self.note(True)}{self.colon}{self.render(v, below)}" for k, v in value.items()]
            if isinstance(value, dict)
            else [self.render(each, below) for each in value]
        )
        if not items:
            return opening + (self.note(True) if not lines else "") + closing
        trailing = "," if self.trailing and self.rng.random() < 0.8 else ""
        if not lines:
            pad = self.rng.choice(["", " "])
            return opening + pad + self.comma.join(item + self.note(True) for item in items) + trailing + pad + closing
        rows = []
        for place, item in enumerate(items):
            if self.notes and self.rng.random() < 0.2:
                rows.append(f'{inner}// above, "it"')
            sign = "," if place < len(items) - 1 else trailing
            rows.append(inner + item + sign + self.note(False))
        return opening + self.newline + self.newline.join(rows) + self.newline + indent + closing


def rendered_json(value: Any, rng: random.Random, kind: str) -> str:
    layout = Layout(rng, kind)
    mark = rng.choice(["", "", "\ufeff"])
    head = f"// a head{layout.newline}" if layout.notes else ""
    return mark + head + layout.render(value) + layout.last


# ── YAML ──


class YamlLayout(Layout):
    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng, "yaml")
        self.newline = rng.choice(["\n", "\n", "\r\n"])
        self.unit = rng.choice(["  ", "    ", " "])
        self.dash_in = rng.choice(["", "  "])

    def beside(self) -> str:
        return self.rng.choice(["", "", '  # it\'s: "here" - [', " "]) if self.notes else ""

    def above(self, indent: str) -> str:
        chosen = self.rng.choice(["", "", "", f"{indent}# above: it{self.newline}", self.newline]) if self.notes else ""
        return chosen

    def flow(self, value: Any) -> str:
        pad = self.rng.choice(["", " "])
        if isinstance(value, dict):
            return "{" + pad + ", ".join(f"{self.text(k)}: {self.flow(v)}" for k, v in value.items()) + pad + "}"
        if isinstance(value, list):
            return "[" + pad + ", ".join(map(self.flow, value)) + pad + "]"
        return self.text(value) if isinstance(value, str) else self.number(value)

    def number(self, value: Any) -> str:
        """Version 1.1 takes 1e-05 for a text, 1.2 for a number."""
        text = json.dumps(value)
        return text.replace("e", ".0e") if "e-" in text and "." not in text else text

    def text(self, value: str) -> str:
        if (
            value.isalpha()
            and value.lower() not in ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
            and self.rng.random() < 0.7
        ):
            return value
        if value.isprintable() and self.rng.random() < 0.4:
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)

    def below(self, value: Any, indent: str) -> str:
        """What follows a colon: a value in line, or a block below."""
        if isinstance(value, dict | list) and value and self.rng.random() < 0.8:
            inner = indent + (self.dash_in if isinstance(value, list) else self.unit)
            return self.beside() + self.newline + self.rows(value, inner)
        if value is None and self.rng.random() < 0.5:
            return self.beside() + self.newline
        if isinstance(value, str) and value.isalpha() and value.isascii() and self.rng.random() < 0.3:
            return f" |-{self.newline}{indent}  {value}{self.newline}"
        return self.rng.choice([" ", "   "]) + self.flow(value) + self.beside() + self.newline

    def rows(self, value: Any, indent: str) -> str:
        if isinstance(value, dict):
            return "".join(
                f"{self.above(indent)}{indent}{self.text(k)}:{self.below(v, indent)}" for k, v in value.items()
            )
        return "".join(f"{self.above(indent)}{indent}-{self.element(each, indent)}" for each in value)

    def element(self, value: Any, indent: str) -> str:
        if isinstance(value, dict) and value and self.rng.random() < 0.7:
            inner = indent + "  "
            return " " + self.rows(value, inner).lstrip(" ") if not self.notes else self.below(value, inner)
        return f" {self.flow(value)}{self.beside()}{self.newline}"


def rendered_yaml(value: Any, rng: random.Random) -> str:
    layout = YamlLayout(rng)
    head = rng.choice(["", f"# a head{layout.newline}", f"---{layout.newline}"])
    text = head + (layout.rows(value, "") if value else rng.choice(["", f"{{}}{layout.newline}"]))
    return rng.choice(["", "", "\ufeff"]) + (text if rng.random() < 0.8 else text.rstrip("\r\n"))


# ── TOML ──


class TomlLayout(Layout):
    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng, "toml")
        self.newline = rng.choice(["\n", "\n", "\r\n"])
        self.equals = rng.choice([" = ", "=", "   = "])

    def beside(self) -> str:
        return (self.rng.choice(["", "", '  # it\'s: "here" = [', " "]) if self.notes else "") + self.newline

    def key(self, key: str) -> str:
        if re.fullmatch("[A-Za-z0-9_-]+", key) and self.rng.random() < 0.8:
            return key
        plain = "'" not in key and key.isprintable() and self.rng.random() < 0.5
        return f"'{key}'" if plain else json.dumps(key, ensure_ascii=False)

    def text(self, value: str) -> str:
        if "'" not in value and value.isprintable() and self.rng.random() < 0.5:
            return self.rng.choice([f"'{value}'", f"'''{value}'''"])
        return json.dumps(value, ensure_ascii=False)

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.key(k)}{self.equals}{self.flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            gap = self.rng.choice(["", " ", f"{self.newline}  ", f" # ] {self.newline}\t"])
            end = self.rng.choice(["", ",", gap])
            return "[" + gap + f",{gap}".join(map(self.flow, value)) + (end if value else "") + "]"
        return self.text(value) if isinstance(value, str) else json.dumps(value)

    def rows(self, value: dict[str, Any], path: list[str]) -> str:
        tables = {k: v for k, v in value.items() if isinstance(v, dict) and self.rng.random() < 0.8}
        arrays = {k: v for k, v in value.items() if isinstance(v, list) and v and all(isinstance(e, dict) for e in v)}
        lines = ""
        for key, each in value.items():
            if key not in tables and key not in arrays:
                above = self.rng.choice(["", "", f"# above{self.newline}", self.newline]) if self.notes else ""
                lines += f"{above}{self.key(key)}{self.equals}{self.flow(each)}{self.beside()}"
        for key, each in tables.items():
            name = ".".join(map(self.key, [*path, key]))
            lines += f"{self.rng.choice(['', self.newline])}[{name}]{self.beside()}{self.rows(each, [*path, key])}"
        for key, elements in arrays.items():
            name = ".".join(map(self.key, [*path, key]))
            lines += "".join(f"[[{name}]]{self.beside()}{self.rows(each, [*path, key])}" for each in elements)
        return lines


def rendered_toml(value: dict[str, Any], rng: random.Random) -> str:
    layout = TomlLayout(rng)
    text = layout.rows(value, [])
    text = text if rng.random() < 0.8 else text.rstrip("\r\n")
    return rng.choice(["", "", "\ufeff"]) + rng.choice(["", f"# a head{layout.newline}"]) + text
