"""The log: private, bounded, one line a record, and nothing secret in it."""

from __future__ import annotations

import errno
import io
import logging
import stat

import pytest

from synrouter_cli.daemon import logs
from synrouter_cli.daemon.logs import Redactor, describe
from synrouter_cli.errors import PortBusy

CANARY = "canary0123456789"


@pytest.fixture
def log_file(tmp_path):
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    path = tmp_path / "synrouter.log"
    handler = logs.install(path, Redactor([CANARY]))
    yield path
    handler.close()
    root.handlers, root.level = before
    logging.getLogger("aiohttp.access").disabled = False


REDACTED = [
    ("key sk-ant-api03-AbC_d-1 used", "key sk-… used"),
    ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
    ("authorization=Basic dXNlcg==", "authorization=Basic …"),
    ("x-api-key: abcdef", "x-api-key: …"),
    ("(b'x-api-key', b'abcdef')", "(b'x-api-key', b'…')"),
    ("{'x-api-key': 'abcdef', 'a': 1}", "{'x-api-key': '…', 'a': 1}"),
    ('{"X-Synrouter-Key": "abcdef"}', '{"X-Synrouter-Key": "…"}'),
    ("?api_key=abcdef&x=1", "?api_key=…&x=1"),
    ("https://user:pass@proxy:1/", "https://…@proxy:1/"),
    (f"it was {CANARY}!", "it was …!"),
    ("in_flight=3 tokens 5", "in_flight=3 tokens 5"),
]


@pytest.mark.parametrize(("text", "shown"), REDACTED)
def test_what_looks_like_a_credential_is_cut_out(text, shown):
    assert Redactor([CANARY])(text) == shown


def test_a_redactor_does_not_show_what_it_hides():
    assert CANARY not in repr(Redactor([CANARY]))


def test_a_record_of_ours_is_one_line_with_time_level_and_name(log_file):
    logging.getLogger("synrouter_cli.daemon.server").info("listening\non %d", 7477)
    (line,) = log_file.read_text().splitlines()
    assert line[10] == "T"
    assert line.endswith("Z INFO synrouter_cli.daemon.server listening on 7477")


def test_a_credential_in_a_record_of_ours_is_cut_out(log_file):
    logging.getLogger("synrouter.turns").error("key %s, x-api-key: %s", CANARY, "other")
    assert CANARY not in log_file.read_text()
    assert "other" not in log_file.read_text()


@pytest.mark.parametrize("name", ["aiohttp.server", "aiohttp.client", "aiohttp.web", "asyncio", "anything.else"])
def test_of_a_librarys_record_only_the_place_is_kept(log_file, name):
    try:
        raise ValueError("GET /?key=plain-secret")
    except ValueError:
        logging.getLogger(name).exception("Error handling request from %s", "b'plain-secret'")
    (line,) = log_file.read_text().splitlines()
    assert "plain-secret" not in line
    assert f"ERROR {name} test_logs:" in line
    assert "ValueError at " in line


def test_a_library_cannot_bring_a_handler_of_its_own(log_file, capsys, tmp_path):
    logger = logging.getLogger("aiohttp.server")
    logger.addHandler(logging.StreamHandler())
    handler = logs.install(tmp_path / "other.log", Redactor())
    logger.error("plain-secret")
    handler.close()
    assert "plain-secret" not in capsys.readouterr().err


def test_the_access_log_is_off(log_file):
    logging.getLogger("aiohttp.access").error("GET /?key=plain")
    assert log_file.read_text() == ""


def test_an_error_is_described_by_type_and_place_and_its_text_only_where_it_is_harmless():
    def fail(error):
        try:
            raise error
        except Exception as caught:
            return describe(caught)

    assert "secret" not in fail(ValueError("secret"))
    assert fail(ValueError("secret")).startswith("ValueError at daemon/test_logs.py:")
    assert fail(PortBusy(port=5)).startswith("PortBusy: Port 5 on 127.0.0.1 is taken")
    assert fail(FileNotFoundError(2, "No such file")).startswith("FileNotFoundError: No such file at")


def test_five_files_of_5_mb_at_0600(log_file, monkeypatch):
    handler = logging.getLogger().handlers[0]
    assert (handler.maxBytes, handler.backupCount) == (5_000_000, 4)
    handler.maxBytes = 1000
    for number in range(200):
        logging.getLogger("synrouter").info("a line %d", number)
    files = sorted(log_file.parent.iterdir())
    assert [path.name for path in files] == ["synrouter.log", *(f"synrouter.log.{n}" for n in range(1, 5))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert all(path.stat().st_size <= 1100 for path in files)


def test_a_full_disk_loses_lines_and_disturbs_nothing(log_file, capsys):
    handler = logging.getLogger().handlers[0]
    handler.stream.close()
    handler.stream = Full()
    logging.getLogger("synrouter").info("lost")
    handler.close()
    assert handler.lost == 1
    assert capsys.readouterr() == ("", "")


class Full(io.StringIO):
    def flush(self):
        if not self.closed:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_command_appends_one_line_without_the_errors_text(tmp_path):
    path = tmp_path / "synrouter.log"
    path.write_text("before\n")
    logs.append(path, ValueError("secret"))
    before, line = path.read_text().splitlines()
    assert before == "before"
    assert line.endswith("Z ERROR cli ValueError")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
