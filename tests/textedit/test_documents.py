"""What an edit makes of a file, case by case: its layout, its comments, its refusals."""

from __future__ import annotations

import pytest

from synrouter_cli.errors import EditError
from synrouter_cli.textedit import ABSENT, Json, Json5, Jsonc, Toml, Yaml, decode

SET = [
    (Json, "{}", ("a",), 1, '{\n  "a": 1\n}'),
    (Json, '{"a":1}', ("b",), [1, {"c": 2}], '{"a":1,"b":[1,{"c":2}]}'),
    (Json, '{\r\n\t"a": 1\r\n}\r\n', ("b", "c"), 2, '{\r\n\t"a": 1,\r\n\t"b": {\r\n\t\t"c": 2\r\n\t}\r\n}\r\n'),
    (Json, '{"a": 1, "a": 2}', ("a",), 3, '{"a": 1, "a": 3}'),
    (Json, '\ufeff{"a": null}', ("a", "b"), "é", '\ufeff{"a": {"b": "é"}}'),
    (Jsonc, '{\n  "a": 1 // one\n}', ("b",), 2, '{\n  "a": 1, // one\n  "b": 2\n}'),
    (Jsonc, '{\n  "a": 1, // one\n  // no b\n}', ("b",), 2, '{\n  "a": 1, // one\n  "b": 2,\n  // no b\n}'),
    (Jsonc, "{\n  // nothing yet\n}", ("a",), 1, '{\n  // nothing yet\n  "a": 1\n}'),
    (Jsonc, '{ "a": 1 // }\n}', ("b",), 2, '{ "a": 1, "b": 2 // }\n}'),
    (Json5, "{\n  a: 'x',\n}", ("b",), "y", "{\n  a: 'x',\n  b: \"y\",\n}"),
    (Json5, "{'a': +.5, b: 0x1F,}", ("b",), 32, "{'a': +.5, b: 32,}"),
    (Yaml, "a: 1", ("b",), "on", 'a: 1\nb: "on"'),
    (Yaml, "a:\n  - x # one\n", ("a", 1), "z", "a:\n  - x # one\n  - z\n"),
    (Yaml, "a: # mine\nb: 1\n", ("a", "c"), "d e", "a: # mine\n  c: d e\nb: 1\n"),
    (Yaml, "a: {b: 1}\n", ("a", "c"), "#", 'a: {b: 1, c: "#"}\n'),
    (Yaml, "a: |\n  text\n# end\n", ("b",), 1, "a: |\n  text\nb: 1\n# end\n"),
    (Yaml, "# only a comment\n", ("a",), {"b": 1}, "# only a comment\na:\n  b: 1\n"),
    (Toml, "[t]\n", ("a",), 1, "a = 1\n[t]\n"),
    (Toml, "a = 1 # one\r\n[t]\r\n", ("a",), 2, "a = 2 # one\r\n[t]\r\n"),
    (Toml, "[t]\nb = 1\n\n[u]\n", ("t", "c"), "x", '[t]\nb = 1\nc = "x"\n\n[u]\n'),
    (Toml, "t.a = 1\n", ("t", "b"), 2, "t.a = 1\nt.b = 2\n"),
    (Toml, "t = {a = 1}\n", ("t", "b"), 2, "t = {a = 1, b = 2}\n"),
    (Toml, "[[m]]\na = 1\n", ("m", 1), {"a": 2}, "[[m]]\na = 1\n\n[[m]]\na = 2\n"),
    (Toml, "[a.b]\nx = 1\n", ("a", "c"), {"y": {}}, "[a.b]\nx = 1\n\n[a.c.y]\n"),
]


@pytest.mark.parametrize(("kind", "text", "path", "value", "expected"), SET)
def test_a_value_is_set_in_the_layout_of_the_file(kind, text, path, value, expected):
    assert kind.parse(text).set(path, value).text == expected


REMOVED = [
    (Json, '{"a": 1, "b": 2}', ("a",), '{"b": 2}'),
    (Json, '{"a": 1, "b": 2}', ("b",), '{"a": 1}'),
    (Json, '{\n  "a": 1\n}\n', ("a",), "{}\n"),
    (Json, '{"a": 1, "a": 2, "b": 3}', ("a",), '{"b": 3}'),
    (Jsonc, '{\n  // of a\n  "a": 1, // one\n  "b": 2 // two\n}', ("b",), '{\n  // of a\n  "a": 1 // one\n}'),
    (Jsonc, '{\n  "a": 1, /* x */\n  "b": 2,\n}', ("a",), '{\n  "b": 2,\n}'),
    (Jsonc, "[1, /* of 2 */ 2, 3,]", (2,), "[1, /* of 2 */ 2,]"),
    (Jsonc, '{\n  "a": 1, // one\n  "b": 2}', ("b",), '{\n  "a": 1 // one\n  }'),
    (Yaml, "a: 1\nb: 2 # two\n# end\n", ("b",), "a: 1\n# end\n"),
    (Yaml, "a: # mine\n  b: 1\n", ("a", "b"), "a: {} # mine\n"),
    (Yaml, "- a: 1\n  b: 2\n", (0, "a"), "- b: 2\n"),
    (Yaml, "a: [x, y] # two\n", ("a", 0), "a: [y] # two\n"),
    (Toml, "a = 1 # one\nb = 2\n", ("a",), "b = 2\n"),
    (Toml, "a = 1\n\n[t]\nb = 2\n", ("t",), "a = 1\n"),
    (Toml, "a = [\n  1, # one\n  2,\n]\n", ("a", 0), "a = [\n  2,\n]\n"),
    (Toml, "[a.b]\nc = 1\n", ("a", "b"), "[a]\n"),
]


@pytest.mark.parametrize(("kind", "text", "path", "expected"), REMOVED)
def test_a_value_goes_with_its_comma_its_line_and_the_comment_on_it(kind, text, path, expected):
    document = kind.parse(text).remove(path)
    assert document.text == expected
    assert isinstance(path[-1], int) or document.remove(path) is document


UNREADABLE = [
    (Json, "", 1, 1, "a value is expected, not the end of the file"),
    (Json, '{\r\n "a": 1,\r\n}', 3, 1, "one more after the comma is expected, not }"),
    (Json, '\ufeff{"a" 1}', 1, 6, "a colon is expected, not 1"),
    (Json, '{"a": 1}\n// x', 2, 1, "no comment is allowed here"),
    (Json, '{"a": 01}', 1, 7, "'0' is not expected here"),
    (Json, '{"a": NaN}', 1, 7, "a value is expected, not NaN"),
    (Json, '{"a": "x\ny"}', 1, 7, "a string that does not end or holds what no string may"),
    (Jsonc, "{\r // x\r b: 1}", 3, 2, "a key is expected, not b"),
    (Jsonc, "{} {}", 1, 4, "nothing more is expected, not {"),
    (Json5, "{a: 1 b: 2}", 1, 7, "a comma or } is expected, not b"),
    (Json5, "{a: '\\u12'}", 1, 5, '"\'" is not expected here'),
    (Json5, "[" * 300, 1, 102, "nested too deep"),
    (Yaml, "a: 1\nb: [x\n", 3, 1, "expected ',' or ']', but got '<stream end>'"),
    (Yaml, "a: *b\n", 1, 4, "found undefined alias 'b'"),
    (Yaml, "a: !secret x\n", 1, 4, "could not determine a constructor for the tag '!secret'"),
    (Yaml, "a: 1\n\x01", 2, 1, "this character is not allowed in YAML"),
    (Toml, "a = 1\nb = \n", 2, 5, "Invalid value"),
    (Toml, "a = 1\na = 2", 2, 6, "Cannot overwrite a value"),
]


@pytest.mark.parametrize(("kind", "text", "line", "column", "detail"), UNREADABLE)
def test_what_does_not_parse_is_refused_with_line_and_column(kind, text, line, column, detail):
    with pytest.raises(EditError) as caught:
        kind.parse(text)
    assert (caught.value.line, caught.value.column, caught.value.detail) == (line, column, detail)


REFUSED = [
    (Json, '{"a": 1}', ("a", "b"), 2),
    (Json, '{"a": [1]}', ("a", "b"), 2),
    (Json, '{"a": [1]}', ("a", 2), 2),
    (Json, "{}", ("a",), float("nan")),
    (Yaml, "a: &x {b: 1}\nc: *x\n", ("c", "b"), 2),
    (Yaml, "a: &x {b: 1}\nc: *x\n", ("a", "b"), 2),
    (Yaml, "a: false\n", ("a", "b"), 2),
    (Toml, "a = 1\n", ("a", "b"), 2),
    (Toml, "", ("a",), None),
]


@pytest.mark.parametrize(("kind", "text", "path", "value"), REFUSED)
def test_an_edit_that_would_change_something_else_is_refused(kind, text, path, value):
    with pytest.raises(EditError):
        kind.parse(text).set(path, value)


@pytest.mark.parametrize("kind", [Json, Jsonc, Json5, Yaml])
def test_an_element_is_appended_once_and_taken_out_where_it_is_equal(kind):
    text = '{"a": ["x", 1]}'
    document = kind.parse(text).append(("a",), True)
    assert document.append(("a",), True) is document
    assert document.get(("a",)) == ["x", 1, True]
    assert document.discard(("a",), True).text == text
    assert document.discard(("a",), "z") is document
    assert kind.parse("{}").append(("b", "c"), 1).value == {"b": {"c": [1]}}


def test_a_key_that_is_missing_is_not_a_null():
    document = Json.parse('{"a": null, "b": [1]}')
    assert document.get(("a",)) is None
    assert document.get(("c",)) is ABSENT
    assert document.get(("b", 1)) is ABSENT
    assert document.get(("a", "b")) is ABSENT


def test_a_file_that_is_not_utf8_is_refused_where_it_is_not():
    assert decode(b"\xef\xbb\xbf{}\r\n") == "\ufeff{}\r\n"
    with pytest.raises(EditError) as caught:
        decode(b'{\n "\xff"}')
    assert (caught.value.line, caught.value.column) == (2, 3)
