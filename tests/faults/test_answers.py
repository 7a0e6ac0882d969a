"""Faults in the provider's answers: what goes on word for word, what is said in the dialect instead."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from support.edge import CLIENT_TOKEN, MESSAGE, Edge, request, running_edge, whole


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with running_edge() as running:
        yield running


def error(kind: str, message: str) -> bytes:
    """An error as the provider spaces it, with a field nobody knows."""
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return json.dumps(body, indent=1).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_26_27_the_providers_errors_go_on_word_for_word_and_once(edge: Edge, status: int, kind: str) -> None:
    body = error(kind, "messages: roles must alternate, “naïve” ✓")
    edge.upstream.plays(whole(body, status, request_id="req_1"))
    answer = await edge.ask()
    assert (answer.status, answer.body) == (status, body)
    assert answer.all("request-id") == ["req_1"]
    assert answer.all("x-synrouter-turn") == ["1"]
    assert len(edge.upstream.received) == 1
    outcome = await edge.outcome()
    assert (outcome.status, outcome.http_status, outcome.error_type) == ("error", status, kind)
    assert outcome.usage is None


@pytest.mark.parametrize("after", ["3", "600", "-1", "99999999999", "Wed, 21 Oct 2065 07:28:00 GMT", "soon"])
async def test_22_24_retry_after_goes_on_as_it_is(edge: Edge, after: str) -> None:
    edge.upstream.plays(whole(error("rate_limit_error", "slow"), 429, retry_after=after, x_should_retry="true"))
    answer = await edge.ask()
    assert answer.all("retry-after") == [after]
    assert answer.all("x-should-retry") == ["true"]


async def test_23_a_bare_429_gets_no_retry_after_of_ours(edge: Edge) -> None:
    edge.upstream.plays(whole(error("rate_limit_error", "slow"), 429))
    answer = await edge.ask()
    assert answer.all("retry-after") == answer.all("x-should-retry") == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/v1/messages", "/v1/models"])
async def test_28_a_redirect_is_neither_followed_nor_passed_on(edge: Edge, status: int, target: str) -> None:
    """A client that followed it would take the local token and its prompt to that address."""
    elsewhere = f"http://127.0.0.1:{edge.upstream.port}/elsewhere"
    edge.upstream.plays(whole(b"", status, location=elsewhere), whole(MESSAGE))
    answer = await edge.ask("POST" if "messages" in target else "GET", target)
    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert answer.all("location") == []
    assert answer.all("x-should-retry") == ["false"]
    assert "--upstream anthropic=" in answer.error["message"]
    assert len(edge.upstream.received) == 1


PAGE = b"<!DOCTYPE html>\n<html><head><title>\n 502 Bad Gateway | cloudflare </title></head>" + b"<p>x</p>" * 50_000


@pytest.mark.parametrize(
    ("status", "kind"),
    [(502, "api_error"), (529, "overloaded_error"), (504, "timeout_error"), (403, "permission_error")],
)
async def test_29_a_web_page_is_said_in_the_dialect_in_short(edge: Edge, status: int, kind: str) -> None:
    edge.upstream.plays(whole(PAGE, status, content_type="text/html; charset=UTF-8", cf_ray="ray-1", retry_after="7"))
    answer = await edge.ask()
    assert (answer.status, answer.error["type"]) == (status, kind)
    assert "502 Bad Gateway | cloudflare" in answer.error["message"]
    assert len(answer.body) < 500
    assert answer.all("content-type") == ["application/json"]
    assert answer.all("cf-ray") == ["ray-1"]
    assert answer.all("retry-after") == ["7"]
    outcome = await edge.outcome()
    assert (outcome.status, outcome.http_status, outcome.error_type) == ("error", status, kind)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"upstream connect error", "text/plain"), (b"", "text/html"), (b"\xff<title>\x1b[31m", "text/html"), (b"x", "")],
)
async def test_29_any_other_error_of_a_gateway_is_said_in_the_dialect_too(
    edge: Edge, body: bytes, content_type: str
) -> None:
    edge.upstream.plays(whole(body, 503, content_type=content_type))
    answer = await edge.ask()
    assert (answer.status, answer.error["type"]) == (503, "api_error")
    assert "\\u001b" not in answer.body.decode()


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/octet-stream"])
async def test_29_the_apis_json_under_another_name_goes_on_word_for_word(edge: Edge, content_type: str) -> None:
    body = b" \n" + error("overloaded_error", "Overloaded")
    edge.upstream.plays(whole(body, 529, content_type=content_type))
    answer = await edge.ask()
    assert (answer.status, answer.body, answer.all("content-type")) == (529, body, [content_type])
    assert (await edge.outcome()).error_type == "overloaded_error"


async def test_29_a_page_with_a_good_status_is_no_message_and_said_so(edge: Edge) -> None:
    edge.upstream.plays(whole(b"<html>", content_type="text/html"))
    answer = await edge.ask()
    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert "answered 200 with a web page" in answer.error["message"]
    assert answer.all("x-should-retry") == ["false"]
    assert (await edge.outcome()).status == "error"


async def test_29_plain_text_about_the_clients_mistake_goes_on_as_it_is(edge: Edge) -> None:
    edge.upstream.plays(whole(b"no such model", 404, content_type="text/plain"))
    answer = await edge.ask()
    assert (answer.status, answer.body) == (404, b"no such model")


async def test_40_a_body_of_33_mib_is_for_the_provider_to_judge(edge: Edge) -> None:
    edge.upstream.plays(whole(error("request_too_large", "too large"), 413))
    answer = await edge.ask(body=bytes(33 * 1024 * 1024))
    assert answer.error["message"] == "too large"
    assert len(edge.upstream.received[0].body) == 33 * 1024 * 1024


async def test_42_an_empty_answer_is_an_empty_answer(edge: Edge) -> None:
    edge.upstream.plays(whole(b""))
    answer = await edge.ask()
    assert (answer.status, answer.body, answer.complete) == (200, b"", True)


async def test_an_answers_headers_can_not_end_our_line(edge: Edge) -> None:
    edge.turns.edit = lambda body: body
    edge.upstream.plays(whole(MESSAGE, x_text="caf\u00e9 \u2713".encode().decode("latin-1")))
    plan = "safe\r\nSet-Cookie: evil=1"
    begin = edge.turns.begin

    def forged(inbound: object) -> object:
        turn = begin(inbound)  # type: ignore[arg-type]
        turn.plan = plan
        return turn

    edge.turns.begin = forged  # type: ignore[method-assign, assignment]
    answer = await edge.ask()
    assert answer.all("set-cookie") == []
    assert answer.all("x-synrouter-plan") == ["safe?Set-Cookie: evil=1"]


async def test_many_long_headers_of_the_provider_are_no_reason_to_fail(edge: Edge) -> None:
    edge.upstream.plays(whole(MESSAGE, content_security_policy="x" * 20_000))
    answer = await edge.ask()
    assert answer.all("content-security-policy") == ["x" * 20_000]


async def test_a_connection_survives_an_error_of_the_providers(edge: Edge) -> None:
    edge.upstream.plays(whole(error("api_error", "x"), 500), whole(PAGE, 502, content_type="text/html"), whole(MESSAGE))
    async with edge.connect() as connection:
        for status in (500, 502, 200):
            await connection.send(request(edge.port, token=CLIENT_TOKEN))
            assert (await connection.response()).status == status
