"""The model's name in an answer, wherever its bytes were cut."""

from __future__ import annotations

import pytest

from synrouter_cli.proxy.renaming import Renamer

TEXT = (
    b'data: {"model":"gpt-5.5","text":"\\"model\\":\\"gpt-5.5\\" \xe2\x9c\x93"}\n\n'
    b'data: {"model" : "gpt-5.5-mini","m":1,"model": "gpt-5.5"}\n\n"mod'
)
RENAMED = TEXT.replace(b'{"model":"gpt-5.5"', b'{"model":"fast"').replace(b'"model": "gpt-5.5"', b'"model": "fast"')


@pytest.mark.parametrize("at", range(len(TEXT) + 1))
def test_every_field_is_renamed_and_no_text_wherever_it_is_cut(at: int):
    renamer = Renamer("gpt-5.5", "fast")
    assert renamer.feed(TEXT[:at]) + renamer.feed(TEXT[at:]) + renamer.end() == RENAMED


def test_byte_by_byte_the_same_comes_out_and_nothing_waits_that_can_be_no_field():
    renamer = Renamer("gpt-5.5", "a/b")
    out = [renamer.feed(TEXT[at : at + 1]) for at in range(len(TEXT))]
    assert b"".join(out) + renamer.end() == RENAMED.replace(b"fast", b"a/b")
    assert Renamer("gpt-5.5", "a/b").feed(b'{"delta":"so"}') == b'{"delta":"so"}'


def test_a_name_with_letters_beyond_ascii_is_found_as_json_writes_it():
    renamer = Renamer("größe", "fast")
    assert renamer.feed(b'{"model":"gr\\u00f6\\u00dfe"}') == b'{"model":"fast"}'
