"""What of a prompt will stand in the next request."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from synrouter_cli.prompt.lasting import CHANGES_AGAIN, Lasting
from synrouter_cli.prompt.prompt import Prompt
from synrouter_cli.prompt.segments import segment

Block = dict[str, Any]


def text(words: str) -> Block:
    return {"type": "text", "text": words}


def thinking(words: str) -> Block:
    return {"type": "thinking", "thinking": words, "signature": "s" * 40}


def prompt(*messages: list[Block], system: tuple[str, ...] = ("one", "two")) -> Prompt:
    """User and assistant in turn, after so many system blocks."""
    talk = [{"role": "assistant" if i % 2 else "user", "content": blocks} for i, blocks in enumerate(messages)]
    return segment(json.dumps({"model": "m", "system": [text(s) for s in system], "messages": talk}).encode())


def compared(prompts: list[Prompt], *, likely: bool = False) -> Lasting:
    """What a session has shown after these requests."""
    lasting = Lasting()
    for last, sent in itertools.pairwise(prompts):
        shared = sent.shared_with(last.keys)
        lasting = lasting.after(last, sent, -1 if shared == len(last.keys) else shared, lambda: likely)
    return lasting


def talk(count: int, system: tuple[str, ...] = ("one", "two")) -> Prompt:
    return prompt(*([text(f"message {i}")] for i in range(2 * count + 1)), system=system)


def test_a_session_that_only_adds_lasts_to_its_end() -> None:
    prompts = [talk(i) for i in range(5)]
    assert compared(prompts).stable_end(prompts[-1]) == len(prompts[-1].blocks)


@pytest.mark.parametrize("before", [0, 3, 30])
def test_a_clock_is_found_at_once_and_one_that_was_added_after_three_changes(before: int) -> None:
    still = [talk(i) for i in range(before)]
    ticking = [talk(before + i, system=("one", f"12:0{i}")) for i in range(5)]
    needed = next(
        count
        for count in range(2, 6)
        if compared([*still, *ticking[:count]], likely=True).stable_end(ticking[count - 1]) == 1
    )
    assert needed == 2 if not before else needed <= 4


def test_a_date_that_changes_once_at_midnight_is_no_clock() -> None:
    prompts = [talk(i, system=("one", "Monday")) for i in range(20)] + [talk(20, system=("one", "Tuesday"))]
    assert compared(prompts, likely=True).stable_end(prompts[-1]) == len(prompts[-1].blocks)


def test_a_place_that_stands_still_again_is_written_through_again() -> None:
    prompts = [talk(i, system=("one", f"12:0{min(i, 3)}")) for i in range(6)]
    assert compared(prompts[:3], likely=True).share > CHANGES_AGAIN > compared(prompts, likely=True).share


def test_text_in_the_middle_is_believed_to_change_again_only_after_a_few_times() -> None:
    prompts = [talk(i, system=("one", f"state {i}")) for i in range(6)]
    ends = [compared(prompts[: count + 1]).stable_end(prompts[count]) for count in range(1, 6)]
    assert ends[0] == len(prompts[1].blocks) and ends[-1] == 1


def test_what_a_client_carries_at_the_end_is_left_out() -> None:
    prompts = [
        prompt(*([text(f"message {i}")] for i in range(2 * count + 1)), [text(f"carrier {count}")])
        for count in range(4)
    ]
    lasting = compared(prompts)
    assert lasting.carried == 1 and lasting.stable_end(prompts[-1]) == len(prompts[-1].blocks) - 1


def dropping(steps: list[bool]) -> list[Prompt]:
    """A client that drops thinking once it is not the newest; `steps` say which answers had some."""
    found = []
    for count in range(1, len(steps) + 1):
        messages: list[list[Block]] = [[text("begin")]]
        for step in range(count):
            newest = step == count - 1
            answer = [thinking(f"hm {step}")] if newest and steps[step] else []
            messages += [[*answer, text(f"answer {step}")], [text(f"result {step}")]]
        found.append(prompt(*messages))
    return found


def test_thinking_that_was_dropped_once_will_be_dropped_again() -> None:
    prompts = dropping([True, True, True])
    newest = next(i for i, block in enumerate(prompts[-1].blocks) if block.kind == "thinking")
    assert compared(prompts).stable_end(prompts[-1]) == newest


def test_an_answer_without_thinking_does_not_make_a_client_that_drops_it_forgotten() -> None:
    prompts = dropping([True, True, False, True])
    assert compared(prompts[:3]).stable_end(prompts[2]) == len(prompts[2].blocks)
    newest = next(i for i, block in enumerate(prompts[3].blocks) if block.kind == "thinking")
    assert compared(prompts).stable_end(prompts[3]) == newest


def test_a_rewind_far_back_says_nothing_of_what_is_to_come() -> None:
    prompts = [talk(8), prompt([text("message 0")], [text("another answer")], [text("another way")])]
    assert compared(prompts).stable_end(prompts[1]) == len(prompts[1].blocks)
