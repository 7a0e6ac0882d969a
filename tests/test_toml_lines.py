"""A key is found in the table that it stands in, however it is written."""

from __future__ import annotations

import pytest

from synrouter_cli.toml_lines import line_of

TEXT = """\
# dialect = 0
dialect = 1
[providers.a]
dialect = 2 # [x]
[ providers . "b.c" ]
  dialect = 3
x.dialect = 4
headers = {dialect = 5}
[[list]]
'dialect' = 6
[providers.a.more]
dialect = 7
"""


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("dialect",), 2),
        (("providers",), 3),
        (("providers", "a", "dialect"), 4),
        (("providers", "b.c"), 5),
        (("providers", "b.c", "dialect"), 6),
        (("providers", "b.c", "x", "dialect"), 7),
        (("providers", "b.c", "headers", "dialect"), 8),
        (("list", "dialect"), 10),
        (("providers", "a", "more", "dialect"), 12),
        (("providers", "a", "not there"), 3),
        (("not there",), None),
    ],
)
def test_a_key_is_found_in_its_own_table(names, line):
    assert line_of(TEXT, *names) == line
