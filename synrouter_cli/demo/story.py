"""The demo's story: three people at work, what they type and what the model answers.

Written down as data. Times are simulated seconds; the answers become the simulated provider's script, so provider and
agents agree on every word without talking to each other.

>>> [person.client for person in PEOPLE]
['claude-code', 'aider', 'cline']
>>> SCRIPT.step([{"role": "user", "content": PEOPLE[1].says[0].text}], {"Read"}).tools[0].name
'Read'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synrouter_cli.demo.script import Rule, Script, Step, ToolCall

__all__ = ["PEOPLE", "SCRIPT", "STORY_S", "SUBAGENT", "Person", "Said"]

STORY_S = 1230.0
"""How long the story takes."""


@dataclass(frozen=True, slots=True)
class Said:
    """A prompt: typed `after_s` seconds after the answer to the last one."""

    text: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a coding agent that sets its cache markers in its own way (`marks`)."""

    client: str
    marks: str
    """well: system and the last block; none; one: the last message that a person typed"""
    model: str
    says: tuple[Said, ...]


PEOPLE: Sequence[Person] = (
    Person(
        "claude-code",
        "well",
        "claude-opus-4-8",
        (
            Said("The tests fail since the rename of Store to Shelf. Find out why and mend it.", 0),
            Said("Good. Now let somebody look for other users of the old name.", 75),
            # longer than an entry of five minutes lives: what was cached is gone when they come back
            Said("Back from lunch. Write a test for the empty shelf.", 430),
            Said("Make the error message name the shelf.", 95),
            Said("And put a line into the changelog.", 60),
        ),
    ),
    Person(
        "aider",
        "none",
        "claude-sonnet-4-6",
        (
            Said("Explain how orders get from the queue to the printer.", 45),
            Said("The printer drops the last order. Mend that, please.", 80),
            Said("Do the same for labels.", 110),
            Said("Tidy up what is left of the old queue.", 90),
            Said("Run everything once more.", 70),
        ),
    ),
    Person(
        "cline",
        "one",
        "claude-opus-4-8",
        (
            Said("Move the settings page to the new form components.", 130),
            Said("Keep the keyboard shortcuts working.", 120),
            Said("Check the page with a screen reader in mind.", 150),
            Said("Fine. Sum up what changed.", 90),
        ),
    ),
)

SUBAGENT = Person(
    "claude-code", "well", "claude-sonnet-4-6", (Said("Look through the repository for the name Store.", 0),)
)
"""Whom the first agent sends."""


def _read(*paths: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall("Read", {"path": path}) for path in paths)


def _run(command: str) -> tuple[ToolCall, ...]:
    return (ToolCall("Bash", {"command": command}),)


def _edit(*paths: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall("Edit", {"path": path}) for path in paths)


def _grep(pattern: str) -> tuple[ToolCall, ...]:
    return (ToolCall("Grep", {"command": pattern}),)


def _step(say: str, tools: tuple[ToolCall, ...] = (), fault: str = "") -> Step:
    return Step(say=say, tools=tools, fault=fault)


_ANSWERS: Mapping[str, tuple[Step, ...]] = {
    "since the rename": (
        _step("I run the tests to see what fails.", _run("pytest -q")),
        _step("Three modules still import the old name. I read them.", _read("shop/store.py", "shop/api.py")),
        _step("And the tests that fail.", _read("tests/test_store.py", "tests/test_api.py", "tests/conftest.py")),
        _step("The factory builds a Store where a Shelf is expected. I change it.", _edit("shop/api.py")),
        _step("Once more.", _run("pytest -q tests/test_api.py"), fault="529"),
        _step("One fixture is left.", _edit("tests/conftest.py")),
        _step("All of them.", _run("pytest -q")),
        _step("All 212 tests pass. The factory in shop/api.py still built a Store."),
    ),
    "other users of the old name": (
        _step("I send somebody to look.", (ToolCall("Agent", {"prompt": SUBAGENT.says[0].text}),)),
        _step("Two scripts use it. I change both.", _edit("scripts/import.py", "scripts/export.py")),
        _step("No other users are left."),
    ),
    "for the name Store": (
        _step("Searching.", _grep("Store")),
        _step("Two hits to look at.", _read("scripts/import.py", "scripts/export.py")),
        _step("And who calls them.", _grep("scripts.import|scripts.export")),
        _step("scripts/import.py and scripts/export.py still use Store; nothing else does."),
    ),
    "from lunch": (
        _step("I look at what the shelf does when it is empty.", _read("shop/shelf.py")),
        _step("I write the test.", _edit("tests/test_shelf.py")),
        _step("And run it.", _run("pytest -q tests/test_shelf.py")),
        _step("The test passes: an empty shelf raises EmptyShelf."),
    ),
    "error message": (
        _step("I look where it is raised.", _grep("EmptyShelf")),
        _step("It gets the name.", _edit("shop/errors.py", "shop/shelf.py")),
        _step("Tests.", _run("pytest -q")),
        _step('The message now reads "shelf north is empty".'),
    ),
    "changelog": (
        _step("I read it first.", _read("CHANGELOG.md")),
        _step("One line.", _edit("CHANGELOG.md")),
        _step("Done: the line stands under Unreleased."),
    ),
    "queue to the printer": (
        _step("I read along the way.", _read("orders/queue.py", "orders/printer.py")),
        _step("And where it is put together.", _read("orders/app.py")),
        _step("An order waits in the queue until the printer takes it; app.py joins them."),
    ),
    "drops the last order": (
        _step("I try to see it happen.", _run("pytest -q tests/test_printer.py")),
        _step("The loop ends one too early.", _edit("orders/printer.py")),
        _step("Again.", _run("pytest -q tests/test_printer.py")),
        _step("The last order is printed now."),
    ),
    "same for labels": (
        _step("I read how labels do it.", _read("orders/labels.py", "tests/test_labels.py")),
        _step("The same mistake.", _edit("orders/labels.py")),
        _step("Tests.", _run("pytest -q tests/test_labels.py")),
        _step("Labels keep their last one too."),
    ),
    "left of the old queue": (
        _step("Who still uses it?", _grep("OldQueue")),
        _step("Nobody. It goes.", _edit("orders/old_queue.py", "orders/app.py")),
        _step("The old queue is gone."),
    ),
    "everything once more": (_step("All tests.", _run("pytest -q")), _step("All 148 pass.")),
    "new form components": (
        _step("I read the page and the components.", _read("web/settings.tsx", "web/form.tsx")),
        _step("And the old fields.", _read("web/fields.tsx", "web/legacy.tsx")),
        _step("I move the first half.", _edit("web/settings.tsx")),
        _step("Does it build?", _run("npm run build")),
        _step("Now the rest.", _edit("web/settings.tsx", "web/legacy.tsx")),
        _step("And again.", _run("npm run build")),
        _step("The page uses the new components."),
    ),
    "keyboard shortcuts": (
        _step("Where are they bound?", _grep("Shortcut")),
        _step("I bind them to the new fields.", _edit("web/settings.tsx")),
        _step("Tests.", _run("npm test -- settings")),
        _step("All shortcuts work as before."),
    ),
    "screen reader": (
        _step("I read the markup that it makes.", _read("web/settings.html")),
        _step("Two fields lack a label.", _edit("web/form.tsx")),
        _step("Tests.", _run("npm test -- a11y")),
        _step("Every field has a label now."),
    ),
    "what changed": (_step("The page moved to the new components; shortcuts and labels were kept and checked."),),
}

SCRIPT = Script(tuple(Rule(when, steps) for when, steps in _ANSWERS.items()))
"""What the simulated provider answers."""
