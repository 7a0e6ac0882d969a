"""OpenClaw: what is put into its configuration and what is left alone; a launch that touches none of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from support.client_files import HOME, LOCAL_KEY, URL, surroundings, wish
from synrouter_cli.clients.client import FORMATS, PRIVATE, TOKEN, Surroundings
from synrouter_cli.clients.editing import edited, without
from synrouter_cli.clients.openclaw import CLIENT, configure, launch, overrides, points_at
from synrouter_cli.clients.openclaw_files import config_file, effective, merged
from synrouter_cli.providers import default_model, small_model
from synrouter_cli.textedit import Change, Json5

MAIN = HOME / ".openclaw" / "openclaw.json"
OPUS, SONNET, HAIKU = "claude-opus-4-8", default_model(), small_model()


class Disk:
    """Files that are configured and undone as the command does it, record and all."""

    def __init__(self, files: Mapping[PurePosixPath, str]) -> None:
        self.files = dict(files)
        self.records: dict[PurePosixPath, tuple[Change, ...]] = {}

    @property
    def around(self) -> Surroundings:
        return surroundings(self.files)

    def configure(self, asked: str = "", url: str = URL) -> None:
        theirs = {path: self._without(path)[0] for path in self.files}
        for file in configure(wish(asked, url=url), surroundings(theirs)).files:
            text = self.files.get(file.path, FORMATS[file.format][1])
            earlier = self.records.get(file.path, ())
            self.files[file.path], self.records[file.path] = edited(text, file, earlier, token=LOCAL_KEY)

    def undo(self) -> list[tuple[Any, ...]]:
        """The paths of what the user has changed since, which stay."""
        kept: list[tuple[Any, ...]] = []
        for path in self.records:
            self.files[path], left = self._without(path)
            kept += [change.path for change in left]
        self.records = {}
        return kept

    def change(self, keys: tuple[str, ...], value: Any, path: PurePosixPath = MAIN) -> None:
        """As the user does it."""
        self.files[path] = Json5.parse(self.files[path]).set(keys, value).text

    def config(self) -> dict[str, Any]:
        return effective(self.around, config_file(self.around))

    def _without(self, path: PurePosixPath) -> tuple[str, tuple[Change, ...]]:
        return without(self.files[path], "json5", self.records.get(path, ()))


FRESH: dict[PurePosixPath, str] = {}
COMMENTED = {
    MAIN: """// mine
{
  // the gateway
  gateway: { mode: 'local', port: 19001 },  agents: {
    defaults: { model: "anthropic/claude-opus-4-8", userTimezone: 'UTC' }, // clever one
  },
}
"""
}
FALLBACKS = {MAIN: '{"agents":{"defaults":{"model":{"primary":"openai/gpt-6","fallbacks":["google/gemini-4"]}}}}\r\n'}
LISTS = {
    MAIN: """{
  agents: { defaults: {
    model: { primary: "anthropic/claude-opus-4-8" },
    models: { "anthropic/claude-opus-4-8": { alias: "opus", params: { cacheRetention: "long", temperature: 1 } } },
    modelPolicy: { allow: ["anthropic/*"] },
  } },
}"""
}
SPLIT = {
    MAIN: "{ agents: { $include: './agents.json5' }, models: { $include: ['m1.json5'], mode: 'merge' } }\n",
    MAIN.with_name("agents.json5"): "{ defaults: { modelPolicy: { allow: ['openai/*'] } } }\n",
    MAIN.with_name("m1.json5"): "{ providers: {} }\n",
}
ALL = {"fresh": FRESH, "commented": COMMENTED, "fallbacks": FALLBACKS, "lists": LISTS, "split": SPLIT}


def defaults(config: Mapping[str, Any]) -> Any:
    return config["agents"]["defaults"]


@pytest.mark.parametrize("files", ALL.values(), ids=ALL)
def test_our_provider_says_all_that_the_client_would_guess_wrong(files: dict[PurePosixPath, str]):
    disk = Disk(files)
    disk.configure()
    config = disk.config()
    provider = config["models"]["providers"]["synrouter"]

    assert (provider["baseUrl"], provider["api"]) == (URL, "anthropic-messages")
    assert provider["apiKey"] == LOCAL_KEY  # of a reference `openclaw chat` would make nothing
    assert "secrets" not in config
    assert provider["headers"] == {"X-Synrouter-Client": "openclaw"}
    assert {entry["id"] for entry in provider["models"]} == set(wish().by_id)
    for entry in provider["models"]:
        assert set(entry) == {"id", "name", "reasoning", "input", "contextWindow", "maxTokens", "cost"}
        assert set(entry["cost"]) == {"input", "output", "cacheRead", "cacheWrite"}


def test_a_models_limits_and_prices_are_ours_in_the_clients_units():
    disk = Disk(FRESH)
    disk.configure(OPUS)
    first = disk.config()["models"]["providers"]["synrouter"]["models"][0]
    assert first == {
        "id": OPUS,
        "name": "Claude Opus 4.8",
        "reasoning": True,
        "input": ["text", "image"],
        "contextWindow": 1_000_000,
        "maxTokens": 128_000,
        "cost": {"input": 5, "output": 25, "cacheRead": 0.5, "cacheWrite": 6.25},
    }


def test_of_a_model_that_nobody_knows_nothing_is_claimed():
    disk = Disk(FRESH)
    disk.configure("nobody/knows")
    first = disk.config()["models"]["providers"]["synrouter"]["models"][0]
    assert first == {"id": "nobody/knows", "name": "nobody/knows", "contextWindow": 200_000, "maxTokens": 32_000}
    assert defaults(disk.config())["model"]["primary"] == "synrouter/nobody/knows"


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("fresh", "", {"primary": f"synrouter/{SONNET}"}),
        ("commented", "", f"synrouter/{OPUS}"),
        ("commented", SONNET, f"synrouter/{SONNET}"),
        ("fallbacks", "", {"primary": f"synrouter/{SONNET}", "fallbacks": ["google/gemini-4"]}),
        ("lists", "", {"primary": f"synrouter/{OPUS}"}),
        ("split", OPUS, {"primary": f"synrouter/{OPUS}"}),
    ],
)
def test_the_default_model_goes_through_us_in_the_form_that_was_there(name: str, asked: str, expected: Any):
    disk = Disk(ALL[name])
    disk.configure(asked)
    assert defaults(disk.config())["model"] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fresh", None),
        ("commented", None),
        ("lists", ["anthropic/*", "synrouter/*"]),
        ("split", ["openai/*", "synrouter/*"]),
    ],
)
def test_a_list_of_allowed_models_gets_ours_and_none_is_begun(name: str, expected: Any):
    disk = Disk(ALL[name])
    disk.configure()
    assert defaults(disk.config()).get("modelPolicy", {}).get("allow") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", {"params": {"cacheRetention": "short"}}),
        (LISTS[MAIN], {"params": {"cacheRetention": "long", "temperature": 1}}),
        ("{agents: {defaults: {params: {cacheRetention: 'long'}}}}", {}),
        ("{agents: {defaults: {params: {temperature: 1}}}}", {"params": {"cacheRetention": "short"}}),
    ],
)
def test_the_models_prompts_are_marked_as_the_user_had_it_else_for_a_short_time(text: str, expected: Any):
    disk = Disk({MAIN: text})
    disk.configure(OPUS)
    assert defaults(disk.config())["models"][f"synrouter/{OPUS}"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", None),
        ("{agents: {defaults: {model: 'anthropic/claude-opus-4-8'}}}", f"synrouter/{HAIKU}"),
        (
            "{agents: {defaults: {model: 'anthropic/claude-opus-4-8', utilityModel: 'openai/gpt-6-mini'}}}",
            "openai/gpt-6-mini",
        ),
        ("{agents: {defaults: {model: 'anthropic/claude-opus-4-8', utilityModel: ''}}}", ""),
        ("{agents: {defaults: {model: 'openai/gpt-6'}}}", None),
    ],
)
def test_titles_stay_on_a_small_model_where_they_were_on_one(text: str, expected: Any):
    disk = Disk({MAIN: text})
    for _ in range(2):
        disk.configure()
        assert defaults(disk.config()).get("utilityModel") == expected


@pytest.mark.parametrize("files", ALL.values(), ids=ALL)
def test_undo_gives_every_file_back_byte_for_byte_after_any_number_of_times(files: dict[PurePosixPath, str]):
    disk = Disk(files)
    for asked, url in (("", URL), (OPUS, URL), ("", "http://127.0.0.1:9000"), (HAIKU, URL)):
        disk.configure(asked, url)
    assert disk.undo() == []
    assert disk.files == (files or {MAIN: "{}\n"})


def test_configuring_again_changes_nothing():
    disk = Disk(LISTS)
    disk.configure()
    before = dict(disk.files)
    disk.configure()
    assert disk.files == before


def test_comments_and_spelling_of_all_else_stay():
    disk = Disk(COMMENTED)
    disk.configure()
    text = disk.files[MAIN]
    for line in ("// mine\n", "  // the gateway\n", "gateway: { mode: 'local', port: 19001 },", "// clever one"):
        assert line in text


def test_a_section_in_a_file_of_its_own_is_written_there():
    disk = Disk(SPLIT)
    disk.configure()
    assert Json5.parse(disk.files[MAIN]).value["agents"] == {"$include": "./agents.json5"}
    there = Json5.parse(disk.files[MAIN.with_name("agents.json5")]).value
    assert there["defaults"]["model"] == {"primary": f"synrouter/{SONNET}"}


def test_beside_several_includes_and_outside_the_folder_it_is_written_into_the_file_itself():
    shared = PurePosixPath("/etc/openclaw/agents.json5")
    files = {MAIN: "{agents: {$include: '/etc/openclaw/agents.json5'}}", shared: "{defaults: {userTimezone: 'UTC'}}"}
    disk = Disk(files)
    disk.configure()
    assert disk.files[shared] == files[shared]
    assert defaults(disk.config())["model"] == {"primary": f"synrouter/{SONNET}"}
    assert defaults(disk.config())["userTimezone"] == "UTC"


def test_what_the_user_adds_to_our_provider_survives_a_new_address():
    disk = Disk(FRESH)
    disk.configure()
    provider = ("models", "providers", "synrouter")
    mine = {"id": "mine", "name": "Mine"}
    first, *rest = disk.config()["models"]["providers"]["synrouter"]["models"]
    disk.change((*provider, "timeoutSeconds"), 60)
    disk.change((*provider, "models"), [{**first, "contextTokens": 96_000, "maxTokens": 1}, *rest, mine])
    disk.configure(url="http://127.0.0.1:9000")
    there = disk.config()["models"]["providers"]["synrouter"]
    assert (there["baseUrl"], there["timeoutSeconds"], there["models"][-1]) == ("http://127.0.0.1:9000", 60, mine)
    assert there["models"][0] == {**first, "contextTokens": 96_000}
    assert disk.undo() == []
    assert disk.files == {MAIN: "{}\n"}


def test_undo_leaves_what_the_user_has_chosen_since_and_a_provider_that_is_whole():
    disk = Disk(LISTS)
    disk.configure()
    disk.change(("agents", "defaults", "model", "primary"), "openai/gpt-6")
    disk.change(("models", "providers", "synrouter", "timeoutSeconds"), 60)
    kept = disk.undo()
    assert set(kept) == {("agents", "defaults", "model", "primary"), ("models", "providers", "synrouter")}
    config = disk.config()
    assert defaults(config)["model"]["primary"] == "openai/gpt-6"
    # the client starts on no provider without these
    assert {"baseUrl", "models"} <= set(config["models"]["providers"]["synrouter"])


def test_models_that_go_elsewhere_are_named():
    named = "agents.defaults.model.fallbacks stays google/gemini-4, which does not go through Synrouter"
    assert named in configure(wish(), surroundings(FALLBACKS)).notes
    assert (
        len(configure(wish(), surroundings(FALLBACKS)).notes) == len(configure(wish(), surroundings(LISTS)).notes) + 1
    )


@pytest.mark.parametrize("files", [COMMENTED, FALLBACKS, LISTS], ids=["commented", "fallbacks", "lists"])
def test_undo_works_on_what_the_client_has_written_anew(files: dict[PurePosixPath, str]):
    disk = Disk(files)
    disk.configure()
    disk.files[MAIN] = json.dumps({**Json5.parse(disk.files[MAIN]).value, "meta": {"lastTouchedVersion": "2026.9.6"}})
    assert disk.undo() == []
    assert disk.config() == {**Json5.parse(files[MAIN]).value, "meta": {"lastTouchedVersion": "2026.9.6"}}


@pytest.mark.parametrize(
    ("environ", "there", "expected"),
    [
        ({}, [], "/home/me/.openclaw/openclaw.json"),
        ({}, [".clawdbot/clawdbot.json"], "/home/me/.clawdbot/clawdbot.json"),
        ({}, [".clawdbot/clawdbot.json", ".openclaw/openclaw.json"], "/home/me/.openclaw/openclaw.json"),
        ({"OPENCLAW_HOME": "~/other"}, [], "/home/me/other/.openclaw/openclaw.json"),
        ({"OPENCLAW_HOME": " null "}, [], "/home/me/.openclaw/openclaw.json"),
        ({"OPENCLAW_STATE_DIR": "/state"}, [".openclaw/openclaw.json"], "/state/openclaw.json"),
        ({"OPENCLAW_STATE_DIR": "/state", "OPENCLAW_CONFIG_PATH": "~/c.json"}, [], "/home/me/c.json"),
    ],
)
def test_the_file_is_the_one_that_the_client_reads(environ: dict[str, str], there: list[str], expected: str):
    files = {HOME / path: "{}" for path in there}
    assert str(config_file(surroundings(files, **environ))) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{agents: {entries: {main: {}}}}", []),
        ("{agents: {entries: {ops: {model: 'openai/gpt-6'}}}}", ["agents.entries.ops.model is openai/gpt-6"]),
        ("{agents: {entries: {ops: {model: {primary: 'synrouter/x'}}}}}", []),
        (
            "{agents: {entries: {ops: {modelPolicy: {allow: ['openai/*']}}}}}",
            ["agents.entries.ops.modelPolicy.allow lets"],
        ),
        ("{agents: {entries: {ops: {modelPolicy: {allow: []}}}}}", []),
    ],
)
def test_settings_of_one_agent_that_go_before_ours_are_told(text: str, said: list[str]):
    found = list(overrides(wish(), surroundings({MAIN: text})))
    assert len(found) == len(said)
    for sentence, begins in zip(found, said, strict=True):
        assert sentence.startswith(begins)


def test_a_list_of_models_that_an_agent_keeps_and_a_configuration_of_another_program_are_told():
    kept = MAIN.parent / "agents" / "ops" / "agent" / "models.json"
    files = {
        MAIN: "{agents: {entries: {ops: {}}}}",
        kept: '{"providers": {"synrouter": {"baseUrl": "http://127.0.0.1:1"}}}',
    }
    told = list(overrides(wish(), surroundings(files, OPENCLAW_NIX_MODE="1")))
    assert [any(word in sentence for sentence in told) for word in ("OPENCLAW_NIX_MODE", str(kept))] == [True, True]
    assert list(overrides(wish(url="http://127.0.0.1:1"), surroundings(files))) == []


def test_it_points_at_us_while_its_default_model_is_ours():
    disk = Disk(COMMENTED)
    assert points_at(disk.around) == ""
    disk.configure()
    assert points_at(disk.around) == URL
    disk.change(("agents", "defaults", "model"), "openai/gpt-6")
    assert points_at(disk.around) == ""


@pytest.mark.parametrize("files", ALL.values(), ids=ALL)
@pytest.mark.parametrize("configured", [False, True])
def test_a_launch_comes_to_the_same_as_configuring(files: dict[PurePosixPath, str], configured: bool):
    disk = Disk(files)
    if configured:
        disk.configure()
    started = launch(wish(OPUS), disk.around)
    [(name, text)] = started.private.items()
    assert started.environ == {
        "OPENCLAW_CONFIG_PATH": f"{PRIVATE}/{name}",
        "OPENCLAW_INCLUDE_ROOTS": str(MAIN.parent),
        "OPENCLAW_CONFIG_READONLY": "1",
    }
    assert started.arguments == ()

    private = PurePosixPath("/private") / name
    ran = effective(surroundings({**disk.files, private: text.replace(TOKEN, LOCAL_KEY)}), private)
    disk.configure(OPUS)
    wanted = disk.config()
    for config in (ran, wanted):  # in which order they are listed does not matter
        config["models"]["providers"]["synrouter"]["models"].sort(key=lambda entry: entry["id"])
        if isinstance(defaults(config)["model"], str):
            defaults(config)["model"] = {"primary": defaults(config)["model"]}
    for settings in (defaults(ran)["models"], defaults(wanted)["models"]):
        settings.pop(f"synrouter/{SONNET}", None)  # of the model that was configured before
    assert ran == wanted


def test_a_launch_keeps_the_folders_that_the_user_lets_in():
    started = launch(wish(), surroundings({}, OPENCLAW_INCLUDE_ROOTS="/shared"))
    assert started.environ["OPENCLAW_INCLUDE_ROOTS"] == "/shared:/home/me/.openclaw"
    assert "$include" not in json.loads(started.private["openclaw.json"])


@pytest.mark.parametrize(
    ("under", "over", "expected"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1]}, {"a": [1]}, {"a": [1, 1]}),
        ({"a": "x"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": [1]}, {"a": None}, {"a": None}),
    ],
)
def test_what_is_included_merges_as_the_client_merges_it(under: Any, over: Any, expected: Any):
    assert merged(under, over) == expected


def test_includes_that_go_round_in_circles_come_to_an_end():
    files = {MAIN: "{$include: './openclaw.json'}"}
    assert effective(surroundings(files), MAIN) == {}
    assert configure(wish(), surroundings(files)).files[0].path == MAIN


def test_its_name_on_the_wire_is_its_name_here():
    assert CLIENT.name == "openclaw"
    headers = configure(wish(), surroundings({})).files[0].edits[0].value["headers"]
    assert headers == {"X-Synrouter-Client": CLIENT.name}
