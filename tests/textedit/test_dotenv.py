"""`.env` files: what is there stays as it is, the last of a name counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.errors import EditError
from synrouter_cli.textedit import Dotenv, Edit, apply, undo

FILE = '# keys\r\nexport A = \'x # y\'  # mine\r\n\r\nB="two\\nlines \\""\r\nA=last\r\nEMPTY=\r\nRAW=a=b c'


def test_a_file_is_read_as_agents_read_it():
    assert Dotenv.parse(FILE).value == {"A": "last", "B": 'two\nlines "', "EMPTY": "", "RAW": "a=b c"}


@pytest.mark.parametrize("name", ["A", "NEW", "EMPTY", "RAW"])
def test_undo_gives_the_file_back_byte_for_byte(name):
    done, changes = apply(Dotenv.parse(FILE), [Edit((name,), "sk-sr-local-1")])
    assert done.value[name] == "sk-sr-local-1"
    assert undo(done, changes).document.text == FILE


def test_what_ends_a_file_stays_in_front_of_what_is_new():
    assert Dotenv.parse("A=1").set(("B",), "2").text == "A=1\nB=2"
    assert Dotenv.parse("A=1\r\n").set(("B",), "2").text == "A=1\r\nB=2\r\n"


def test_a_line_that_is_none_is_named():
    with pytest.raises(EditError) as refused:
        Dotenv.parse("A=1\nwhat is this\n")
    assert (refused.value.line, refused.value.column) == (2, 1)


@pytest.mark.parametrize(("path", "value"), [(("a", "b"), "x"), (("a",), 1), (("no name",), "x")])
def test_what_has_no_place_is_refused(path, value):
    with pytest.raises(EditError):
        Dotenv.parse("").set(path, value)


@given(
    st.dictionaries(st.from_regex(r"[A-Z_]{1,4}", fullmatch=True), st.text(st.characters(exclude_categories=["Cs"])))
)
def test_any_text_comes_back_as_it_was_put(values):
    document = Dotenv.parse("# first\n")
    for name, value in values.items():
        document = document.set((name,), value)
    assert document.value == values
    for name in values:
        document = document.remove((name,))
    assert document.text == "# first\n"
