"""A file keeps its line ends where an edit takes the last one out of it before it puts lines in."""

from __future__ import annotations

import pytest

from synrouter_cli.textedit import Dotenv, Toml, Yaml

TABLES = '["x.y"]\r\n[["#no"]]\r\n[["#no"]]'


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        (TABLES, ("#no",), {}, '["x.y"]\r\n\r\n["#no"]'),
        ("[t]\r\na = 1", ("t",), {"b": 2}, "[t]\r\nb = 2"),
        ("[t]\na = 1", ("t",), {"b": 2}, "[t]\nb = 2"),
    ],
)
def test_a_table_that_becomes_another(before, path, value, after):
    assert Toml.parse(before).set(path, value).text == after


@pytest.mark.parametrize(
    ("kind", "before", "path", "after"),
    [
        (Toml, "a = 1\r\n", ("b",), 'b = "2"\r\n'),
        (Yaml, "a: 1\r\n", ("b",), 'b: "2"\r\n'),
        (Dotenv, "a=1\r\n", ("b",), "b=2\r\n"),
    ],
)
def test_one_edit_after_another(kind, before, path, after):
    assert kind.parse(before).remove(("a",)).set(path, "2").text == after
