"""`synrouter estimate`: what the sessions on this disk cost, and would have cost, as tables or JSON.

    synrouter estimate
    synrouter estimate ~/.claude/projects/-home-me-shop --json

Of transcripts only numbers, model names, session ids and names of project folders are shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synrouter_cli.dashboard.sanitize import clean
from synrouter_cli.errors import NoTranscripts
from synrouter_cli.estimate.places import Source, default_places, found_in, sources
from synrouter_cli.estimate.survey import Advance, survey


def estimate(paths: tuple[str, ...], *, as_json: bool = False) -> int:
    """Print the estimate of what stands at `paths`, or where agents put their transcripts; 0.

    Raises NoTranscripts where nothing is found.
    """
    found, foreign = _sources(paths)
    with _progress(2 * sum(source.size for source in found)) as advance:  # each is read twice
        result = survey(found, zone=None, advance=advance)
    if not any(session.sums.priced_turns or session.sums.unpriced_turns for session in result.sessions):
        raise NoTranscripts(where=_where(paths))
    if as_json:
        from synrouter_cli.commands import estimate_export

        print(estimate_export.as_json(result, foreign), end="")
    else:
        from synrouter_cli.commands import estimate_table

        estimate_table.show(result, foreign)
    return 0


def _sources(paths: tuple[str, ...]) -> tuple[list[Source], int]:
    """What there is to read, and how many files are no transcripts."""
    if not paths:
        found, foreign = sources(default_places(os.environ, Path.home())), 0
    else:
        chosen: dict[Path, Source] = {}
        foreign = 0
        for path in paths:
            try:
                some, others = found_in(Path(path).expanduser())
            except OSError as error:
                raise NoTranscripts(where=f" at {clean(path)}: {error.strerror}") from None
            chosen.update((source.path.resolve(), source) for source in some)
            foreign += others
        found = list(chosen.values())
    if not found:
        raise NoTranscripts(where=_where(paths))
    return found, foreign


def _where(paths: tuple[str, ...]) -> str:
    return f" at {', '.join(map(clean, paths))}" if paths else " in the agents' own folders"


@contextmanager
def _progress(size: int) -> Iterator[Advance]:
    """A bar on stderr while something takes its time; nothing where no terminal reads."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Replaying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=size or None)
        yield lambda read: bar.update(task, advance=read)
