"""The running proxy's keys: there at once where given by hand, later out of the keyring, never waited for long."""

from __future__ import annotations

import asyncio

import pytest

from synrouter_cli.credentials import Secret
from synrouter_cli.daemon.key_holder import KeyHolder
from synrouter_cli.daemon.logs import Redactor
from synrouter_cli.errors import KeyringError, KeyringLocked, NoKeyring
from synrouter_cli.keys import Found
from synrouter_cli.paths import find_paths
from synrouter_cli.providers import Provider, builtin, provider_names
from synrouter_cli.settings import Settings

KEY = "canary-of-the-keyring-0123456789"


class Keyring:
    """Answers each reading with the next of `answers`, once it is `open`."""

    def __init__(self, *answers: Found | Exception) -> None:
        self.answers = list(answers)
        self.open = asyncio.Event()
        self.asked: list[list[str]] = []
        self.cancelled = 0

    async def __call__(self, providers, *, patience_s: float) -> Found:
        self.asked.append(list(providers))
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def holds(key: str) -> Found:
    return Found("Secret Service", {"anthropic": Secret(key)})


def holder(keyring: Keyring, **given: str) -> KeyHolder:
    keys = {provider: Secret(key) for provider, key in given.items()}
    settings = Settings(paths=find_paths(), provider_keys=keys, key_sources=dict.fromkeys(given, "SYNROUTER_X_KEY"))
    return KeyHolder(settings, read=keyring, wait_s=0.02, reload_s=1, again_s=0)


async def test_where_every_key_is_given_the_keyring_is_never_asked():
    keyring = Keyring()
    keys = holder(keyring, **dict.fromkeys(provider_names(), "by-hand"))
    keys.start()
    await keys.settle("anthropic")
    await keys.reload()
    assert keyring.asked == []
    assert keys.known["anthropic"].reveal() == "by-hand"
    assert (keys.sources, keys.keyring) == (dict.fromkeys(provider_names(), "SYNROUTER_X_KEY"), "")


async def test_the_keyring_is_asked_for_all_that_are_not_given_the_users_own_among_them():
    keyring = Keyring(holds(KEY))
    own = Provider("corp", "corp", "https://llm.corp.example", {"chat": "/v1"}, builtin=False)
    given = {"anthropic": Secret("by-hand")}
    settings = Settings(find_paths(), provider_keys=given, providers={**builtin(), "corp": own})
    keys = KeyHolder(settings, read=keyring)
    keys.start()
    keyring.open.set()
    await keys.settle("corp")
    assert keyring.asked == [[*(name for name in provider_names() if name != "anthropic"), "corp"]]
    await keys.close()


async def test_a_request_waits_for_a_keyring_that_is_being_read():
    keyring = Keyring(holds(KEY))
    keys = holder(keyring)
    keys.start()
    assert keys.known == {}
    asyncio.get_running_loop().call_soon(keyring.open.set)
    await keys.settle("anthropic")
    assert keys.known["anthropic"].reveal() == KEY
    assert keys.sources == {"anthropic": "the keyring (Secret Service)"}
    assert keys.keyring == "Secret Service"


async def test_it_does_not_wait_longer_than_it_may_and_says_what_to_type():
    keyring = Keyring(holds(KEY))
    keys = holder(keyring)
    keys.start()
    with pytest.raises(KeyringLocked) as raised:
        await keys.settle("anthropic")
    assert raised.value.http_status == 503
    assert raised.value.hint == "unlock it, then: synrouter keys test anthropic"
    assert keys.keyring.startswith("reading")
    keyring.open.set()
    await keys.settle("anthropic")
    assert keys.known["anthropic"].reveal() == KEY, "the person who was asked did unlock it"


async def test_what_went_wrong_is_told_to_every_request_until_it_is_read_again():
    keyring = Keyring(KeyringLocked(backend="", detail="", provider="anthropic"), holds(KEY))
    keyring.open.set()
    keys = holder(keyring)
    keys.start()
    for _ in range(2):
        with pytest.raises(KeyringLocked):
            await keys.settle("anthropic")
    assert "locked" in keys.keyring
    await keys.reload()
    await keys.settle("anthropic")
    assert keys.known["anthropic"].reveal() == KEY


async def test_where_there_is_no_keyring_the_request_is_told_of_its_missing_key_instead():
    keyring = Keyring(NoKeyring(backend="x", why="keeps nothing"))
    keyring.open.set()
    keys = holder(keyring)
    keys.start()
    await keys.settle("anthropic")
    assert keys.known == {}
    assert keys.keyring == "none that would keep a key safe"


async def test_a_process_that_can_not_be_started_is_told_as_well():
    keyring = Keyring(OSError(11, "Resource temporarily unavailable"))
    keyring.open.set()
    keys = holder(keyring)
    keys.start()
    with pytest.raises(KeyringError, match="Resource temporarily unavailable"):
        await keys.settle("anthropic")


async def test_a_reload_ends_a_reading_that_still_waits_and_takes_a_new_or_a_removed_key():
    keyring = Keyring(holds(KEY), Found("Secret Service"))
    keys = holder(keyring)
    keys.start()
    await asyncio.sleep(0)
    keyring.open.set()
    await keys.reload()
    assert (keyring.cancelled, keys.known["anthropic"].reveal()) == (1, KEY)
    await keys.reload()
    assert keys.known == {}


async def test_who_waits_gets_the_key_of_a_reload_that_came_in_between():
    keyring = Keyring(holds(KEY))
    keys = KeyHolder(Settings(paths=find_paths()), read=keyring, wait_s=5, reload_s=1)
    keys.start()
    waiting = asyncio.create_task(keys.settle("anthropic"))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(keyring.open.set)
    await asyncio.gather(keys.reload(), keys.reload())
    await waiting
    assert keys.known["anthropic"].reveal() == KEY
    assert keyring.answers == [], "of two reloads at once only the last reads to the end"


async def test_what_was_known_stays_where_the_keyring_can_not_be_read_again():
    keyring = Keyring(holds(KEY), *[KeyringError(detail="The keyring failed.")] * 2)
    keyring.open.set()
    keys = holder(keyring)
    keys.start()
    await keys.settle("anthropic")
    await keys.reload()
    await keys.settle("anthropic")
    assert keys.known["anthropic"].reveal() == KEY
    assert keys.keyring.startswith("The keyring failed.")
    assert (keys.problem, len(keyring.asked)) == ("The keyring failed.", 3), "it was asked once more"


async def test_a_keyring_that_failed_once_is_asked_once_more():
    keyring = Keyring(KeyringError(detail="It is just starting."), holds(KEY))
    keyring.open.set()
    keys = holder(keyring)
    keys.start()
    await keys.settle("anthropic")
    assert (keys.known["anthropic"].reveal(), keys.problem) == (KEY, "")


async def test_the_log_hides_a_key_before_anybody_can_use_it():
    redact = Redactor(["known-before-0123"])
    keyring = Keyring(holds(KEY))
    keyring.open.set()
    keys = KeyHolder(Settings(paths=find_paths()), read=keyring, learned=redact.learn)
    keys.start()
    await keys.settle("anthropic")
    assert redact(f"{KEY} known-before-0123") == "… …"


async def test_closing_ends_what_still_reads():
    keyring = Keyring()
    keys = holder(keyring)
    await keys.close()
    keys.start()
    await asyncio.sleep(0)
    await keys.close()
    assert keyring.cancelled == 1
