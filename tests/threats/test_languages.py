"""Templates and filters are what they look like; nothing anybody wrote is run."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from tests.support.floor import campaign, ids, webhook

from watchfloor.domain.errors import ConfigError

SOURCE = Path(__file__).parents[2] / "src" / "watchfloor"
HOOK = 'url = "http://127.0.0.1:1/"\n'
MAIL = """
host = "127.0.0.1"
security = "none"
from = "desk@example.test"
subject = "Hello"
text = "Hello"
"""

#: Values that one template language or another would do something with.
TEMPTING = [
    "${contact}",
    "${record.key}",
    "${first_name}",
    "$" + "{${contact}}",
    "{{7*7}}",
    "{% raw %}",
    "{0.__class__}",
    "%(contact)s",
    "$(id)",
    "`id`",
    "<%= 7*7 %>",
    "#{7*7}",
    '", "to": "+19995550100',
    "\\u0022, \\u0022to\\u0022: 1",
]

#: What runs text, or builds objects of whatever a text says.
RUNNERS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "dill", "jinja2", "mako", "yaml", "code"}


def test_what_is_filled_in_arrives_as_it_was_written(floor, provider):
    upload = floor.root / "upload.csv"
    rows = [f"c{at}," + _quoted(name) for at, name in enumerate(TEMPTING)]
    upload.write_text("id,first_name\n" + "\n".join(rows) + "\n", encoding="utf-8")

    floor.launched(webhook(provider.url), upload)
    floor.carried_out()

    bodies = {one.contact: json.loads(one.body) for one in provider.arrivals}
    assert {to: body["name"] for to, body in bodies.items()} == {
        f"c{at}": name for at, name in enumerate(TEMPTING)
    }
    assert {tuple(body) for body in bodies.values()} == {("to", "name", "reference")}


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            campaign(
                f"{HOOK}body = {{ deep = [{{ a = '${{nmae}}' }}] }}", channel="webhook"
            ),
            "steps[0]",
        ),
        (
            campaign(MAIL.replace('Hello"\nt', '${nmae}"\nt'), channel="smtp"),
            "steps[0]",
        ),
        (campaign(f'{MAIL}html = "<p>${{nmae}}"', channel="smtp"), "steps[0]"),
        (campaign(audience="filter = 'nmae = \"x\"'"), "audience.filter"),
        (campaign(audience="filter = '__class__ = \"x\"'"), "audience.filter"),
    ],
    ids=["body", "subject", "html", "filter", "filter of the language beneath"],
)
def test_a_field_that_the_upload_lacks_refuses_the_launch(floor, text, place):
    with pytest.raises(ConfigError) as refused:
        floor.prepared(text, ids(1))

    assert any(one.startswith(place) for one in refused.value.mistakes), refused.value
    assert floor.views() == ()
    assert list(floor.layout.uploads.iterdir()) == []


@pytest.mark.parametrize(
    "hostile",
    [
        "__import__('os').system('id')",
        'first_name.__class__ = "x"',
        "(lambda: 1)()",
        'first_name = open("/etc/passwd")',
        "1; DROP TABLE record",
        "first_name in (SELECT contact FROM record)",
        'first_name = "x" UNION SELECT 1',
    ],
)
def test_a_filter_that_is_code_is_no_filter(floor, hostile):
    quoted = json.dumps(hostile)

    with pytest.raises(ConfigError, match="filter"):
        floor.prepared(campaign(audience=f"filter = {quoted}"), ids(1))


def test_no_source_runs_text_or_builds_objects_of_it():
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = {node.func.id} & RUNNERS
            elif isinstance(node, ast.Import):
                names = {one.name.partition(".")[0] for one in node.names} & MODULES
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").partition(".")[0]} & MODULES
            elif isinstance(node, ast.keyword) and node.arg == "shell":
                names = {"shell"} if ast.unparse(node.value) == "True" else set()
            else:
                continue
            found += [f"{path.relative_to(SOURCE)}: {name}" for name in names]

    assert found == []
