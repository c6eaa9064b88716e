"""Every key of the console in one table.

Bindings, footer, help, palette and the collision test are all read from it. A key that
changes a run never also closes or confirms a question.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing a key does.

    Attributes:
        ident: Stable name, by which a key may be changed.
        keys: Textual key names, comma separated; empty for the palette alone.
        scope: Where the keys live: app, main, table, or the name of a modal screen.
        rank: Place in the footer, lowest first; 0 for not there.
        changes_run: Needs an armed console that may write.
    """

    ident: str
    keys: str
    action: str
    label: str
    tip: str
    scope: str
    group: str
    rank: int = 0
    changes_run: bool = False


def _act(spec: str, tip: str, *, rank: int = 0, changes_run: bool = False) -> Act:
    ident, keys, action, label, scope, group = (
        part.strip() for part in spec.split("|")
    )
    return Act(
        ident=ident,
        keys=keys,
        action=action,
        label=label,
        tip=tip,
        scope=scope,
        group=group,
        rank=rank,
        changes_run=changes_run,
    )


ACTS: tuple[Act, ...] = (
    _act("row.down | j,down | row(1) | Down | table | Move", "Next row"),
    _act("row.up | k,up | row(-1) | Up | table | Move", "Previous row"),
    _act("row.first | g,home | edge(0) | First | table | Move", "First row"),
    _act("row.last | G,end | edge(1) | Last | table | Move", "Last row"),
    _act(
        "row.half_down | ctrl+d,pagedown | half(1) | Half down | table | Move",
        "Half a page down",
    ),
    _act(
        "row.half_up | ctrl+u,pageup | half(-1) | Half up | table | Move",
        "Half a page up",
    ),
    _act(
        "page.prev | left_square_bracket | page(-1) | Prev page | table | Move",
        "Previous page or record",
        rank=61,
    ),
    _act(
        "page.next | right_square_bracket | page(1) | Next page | table | Move",
        "Next page or record",
        rank=62,
    ),
    _act(
        "page.first | left_curly_bracket | page(-2) | First page | table | Move",
        "First page of records",
    ),
    _act(
        "page.last | right_curly_bracket | page(2) | Last page | table | Move",
        "Last page of records",
    ),
    _act("pane.left | h,left | pane(-1) | Left pane | table | Move", "To the runs"),
    _act(
        "pane.right | l,right | pane(1) | Right pane | table | Move", "To the records"
    ),
    _act(
        "row.open | enter | open | Open | table | Look",
        "Records of a run, or a journey",
        rank=40,
    ),
    _act(
        "view.refresh | r,f5,ctrl+r | refresh_now | Refresh | main | Look",
        "Read the newest state now",
        rank=10,
    ),
    _act(
        "view.filter | slash | choose_filter | Filter | main | Look",
        "Show the records of one state",
        rank=30,
    ),
    _act(
        "view.faults | exclamation_mark | faults | Faults | main | Look",
        "Only failed and unknown records",
        rank=60,
    ),
    _act(
        "nav.callbacks | 4 | callbacks | Callbacks | main | Look",
        "What waits until when",
        rank=57,
    ),
    _act(
        "view.events | v | events | Events | main | Look",
        "Who asked what, what came of it",
        rank=80,
    ),
    _act(
        "view.details | d | details | Details | main | Look",
        "Times, limits, books of the run",
        rank=70,
    ),
    _act(
        "copy.id | y | copy_id | Copy id | main | Look",
        "Copy the id of the run or record",
    ),
    _act(
        "back | escape | back | Back | main | Look",
        "Clear filter, marks, or go back",
    ),
    _act("row.mark | space | mark | Mark | table | Mark", "Mark the row"),
    _act(
        "row.mark_all | asterisk | mark_page | Mark page | table | Mark",
        "Mark or unmark the page",
    ),
    _act(
        "safety.arm | m | arm | Arm | main | Run",
        "Let commands pass for 5 minutes",
        rank=50,
    ),
    _act("safety.disarm | M | disarm | Disarm | main | Run", "Let no command pass"),
    _act(
        "run.pause | p | verb('pause') | Pause | main | Run",
        "Ask the run to pause, at once",
        rank=52,
        changes_run=True,
    ),
    _act(
        "run.resume | u | verb('resume') | Unpause | main | Run",
        "Resume a paused run, at once",
        rank=54,
        changes_run=True,
    ),
    _act(
        "run.stop | s | verb('stop') | Stop | main | Run",
        "Stop after a preview",
        rank=56,
        changes_run=True,
    ),
    _act(
        "run.cancel | c | verb('cancel') | Cancel | main | Run",
        "Cancel a paused run; type its id",
        rank=58,
        changes_run=True,
    ),
    _act(
        "run.approve | A | approve | Approve | main | Run",
        "Give the word the run waits for",
        rank=45,
        changes_run=True,
    ),
    _act(
        "run.limits | L | limits | Limits | main | Run",
        "Change permits and pace",
        rank=59,
        changes_run=True,
    ),
    _act(
        "app.help | question_mark,f1 | help | Help | app | General",
        "This page",
        rank=100,
    ),
    _act(
        "app.palette | ctrl+p,colon | palette | Commands | app | General",
        "Find any command by name",
        rank=90,
    ),
    _act("app.theme |  | next_theme | Theme | app | General", "Change the colours"),
    _act(
        "app.redraw | ctrl+l | redraw | Redraw | app | General",
        "Paint the whole screen again",
    ),
    _act(
        "app.quit | q | ask_quit | Quit | app | General",
        "Leave; asks when runs are active",
        rank=95,
    ),
    _act("confirm.no | escape,n | no | No | confirm | ", "Change nothing", rank=10),
    _act("confirm.yes | y | yes | Yes | confirm | ", "Do it", rank=20),
    _act(
        "confirm.down | pagedown,ctrl+d | scroll(1) | Further | confirm | ",
        "Lines that did not fit",
    ),
    _act(
        "confirm.up | pageup,ctrl+u | scroll(-1) | Back up | confirm | ",
        "Lines above",
    ),
    _act("limits.no | escape,n | no | No | limits | ", "Change nothing"),
    _act("limits.yes | y | yes | Yes | limits | ", "Ask for the new limits"),
    _act(
        "callbacks.refresh | r,f5,ctrl+r | refresh_now | Refresh | callbacks | ",
        "Read the newest state now",
        rank=10,
    ),
    _act("nav.jobs | 1 | close | Jobs | callbacks | ", "Runs and records", rank=64),
    _act("sheet.close | escape,q | close | Close | sheet | ", "Back", rank=50),
    _act("reader.down | j,down | scroll(1) | Down | reader | ", "Next line", rank=20),
    _act("reader.up | k,up | scroll(-1) | Up | reader | ", "Previous line", rank=10),
    _act("reader.half_down | ctrl+d,pagedown | half(1) | Page | reader | ", "Down"),
    _act("reader.half_up | ctrl+u,pageup | half(-1) | Page up | reader | ", "Up"),
    _act(
        "reader.close | escape,q,question_mark | close | Close | reader | ",
        "Back",
        rank=30,
    ),
    _act("chooser.down | down | row(1) | Down | chooser | ", "Next line", rank=10),
    _act("chooser.up | up | row(-1) | Up | chooser | ", "Previous line", rank=20),
    _act("chooser.close | escape | close | Close | chooser | ", "Back", rank=30),
)

#: Keys that must never be bound, and whose they are.
RESERVED = {
    "ctrl+a": "prefix of screen",
    "ctrl+b": "prefix of tmux",
    "ctrl+s": "flow control",
    "ctrl+z": "would stop the engine",
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+j": "newline",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
    "ctrl+c": "copy",
    "ctrl+q": "quit of Textual",
}

#: Which scopes a key is looked up in, innermost first; a modal screen hides the rest.
CHAINS = (
    ("table", "main", "app"),
    ("confirm",),
    ("limits",),
    ("sheet", "table"),
    ("callbacks", "sheet", "table"),
    ("reader",),
    ("chooser",),
)

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "asterisk": "*",
    "colon": ":",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def bindings(*scopes: str) -> list[BindingType]:
    """Return the bindings of these scopes."""
    return [
        Binding(act.keys, act.action, act.label, show=False, id=act.ident)
        for act in ACTS
        if act.scope in scopes and act.keys
    ]


def acts(*scopes: str) -> list[Act]:
    """Return the acts of these scopes, in the table's order."""
    return [act for act in ACTS if act.scope in scopes]


def shown_keys(act: Act) -> list[str]:
    """Return the keys as they stand on a keyboard."""
    return [shown_key(key) for key in act.keys.split(",") if key]


def shown_key(key: str) -> str:
    """Return one key as it stands on a keyboard: ``?``, ``^d``, ``Esc``, ``F5``."""
    if key.startswith("ctrl+"):
        return "^" + shown_key(key.removeprefix("ctrl+"))
    if key in _SHOWN:
        return _SHOWN[key]
    return key.upper() if key[0] == "f" and key[1:].isdigit() else key


def collisions(table: tuple[Act, ...] = ACTS) -> list[str]:
    """Return a sentence for every key that means two things or is not ours to bind."""
    found = [
        f"{key} of {act.ident} is reserved: {RESERVED[key]}"
        for act in table
        for key in act.keys.split(",")
        if key in RESERVED
    ]
    for chain in CHAINS:
        for one, other in combinations([a for a in table if a.scope in chain], 2):
            shared = {*one.keys.split(",")} & {*other.keys.split(",")} - {""}
            found += [f"{key}: {one.ident} and {other.ident}" for key in shared]
    return found
