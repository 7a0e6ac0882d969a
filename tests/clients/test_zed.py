"""Zed: against the fields of its source; a program with a window can't be run here."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

import pytest

from support.client_files import HOME, LOCAL_KEY, URL, configured, surroundings, undone, wish
from synrouter_cli.clients.client import TOKEN
from synrouter_cli.clients.zed import configure, launch, overrides, points_at, settings_file
from synrouter_cli.errors import ConfigConflict, EditError
from synrouter_cli.textedit import Jsonc

SETTINGS = HOME / ".config" / "zed" / "settings.json"
FLATPAK = HOME / ".var" / "app" / "dev.zed.Zed" / "config" / "zed" / "settings.json"
# Field → type of AnthropicCompatibleAvailableModel; the first and the third are required.
MODEL_FIELDS = {
    "name": str,
    "display_name": str,
    "max_tokens": int,
    "max_output_tokens": int,
    "mode": dict,
    "capabilities": dict,
}
COMMENTED = """// Zed settings
{
  "theme": "One Dark", // mine
  "agent": {
    "default_model": {
      "provider": "zed.dev",
      "model": "claude-opus-4-8",
      "enable_thinking": true,
    },
    "dock": "left",
  },
}
"""


def applied(texts: dict[PurePath, str], model: str = "") -> Any:
    after, _ = configured(configure(wish(model), surroundings(texts)), texts)
    return Jsonc.parse(after[SETTINGS]).value


def test_an_empty_home_gets_a_provider_in_the_fields_that_zed_reads():
    settings = applied({})
    assert settings["agent"] == {"default_model": {"provider": "synrouter", "model": "claude-sonnet-5-5"}}
    provider = settings["language_models"]["anthropic_compatible"]["synrouter"]
    assert provider.keys() == {"api_url", "available_models"}
    assert provider["api_url"] == URL
    for model in provider["available_models"]:
        assert model.keys() <= MODEL_FIELDS.keys()
        assert [key for key, value in model.items() if not isinstance(value, MODEL_FIELDS[key])] == []
        assert model["capabilities"] == {"tools": True, "images": True, "prompt_caching": True}
    assert "claude-sonnet-5-5" in [model["name"] for model in provider["available_models"]]


LIMITS = {
    "claude-opus-4-8": (1_000_000, 128_000, {"type": "adaptive"}),
    "claude-sonnet-4-6": (1_000_000, 64_000, {"type": "adaptive"}),
    "claude-haiku-4-5": (200_000, 64_000, None),
    "z-ai/glm-5.2": (200_000, 32_000, None),
}


@pytest.mark.parametrize(("name", "limits"), LIMITS.items(), ids=LIMITS.keys())
def test_a_model_has_its_limits_and_its_way_to_think(name: str, limits: tuple[int, int, dict[str, str] | None]):
    models = applied({}, name)["language_models"]["anthropic_compatible"]["synrouter"]["available_models"]
    [model] = [model for model in models if model["name"] == name]
    assert (model["max_tokens"], model["max_output_tokens"], model.get("mode")) == limits


def test_the_model_that_was_chosen_before_is_kept_with_what_belongs_to_it():
    default = {"provider": "synrouter", "model": "claude-opus-4-8", "enable_thinking": True}
    assert applied({SETTINGS: COMMENTED})["agent"] == {"default_model": default, "dock": "left"}


def test_comments_and_all_that_is_not_ours_stay_as_they_are():
    after, _ = configured(configure(wish(), surroundings({SETTINGS: COMMENTED})), {SETTINGS: COMMENTED})
    lines = after[SETTINGS].splitlines()
    lost = [line for line in COMMENTED.splitlines() if line not in lines]
    assert lost == ['      "provider": "zed.dev",']


FILES: dict[str, str] = {
    "comments and trailing commas": COMMENTED,
    "one line": '{"agent":{}}',
    "windows": COMMENTED.replace("\n", "\r\n"),
    "no newline at the end, a provider of the user's": (
        '{\n\t"language_models": {\n\t\t"anthropic_compatible": {"mine": {"api_url": "https://x", "available_models": []}}\n\t}\n}'
    ),
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_an_undo_gives_the_file_back_byte_for_byte(text: str):
    texts: dict[PurePath, str] = {SETTINGS: text}
    plan = configure(wish(), surroundings(texts))
    after, changes = configured(plan, texts)
    assert points_at(surroundings(after)) == URL
    assert undone(plan, after, changes) == texts


def test_an_undo_in_an_empty_home_leaves_nothing():
    plan = configure(wish(), surroundings({}))
    after, changes = configured(plan, {})
    assert undone(plan, after, changes) == {}


def test_what_zed_writes_since_stays():
    texts: dict[PurePath, str] = {SETTINGS: COMMENTED}
    plan = configure(wish(), surroundings(texts))
    after, changes = configured(plan, texts)
    document = Jsonc.parse(after[SETTINGS])
    theirs = document.set(("agent", "default_model", "effort"), "high").set(("vim_mode",), True)
    left = Jsonc.parse(undone(plan, {SETTINGS: theirs.text}, changes)[SETTINGS])
    before = Jsonc.parse(COMMENTED)
    assert left.value == before.set(("agent", "default_model", "effort"), "high").set(("vim_mode",), True).value


def test_no_key_is_in_the_file_and_the_user_is_told_where_it_goes():
    plan = configure(wish(), surroundings({}))
    after, _ = configured(plan, {})
    assert LOCAL_KEY not in after[SETTINGS]
    assert "synrouter token show" in plan.next


PLACES: dict[str, tuple[str, dict[str, str], list[PurePath], str]] = {
    "Linux": ("linux", {}, [], str(SETTINGS)),
    "XDG on Linux": ("linux", {"XDG_CONFIG_HOME": "/x"}, [], "/x/zed/settings.json"),
    "a Flatpak alone": ("linux", {}, [FLATPAK], str(FLATPAK)),
    "a Flatpak beside another": ("linux", {}, [FLATPAK, SETTINGS], str(SETTINGS)),
    "within the Flatpak": ("linux", {"FLATPAK_XDG_CONFIG_HOME": "/f", "XDG_CONFIG_HOME": "/x"}, [], "/f/zed/settings.json"),
    "macOS knows no XDG": ("darwin", {"XDG_CONFIG_HOME": "/x"}, [], str(SETTINGS)),
    "Windows": ("win32", {"APPDATA": "/a"}, [], "/a/Zed/settings.json"),
}  # fmt: skip


@pytest.mark.parametrize(("platform", "environ", "there", "place"), PLACES.values(), ids=PLACES.keys())
def test_its_settings_are_found_as_zed_finds_them(
    platform: str, environ: dict[str, str], there: list[PurePath], place: str
):
    around = surroundings(dict.fromkeys(there, "{}"), platform=platform, **environ)
    assert str(settings_file(around)) == place


BEATEN = {
    "nothing": ({"agent": {"thread_summary_model": {"provider": "synrouter", "model": "m"}}}, ""),
    "AI is off": ({"disable_ai": True}, "disable_ai"),
    "settings of a channel": ({"preview": {"agent": {"default_model": {"provider": "openai", "model": "m"}}}}, '"preview"'),
    "settings of this system": ({"linux": {"agent": {"default_model": {"provider": "openai", "model": "m"}}}}, '"linux"'),
    "settings of another system": ({"macos": {"agent": {"default_model": {"provider": "openai", "model": "m"}}}}, ""),
    "a model for one purpose": (
        {"agent": {"commit_message_model": {"provider": "openai", "model": "m"}}},
        "agent.commit_message_model",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "said"), BEATEN.values(), ids=BEATEN.keys())
def test_what_does_not_come_through_is_named(settings: dict[str, Any], said: str):
    sentences = list(overrides(wish(), surroundings({SETTINGS: json.dumps(settings)})))
    assert len(sentences) == bool(said)
    assert said in "".join(sentences)


def test_it_starts_with_the_key_where_its_settings_name_this_proxy():
    after, _ = configured(configure(wish(), surroundings({})), {})
    start = launch(wish(), surroundings(after))
    assert (start.environ, start.arguments) == ({"SYNROUTER_API_KEY": TOKEN}, ())


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:7999"], ids=["not configured", "another port"])
def test_else_it_does_not_start_and_says_what_to_type(url: str):
    texts, _ = configured(configure(wish(url=url), surroundings({})), {}) if url else ({}, {})
    with pytest.raises(ConfigConflict) as refused:
        launch(wish(), surroundings(texts))
    assert refused.value.hint == "synrouter configure zed"


def test_a_file_that_does_not_parse_is_refused_where_it_is_edited():
    texts: dict[PurePath, str] = {SETTINGS: '{\n  "agent": }\n'}
    around = surroundings(texts)
    assert (points_at(around), list(overrides(wish(), around))) == ("", [])
    with pytest.raises(EditError, match="line 2, column 12"):
        configured(configure(wish(), around), texts)
