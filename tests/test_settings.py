"""What wins over what, what is refused and how that is said, and that nothing leaks."""

from __future__ import annotations

import os
import pickle
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from synrouter_cli.config_file import LEVELS, MIB, KeepWarm, Trim
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import ConfigError
from synrouter_cli.listening import LOOPBACK_ONLY, Listening
from synrouter_cli.paths import find_paths
from synrouter_cli.prompt.limits import LIMITS, limits_of
from synrouter_cli.settings import load


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def configure(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return home / "config.toml"


def at(home: Path, **more: str) -> dict[str, str]:
    return {"SYNROUTER_HOME": str(home), **more}


def test_the_defaults(home):
    settings = load(environ=at(home))
    assert (settings.listening.binds, settings.port, settings.mode, settings.level) == (
        ("127.0.0.1",),
        7477,
        "auto",
        "standard",
    )
    assert (settings.max_body_bytes, settings.in_flight_bytes) == (64 * MIB, 512 * MIB)
    assert (settings.ping_interval_s, settings.idle_timeout_s, settings.connect_timeout_s) == (12, 300, 10)
    assert settings.drain_s == 30
    assert (settings.upstreams, settings.provider_keys, settings.ca_bundles) == ({}, {}, ())


def test_loading_makes_nothing(home):
    load(environ=at(home))
    assert not home.exists()


def test_the_command_line_beats_the_environment_beats_the_file(home):
    configure(home, 'port = 7001\nmode = "coding"\n')
    assert load(environ=at(home)).port == 7001
    assert load(environ=at(home, SYNROUTER_PORT="7002")).port == 7002
    settings = load(port=7003, level="max", environ=at(home, SYNROUTER_PORT="7002"))
    assert (settings.port, settings.mode, settings.level) == (7003, "coding", "max")


def test_every_key_of_the_file_is_taken(home, tmp_path):
    configure(
        home,
        f"""
        port = 0
        mode = "general"
        level = "observe"
        max_body_bytes = 1000
        in_flight_bytes = 2000
        ping_interval_s = 0.5
        idle_timeout_s = 20
        connect_timeout_s = 2
        drain_s = 0
        ca_bundle = "{tmp_path}/ca.pem"
        [upstreams]
        anthropic = "https://relay.example/anthropic/"
        """,
    )
    settings = load(environ=at(home, SSL_CERT_FILE="/etc/other.pem"))
    assert (settings.port, settings.mode, settings.level) == (0, "general", "observe")
    assert (settings.max_body_bytes, settings.in_flight_bytes) == (1000, 2000)
    assert (settings.ping_interval_s, settings.idle_timeout_s) == (0.5, 20)
    assert (settings.connect_timeout_s, settings.drain_s) == (2, 0)
    assert settings.ca_bundles == (tmp_path / "ca.pem",)
    assert settings.upstreams == {"anthropic": "https://relay.example/anthropic"}


def test_where_it_listens_is_what_the_command_line_says_and_hosts_add_up(home):
    assert load(environ=at(home)).listening == LOOPBACK_ONLY
    configure(home, 'listen = "[FD00::1]"\nallow_hosts = ["Box", "other:80"]\n')
    assert load(environ=at(home)).listening == Listening("fd00::1", ("box", "other:80"))
    told = load(listen="0.0.0.0", allow_hosts=["third", "box"], environ=at(home)).listening
    assert told == Listening("0.0.0.0", ("box", "other:80", "third"))
    assert not load(listen="127.0.0.1", environ=at(home)).listening.exposed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('listen = "0.0.0.0"\n', "config.toml: 0.0.0.0 is reached from other machines"),
        ('listen = "box"\n', "line 1, listen: expected an IP address"),
        ("listen = 5\n", "line 1, listen: expected an IP address"),
        ('port = 1\nallow_hosts = ["*"]\n', "line 2, allow_hosts: expected a Host"),
        ('allow_hosts = "box"\n', "line 1, allow_hosts: expected a list of names"),
        ("allow_hosts = [5]\n", "line 1, allow_hosts: expected a list of names"),
    ],
)
def test_nothing_is_opened_by_half_a_setting(home, text, said):
    configure(home, text)
    with pytest.raises(ConfigError) as refused:
        load(environ=at(home))
    assert said in refused.value.message


def test_an_upstream_of_the_command_line_replaces_that_of_the_file_and_leaves_the_others(home):
    configure(home, '[upstreams]\nanthropic = "https://a.example"\nopenai = "https://o.example"\n')
    settings = load(upstreams=["anthropic=http://127.0.0.1:9911"], environ=at(home))
    assert settings.upstreams == {"anthropic": "http://127.0.0.1:9911", "openai": "https://o.example"}


def test_entries_are_kept_warm_only_where_the_file_says_so_and_within_exact_budgets(home):
    assert load(environ=at(home)).keep_warm == KeepWarm()
    assert not KeepWarm().enabled
    configure(home, "[keep_warm]\nenabled = true\n")
    assert load(environ=at(home)).keep_warm == KeepWarm(enabled=True)
    configure(home, "[keep_warm]\nenabled = true\nsession_usd = 0.1\nday_usd = 2\n")
    assert load(environ=at(home)).keep_warm == KeepWarm(True, Decimal("0.1"), Decimal(2))


def test_the_provider_is_asked_for_diagnostics_only_where_the_file_says_so(home):
    assert not load(environ=at(home)).diagnostics
    configure(home, "diagnostics = true\n")
    assert load(environ=at(home)).diagnostics
    configure(home, "diagnostics = 1\n")
    with pytest.raises(ConfigError, match="diagnostics: expected true or false"):
        load(environ=at(home))


def test_what_is_trimmed_is_the_levels_own_unless_the_file_says_otherwise(home):
    assert load(environ=at(home)).trim == Trim()
    configure(home, '[trim]\nover_chars = 9000\nkeep_chars = 3000\n[trim.tools]\nBash = 0\n"mcp__db__*" = 2000\n')
    assert load(environ=at(home)).trim == Trim(9000, 3000, (("Bash", 0), ("mcp__db__*", 2000)))
    configure(home, "trim = { over_chars = 0, tools = { Grep = 1000 } }\n")
    assert load(environ=at(home)).trim == Trim(0, None, (("Grep", 1000),))


def test_every_level_has_limits_that_take_what_the_file_says(home):
    assert set(LIMITS) == set(LEVELS)
    configure(home, "[trim]\nover_chars = 9000\n[trim.tools]\nBash = 0\n")
    trim = load(environ=at(home)).trim
    limits = limits_of("max", trim.over_chars, trim.keep_chars, trim.tools)
    assert (limits.over_chars, limits.keep_chars, limits.tools) == (9000, 4500, (("Bash", 0),))


REFUSED = [
    ("colour = 1\n", "line 1, colour", "unknown key"),
    ('\n# x\n\nport = "7477"\n', "line 4, port", "a number from 0 to 65535"),
    ("port = 70000\n", "line 1, port", "a number from 0 to 65535"),
    ("port = true\n", "line 1, port", "a number from 0 to 65535"),
    ('level = "extreme"\n', "line 1, level", "one of observe, safe, standard, max"),
    ('mode = "fast"\n', "line 1, mode", "one of auto, coding, general"),
    ("ping_interval_s = 0\n", "line 1, ping_interval_s", "seconds above 0"),
    ("drain_s = -1\n", "line 1, drain_s", "a number of seconds"),
    ("ping_interval_s = nan\n", "line 1, ping_interval_s", "seconds above 0"),
    ("max_body_bytes = 1.5\n", "line 1, max_body_bytes", "a whole number of bytes"),
    ('ca_bundle = "ca.pem"\n', "line 1, ca_bundle", "an absolute path"),
    ('upstreams = "x"\n', "line 1, upstreams", "a table"),
    ('port = 1\n[upstreams]\nanthropic = "http://evil.example"\n', "line 3, upstreams.anthropic", "loopback"),
    ("[upstreams]\nanthropic = 3\n", "line 2, upstreams.anthropic", "expected NAME"),
    ("keep_warm = true\n", "line 1, keep_warm", "a table"),
    (
        "[keep_warm]\nenable = true\n",
        "line 2, keep_warm.enable",
        "unknown key; known are enabled, session_usd, day_usd",
    ),
    ("[keep_warm]\nenabled = 1\n", "line 2, keep_warm.enabled", "true or false"),
    ("[keep_warm]\nsession_usd = -0.1\n", "line 2, keep_warm.session_usd", "an amount of USD"),
    ("[keep_warm]\nenabled = true\nday_usd = true\n", "line 3, keep_warm.day_usd", "an amount of USD"),
    ('[keep_warm]\nday_usd = "5"\n', "line 2, keep_warm.day_usd", "an amount of USD"),
    ("[keep_warm]\nday_usd = nan\n", "line 2, keep_warm.day_usd", "an amount of USD"),
    ("trim = 5\n", "line 1, trim", "a table"),
    ("[trim]\nover = 1\n", "line 2, trim.over", "unknown key; known are over_chars, keep_chars, tools"),
    ("[trim]\nover_chars = 999\n", "line 2, trim.over_chars", "0 (never) or a number of characters from 1000"),
    ("[trim]\nover_chars = true\n", "line 2, trim.over_chars", "0 (never)"),
    ("[trim]\nover_chars = -1\n", "line 2, trim.over_chars", "0 (never)"),
    ("[trim]\nkeep_chars = 5\n", "line 2, trim.keep_chars", "characters from 100"),
    ("[trim]\nover_chars = 5000\nkeep_chars = 5000\n", "line 3, trim.keep_chars", "fewer than over_chars (5000)"),
    ("[trim]\ntools = [1]\n", "line 2, trim.tools", "a table of TOOL = CHARACTERS"),
    ('[trim.tools]\nBash = 1000\n"mcp__x__*" = "8k"\n', "line 3, trim.tools.mcp__x__*", "0 (never)"),
    ("[server]\nport = 1\n", "line 1, server", "unknown key"),
    (
        '[providers.a]\nbase_url = "https://a.example"\ndialect = "chat"\n'
        '[providers.b]\nbase_url = "https://b.example"\ndialect = "x"\n',
        "line 6, providers.b.dialect",
        "expected one of anthropic, chat, responses",
    ),
    ("[providers.corp]\n", "line 1, providers.corp", 'expected base_url = "https://…"'),
    (
        '[providers.corp]\nbase_url = "https://a.example"\nheaders = {x-a = 3}\n',
        "line 3, providers.corp.headers.x-a",
        "a line of printable ASCII",
    ),
    ("trim.keep_chars = 5\n", "line 1, trim.keep_chars", "characters from 100"),
    ('[key_files]\nantropic = "/key"\n', "line 2, key_files.antropic", "no such provider; known are: agentrouter, "),
    ("host = '0.0.0.0'\n", "line 1, host", "unknown key"),
    ("port = 1\nport = 2\n", "config.toml: ", "line 2"),
    ("port = \n", "config.toml: ", "line 1"),
    ("port = 1\nlevel = safe\n", "config.toml: ", "line 2"),
]


@pytest.mark.parametrize(("text", "place", "detail"), REFUSED)
def test_a_mistake_in_the_file_is_told_with_file_line_and_key(home, text, place, detail):
    path = configure(home, text)
    with pytest.raises(ConfigError) as raised:
        load(environ=at(home))
    message = raised.value.message
    assert message.startswith(str(path))
    assert place in message
    assert detail in message
    assert raised.value.exit_code == 2


def test_a_file_that_is_not_text_is_refused(home):
    configure(home, "").write_bytes(b"port = 1 # \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(environ=at(home))


def test_a_directory_in_the_place_of_the_file_is_refused(home):
    (home / "config.toml").mkdir(parents=True)
    with pytest.raises(ConfigError, match="Is a directory"):
        load(environ=at(home))


@pytest.mark.parametrize("options", [{"port": 65536}, {"port": -1}, {"mode": "x"}, {"level": "x"}])
def test_a_bad_option_is_told_by_its_name(home, options):
    with pytest.raises(ConfigError) as raised:
        load(environ=at(home), **options)
    assert raised.value.message.startswith(f"--{next(iter(options))}: expected ")


@pytest.mark.parametrize("port", ["x", "-1", "99999", "1e3", "٣"])
def test_a_bad_port_in_the_environment_is_told_by_the_variable(home, port):
    with pytest.raises(ConfigError, match="SYNROUTER_PORT: expected"):
        load(environ=at(home, SYNROUTER_PORT=port))


def test_a_provider_of_the_user_that_is_the_chosen_port_itself_is_refused(home):
    configure(home, 'port = 7500\n[providers.corp]\nbase_url = "http://localhost:7500/v1"\n')
    with pytest.raises(ConfigError, match="Synrouter itself"):
        load(environ=at(home))


def test_an_upstream_that_is_the_chosen_port_itself_is_refused(home):
    with pytest.raises(ConfigError, match="Synrouter itself"):
        load(port=9911, upstreams=["anthropic=http://localhost:9911"], environ=at(home))


def test_nothing_is_read_from_the_working_directory(home, tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    for name in ("config.toml", "synrouter.toml", ".synrouter.toml", ".env"):
        (project / name).write_text('port = 1\n[upstreams]\nanthropic = "https://evil.example"\n')
    monkeypatch.chdir(project)
    settings = load(environ=at(home))
    assert (settings.port, settings.upstreams) == (7477, {})


# ── keys ──


def test_provider_keys_come_from_the_environment_with_their_source(home):
    environ = at(
        home,
        SYNROUTER_ANTHROPIC_KEY=" sk-ant-1234 \n",
        SYNROUTER_Z_AI_KEY="zz",
        SYNROUTER_KEY="local",
        SYNROUTER_X_KEY="",
    )
    settings = load(environ=environ)
    assert {name: secret.reveal() for name, secret in settings.provider_keys.items()} == {
        "anthropic": "sk-ant-1234",
        "z-ai": "zz",
    }
    assert settings.key_sources == {"anthropic": "SYNROUTER_ANTHROPIC_KEY", "z-ai": "SYNROUTER_Z_AI_KEY"}


@pytest.mark.parametrize("value", ["sk-ant\r\nX-Evil: 1", "clé-secrète", "two words"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(home, value):
    with pytest.raises(ConfigError) as raised:
        load(environ=at(home, SYNROUTER_ANTHROPIC_KEY=value))
    assert "SYNROUTER_ANTHROPIC_KEY" in raised.value.message
    assert value not in str(raised.value)


def test_a_secret_shows_itself_only_to_reveal(home):
    settings = load(environ=at(home, SYNROUTER_ANTHROPIC_KEY="canary-0123456789"))
    secret = settings.provider_keys["anthropic"]
    shown = f"{settings!r} {settings} {secret} {secret!r} {[secret]}"
    assert "canary" not in shown
    assert secret.reveal() == "canary-0123456789"


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(Secret("canary"))


# ── certificates, proxies ──


def test_certificates_of_the_environment_are_all_taken(home):
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    environ = at(home, **{name: f"/ca/{name}.pem" for name in names})
    assert load(environ=environ).ca_bundles == tuple(Path(f"/ca/{name}.pem") for name in names)
    assert load(environ=at(home, SSL_CERT_FILE="/a", REQUESTS_CA_BUNDLE="/a")).ca_bundles == (Path("/a"),)


def test_proxies_of_the_environment_are_taken(home):
    settings = load(environ=at(home, HTTPS_PROXY="http://p:1", NO_PROXY="x.example"))
    assert settings.proxies.for_url("https://api.example") == "http://p:1"
    assert settings.proxies.for_url("https://x.example") is None


# ── where things lie ──


def test_synrouter_home_holds_everything(home):
    paths = find_paths(at(home))
    files = (
        paths.config_file,
        paths.ledger_file,
        paths.state_file,
        paths.lock_file,
        paths.token_file,
        paths.control_token_file,
        paths.digest_key_file,
        paths.log_file,
    )
    assert all(file.is_relative_to(home) for file in files)
    assert len(set(files)) == len(files)
    assert paths.config_file == home / "config.toml"


def test_without_it_the_platform_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    assert all(directory.is_relative_to(tmp_path) for directory in directories(find_paths({})))


def directories(paths):
    return (paths.config_dir, paths.data_dir, paths.state_dir, paths.log_dir)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_directories_are_made_0700_whatever_the_umask(tmp_path, umask):
    paths = find_paths(at(tmp_path / "new" / "home"))
    previous = os.umask(umask)
    try:
        paths.create()
        paths.create()
    finally:
        os.umask(previous)
    for directory in (*directories(paths), tmp_path / "new"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700, directory


def test_a_directory_that_every_user_may_write_to_is_refused(home):
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(ConfigError) as raised:
        find_paths(at(home)).create()
    assert raised.value.hint == f"chmod 700 {home}"


def test_a_directory_that_others_may_read_is_left_as_it_is(home):
    home.mkdir()
    home.chmod(0o755)
    find_paths(at(home)).create()
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


def test_a_directory_that_cannot_be_made_is_told_by_name(home):
    home.write_text("a file")
    with pytest.raises(ConfigError) as raised:
        find_paths(at(home)).create()
    assert str(home) in raised.value.message
