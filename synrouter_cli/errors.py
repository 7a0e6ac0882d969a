"""Errors a person or a client sees: a class each, its docstring the message, its next command beside it.

The command line prints `message` and `hint` and leaves with `exit_code`; the proxy answers with
`http_status` and `type` in the client's dialect. Fields in braces are filled from keyword arguments.

>>> error = PortBusy(port=7477)
>>> error.message, error.hint, error.exit_code
('Port 7477 on 127.0.0.1 is taken by another program.', 'synrouter up --port 7478', 1)
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import ClassVar

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_NOT_RUNNING = 3
EXIT_KEY = 4
EXIT_CONFLICT = 5
EXIT_INTERRUPTED = 130


class SynrouterError(Exception):
    """{detail}"""

    exit_code: ClassVar[int] = EXIT_FAILURE
    http_status: ClassVar[int] = 500
    type: ClassVar[str] = "api_error"
    """An error type of Anthropic's API (docs.anthropic.com, "Errors"); other dialects map it."""
    code: ClassVar[str | None] = None
    """OpenAI's, where its `type` does not say enough."""
    next_command: ClassVar[str] = ""
    """The next command to type; may hold fields in braces like the docstring."""
    details: ClassVar[Mapping[str, object]] = {}
    """What programs read: `error.details` of Anthropic's API."""

    def __init__(self, *, hint: str | None = None, **fields: object) -> None:
        """Fill the docstring with `fields`; `hint` replaces the class's own next command."""
        self.message: str = (inspect.getdoc(type(self)) or type(self).__name__).format_map(fields)
        self.hint: str = self.next_command.format_map(fields) if hint is None else hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} Next: {self.hint}" if self.hint else self.message


# ── the command line ──


class UsageError(SynrouterError):
    """{detail}"""

    exit_code = EXIT_USAGE
    http_status = 400
    type = "invalid_request_error"
    next_command = "synrouter --help"


class ConfigError(UsageError):
    """{where}: {detail}"""

    next_command = "correct it, then: synrouter up"


class NoTranscripts(SynrouterError):
    """No transcripts of agents with reported usage were found{where}."""

    next_command = "synrouter estimate PATH    # the file or folder that holds them"


class NotRunning(SynrouterError):
    """Synrouter is not running."""

    exit_code = EXIT_NOT_RUNNING
    next_command = "synrouter up"


class NotResponding(SynrouterError):
    """Synrouter (pid {pid}, port {port}) is running but does not answer: {detail}"""

    next_command = "kill {pid}"


class AlreadyRunning(SynrouterError):
    """Synrouter is already running{where}."""

    next_command = "synrouter status"


class PortBusy(SynrouterError):
    """Port {port} on {address} is taken by another program."""

    next_command = "synrouter up --port {other_port}"

    def __init__(self, *, port: int, address: str = "127.0.0.1") -> None:
        super().__init__(port=port, address=address, other_port=port + 1 if port < 65535 else 7477)


class NotHere(SynrouterError):
    """{address} is no address of this machine."""

    next_command = "synrouter up --help    # --listen takes one that it has"


class KeyFileError(SynrouterError):
    """The key file {path} {detail}."""

    exit_code = EXIT_KEY


class KeyringError(SynrouterError):
    """{detail}"""

    exit_code = EXIT_KEY
    http_status = 503
    next_command = "synrouter status"


class NoKeyring(KeyringError):
    """Keys are kept in a real keyring only, and the one found is {backend}, which {why}."""

    next_command = (
        "start a Secret Service (gnome-keyring, KeePassXC, KWallet) and leave PYTHON_KEYRING_BACKEND unset,"
        " or set SYNROUTER_<PROVIDER>_KEY, or name a 0600 file under [key_files] in config.toml"
    )


class KeyringLocked(KeyringError):
    """The keyring{backend} is locked{detail}."""

    next_command = "unlock it, then: synrouter keys test {provider}"


class KeyRefused(KeyringError):
    """{provider} refuses the key from {source} ({status})."""

    next_command = "synrouter keys set {provider}"


class ConfigConflict(SynrouterError):
    """{detail}"""

    exit_code = EXIT_CONFLICT


class NotPossible(SynrouterError):
    """{client} can't be put on the proxy this way: {why}."""


class NotInstalled(SynrouterError):
    """{client} is not installed: there is no {name} on PATH."""

    next_command = "install it, then type the command again"


class EditError(ConfigConflict):
    """{place}line {line}, column {column}: {detail}"""

    next_command = "correct the file there, then type the command again"

    def __init__(self, line: int, column: int, detail: str, *, file: object = "") -> None:
        """`line` and `column` count characters from 1, a byte order mark not among them."""
        self.line, self.column, self.detail = line, column, detail
        place = f"{file}, " if file else ""
        super().__init__(place=place, line=line, column=column, detail=detail)

    def of(self, file: object) -> EditError:
        """The same, saying which file it is about."""
        return EditError(self.line, self.column, self.detail, file=file)


# ── what the guard refuses ──


class InvalidRequest(SynrouterError):
    """{detail}"""

    http_status = 400
    type = "invalid_request_error"


class NoThreads(InvalidRequest):
    """The conversation can't be kept as a thread by {provider}: send the whole of it with each request."""

    # By this the `anthropic` SDK goes on without one (its `lib/threads`).
    details: ClassVar[Mapping[str, object]] = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


class MissingToken(SynrouterError):
    """This request carries no valid local token of Synrouter."""

    http_status = 401
    type = "authentication_error"
    next_command = "synrouter token show"


class NoProviderKey(SynrouterError):
    """Synrouter has no key for {provider}."""

    exit_code = EXIT_KEY
    http_status = 403  # Claude Code shows a 403 at once, but repeats a 401 for three minutes
    type = "permission_error"
    next_command = "synrouter keys set {provider}    # or export {variable}=… before synrouter up"

    def __init__(self, *, provider: str) -> None:
        super().__init__(provider=provider, variable=f"SYNROUTER_{provider.upper().replace('-', '_')}_KEY")


class ForeignCredential(SynrouterError):
    """This credential does not belong to {provider}; it was not sent there."""

    http_status = 403
    type = "permission_error"
    next_command = "give the client a key of that provider, or the local one: synrouter token show"


class ForeignOrigin(SynrouterError):
    """Web pages may not call Synrouter."""

    http_status = 403
    type = "permission_error"


class WrongHost(SynrouterError):
    """The Host of this request is not this proxy's own address."""

    http_status = 421
    type = "invalid_request_error"
    next_command = "synrouter status shows the address to use; synrouter up --allow-host NAME allows another"


class NotLocal(SynrouterError):
    """The control API answers this machine alone, at 127.0.0.1."""

    http_status = 403
    type = "permission_error"


class NotFound(SynrouterError):
    """Synrouter has no route {path}."""

    http_status = 404
    type = "not_found_error"
    code = "unknown_url"
    next_command = "use /v1/messages below the address that synrouter status shows"


class UnknownModel(SynrouterError):
    """Synrouter knows no provider for the model {model!r}{near}."""

    http_status = 404
    type = "not_found_error"
    next_command = "synrouter models    # or put PROVIDER/ before the name"

    def __init__(self, *, model: str, near: Sequence[str] = ()) -> None:
        super().__init__(model=model, near=f"; near it: {', '.join(near)}" if near else "")


class NoEmbeddings(SynrouterError):
    """{provider} has no embeddings."""

    http_status = 404
    type = "not_found_error"
    next_command = "synrouter models    # name a model of a provider that has them"


class BodyTooLarge(SynrouterError):
    """The request's body is larger than {limit}."""

    http_status = 413
    type = "request_too_large"
    next_command = "raise max_body_bytes in config.toml, then: synrouter down && synrouter up"


class TooBusy(SynrouterError):
    """Requests in flight hold more than {limit} already."""

    http_status = 529
    type = "overloaded_error"
    next_command = "synrouter status"


class BudgetReached(SynrouterError):
    """The {limit} budget is used up: {spent}{unpriced}. This request was not sent."""

    http_status = 402
    type = "billing_error"
    next_command = "raise it in config.toml, [budget] {key} = {more}, then: synrouter down && synrouter up"


class UpgradeRequired(SynrouterError):
    """Synrouter speaks HTTP here, not WebSocket."""

    http_status = 426
    type = "invalid_request_error"


# ── what the upstream does ──


class UpstreamUnreachable(SynrouterError):
    """{provider} can't be reached: {detail}"""

    http_status = 502
    next_command = "synrouter status"


class UpstreamTimeout(SynrouterError):
    """{provider} did not answer within {seconds} s."""

    http_status = 504
    type = "timeout_error"
    next_command = "synrouter status"


def body_anthropic(err: SynrouterError) -> bytes:
    """`err` as the body of an Anthropic error answer; the next command stands in the message.

    >>> body_anthropic(ForeignOrigin())[:56]
    b'{"type":"error","error":{"type":"permission_error","mess'
    """
    message = str(err)
    if not message.startswith("Synrouter"):
        message = f"Synrouter: {message}"  # so that nobody takes it for the provider's
    details = {"details": err.details} if err.details else {}
    answer = {"type": "error", "error": {"type": err.type, "message": message, **details}}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
