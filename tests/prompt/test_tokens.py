"""The token estimate against the published formula, on kinds of text that agents send; blocks by their meaning."""

from __future__ import annotations

import base64
import json
import random
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synrouter_cli.prompt.media import UNKNOWN_FILE_TOKENS
from synrouter_cli.prompt.tokens import estimate, estimate_block, estimate_fields, has_unknown_size

PROSE = """A write makes exactly one entry for each marker, and a read walks back from there. What changes in front of
a marker makes it miss, so the parts that change belong behind it. That is all there is to it, in principle; in
practice, most of the money is lost where somebody puts a clock into the first line of a prompt.
"""
PYTHON = '''def split(run: bytes, offset: int = 0) -> list[Event]:
    """The events of a run that ends with one."""
    events: list[Event] = []
    for match in BOUNDARY.finditer(run):
        if self._over and match.end() > self.limit_bytes:
            events.append(Event(name, b"", (self._start, offset + match.end()), whole=False))
    return [event for event in events if event.name != "ping"]
'''
TYPESCRIPT = """export async function load<T extends Base>(path: string, opts?: Options): Promise<T | undefined> {
  const { data, error } = await client.get<T>(`/api/v1/${path}`, { ...opts, retry: 3 });
  if (error?.status === 404) return undefined;
  return data as T; // narrowed above
}
"""
JSON_TEXT = json.dumps(
    {"items": [{"id": i * 7919, "ok": i % 2 == 0, "at": f"2026-11-{i:02}T10:00:00Z"} for i in range(1, 9)]}
)
DIFF = """diff --git a/src/app.py b/src/app.py
index 83db48f..bf2a1c7 100644
--- a/src/app.py
+++ b/src/app.py
@@ -12,7 +12,8 @@ class App:
-        self.port = 8080
+        self.port = settings.port
+        self.host = "127.0.0.1"
"""
LISTING = """total 128
-rw-r--r--  1 root root  4096 Nov 21 06:28 README.md
drwxr-xr-x 12 root root  4096 Nov 21 06:16 node_modules
-rw-r--r--  1 dev  dev  91231 Nov  2 18:01 package-lock.json
"""
GERMAN = "Größere Änderungen überführen wir später; für heute genügt die Prüfung der Schlüssel und der Zähler.\n"
KINDS = {
    "prose": PROSE,
    "python": PYTHON,
    "typescript": TYPESCRIPT,
    "json": JSON_TEXT,
    "diff": DIFF,
    "listing": LISTING,
    "german": GERMAN,
}


def published(text: str) -> float:
    """The published estimate, word by word."""
    words = re.findall(r"[A-Za-z]+", text)
    letters, digits = sum(map(len, words)), len(re.findall(r"[0-9]", text))
    spaces = re.findall(r"\s+", text)
    data = text.encode()
    others = sum(byte >= 0x80 for byte in data)
    punctuation = len(data) - letters - digits - others - sum(map(len, spaces))
    return (
        0.352 * len(words) + 0.049 * letters + 0.627 * digits + 1.545 * punctuation + 1.065 * len(spaces)
        + 0.36 * others + 2.3
    )  # fmt: skip


def quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def in_json(text: str) -> bytes:
    return quoted(text)[1:-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_block_is_estimated_as_published(kind):
    text = KINDS[kind]
    assert estimate(in_json(text)) == pytest.approx(published(text), rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [8, 60, 2000])
def test_a_sampled_block_is_estimated_as_published(kind, times):
    text = KINDS[kind] * times
    assert estimate(in_json(text)) == pytest.approx(published(text), rel=0.15)


def test_a_session_of_all_kinds_is_estimated_as_published():
    mixed = random.Random(1)
    texts = ["".join(mixed.choices(list(KINDS.values()), k=mixed.randrange(1, 30))) for _ in range(200)]
    assert sum(estimate(in_json(t)) for t in texts) == pytest.approx(sum(map(published, texts)), rel=0.05)


def test_base64_in_text_has_nearly_a_token_a_byte():
    data = base64.b64encode(random.Random(2).randbytes(900))
    assert estimate(data) == pytest.approx(len(data) / 1.06, rel=0.02)
    assert estimate(data * 30) == pytest.approx(len(data) * 30 / 1.06, rel=0.02)


def test_nothing_has_no_tokens_and_the_least_has_some():
    assert estimate(b"") == 0
    assert estimate(b"x") > 0
    assert estimate(b" " * 500) > 0


@given(st.binary(max_size=3000) | st.binary(min_size=1, max_size=40).map(lambda data: data * 700))
def test_any_bytes_have_an_estimate_in_proportion_to_their_length(data):
    tokens = estimate(data)
    assert 0 <= tokens <= 2 * len(data) + 4
    assert tokens == estimate(data)


@pytest.mark.parametrize("size", [767, 768, 769, 16_383, 16_384, 16_385])
def test_there_is_no_jump_where_sampling_begins(size):
    data = in_json(PYTHON * 100)
    data = (data * 2)[:size]
    assert estimate(data) == pytest.approx(estimate(data[: size - 5]), rel=0.06)


# ── blocks ────────────────────────────────────────────────────────────────────────────────────────────────────


def block(**fields) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


MARK = {"type": "ephemeral", "ttl": "1h"}
SAME = {
    "text": (
        "text",
        [
            quoted(PROSE),
            block(type="text", text=PROSE),
            block(text=PROSE, type="text"),
            block(type="text", text=PROSE, cache_control=MARK),
            json.dumps({"cache_control": None, "type": "text", "text": PROSE}, indent=4).encode(),
        ],
    ),
    "tool_result": (
        "tool_result",
        [
            block(type="tool_result", tool_use_id="toolu_1", content=LISTING),
            block(type="tool_result", tool_use_id="toolu_1", content=LISTING, cache_control=MARK),
            block(type="tool_result", tool_use_id="toolu_1", content=[{"type": "text", "text": LISTING}]),
            block(
                content=[{"type": "text", "text": LISTING, "cache_control": MARK}],
                type="tool_result",
                tool_use_id="toolu_1",
                is_error=False,
            ),
        ],
    ),
    "tool": (
        "tool",
        [
            block(name="Read", description=PROSE, input_schema={"type": "object"}),
            block(name="Read", description=PROSE, input_schema={"type": "object"}, cache_control=MARK),
            block(type="custom", input_schema={"type": "object"}, name="Read", description=PROSE),
        ],
    ),
    "tool_use": (
        "tool_use",
        [
            block(type="tool_use", id="toolu_1", name="Bash", input={"command": "ls"}),
            block(cache_control=MARK, type="tool_use", id="toolu_2", name="Bash", input={"command": "ls"}),
        ],
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_markers_order_and_form_make_no_difference(name):
    kind, forms = SAME[name]
    assert len({estimate_block(kind, form) for form in forms}) == 1
    assert estimate_block(kind, forms[0]) > 5


def test_a_text_counts_as_its_text():
    assert estimate_block("text", quoted(PYTHON)) == estimate(in_json(PYTHON))


def test_a_tool_call_counts_its_name_and_input_and_a_little():
    raw = block(type="tool_use", id="toolu_1", name="Bash", input={"command": PYTHON})
    assert 10 < estimate_block("tool_use", raw) - estimate(block(command=PYTHON)) < 40


def test_a_tool_of_the_providers_own_counts_as_it_stands():
    assert estimate_block("tool", block(type="web_search_20250305", name="web_search", max_uses=5)) > 3


def test_fields_that_were_found_already_give_the_same():
    for kind, forms in SAME.values():
        for form in forms:
            if form[:1] == b"{":
                fields = msgspec.json.decode(form, type=dict[str, msgspec.Raw])
                assert estimate_fields(kind, fields) == estimate_block(kind, form)


def test_a_signature_stands_for_the_whole_thinking():
    short = block(type="thinking", thinking="It is late.", signature="E" * 300)
    assert estimate_block("thinking", short) == estimate(b"It is late.")
    sealed = block(type="thinking", thinking="", signature="E" * 10_350)
    assert estimate_block("thinking", sealed) == 2_400
    summary = block(type="thinking", thinking="A summary.", signature="E" * 10_350)
    assert estimate_block("thinking", summary) == 2_400
    assert estimate_block("redacted_thinking", block(type="redacted_thinking", data="E" * 10_350)) == 2_400


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x06\0\0\0"


def base64_block(kind: str, data: bytes, media_type: str = "image/png", **more) -> bytes:
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    return block(type=kind, source=source, **more)


def test_an_image_counts_by_its_size_not_by_its_bytes():
    small = base64_block("image", png(1000, 1000))
    large = base64_block("image", png(1000, 1000) + bytes(500_000))
    assert estimate_block("image", small) == estimate_block("image", large) == 36 * 36
    assert estimate_block("image", base64_block("image", png(1000, 1000), cache_control=MARK)) == 36 * 36


def test_an_image_costs_no_more_than_the_model_takes():
    raw = base64_block("image", png(3840, 2160))
    assert estimate_block("image", raw) == 4_784
    assert estimate_block("image", raw, max_image_tokens=1_568) == 1_568


def test_an_image_inside_a_tool_result_counts_as_an_image():
    image = json.loads(base64_block("image", png(560, 280) + bytes(100_000)))
    result = block(type="tool_result", tool_use_id="t", content=[{"type": "text", "text": "Here"}, image])
    alone = block(type="tool_result", tool_use_id="t", content=[{"type": "text", "text": "Here"}])
    assert estimate_block("tool_result", result) - estimate_block("tool_result", alone) == 200


def test_documents_count_by_what_is_in_them():
    text = block(type="document", source={"type": "text", "media_type": "text/plain", "data": PROSE})
    assert estimate_block("document", text) == estimate(in_json(PROSE))
    content = block(
        type="document", title="T", source={"type": "content", "content": [{"type": "text", "text": PROSE}]}
    )
    assert estimate_block("document", content) == estimate(in_json(PROSE)) + estimate(b"T")
    pdf = base64_block("document", b"%PDF-1.7\n<< /Type /Pages /Count 3 >>", "application/pdf")
    assert estimate_block("document", pdf) == 3 * 2_250
    assert estimate_block("search_result", block(type="search_result", title="T", source="u", content=[])) < 20


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("image", block(type="image", source={"type": "file", "file_id": "file_1"})),
        ("image", block(type="image", source={"type": "url", "url": "https://example.com/a.png"})),
        ("document", block(type="document", source={"type": "file", "file_id": "file_1"})),
        ("container_upload", block(type="container_upload", file_id="file_1")),
    ],
)
def test_what_stands_elsewhere_is_a_guess_and_says_so(kind, raw):
    assert estimate_block(kind, raw) == UNKNOWN_FILE_TOKENS
    assert has_unknown_size(kind, raw)


def test_what_stands_in_the_request_is_no_guess():
    assert not has_unknown_size("image", base64_block("image", png(10, 10)))
    assert not has_unknown_size("text", block(type="text", text='"file_id"'))


def test_what_is_sealed_in_a_search_result_is_not_counted_as_text():
    result = {"type": "web_search_result", "title": "T", "url": "u", "encrypted_content": "E" * 40_000}
    raw = block(type="web_search_tool_result", tool_use_id="t", content=[result])
    assert 9_600 < estimate_block("web_search_tool_result", raw) < 9_700


@pytest.mark.parametrize(
    "kind", ["text", "tool_use", "tool_result", "thinking", "image", "document", "tool", "new", ""]
)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"{}",
        b'"',
        b'{"type":"text"}',
        b'{"type":"text","text":null}',
        b'{"text":"\\ud800 lone"}',
        b'{"source":null,"content":7,"input":null,"signature":3}',
        b'{"source":{"type":7},"content":[1,null,"x"]}',
        b'{"source":{"type":"base64"},"content":[{"type":null}]}',
        b'{"source":{"type":"base64","data":"!!!"}}',
        b'{"type":"text","text":"cut',
        b"\xff\xfe",
        b'{"content":' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
)
def test_no_block_makes_it_raise(kind, raw):
    assert estimate_block(kind, raw) >= 0


@given(st.sampled_from(["text", "tool_result", "image", "document", "thinking"]), st.binary(max_size=80))
def test_no_bytes_make_it_raise(kind, raw):
    assert estimate_block(kind, raw) >= 0
