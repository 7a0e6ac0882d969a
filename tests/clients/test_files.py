"""Users' files: links stay links, a write is whole, a file that changed meanwhile is left alone."""

from __future__ import annotations

import os
import stat

import pytest

from synrouter_cli.clients import files
from synrouter_cli.errors import ConfigConflict


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_stays_one_and_its_target_is_written_with_its_own_mode(tmp_path):
    target, link = tmp_path / "dotfiles" / "x.json", tmp_path / "x.json"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    files.write(files.read(link), b"new")
    assert (link.is_symlink(), target.read_bytes(), mode(target)) == (True, b"new", 0o640)


def test_a_new_file_is_the_users_alone_whatever_the_umask_and_its_folders_are_told(tmp_path):
    before = os.umask(0)
    try:
        made = files.write(files.read(tmp_path / "a" / "b" / "c.json"), b"x")
    finally:
        os.umask(before)
    assert made == (tmp_path / "a", tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b" / "c.json") == 0o600
    assert mode(tmp_path / "a") == 0o700


def test_a_file_with_the_key_is_narrowed(tmp_path):
    path = tmp_path / "c"
    path.write_bytes(b"x")
    path.chmod(0o664)
    files.write(files.read(path), b"y", private=True)
    assert mode(path) == 0o600


@pytest.mark.parametrize("meanwhile", [b"changed", None])
def test_what_changed_meanwhile_is_left_as_it_is(tmp_path, meanwhile):
    path = tmp_path / "c"
    path.write_bytes(b"x")
    held = files.read(path)
    path.unlink()
    if meanwhile is not None:
        path.write_bytes(meanwhile)
    for act in (lambda: files.write(held, b"y"), lambda: files.remove(held)):
        with pytest.raises(ConfigConflict, match="changed by another program"):
            act()
    assert [each.name for each in tmp_path.iterdir()] == (["c"] if meanwhile else [])
    assert meanwhile is None or path.read_bytes() == meanwhile


def test_a_file_that_came_up_meanwhile_is_not_written_over(tmp_path):
    held = files.read(tmp_path / "c")
    (tmp_path / "c").write_bytes(b"theirs")
    with pytest.raises(ConfigConflict):
        files.write(held, b"ours")
    assert (tmp_path / "c").read_bytes() == b"theirs"


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("folder", "dangling"):
        with pytest.raises(ConfigConflict) as refused:
            files.read(tmp_path / name)
        assert str(tmp_path / name) in refused.value.message
    assert files.read(tmp_path / "dangling.txt" / "below").content is None


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigConflict, match="No space left"):
        files.write(files.read(tmp_path / "a" / "c"), b"x")
    assert list(tmp_path.iterdir()) == []


def test_backups_are_private_and_only_the_newest_are_kept(tmp_path):
    path, folder = tmp_path / "c.json", tmp_path / "backups"
    for count in range(8):
        path.write_bytes(b"%d" % count)
        files.back_up(files.read(path), folder, "codex")
    kept = sorted((folder / "codex").iterdir())
    assert [each.read_bytes() for each in kept] == [b"3", b"4", b"5", b"6", b"7"]
    assert {mode(each) for each in kept} == {0o600}
    assert {mode(folder), mode(folder / "codex")} == {0o700}
    files.forget_backups(folder, "codex")
    assert not folder.exists()
