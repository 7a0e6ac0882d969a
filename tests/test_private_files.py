"""Small files: private, whole, and made by exactly one."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from synrouter_cli import private_files


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request):
    previous = os.umask(request.param)
    yield
    os.umask(previous)


def test_a_file_is_0600_whatever_the_umask(tmp_path, umask):
    private_files.replace(tmp_path / "a", b"1")
    private_files.create(tmp_path / "b", b"2")
    os.close(private_files.open_append(tmp_path / "c"))
    assert [mode(tmp_path / name) for name in "abc"] == [0o600] * 3


def test_replace_takes_the_place_of_what_was_there_and_of_its_mode(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"a longer text")
    path.chmod(0o644)
    private_files.replace(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)


def test_create_leaves_what_is_there(tmp_path):
    assert private_files.create(tmp_path / "a", b"first") is True
    assert private_files.create(tmp_path / "a", b"second") is False
    assert (tmp_path / "a").read_bytes() == b"first"


def test_of_many_creators_one_succeeds_and_its_bytes_are_there_whole(tmp_path):
    contents = [bytes([65 + number]) * 5000 for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda content: private_files.create(tmp_path / "a", content), contents))
    assert sum(made) == 1
    assert (tmp_path / "a").read_bytes() == contents[made.index(True)]


def test_no_temporary_file_stays_whether_it_went_well_or_not(tmp_path):
    private_files.create(tmp_path / "a", b"1")
    private_files.create(tmp_path / "a", b"2")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        private_files.replace(tmp_path / "folder", b"3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "folder"]


def test_appending_does_not_follow_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        private_files.open_append(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()
