"""The command line: names, help and errors. Imports typer only; a command's module loads when it runs.

Every error is one or two lines on stderr, the second the next command to type; never a traceback.

Example: `main(["status"])` prints, where nothing runs, to stderr and returns 3:

    synrouter: Synrouter is not running.
      next: synrouter up
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from synrouter_cli import __version__
from synrouter_cli.commands.parsing import LOOK, RUN, SET_UP, GroupedHelp, QuickCommand
from synrouter_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USAGE, SynrouterError, UsageError

app = typer.Typer(
    name="synrouter",
    cls=GroupedHelp,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
keys_app = typer.Typer(cls=GroupedHelp, rich_markup_mode=None)
token_app = typer.Typer(cls=GroupedHelp, rich_markup_mode=None)
service_app = typer.Typer(cls=GroupedHelp, rich_markup_mode=None)

# A metavar that lists words, or stands in `completion_words.KINDS`, is completed by the shells.
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]
ClientName = Annotated[str, typer.Argument(metavar="CLIENT", help="Which: claude-code, codex, …", show_default=False)]
Port = Annotated[
    int | None, typer.Option(metavar="N", help="Port on 127.0.0.1; 0 takes any free one.  [default: 7477]")
]
Mode = Annotated[
    str | None, typer.Option(metavar="auto|coding|general", help="What is cached for whom.  [default: auto]")
]
Level = Annotated[
    str | None, typer.Option(metavar="observe|safe|standard|max", help="What may be changed.  [default: standard]")
]
Upstreams = Annotated[
    list[str] | None, typer.Option("--upstream", metavar="NAME=URL", help="Point a provider elsewhere for this run.")
]
Listen = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Also serve this address of yours: containers, WSL.")
]
AllowHosts = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="Also answer to this Host, such as host.docker.internal."),
]
Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="Whose: anthropic, openai, …", show_default=False)]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"synrouter {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """A local proxy that makes coding agents cheap to run, and proves it.

    \b
    Example: synrouter demo                   see it work: no key, no network
             synrouter up --detach            start it
             synrouter stats --live           watch what it saves
    """


@app.command(cls=QuickCommand, rich_help_panel=RUN)
def up(
    port: Port = None,
    plain: Annotated[bool, typer.Option("--plain", help="A line a turn instead of the dashboard.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start it in the background and return.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Show it on a simulated provider, as `demo` does.")] = False,
    mode: Mode = None,
    level: Level = None,
    upstream: Upstreams = None,
    listen: Listen = None,
    allow_host: AllowHosts = None,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> None:
    """Start the proxy, with the dashboard on a terminal.

    \b
    Example: synrouter up --detach
             synrouter up --port 7500 --upstream anthropic=http://127.0.0.1:9911
    """
    if demo:
        if detach or upstream or allow_host or any(value is not None for value in (port, mode, level, listen)):
            raise UsageError(detail="--demo goes with --plain only: it has settings of its own.", hint="synrouter demo")
        _run_demo(plain=plain)
    from synrouter_cli.commands import up as command

    options = command.Options(port, mode, level, tuple(upstream or ()), listen, tuple(allow_host or ()))
    raise typer.Exit(command.up(options, plain=plain, detach=detach, detached=detached))


@app.command(cls=QuickCommand, rich_help_panel=RUN)
def down() -> None:
    """Stop the proxy; requests in flight are finished first.

    Example: synrouter down
    """
    from synrouter_cli.commands import down as command

    command.down()


@app.command(cls=QuickCommand, rich_help_panel=RUN)
def demo(
    plain: Annotated[bool, typer.Option("--plain", help="A line a turn instead of the dashboard.")] = False,
    seconds: Annotated[float | None, typer.Option(metavar="N", help="How long it plays.  [default: 45]")] = None,
) -> None:
    """See it work on a simulated provider.

    No key, no network; the proxy, its figures and its ledger are real, and gone in the end.

    Example: synrouter demo
    """
    _run_demo(plain=plain, seconds=seconds)


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def status(as_json: Json = False) -> None:
    """Show whether the proxy runs, where, and how it is set.

    Exit code 3: it does not run.

    Example: synrouter status --json
    """
    from synrouter_cli.commands import status as command

    command.status(as_json=as_json)


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def stats(
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="From when: 24h, 7d, 4w, or a date.  [default: 7d]")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Up to when; now if left out.")] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Where days begin: UTC, Europe/Berlin.  [default: here]")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="day|session|client|model|provider", help="What has a row each.  [default: day]"),
    ] = None,
    compact: Annotated[bool, typer.Option("--compact", help="Only the columns that matter most.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="All columns, however wide the terminal is.")] = False,
    live: Annotated[bool, typer.Option("--live", help="The dashboard, from any terminal.")] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The rows for a spreadsheet.")] = False,
) -> None:
    """Show what turns cost, and what was saved.

    \b
    Example: synrouter stats --since 30d --by model
             synrouter stats --live
    """
    from synrouter_cli.commands import stats as command
    from synrouter_cli.paths import find_paths

    shape = command.one_shape({"compact": compact, "wide": wide, "json": as_json, "csv": as_csv, "live": live})
    code = command.stats(find_paths(), since=since, until=until, timezone=timezone, by=by, shape=shape)
    raise typer.Exit(code)


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def sessions(
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="From when: 24h, 7d, 4w, or a date.  [default: 7d]")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the latest sessions: their cost, and if they are warm.

    Example: synrouter sessions --since 24h
    """
    from synrouter_cli.commands import sessions as command
    from synrouter_cli.paths import find_paths

    raise typer.Exit(command.sessions(find_paths(), since=since, as_json=as_json))


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def explain(
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="A session's id, or its start.", show_default=False)
    ] = None,
    turn: Annotated[int | None, typer.Option(metavar="N", help="One turn of it.")] = None,
    as_json: Json = False,
) -> None:
    """Say why a turn missed the cache, its cost, and what to do.

    Without a session: the last miss that cost something.

    \b
    Example: synrouter explain
             synrouter explain a1b2 --turn 12
    """
    from synrouter_cli.commands import explain as command
    from synrouter_cli.paths import find_paths

    command.explain(find_paths(), session, turn=turn, as_json=as_json)


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def estimate(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; the agents' own if left out.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what past sessions cost, and would have cost.

    Reads the transcripts that Claude Code, Codex, OpenClaw, Kilo, OpenCode and Pi leave on this disk and replays them
    on a model of the provider's cache: without caching, as they were, and with Synrouter. Nothing leaves this machine.

    \b
    Example: synrouter estimate
             synrouter estimate ~/.claude/projects --json
    """
    from synrouter_cli.commands import estimate as command

    raise typer.Exit(command.estimate(tuple(paths or ()), as_json=as_json))


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def providers(as_json: Json = False) -> None:
    """List the providers: dialects, key, address.

    Your own are tables [providers.NAME] of config.toml.

    Example: synrouter providers
    """
    from synrouter_cli.commands import providers as command

    command.show(as_json=as_json)


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def models(
    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="Its models only.", show_default=False)
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the providers for their lists first.")] = False,
    as_json: Json = False,
) -> None:
    """List what is known of models: price, context, cache.

    USD per million tokens; those that you have a key for first.

    \b
    Example: synrouter models anthropic
             synrouter models --refresh
    """
    from synrouter_cli.commands import models as command

    raise typer.Exit(command.show(provider, refresh=refresh, as_json=as_json))


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", metavar="N", help="How many of the last lines.", show_default=True)
    ] = 20,
) -> None:
    """Show what the proxy wrote down.

    Starts, stops and trouble; of a proxy in the background also a line a turn. Never a prompt, never a key.

    Example: synrouter logs -f
    """
    from synrouter_cli.commands import logs as command

    command.logs(follow=follow, count=lines)


@app.command(cls=QuickCommand, rich_help_panel=SET_UP)
def configure(
    client: Annotated[
        str | None, typer.Argument(metavar="CLIENT", help="Which: claude-code, codex, …", show_default=False)
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was written.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="What it uses from now on; its own choice if left out.")
    ] = None,
    scope: Annotated[
        str | None, typer.Option(metavar="user|project", help="For all projects, or this one.  [default: user]")
    ] = None,
    auth: Annotated[
        str | None, typer.Option(metavar="key|subscription", help="Whose credential pays.  [default: key]")
    ] = None,
    as_list: Annotated[
        bool, typer.Option("--list", help="Every client: installed, configured, pointing where.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the configuration that puts a client on the proxy.

    Only its own keys are changed; --undo takes them back and leaves what you changed since.

    \b
    Example: synrouter configure claude-code
             synrouter configure openclaw --dry-run
             synrouter configure --list
    """
    if as_list:
        from synrouter_cli.commands import clients as listing

        listing.show(as_json=as_json)
        return
    if as_json:
        raise UsageError(detail="--json goes with --list.", hint="synrouter configure --list --json")
    if client is None:
        raise UsageError(detail="Which client?", hint="synrouter configure --list")
    from synrouter_cli.commands import configure as command

    options = command.Options(undo, dry_run, yes, model or "", scope or "user", auth or "key")
    raise typer.Exit(command.configure(client, options))


@app.command(cls=QuickCommand, rich_help_panel=RUN, context_settings={"allow_interspersed_args": False})
def run(
    client: ClientName,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGS]...", help="For the client.", show_default=False)
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="What it uses, this time.")] = None,
    auth: Annotated[
        str | None, typer.Option(metavar="key|subscription", help="Whose credential pays.  [default: key]")
    ] = None,
) -> None:
    """Start a client on the proxy; none of its files is touched.

    Starts the proxy where it does not run. Options of ours stand before the client's name.

    \b
    Example: synrouter run claude-code
             synrouter run claude-code -- -p "What does this project do?"
    """
    from synrouter_cli.commands import running as command

    raise typer.Exit(command.run(client, arguments or (), model=model or "", auth=auth or "key"))


@app.command(cls=QuickCommand, rich_help_panel=RUN)
def env(
    client: ClientName,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="What it is to use.")] = None,
    auth: Annotated[
        str | None, typer.Option(metavar="key|subscription", help="Whose credential pays.  [default: key]")
    ] = None,
    shell: Annotated[
        str | None, typer.Option(metavar="sh|bash|zsh|fish|powershell", help="Who reads them.  [default: sh]")
    ] = None,
) -> None:
    """Print the export lines that put a client on the proxy.

    \b
    Example: eval "$(synrouter env claude-code)"
             synrouter env claude-code --shell fish | source
    """
    from synrouter_cli.commands import running as command

    command.env(client, model=model or "", auth=auth or "key", shell=shell or "sh")


@app.command(cls=QuickCommand, rich_help_panel=LOOK)
def doctor(as_json: Json = False) -> None:
    """Check what has to be right, and say what to do.

    The proxy, the keys, the keyring, and each configured client: what it points at, and what goes before its file.
    Exit code 1: something does not work.

    Example: synrouter doctor
    """
    import shutil

    from synrouter_cli.commands import doctor as command

    raise typer.Exit(command.doctor(as_json=as_json, room=shutil.get_terminal_size().columns))


@keys_app.callback(invoke_without_command=True)
def keys(context: typer.Context) -> None:
    """Keep the providers' keys in the keyring of your system.

    Example: synrouter keys set anthropic
    """
    if context.invoked_subcommand is None:
        keys_list()


@keys_app.command("set", cls=QuickCommand)
def keys_set(provider: Provider) -> None:
    """Keep a key: typed at a hidden prompt, or piped in.

    A running proxy uses it at once. SYNROUTER_<PROVIDER>_KEY and key files of config.toml go before it.

    \b
    Example: synrouter keys set anthropic
             pass show anthropic | synrouter keys set anthropic
    """
    from synrouter_cli.commands import keys as command

    command.set_key(provider)


@keys_app.command("list", cls=QuickCommand)
def keys_list(as_json: Json = False) -> None:
    """List the keys there are, masked, and where each comes from.

    Example: synrouter keys list
    """
    from synrouter_cli.commands import keys as command

    command.list_keys(as_json=as_json)


@keys_app.command("remove", cls=QuickCommand)
def keys_remove(provider: Provider) -> None:
    """Take a key out of the keyring.

    Example: synrouter keys remove anthropic
    """
    from synrouter_cli.commands import keys as command

    command.remove(provider)


@keys_app.command("test", cls=QuickCommand)
def keys_test(provider: Provider) -> None:
    """Ask the provider whether it takes the key; that costs nothing.

    Example: synrouter keys test anthropic
    """
    from synrouter_cli.commands import keys as command

    command.test(provider)


app.add_typer(keys_app, name="keys", rich_help_panel=SET_UP)


@token_app.callback(invoke_without_command=True)
def token(context: typer.Context) -> None:
    """Show or replace the local key that clients send to the proxy.

    Example: synrouter token show
    """
    if context.invoked_subcommand is None:
        token_show()


@token_app.command("show", cls=QuickCommand)
def token_show() -> None:
    """Print the local key, for a client's API key setting.

    Example: export ANTHROPIC_AUTH_TOKEN=$(synrouter token show)
    """
    from synrouter_cli.commands import token as command

    command.show()


@token_app.command("rotate", cls=QuickCommand)
def token_rotate() -> None:
    """Replace the local key; the old one stops working at once.

    Example: synrouter token rotate
    """
    from synrouter_cli.commands import token as command

    command.rotate()


app.add_typer(token_app, name="token", rich_help_panel=SET_UP)


@service_app.callback(invoke_without_command=True)
def service(context: typer.Context) -> None:
    """Have the proxy start when you log in.

    Example: synrouter service install
    """
    if context.invoked_subcommand is None:
        from synrouter_cli.commands import service as command

        command.show()


@service_app.command("install", cls=QuickCommand)
def service_install(
    port: Port = None,
    mode: Mode = None,
    level: Level = None,
    upstream: Upstreams = None,
    listen: Listen = None,
    allow_host: AllowHosts = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the unit, write nothing.")] = False,
) -> None:
    """Start the proxy now and at each login, and again where it dies.

    By systemd of yours; on macOS by launchd. What is set here stands in its unit, the rest in config.toml.

    Example: synrouter service install --port 7500
    """
    from synrouter_cli.commands import service as command
    from synrouter_cli.commands.up import Options

    options = Options(port, mode, level, tuple(upstream or ()), listen, tuple(allow_host or ()))
    command.install(options, dry_run=dry_run)


@service_app.command("uninstall", cls=QuickCommand)
def service_uninstall(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")] = False,
) -> None:
    """Stop it and take it away: the proxy starts by itself no more.

    Example: synrouter service uninstall
    """
    from synrouter_cli.commands import service as command

    command.uninstall(dry_run=dry_run)


app.add_typer(service_app, name="service", rich_help_panel=SET_UP)


@app.command(cls=QuickCommand, rich_help_panel=SET_UP)
def completions(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish|powershell", help="Whose.", show_default=False)],
) -> None:
    """Print the completions of your shell.

    They know the commands, their options, and values out of your ledger.

    \b
    Example: source <(synrouter completions bash)        in ~/.bashrc; zsh: the same in ~/.zshrc
             synrouter completions fish | source         in ~/.config/fish/config.fish
    """
    from synrouter_cli.commands import completions as command

    command.show(shell, typer.main.get_command(app))


@app.command("complete-values", cls=QuickCommand, hidden=True)
def complete_values(kind: str) -> None:
    """Print the values that the completion scripts ask for, with what they are.

    Example: synrouter complete-values sessions
    """
    from synrouter_cli.commands import completion_values as command

    command.show(kind)


def _run_demo(*, plain: bool, seconds: float | None = None) -> NoReturn:
    from synrouter_cli.commands import demo as command

    raise typer.Exit(command.run(plain=plain, seconds=command.SECONDS if seconds is None else seconds))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, the process's own if none is given; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a test's stream
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
        result = app(args=words, prog_name="synrouter", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except SynrouterError as error:
        return _fail(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left goes nowhere
        return EXIT_FAILURE
    except Exception as error:
        return _fail_foreign(error)


def _fail(message: str, hint: str, code: int) -> int:
    said = [f"synrouter: {message}", *([f"  next: {hint}"] if hint else [])]
    if sys.stderr.isatty():
        from synrouter_cli.commands.saying import lines_for

        said = [line for text in said for each in text.split("\n") for line in lines_for(sys.stderr, each)]
    print("\n".join(said), file=sys.stderr)
    return code


def _fail_foreign(error: Exception) -> int:
    """Errors that are not ours: the parser's, the system's, and those that should not happen."""
    if isinstance(error, typer.Abort):
        return EXIT_INTERRUPTED
    if explain := getattr(error, "format_message", None):  # of typer's own copy of click, which is private
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "synrouter"
        return _fail(explain(), f"{path} --help", EXIT_USAGE)
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror}.", "synrouter status", EXIT_FAILURE)
    message = f"unexpected {type(error).__name__}; it is written down in {_write_down(error)}"
    return _fail(message, "", EXIT_FAILURE)


def _write_down(error: Exception) -> str:
    from synrouter_cli.daemon import logs
    from synrouter_cli.paths import find_paths

    paths = find_paths()
    try:
        paths.create()
        logs.append(paths.log_file, error)
    except (OSError, SynrouterError):
        return f"no log ({paths.log_file} can't be written): {logs.describe(error)}"
    return str(paths.log_file)
