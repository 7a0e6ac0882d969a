"""A plan carried out on this machine and taken back: everything is worked out before the first byte is written, and
remembered before it is written, so that whatever goes wrong on the way can be undone.

Example: `carry_out(prepare(plan, wish, None, token, environ), records, backups)`; `take_back(record, …)` undoes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from synrouter_cli.clients import files
from synrouter_cli.clients.client import TOKEN, FileEdit, OwnFile, Plan
from synrouter_cli.clients.editing import edited, holds_key, initial_text, redacted, with_new_key, without
from synrouter_cli.clients.files import Held
from synrouter_cli.clients.records import EditedFile, Record, Records
from synrouter_cli.credentials import Secret
from synrouter_cli.errors import ConfigConflict, EditError
from synrouter_cli.textedit import Change, decode


@dataclass(frozen=True, slots=True)
class Step:
    """One file: what it holds and what it is to hold; None is no file."""

    held: Held
    content: bytes | None = field(repr=False)
    file: EditedFile | None
    """What is to be remembered of it; None: nothing any more."""
    kept: tuple[Change, ...] = ()
    """What an undo leaves, since the user has changed it."""

    @property
    def changes_it(self) -> bool:
        return self.content != self.held.content

    @property
    def private(self) -> bool:
        """Whether the local key stands in it in plain text."""
        return self.file is not None and any(holds_key(change.after) for change in self.file.changes)


@dataclass(frozen=True, slots=True)
class Prepared:
    """All steps of one configure or undo."""

    record: Record
    steps: tuple[Step, ...]

    @property
    def changes_anything(self) -> bool:
        return any(step.changes_it for step in self.steps)

    def diff(self) -> Iterator[str]:
        """As `diff -u` shows it, without line ends; what may be a key is masked."""
        for step in self.steps:
            before, after = _lines(step.held.content), _lines(step.content)
            name = str(step.held.path)
            old, new = name if step.held.content is not None else "/dev/null", name
            new = new if step.content is not None else "/dev/null"
            yield from (redacted(line) for line in difflib.unified_diff(before, after, old, new, lineterm=""))
            if step.changes_it and before == after:
                yield f"new empty file {name}" if step.content is not None else f"removed {name}"


def prepare(plan: Plan, record: Record, earlier: Record | None, token: Secret, port: int) -> Prepared:
    """What `plan` makes of its files. `earlier` is what was remembered the last time, `record` what is to be now but
    for its files. Raises ConfigConflict and its kin, which name the file."""
    steps = []
    for file in plan.files:
        known = earlier.file(Path(file.path)) if earlier is not None else None
        step = _edit(file, known, token, port) if isinstance(file, FileEdit) else _own(file, known)
        steps += [step] if step is not None else []
    done = {step.held.path for step in steps}
    left = [file for file in (earlier.files if earlier is not None else ()) if file.path not in done]
    steps += [_undo(file) for file in left]
    return Prepared(replace(record, files=tuple(step.file for step in steps if step.file is not None)), tuple(steps))


def prepare_undo(record: Record) -> Prepared:
    """What the record's files are without what was put into them. Raises ConfigConflict and its kin."""
    steps = [_undo(file) for file in record.files]
    if any(step.content is not None for step in steps if not _is_guard(record, step)):
        steps = [replace(step, content=step.held.content) if _is_guard(record, step) else step for step in steps]
    return Prepared(record, tuple(steps))


def carry_out(prepared: Prepared, earlier: Record | None, records: Records, backups: Path) -> Record:
    """Do it; returns what is remembered. Raises ConfigConflict where a file has changed since, or can't be written;
    then `earlier` is what is remembered, unless another file was written before."""
    record, written = prepared.record, False
    records.put(record)
    try:
        for step in prepared.steps:
            if step.changes_it:
                files.back_up(step.held, backups, record.client)
                record = _do(step, record)
                written = True
                records.put(record)
            elif step.private:
                files.set_mode(step.held.path, 0o600)
    except ConfigConflict:
        if not written:
            records.put(earlier) if earlier is not None else records.drop(record)
        raise
    return record


def _do(step: Step, record: Record) -> Record:
    if step.content is None:
        files.remove(step.held)
        return record
    made = files.write(step.held, step.content, private=step.private)
    if not made or step.file is None:
        return record
    known = replace(step.file, folders=(*step.file.folders, *made))
    return replace(record, files=tuple(known if each.path == known.path else each for each in record.files))


def take_back(prepared: Prepared, records: Records, backups: Path) -> tuple[tuple[Path, Change], ...]:
    """Do it and forget the record; returns what stays, since the user has changed it. Raises as `carry_out`."""
    record = prepared.record
    for step in prepared.steps:
        known = record.file(step.held.path)
        if step.changes_it and step.content is not None:
            files.write(step.held, step.content)
        elif step.changes_it:
            files.remove(step.held)
        if known is not None and step.content is not None and known.mode is not None:
            with suppress(OSError):
                files.set_mode(step.held.path, known.mode)
    for file in record.files:
        files.remove_folders(file.folders)
    _hand_over(record, records)
    kept = tuple((step.held.path, change) for step in prepared.steps for change in step.kept)
    records.drop(record)
    if not kept and not any(other.client == record.client for other in records.all()):
        files.forget_backups(backups, record.client)
    return kept


def _hand_over(record: Record, records: Records) -> None:
    """A folder that was made for this record and is still there belongs to the one that has files in it."""
    left = [folder for file in record.files for folder in file.folders if folder.exists()]
    for other in records.all() if left else ():
        if other.place == record.place:
            continue
        heirs = tuple(
            replace(file, folders=(*(folder for folder in left if folder in file.path.parents), *file.folders))
            for file in other.files
        )
        if heirs != other.files:
            records.put(replace(other, files=heirs))


def rekey(record: Record, old: Secret, new: Secret) -> tuple[Path, ...]:
    """Put the new local key wherever the record's files hold the old one; returns the files that were changed.
    Raises ConfigConflict and its kin."""
    changed = []
    for file in record.files:
        held = files.read(file.path)
        if held.content is None or not any(holds_key(change.after) for change in file.changes):
            continue
        text = _text(held)
        try:
            after = with_new_key(text, file.format, file.changes, old=old.reveal(), new=new.reveal())
        except EditError as error:
            raise error.of(file.path) from None
        if after != text:
            files.write(held, after.encode(), private=True)
            changed.append(file.path)
    return tuple(changed)


def _edit(file: FileEdit, known: EditedFile | None, token: Secret, port: int) -> Step:
    held = files.read(Path(file.path))
    text = _text(held) if held.content is not None else initial_text(file.format)
    earlier = known.changes if known is not None and known.format == file.format else ()
    try:
        after, changes = edited(
            text if text.strip() else initial_text(file.format), file, earlier, token=token.reveal(), port=port
        )
    except EditError as error:
        raise error.of(file.path) from None
    created = held.content is None or (known is not None and known.created)
    mode = known.mode if known is not None else held.mode
    folders = known.folders if known is not None else ()
    blank = known.blank if known is not None else text if held.content is not None and not text.strip() else None
    remembered = EditedFile(held.path, file.format, changes, created, folders, mode, blank=blank)
    return Step(held, after.encode(), remembered)


def _own(file: OwnFile, known: EditedFile | None) -> Step | None:
    held, content = files.read(Path(file.path)), file.text.encode()
    ours = known is not None and held.content is not None and known.digest == files.digest(held.content)
    if held.content is not None and not ours:
        if file.guard:
            return None
        detail = f"{file.path} is there already and is not Synrouter's."
        raise ConfigConflict(detail=detail, hint=f"mv {file.path} {file.path}.old")
    folders = known.folders if known is not None else ()
    own = EditedFile(held.path, created=True, folders=folders, digest=files.digest(content), guard=file.guard)
    return Step(held, content, own)


def _undo(file: EditedFile) -> Step:
    held = files.read(file.path)
    if held.content is None:
        return Step(held, None, None)
    if not file.format:
        ours = files.digest(held.content) == file.digest
        return Step(held, None if ours else held.content, None)
    try:
        text, kept = without(_text(held), file.format, file.changes)
    except EditError as error:
        raise error.of(file.path) from None
    if text.strip() in ("", initial_text(file.format).strip()):
        text = file.blank if file.blank is not None else text
        return Step(held, None if file.created else text.encode(), None, kept)
    return Step(held, text.encode(), None, kept)


def _is_guard(record: Record, step: Step) -> bool:
    file = record.file(step.held.path)
    return file is not None and file.guard


def _text(held: Held) -> str:
    try:
        return decode(held.content or b"")
    except EditError as error:
        raise error.of(held.path) from None


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "replace").replace(TOKEN, "").splitlines()
