"""No secret, no control character is left in a line that is shown; words, paths and numbers are."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synrouter_cli.prompt.masking import MASK, visible
from synrouter_cli.prompt.volatile import line_of_change

ALNUM = string.ascii_letters + string.digits

SECRETS = {
    "Anthropic key": "sk-ant-api03-QnVtcGVyLXN0aWNrZXI_aGVsbG8-d29ybGQ",
    "OpenAI key of small letters": "sk-proj-abcdefghijklmnopqrstuv",
    "GitHub token": "ghp_abcdefghijklmnopqrstuvwxyzABCDEF0123",
    "GitHub fine-grained token": "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "Slack token": "xoxb-2488-abcdefghij",
    "AWS key id": "AKIAIOSFODNN7EXAMPLE",
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "hex digest": "9f86d081884c7d659a2feaa0c55ad015",
    "base64": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "base64 with slashes": "kJ8sd9fK/Lsdf98/SDf+lkj2/Qa7==",
    "mail address": "jo.doe+list@mail.example.org",
    "uuid": "6b1f0d3e-1111-4222-8333-444455556666",
}
ASSIGNED = {
    "password=hunter2": "hunter2",
    "PGPASSWORD: 'correct horse battery'": "correct horse battery",
    'export API_KEY="a b c d e"': "a b c d e",
    '{"client_secret": "xyz \\" 42"}': "xyz",
    "db.password => letmein!": "letmein!",
    "auth_token:=t0p": "t0p",
    "Authorization: Bearer abc.def": "abc.def",
    "Authorization: Basic am86cHc=": "am86cHc=",
    "Cookie: id=77abc": "77abc",
    "mysql --password hunter2 -h db": "hunter2",
    "postgres://jo:p@ss@localhost/db": "p@ss",
    "curl -H 'x-api-key: 12345'": "12345",
}
KEPT = (
    "Today is Friday, 2025-11-21T12:03:04Z",
    "/home/jo/project3/src/synrouter_cli/prompt/masking.py",
    "model: claude-opus-4-8-20251101",
    "-----------------------------------------",
    "author: Jo, 12 tokens of 200,000 left",
    "def test_that_a_long_name_of_a_function_is_still_a_name():",
    "wörter, 日本語, ελληνικά",
)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("around", ["{}", "key is {} now", '"{}",', "x\n{}\ny", "({})", "\\n{}", "value={}&b=1"])
def test_a_secret_is_masked_wherever_it_stands(secret: str, around: str) -> None:
    shown = visible(around.format(secret))
    assert MASK in shown
    assert not [piece for piece in pieces(secret, 8) if piece in shown]


@pytest.mark.parametrize(("line", "secret"), ASSIGNED.items(), ids=ASSIGNED)
def test_what_is_assigned_to_a_secrets_name_is_masked(line: str, secret: str) -> None:
    shown = visible(line)
    assert MASK in shown
    assert secret not in shown


@pytest.mark.parametrize("line", KEPT)
def test_words_paths_dates_and_counts_stay(line: str) -> None:
    assert visible(line) == line


@pytest.mark.parametrize("hidden", ["\u200b", "\u2060", "\x1b[31m", "\x1b[0;1m", "\x00", "\u202e", "\x1b]8;;x\x07"])
def test_a_secret_that_something_invisible_parts_is_masked_too(hidden: str) -> None:
    assert visible(f"token sk-ant-{hidden}abcdef{hidden}ghij") == f"token {MASK}"


@given(st.text())
def test_nothing_that_is_shown_is_a_control_or_out_of_sight(text: str) -> None:
    assert not [char for char in visible(text) if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn")]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x1b\x9b\x90\x98\x9d\x9e\x9f"), max_size=120)
RANDOM = st.text(ALNUM, min_size=24, max_size=90).filter(lambda text: any(c.isdigit() for c in text))
FOUND = st.one_of(
    RANDOM,
    st.text("0123456789abcdef", min_size=16, max_size=64).filter(lambda text: not text.isalpha() and len(text) >= 16),
    RANDOM.map(lambda text: f"sk-ant-{text}"),
    st.text(string.ascii_lowercase, min_size=16, max_size=50).map(lambda text: f"ghp_{text}"),
    st.text(string.ascii_lowercase, min_size=8, max_size=20).map(lambda text: f"{text}@example.org"),
)


@given(WORDS, FOUND, WORDS, WORDS, st.sampled_from((" ", "\n", "\t", '"', ",", "(")), st.integers(0, 90))
def test_a_changed_line_is_short_and_visible_and_tells_no_secret(
    start: str, secret: str, end: str, other: str, between: str, cut: int
) -> None:
    canary = secret.partition("@")[0].removeprefix("sk-ant-").removeprefix("ghp_")
    assume(not [piece for piece in pieces(canary, 8) if piece in start + end + other])
    after = f"{start}{between}{secret}{between}{end}"
    # the change may stand before, inside or behind the secret
    before = after[: min(cut, len(after))] + other
    assume(not [piece for piece in pieces(canary, 8) if piece in before] or canary in before)
    for one, two in ((before, after), (after, other)):
        line = line_of_change(one, two)
        assert len(line) <= 80
        assert not [char for char in line if unicodedata.category(char).startswith("C")]
        assert not [piece for piece in pieces(canary, 8) if piece in line]


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(max(1, len(text) - size + 1))]
