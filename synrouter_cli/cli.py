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
from typing import Annotated

import typer

from synrouter_cli import __version__
from synrouter_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USAGE, SynrouterError

app = typer.Typer(
    name="synrouter",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
token_app = typer.Typer(rich_markup_mode=None)
app.add_typer(token_app, name="token")


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

    Example: synrouter up
    """


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; 0 takes any free one.  [default: 7477]")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="A line a turn instead of a dashboard.")] = False,
    mode: Annotated[str | None, typer.Option(help="auto, coding or general.  [default: auto]")] = None,
    level: Annotated[str | None, typer.Option(help="observe, safe, standard or max.  [default: safe]")] = None,
    upstream: Annotated[
        list[str] | None, typer.Option(metavar="NAME=URL", help="Point a provider elsewhere for this run.")
    ] = None,
) -> None:
    """Start the proxy and stay in the foreground.

    Example: synrouter up --port 7500 --upstream anthropic=http://127.0.0.1:9911
    """
    from synrouter_cli.commands import up as command

    raise typer.Exit(command.up(port=port, mode=mode, level=level, upstreams=upstream or [], plain=plain))


@app.command()
def down() -> None:
    """Stop the proxy; requests in flight are finished first.

    Example: synrouter down
    """
    from synrouter_cli.commands import down as command

    command.down()


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Show whether the proxy runs, where, and how it is set. Exit code 3: it does not.

    Example: synrouter status --json
    """
    from synrouter_cli.commands import status as command

    command.status(as_json=as_json)


@token_app.callback(invoke_without_command=True)
def token(context: typer.Context) -> None:
    """Show or replace the local key that clients send to the proxy.

    Example: synrouter token show
    """
    if context.invoked_subcommand is None:
        token_show()


@token_app.command("show")
def token_show() -> None:
    """Print the local key, for a client's API key setting.

    Example: export ANTHROPIC_AUTH_TOKEN=$(synrouter token show)
    """
    from synrouter_cli.commands import token as command

    command.show()


@token_app.command("rotate")
def token_rotate() -> None:
    """Replace the local key; the old one stops working at once.

    Example: synrouter token rotate
    """
    from synrouter_cli.commands import token as command

    command.rotate()


@app.command()
def stats(
    since: Annotated[str, typer.Option(help="From when: 24h, 7d, 4w, or a date.")] = "7d",
    until: Annotated[str | None, typer.Option(help="Up to when; now if left out.")] = None,
    by: Annotated[str, typer.Option(help="One row a day, session, client or model.")] = "day",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Show what turns cost, and what was saved.

    Example: synrouter stats --since 30d --by model
    """
    from synrouter_cli.commands.stats import stats as command
    from synrouter_cli.settings import load

    command(load(), since=since, until=until, by=by, as_json=as_json)


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
    print(f"synrouter: {message}", file=sys.stderr)
    if hint:
        print(f"  next: {hint}", file=sys.stderr)
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
    from synrouter_cli.settings import find_paths

    paths = find_paths()
    try:
        paths.create()
        logs.append(paths.log_file, error)
    except (OSError, SynrouterError):
        return f"no log ({paths.log_file} can't be written): {logs.describe(error)}"
    return str(paths.log_file)
