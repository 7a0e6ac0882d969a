"""Crush: against the schema that its source publishes; the program itself comes as a download that no registry has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import PurePath
from typing import Any

import pytest

from support.client_files import HOME, LOCAL_KEY, PROJECT, URL, configured, surroundings, undone, wish
from synrouter_cli.clients.client import TOKEN, FileEdit, Surroundings
from synrouter_cli.clients.crush import CLIENT, config_file, configure, launch, overrides, points_at, state_file

CONFIG = HOME / ".config" / "crush" / "crush.json"
STATE = HOME / ".local" / "share" / "crush" / "crush.json"
# Field → type, as Crush's schema.json has them; it allows no others, and asks for each of a model's but two.
OPTIONAL = {"reasoning_levels", "default_reasoning_effort"}
PROVIDER_FIELDS = {
    "name": str,
    "type": str,
    "base_url": str,
    "api_key": str,
    "extra_headers": dict,
    "models": list,
}
MODEL_FIELDS = {
    "id": str,
    "name": str,
    "cost_per_1m_in": int | float,
    "cost_per_1m_out": int | float,
    "cost_per_1m_in_cached": int | float,
    "cost_per_1m_out_cached": int | float,
    "context_window": int,
    "default_max_tokens": int,
    "can_reason": bool,
    "reasoning_levels": list,
    "default_reasoning_effort": str,
    "supports_attachments": bool,
}


def applied(around: Surroundings, texts: dict[PurePath, str] | None = None, model: str = "") -> dict[PurePath, Any]:
    after, _ = configured(configure(wish(model), around), texts or {})
    return {path: json.loads(text) for path, text in after.items()}


def assert_fits(value: dict[str, Any], fields: dict[str, Any]) -> None:
    assert value.keys() <= fields.keys()
    assert [key for key, each in value.items() if not isinstance(each, fields[key])] == []


def test_an_empty_home_gets_a_provider_that_fits_the_schema_and_has_it_chosen():
    after = applied(surroundings({}))
    assert after.keys() == {CONFIG, STATE}

    provider = after[CONFIG]["providers"]["synrouter"]
    assert_fits(provider, PROVIDER_FIELDS)
    assert (provider["type"], provider["base_url"]) == ("anthropic", URL)
    assert provider["extra_headers"] == {"X-Synrouter-Client": "crush"}
    for model in provider["models"]:
        assert_fits(model, MODEL_FIELDS)
        assert MODEL_FIELDS.keys() - model.keys() <= OPTIONAL
    assert after[STATE] == {
        "models": {
            "large": {"provider": "synrouter", "model": "claude-sonnet-5-5"},
            "small": {"provider": "synrouter", "model": "claude-haiku-5-5"},
        }
    }
    assert {"claude-sonnet-5-5", "claude-haiku-5-5"} <= {model["id"] for model in provider["models"]}


def test_the_key_is_in_no_file():
    after, _ = configured(configure(wish(), surroundings({})), {})
    assert [path for path, text in after.items() if LOCAL_KEY in text] == []


def test_the_command_that_prints_the_key_is_understood_by_a_shell():
    command = (sys.executable, "-c", f"print('{LOCAL_KEY}')  # it's \"quoted\" $HOME")
    after, _ = configured(configure(wish(token_command=command), surroundings({})), {})
    reference = json.loads(after[CONFIG])["providers"]["synrouter"]["api_key"]
    here_document = f"cat <<END\n{reference}\nEND\n"  # this is how Crush reads a value
    printed = subprocess.run(["sh", "-c", here_document], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == LOCAL_KEY


EFFORTS = {
    "claude-opus-5-5": ["low", "medium", "high", "xhigh", "max"],
    "claude-fable-5-1": ["low", "medium", "high", "xhigh", "max"],
    "claude-opus-4-8": ["low", "medium", "high", "xhigh", "max"],
    "claude-sonnet-4-6": ["low", "medium", "high", "max"],
    "claude-opus-4-5": ["low", "medium", "high"],
    "claude-sonnet-4-5": None,
    "claude-haiku-4-5": None,
    "z-ai/glm-5.2": None,
}


@pytest.mark.parametrize(("name", "levels"), EFFORTS.items(), ids=EFFORTS.keys())
def test_a_model_offers_the_levels_of_effort_that_it_takes(name: str, levels: list[str] | None):
    models = applied(surroundings({}), model=name)[CONFIG]["providers"]["synrouter"]["models"]
    [model] = [model for model in models if model["id"] == name]
    assert model.get("reasoning_levels") == levels
    assert model.get("default_reasoning_effort") == ("high" if levels else None)


def test_prices_stand_under_the_names_that_crush_gives_them():
    models = applied(surroundings({}), model="claude-opus-4-8")[CONFIG]["providers"]["synrouter"]["models"]
    [model] = [model for model in models if model["id"] == "claude-opus-4-8"]
    assert (model["cost_per_1m_in"], model["cost_per_1m_out"]) == (5, 25)
    assert (model["cost_per_1m_in_cached"], model["cost_per_1m_out_cached"]) == (6.25, 0.5)


def test_a_model_whose_price_is_not_known_fits_the_schema():
    models = applied(surroundings({}), model="z-ai/glm-5.2")[CONFIG]["providers"]["synrouter"]["models"]
    [model] = [model for model in models if model["id"] == "z-ai/glm-5.2"]
    assert MODEL_FIELDS.keys() - model.keys() == OPTIONAL
    assert model["cost_per_1m_in"] == 0


def selected(provider: str, model: str, **more: Any) -> str:
    return json.dumps({"models": {"large": {"provider": provider, "model": model, **more}}}, indent=2)


CHOICES = {
    "a model that is known": ("anthropic", "claude-opus-4-8", "", "claude-opus-4-8"),
    "one with the date of its snapshot": ("anthropic", "claude-haiku-4-5-20251001", "", "claude-haiku-4-5"),
    "another vendor's": ("openai", "gpt-5.5", "", "claude-sonnet-5-5"),
    "the one asked for": ("anthropic", "claude-opus-4-8", "claude-opus-5-5", "claude-opus-5-5"),
}


@pytest.mark.parametrize(("provider", "model", "asked", "chosen"), CHOICES.values(), ids=CHOICES.keys())
@pytest.mark.parametrize("path", [CONFIG, STATE], ids=["crush.json", "state"])
def test_the_model_that_was_chosen_before_is_kept(path: PurePath, provider: str, model: str, asked: str, chosen: str):
    texts: dict[PurePath, str] = {path: selected(provider, model)}
    after = applied(surroundings(texts), texts, asked)
    assert after[STATE]["models"]["large"] == {"provider": "synrouter", "model": chosen}
    assert configure(wish(asked), surroundings(texts)).model == chosen


FILES: dict[str, dict[PurePath, str]] = {
    "nothing": {},
    "one line": {CONFIG: '{"options":{"debug":true}}'},
    "tabs, \r\n, no newline at the end": {
        CONFIG: '{\r\n\t"providers": {\r\n\t\t"openai": {"api_key": "$K"}\r\n\t}\r\n}'
    },
    "a choice with more to it": {
        STATE: selected("anthropic", "claude-opus-4-8", think=True) + "\n",
        CONFIG: '{ "$schema": "https://charm.land/crush.json" }\n',
    },
    "empty objects": {CONFIG: '{"providers": { }}\n', STATE: '{"models": {"large": null}}'},
}


@pytest.mark.parametrize("texts", FILES.values(), ids=FILES.keys())
def test_an_undo_gives_the_files_back_byte_for_byte(texts: dict[PurePath, str]):
    plan = configure(wish(), surroundings(texts))
    after, changes = configured(plan, texts)
    assert points_at(surroundings(after)) == URL
    assert undone(plan, after, changes) == texts


def test_what_the_user_does_since_stays():
    texts: dict[PurePath, str] = {CONFIG: '{\n  "options": {}\n}\n', STATE: selected("anthropic", "claude-opus-4-8")}
    plan = configure(wish(), surroundings(texts))
    after, changes = configured(plan, texts)
    config, state = json.loads(after[CONFIG]), json.loads(after[STATE])
    config["options"]["debug"] = True
    state["models"]["large"]["think"] = True
    state["recent_models"] = {"large": []}
    left = undone(plan, {CONFIG: json.dumps(config), STATE: json.dumps(state)}, changes)
    assert json.loads(left[CONFIG]) == {"options": {"debug": True}}
    large = {"provider": "anthropic", "model": "claude-opus-4-8", "think": True}
    assert json.loads(left[STATE]) == {"models": {"large": large}, "recent_models": {"large": []}}


PLACES = {
    "XDG": ("linux", {"XDG_CONFIG_HOME": "/x/c", "XDG_DATA_HOME": "/x/d"}, "/x/c/crush", "/x/d/crush"),
    "its own": ("linux", {"CRUSH_GLOBAL_CONFIG": "/c", "CRUSH_GLOBAL_DATA": "/d", "XDG_DATA_HOME": "/x"}, "/c", "/d"),
    "macOS": ("darwin", {}, "/home/me/.config/crush", "/home/me/.local/share/crush"),
    "Windows": ("win32", {"LOCALAPPDATA": "/l"}, "/home/me/.config/crush", "/l/crush"),
}


@pytest.mark.parametrize(("platform", "environ", "config", "state"), PLACES.values(), ids=PLACES.keys())
def test_its_files_are_found_as_crush_finds_them(platform: str, environ: dict[str, str], config: str, state: str):
    around = surroundings({}, platform=platform, **environ)
    assert str(config_file(around)) == f"{config}/crush.json"
    assert str(state_file(around)) == f"{state}/crush.json"


BEATEN: dict[str, tuple[dict[PurePath, str], str]] = {
    "nothing": ({}, ""),
    "a provider of that name in crushrc": (
        {CONFIG.with_name("crushrc"): 'provider add "synrouter" --type anthropic\n'},
        "crushrc goes before crush.json",
    ),
    "another in crushrc": ({CONFIG.with_name("crushrc"): "# provider add synrouter\nprovider add openai\n"}, ""),
    "a choice in the project's script": ({PROJECT / ".crushrc": "if true; then\n  model large openai/gpt-5\nfi\n"}, "/.crushrc"),
    "a question for the choice": ({PROJECT / "crushrc": 'echo "$(model large)"\nmodel large --think\n'}, ""),
    "a choice in the project's file": ({PROJECT / ".crush" / "crush.json": selected("openai", "gpt-5")}, ".crush/crush.json"),
    "a file of the project's that does not parse": ({PROJECT / "crush.json": "{"}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "said"), BEATEN.values(), ids=BEATEN.keys())
def test_what_goes_before_the_users_files_is_named(texts: dict[PurePath, str], said: str):
    sentences = list(overrides(wish(), surroundings(texts)))
    assert len(sentences) == bool(said)
    assert said in "".join(sentences)


def test_it_starts_on_the_proxy_by_the_environment_alone():
    start = launch(wish(), surroundings({}))
    assert start.environ == {"ANTHROPIC_API_ENDPOINT": URL, "ANTHROPIC_API_KEY": TOKEN}
    assert (start.arguments, start.private, start.notes) == ((), {}, ())


def test_a_start_says_what_the_environment_does_not_beat():
    texts: dict[PurePath, str] = {
        CONFIG: '{"providers": {"anthropic": {"api_key": "x"}}}',
        STATE: selected("openai", "gpt-5"),
    }
    fixed, chosen = launch(wish(), surroundings(texts)).notes
    assert "api_key" in fixed
    assert "openai" in chosen


def test_a_start_has_nothing_to_say_where_it_is_configured():
    after, _ = configured(configure(wish(), surroundings({})), {})
    assert launch(wish(), surroundings(after)).notes == ()
    assert launch(wish(url="http://127.0.0.1:7999"), surroundings(after)).notes != ()


def test_its_files_are_edited_as_strict_json():
    assert {file.format for file in configure(wish(), surroundings({})).files if isinstance(file, FileEdit)} == {"json"}
    assert CLIENT.scopes == ("user",)
