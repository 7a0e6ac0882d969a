"""LangChain's and LlamaIndex's classes at work, run by an interpreter that has them: `python framework_runs.py` with a job
as JSON on stdin prints what each step came to as JSON. It imports nothing of ours, and of theirs only when it runs."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

Steps = dict[str, Callable[[], Any]]


def main() -> None:
    """Steps that fail are told as `{"error": class, "says": text}`."""
    job = json.load(sys.stdin)
    made = {"langchain": langchain, "llama_index": llama_index}[job["framework"]]
    told: dict[str, dict[str, Any]] = {}
    for name, (client, model) in job["pairs"].items():
        told[name] = {step: _told(act) for step, act in made(job, client, model, name).items()}
    json.dump(told, sys.stdout)


def _told(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception as error:
        return {"error": type(error).__name__, "says": str(error)[:600]}


def _person() -> Any:
    from pydantic import BaseModel

    return type("Person", (BaseModel,), {"__annotations__": {"name": str, "age": int, "tags": list[str]}})


# ── LangChain ──


def _chat_model(job: Any, client: str, model: str, **more: Any) -> Any:
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI

    if client == "anthropic":
        return ChatAnthropic(
            model=model, api_key=job["token"], base_url=job["url"], max_retries=0, max_tokens=4000, **more
        )
    whose: Any = {"api_key": job["token"], "base_url": f"{job['url']}/v1", "max_retries": 0, "stream_usage": True}
    if client == "responses":
        whose |= {"use_responses_api": True, "store": False, "include": ["reasoning.encrypted_content"]}
    return ChatOpenAI(model=model, **whose, **more)


def langchain(job: Any, client: str, model: str, name: str) -> Steps:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def get_weather(city: str, days: int) -> str:
        """Tells the weather."""
        return "rain"

    chat, thinker = _chat_model(job, client, model), _thinker(job, client, job["thinkers"][name])

    def plain() -> Any:
        return _message(chat.invoke("hi"))

    def stream() -> Any:
        return _message(_summed(chat.stream("hi")))

    def loop(model: Any, words: str, streamed: bool) -> Any:
        bound = model.bind_tools([get_weather])
        said: list[Any] = [HumanMessage(words)]
        first = _summed(bound.stream(said)) if streamed else bound.invoke(said)
        results = [ToolMessage("rain", tool_call_id=call["id"]) for call in reversed(first.tool_calls)]
        second = bound.invoke([*said, first, *results])
        third = bound.invoke([*said, first, *results, second, HumanMessage("And then?")])
        return {"first": _message(first), "second": _message(second), "third": _message(third)}

    def structured(words: str, **how: Any) -> Any:
        return chat.with_structured_output(_person(), **how).invoke(words).model_dump()

    def image() -> Any:
        picture = {"type": "image", "base64": job["png"], "mime_type": "image/png"}
        return _message(chat.invoke([HumanMessage([{"type": "text", "text": "hi"}, picture])]))

    def cached() -> Any:
        said: list[Any] = [SystemMessage(f"{name}: {job['system']}"), HumanMessage("hi")]
        first = chat.invoke(said)
        return [_message(first), _message(chat.invoke([*said, AIMessage(first.text), HumanMessage("And?")]))]

    steps: Steps = {
        "plain": plain,
        "stream": stream,
        "tool": lambda: loop(chat, "in Zürich", False),
        "tool streamed": lambda: loop(chat, "in Zürich", True),
        "both": lambda: loop(chat, "both towns", True),
        "thinking": lambda: loop(thinker, "in Zürich", False),
        "thinking streamed": lambda: loop(thinker, "in Zürich", True),
        "structured": lambda: structured("Who wrote", method="json_schema"),
        "structured by a tool": lambda: structured("by a tool", method="function_calling"),
        "image": image,
        "cached": cached,
        "busy": lambda: chat.invoke("too often").text,
        "wrong": lambda: chat.invoke("too wrong").text,
    }
    if client == "anthropic":
        steps["count"] = lambda: chat.get_num_tokens_from_messages([HumanMessage("hi")])
    if client == "chat":
        steps["embeddings"] = lambda: _embedded(job)
    return steps


def _thinker(job: Any, client: str, model: str) -> Any:
    more: dict[str, Any] = {
        "anthropic": {"thinking": {"type": "adaptive", "display": "summarized"}},
        "chat": {"reasoning_effort": "medium"},
        "responses": {"reasoning": {"effort": "medium", "summary": "auto"}},
    }[client]
    return _chat_model(job, client, model, **more)


def _summed(chunks: Any) -> Any:
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


def _message(message: Any) -> Any:
    usage, about = message.usage_metadata or {}, message.response_metadata
    blocks = message.content_blocks
    return {
        "text": message.text,
        "blocks": [block["type"] for block in blocks],
        "thought": "".join(block.get("reasoning", "") for block in blocks if block["type"] == "reasoning"),
        "calls": [{"name": call["name"], "input": call["args"]} for call in message.tool_calls],
        "invalid": len(message.invalid_tool_calls),
        "input": usage.get("input_tokens"),
        "output": usage.get("output_tokens"),
        "cached": usage.get("input_token_details", {}).get("cache_read"),
        "model": about.get("model_name") or about.get("model"),
        "ended": about.get("stop_reason") or about.get("finish_reason") or about.get("status"),
    }


def _embedded(job: Any) -> Any:
    from langchain_openai import OpenAIEmbeddings

    whose: Any = {"api_key": job["token"], "base_url": f"{job['url']}/v1", "check_embedding_ctx_length": False}
    one, again = OpenAIEmbeddings(model="text-embedding-3-small", **whose).embed_documents(["one", "one"])
    return one == again and len(one) > 1


# ── LlamaIndex ──


def _llm(job: Any, client: str, model: str) -> Any:
    from llama_index.llms.anthropic import Anthropic
    from llama_index.llms.openai import OpenAI, OpenAIResponses

    if client == "anthropic":
        return Anthropic(model=model, api_key=job["token"], base_url=job["url"], max_retries=0, max_tokens=4000)
    whose: Any = {"api_key": job["token"], "api_base": f"{job['url']}/v1", "max_retries": 0}
    return (OpenAIResponses if client == "responses" else OpenAI)(model=model, **whose)


def llama_index(job: Any, client: str, model: str, name: str) -> Steps:
    from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
    from llama_index.core.tools import FunctionTool

    def get_weather(city: str, days: int) -> str:
        """Tells the weather."""
        return "rain"

    llm, tool = _llm(job, client, model), FunctionTool.from_defaults(get_weather)

    def said(words: Any) -> Any:
        return ChatMessage(role="user", content=words)

    def called(words: str, streamed: bool) -> Any:
        history = [said(words)]
        if streamed:
            answer = list(llm.stream_chat_with_tools([tool], chat_history=history))[-1]
        else:
            answer = llm.chat_with_tools([tool], chat_history=history, allow_parallel_tool_calls=True)
        calls = llm.get_tool_calls_from_response(answer, error_on_no_tool_call=False)
        results = [
            ChatMessage(
                role="tool", content="rain", additional_kwargs={"tool_call_id": call.tool_id, "call_id": call.tool_id}
            )
            for call in calls
        ]
        last = llm.chat_with_tools([tool], chat_history=[*history, answer.message, *results])
        told = [{"name": call.tool_name, "input": call.tool_kwargs} for call in calls]
        return {"calls": told, "text": last.message.content}

    def image() -> str:
        picture = ImageBlock(image=base64.b64decode(job["png"]), image_mimetype="image/png")
        return str(llm.chat([ChatMessage(role="user", blocks=[TextBlock(text="hi"), picture])]).message.content)

    return {
        "plain": lambda: llm.chat([said("hi")]).message.content,
        "complete": lambda: llm.complete("hi").text,
        "stream": lambda: "".join(part.delta or "" for part in llm.stream_chat([said("hi")])),
        "tool": lambda: called("in Zürich", False),
        "tool streamed": lambda: called("in Zürich", True),
        "both": lambda: called("both towns", False),
        "structured": lambda: llm.as_structured_llm(_person()).chat([said("Who wrote it?")]).raw.model_dump(),
        "image": image,
        "system": lambda: llm.chat([ChatMessage(role="system", content=job["system"]), said("hi")]).message.content,
        "busy": lambda: llm.chat([said("too often")]).message.content,
    }


if __name__ == "__main__":
    main()
