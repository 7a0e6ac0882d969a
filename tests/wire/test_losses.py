"""The list of losses is whole: each sentence is one, and every code that the codecs give stands in it."""

from __future__ import annotations

import re
from pathlib import Path

from synrouter_cli.wire import codecs
from synrouter_cli.wire.losses import LOSSES, field, sentence

SOURCES = sorted(Path(codecs.__file__).parent.rglob("*.py"))


def test_every_code_is_a_word_and_every_sentence_ends_with_a_full_stop():
    assert [code for code in LOSSES if not re.fullmatch(r"[a-z_]+", code)] == []
    assert [code for code, text in LOSSES.items() if not text.endswith(".")] == []


def test_every_code_that_a_codec_gives_is_explained():
    given = {code for path in SOURCES for code in re.findall(r"\bLoss\(\"([a-z_]+)\"", path.read_text())}
    assert given <= set(LOSSES)


def test_a_lost_field_is_named():
    loss = field("seed", "seed")
    assert (loss.code, loss.path) == ("field:seed", "seed")
    assert "seed" in sentence(loss.code)
