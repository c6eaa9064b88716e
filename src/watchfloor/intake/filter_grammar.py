"""The filter language's grammar: text in, a filter out, or where it goes wrong.

Loading lark costs tens of milliseconds: ``filter_language`` imports this module when
there is a filter to parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from unicodedata import normalize

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from watchfloor.domain.filters import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_TERMS,
    And,
    Comparison,
    Emptiness,
    Field,
    Filter,
    FilterError,
    Literal,
    Membership,
    Not,
    Operator,
    Or,
    depth_of,
    fields_of,
    written,
)
from watchfloor.domain.text import clean
from watchfloor.intake.filter_mistakes import Place, mistake

# Operators look ahead, so that "==" and "<>" are one unknown thing, not two known ones.
_GRAMMAR = r"""
start: either
?either: both (_OR both)*
?both: one (_AND one)*
?one: _NOT one                                  -> negation
    | _LPAR either _RPAR
    | FIELD (EQUAL | UNEQUAL | LESS | AT_MOST | MORE | AT_LEAST) literal -> comparison
    | FIELD _CONTAINS TEXT                      -> containing
    | FIELD _STARTS _WITH TEXT                  -> starting
    | FIELD _IN _LPAR literal (_COMMA literal)* _RPAR          -> membership
    | FIELD _NOT _IN _LPAR literal (_COMMA literal)* _RPAR     -> absence
    | FIELD _IS _EMPTY                          -> emptiness
    | FIELD _IS _NOT _EMPTY                     -> fullness
?literal: TEXT | NUMBER

_AND.2: /and(?![\w.`])/i
_OR.2: /or(?![\w.`])/i
_NOT.2: /not(?![\w.`])/i
_IN.2: /in(?![\w.`])/i
_IS.2: /is(?![\w.`])/i
_EMPTY.2: /empty(?![\w.`])/i
_CONTAINS.2: /contains(?![\w.`])/i
_STARTS.2: /starts(?![\w.`])/i
_WITH.2: /with(?![\w.`])/i
FIELD: /([^\W\d]\w*|`([^`]|``)+`(?!`))(\.([^\W\d]\w*|`([^`]|``)+`(?!`)))*(?![\w`])/
TEXT: /"([^"]|"")*"(?!")|'([^']|'')*'(?!')/
NUMBER: /-?[0-9]+(\.[0-9]+)?(?![\w.:\/-])/
EQUAL: /=(?![=<>~])/
UNEQUAL: /!=(?!=)/
LESS: /<(?![<>=])/
AT_MOST: /<=(?![>=])/
MORE: />(?![<>=])/
AT_LEAST: />=(?![<>=])/
_LPAR: "("
_RPAR: ")"
_COMMA: ","
%ignore /\s+/
"""


_OPERATORS = {
    "EQUAL": Operator.EQUAL,
    "UNEQUAL": Operator.UNEQUAL,
    "LESS": Operator.LESS,
    "AT_MOST": Operator.AT_MOST,
    "MORE": Operator.MORE,
    "AT_LEAST": Operator.AT_LEAST,
}
_TOO_DEEP = (
    f"and, or, not and brackets stand more than {MAX_DEPTH} deep in one another; "
    "write the filter flatter"
)
_NAME_PART = re.compile(r"`((?:[^`]|``)+)`|([^.`]+)")


def filter_of(text: str) -> Filter:
    """Return the filter that *text* describes.

    Raises:
        FilterError: The text is no filter, or a larger one than is allowed.
    """
    wanted = _built(_Reading(text).tree())
    if depth_of(wanted) > MAX_DEPTH:
        column = fields_of(wanted)[-1].column
        raise FilterError(column, _TOO_DEEP)
    return wanted


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic")


class _Reading:
    """One text read token by token: the first mistake is told, and nothing grows."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._state: InteractiveParser = _parser().parse_interactive(text)
        self._last = Token("$START", "")
        self._opened: list[int] = []
        # How deep each open bracket stands, the nots before it included.
        self._depths = [0]
        self._nots = 0
        self._terms = 0

    def tree(self) -> Tree[Token]:
        try:
            for token in self._tokens():
                self._bound(token)
                self._state.feed_token(token)
                self._last = token
            tree: Tree[Token] = self._state.feed_eof()  # type: ignore[no-untyped-call] # lark types it in part
        except UnexpectedCharacters as error:
            raise self._mistake(error.pos_in_stream) from None
        except UnexpectedToken as error:
            at = None if error.token.type == "$END" else error.token.start_pos
            raise self._mistake(at) from None
        return tree

    def _tokens(self) -> Iterator[Token]:
        state = self._state
        tokens: Iterator[Token] = state.lexer_thread.lex(state.parser_state)  # type: ignore[no-untyped-call] # lark types it in part
        return tokens

    def _bound(self, token: Token) -> None:
        at = token.start_pos or 0
        match token.type:
            case "_NOT" if self._last.type not in ("FIELD", "_IS"):
                self._nots += 1
            case "_LPAR":
                self._opened.append(at)
                self._depths.append(self._depths[-1] + 1 + self._nots)
                self._nots = 0
            case "_RPAR" if self._opened:
                self._opened.pop()
                self._depths.pop()
            case "FIELD":
                self._terms += 1
                self._nots = 0
            case "_COMMA":
                self._terms += 1
            case _:
                pass
        if self._depths[-1] + self._nots > MAX_DEPTH:
            raise FilterError(at + 1, _TOO_DEEP)
        if self._terms > MAX_TERMS:
            msg = (
                f"the filter has more than {MAX_TERMS} comparisons and list entries; "
                "shorten it, or mark the rows in a column of the upload"
            )
            raise FilterError(at + 1, msg)

    def _mistake(self, at: int | None) -> FilterError:
        accepted: set[str] = self._state.accepts()  # type: ignore[no-untyped-call] # lark types it in part
        return mistake(
            Place(
                text=self._text,
                at=len(self._text) if at is None else at,
                accepted=frozenset(accepted),
                before=self._last.value,
                opened=tuple(self._opened),
            )
        )


def _built(node: Tree[Token]) -> Filter:
    """Return the filter of a tree; as deep as its brackets and nots."""
    match node.data:
        case "start":
            return _built(_branches(node)[0])
        case "either":
            return Or(tuple(_parts(node, Or)))
        case "both":
            return And(tuple(_parts(node, And)))
        case "negation":
            part = _built(_branches(node)[0])
            return part.part if isinstance(part, Not) else Not(part)
        case _:
            return _term(node.data, *_tokens(node))


def _parts(node: Tree[Token], kind: type[And | Or]) -> Iterator[Filter]:
    for branch in _branches(node):
        part = _built(branch)
        if isinstance(part, kind):
            yield from part.parts
        else:
            yield part


def _branches(node: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in node.children if isinstance(child, Tree)]


def _tokens(node: Tree[Token]) -> list[Token]:
    return [child for child in node.children if isinstance(child, Token)]


def _term(kind: str, name: Token, *rest: Token) -> Filter:
    field = _field(name)
    match kind:
        case "membership" | "absence":
            literals = tuple(_literal(token, field, exact=True) for token in rest)
            return Membership(field, literals, negated=kind == "absence")
        case "emptiness" | "fullness":
            return Emptiness(field, negated=kind == "fullness")
        case "containing":
            return Comparison(field, Operator.CONTAINS, _literal(rest[0], field))
        case "starting":
            return Comparison(field, Operator.STARTS_WITH, _literal(rest[0], field))
        case _:
            operator = _OPERATORS[rest[0].type]
            exact = operator in (Operator.EQUAL, Operator.UNEQUAL)
            return Comparison(field, operator, _literal(rest[1], field, exact=exact))


def _field(token: Token) -> Field:
    parts = _NAME_PART.findall(token)
    name = ".".join(quoted.replace("``", "`") or plain for quoted, plain in parts)
    return Field(normalize("NFC", name), (token.start_pos or 0) + 1)


def _literal(token: Token, field: Field, *, exact: bool = False) -> Literal:
    """Return a literal's value.

    Args:
        token: As it is written.
        field: What it is compared with, for the message.
        exact: Whether a whole cell is compared, which never has blanks around it.
    """
    column = (token.start_pos or 0) + 1
    if token.type == "NUMBER":
        return _number(token, column)
    quote = token[0]
    text = token[1:-1].replace(quote * 2, quote)
    if not text or (exact and text.isspace()):
        name = written(clean(field.name, 40))
        raise FilterError(
            column, f"nothing is in the quotes; write {name} is empty or is not empty"
        )
    if exact and text != text.strip():
        raise FilterError(
            column,
            "the text begins or ends with a blank; cells are compared without the "
            "blanks around them, so remove it",
        )
    return text


def _number(token: Token, column: int) -> Literal:
    if len(token.lstrip("-").replace(".", "")) > MAX_DIGITS:
        raise FilterError(
            column,
            f"a number has at most {MAX_DIGITS} digits; put it in quotes to compare "
            "it letter by letter",
        )
    return Decimal(token) if "." in token else int(token)
