"""Edits of users' configuration files that keep every other byte: JSON, JSONC, JSON5, TOML, YAML and .env.

>>> Jsonc.parse("{} // mine").set(("a",), 1).text
'{\\n  "a": 1\\n} // mine'
"""

from __future__ import annotations

from synrouter_cli.textedit.document import Document, decode
from synrouter_cli.textedit.dotenv_document import Dotenv
from synrouter_cli.textedit.json_document import Json, Json5, Jsonc
from synrouter_cli.textedit.merge import LINE, Applied, Change, Edit, Undone, apply, leaves, undo
from synrouter_cli.textedit.toml_document import Toml
from synrouter_cli.textedit.values import ABSENT, Key, Path
from synrouter_cli.textedit.yaml_document import Yaml

__all__ = [
    "ABSENT",
    "LINE",
    "Applied",
    "Change",
    "Document",
    "Dotenv",
    "Edit",
    "Json",
    "Json5",
    "Jsonc",
    "Key",
    "Path",
    "Toml",
    "Undone",
    "Yaml",
    "apply",
    "decode",
    "leaves",
    "undo",
]
