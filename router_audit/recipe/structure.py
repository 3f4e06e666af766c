"""The structure of a request in numbers: sizes, turns, tools, marks in the text and words of each kind of work."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.recipe.cues import CUE_NAMES, count_cues
from router_audit.recipe.matching import Alternatives, count_words, fold
from router_audit.recipe.sentences import (
    QUOTED_LIST,
    addresses_model,
    asks,
    count_ends,
    is_question,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from router_audit.recipe.record import PromptParts

MOST = 40
"""Marks of one kind that are told apart."""

_PAIR_INPUT = re.compile(
    r"(?m)^\W{0,3}(?:q|question|input|text|sentence|review|x|user|example)\s*\d*\s*[:：]"
)
_PAIR_OUTPUT = re.compile(
    r"(?m)^\W{0,3}(?:a|answer|output|label|sentiment|category|result|y|response|entities|class)\s*\d*\s*[:：][ \t]*\S"
)
_BARE_LIST = re.compile(
    r"(?:\b[\w-]{2,20}(?: [\w-]{2,14})?, ){1,12}(?:[\w-]{2,20}(?: [\w-]{2,14})?)?,? ?(?:or|and|oder|ou|o|tai|или) [\w-]{2,20}"
)
_SEPARATED = re.compile(r"[|/,](?:(?<=[a-z_]{3}[|/,])|(?<=[a-z_]{3}\s[|/,]))\s?[a-z_]{3}")
_OPTION_MARK = re.compile(r"[)\].:](?<=[A-J\d][)\].:])(?:\s|(?<=\([A-J]\)))")
_OPTION_LINE = re.compile(
    r"(?m)(?:^[ \t]*[\(\[]?(?:[A-J]|\d{1,2})[\)\].:]\s+\S|\([A-J]\)\s?\S| [A-J][.)] \S)"
)
_BULLET_MARK = re.compile(r"[-*•][ \t]+\S")
_BULLET = re.compile(r"(?m)^[ \t]*[-*•][ \t]+\S")
_JSON_KEY = re.compile(r"[\"'][\w -]{1,40}[\"']\s*:")
_NUMBER = re.compile(r"\d(?<![\w.]\d)[\d,.]*%?(?![\w])")
_XML_TAG = re.compile(r"</?[A-Za-z][\w-]{1,30}>")
_BLANK = re.compile(r"_{3,}|\[(?:mask|blank)\]|<mask>")
_LOGIC = (
    "if", "then", "all", "every", "each", "either", "neither", "unless", "only", "both", "implies", "exactly",
)  # fmt: skip
_LIST_OF_NUMBERS = re.compile(r"[\[(]\s*-?\d[\d.]*(?:\s*,?\s+-?\d[\d.]*|\s*,-?\d[\d.]*){1,60}\s*[\])]")
_SAID_BY = re.compile(r"(?m)(?:^|[.?!,] )(?:[A-Z][\w ]{1,18}|用户|客服)\s?\d?[:：] ")
_CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")


def _holds(*pieces: str) -> Callable[[str], bool]:
    """A look for any of some pieces of text."""
    return lambda text: any(map(text.__contains__, pieces))


_CALL_OPENS = re.compile(r"\((?<=\w\()[\w, =\"']{0,60}\)\s*[-:–]")
_QUOTED_COLON = re.compile(r"[\"']\s*:")
_TOOL_DOC = Alternatives(
    (
        _QUOTED_COLON.search,
        r"[\"'](?:parameters|arguments|input_schema|input-type|input_type|api_name|function|desc(?:ription)?|tool_name)[\"']\s*:",
    ),
    (
        lambda text: "(" in text and ("def" in text or "function" in text),
        r"\b(?:def|function)\s+\w+\(",
    ),
    (
        _holds("action:", "action input:", "observation:", "thought:"),
        r"\baction(?: input)?:|\bobservation:|\bthought:",
    ),
    (lambda text: "<" in text and ">" in text, r"<(?:tool|function|action)s?>"),
    (lambda text: "(" in text and _CALL_OPENS.search(text), r"\b\w+\([\w, =\"']{0,60}\)\s*[-:–]"),
)
"""Of a folded text."""
_CODE_LINE = r"(?m:^[ \t]*(?:def |class |import |from \w+ import|#include|public |function |const |let |SELECT |>>> |\$ ))"
_CODE = Alternatives(
    (_holds("```"), r"```"),
    (
        _holds(
            "def ", "class ", "import ", " import", "#include", "public ", "function ", "const ", "let ", "SELECT ", ">>> ", "$ ",
        ),
        _CODE_LINE,
    ),
    (re.compile(r"[;{}][ \t]*\n").search, r"[;{}][ \t]*\n"),
    (_holds("Traceback"), r"Traceback"),
    (_holds("</"), r"</\w+>"),
    (re.compile(r"\.(?<=\w\.)\w+\(").search, r"\w+\.\w+\("),
)  # fmt: skip
_MATH = Alternatives(
    (lambda text: text.count("$") > 1, r"\$[^$\n]{1,80}\$"),
    (_holds("\\"), r"\\(?:frac|sqrt|sum|int|begin|left|mathrm|times|alpha)"),
    (re.compile(r"\d\s*[-+*/^=×÷<>]\s*\d").search, r"\d(?<!\w\d)\d*\s*[-+*/^=×÷<>]\s*\d+"),
    (re.compile(r"[=≤≥≠∑∫√π]").search, r"[=≤≥≠∑∫√π]"),
)
_SUFFIX = r"(?:py|js|ts|csv|json|txt|pdf|jpg|jpeg|png|wav|mp3|mp4|md|yaml|toml|sh|xlsx?|docx?)\b"
_URL_OR_PATH = Alternatives(
    (_holds("://"), r"https?://"),
    (_holds("www."), r"\bwww\."),
    (re.compile(r"/(?<!\w/)\w+/").search, r"(?<!\w)/(?:\w+/)+\w*"),
    (re.compile(rf"\.(?<=\w\.){_SUFFIX}").search, rf"\b\w+\.{_SUFFIX}"),
)

MARKS: tuple[str, ...] = (
    "quoted_list", "option_lines", "bullets", "json_keys", "tool_docs", "code", "math", "numbers", "urls_paths",
    "xml_tags", "blanks", "logic_words", "number_lists", "speakers",
)  # fmt: skip
FEATURE_NAMES: tuple[str, ...] = (
    "has_system", "system_length", "user_length", "tail_share", "turns", "user_turns", "assistant_turns", "tools", "many_tools",
    "tool_calls", "tool_results", "images", "format_json", "format_schema", "instruction_share", "question_marks", "ends_with_question",
    "ends_with_colon", "examples", "sentences", "lines", "mean_line", "bare_list", "non_ascii", "cjk", "user_first_person",
    "instruction_first", "instruction_last", "rest_length", "rest_numbers", "question_alone", "question_over_passage", "question_over_numbers",
    "ask_numbers", "ask_length", "personal_in_rest",
    "orders", "order_share", "functions", "functions_one_order", "functions_many_orders", "one_short_order",
    *(f"user_{name}" for name in MARKS),
    "system_tool_docs", "system_json_keys", "system_bullets",
    *(f"instruction_{name}" for name in CUE_NAMES),
    *(f"system_{name}" for name in CUE_NAMES),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SystemPart:
    """The system message: known as soon as its text is."""

    text: str
    ask: str
    """The sentences that ask for something."""
    order: tuple[str, float]
    """The one that asks most, and its score."""
    tool_docs: int
    """Marks of described tools."""
    values: tuple[float, ...]
    """The last features: marks of the system message, and its cues."""


@dataclass(frozen=True, slots=True)
class UserPart:
    """What the user's turn says."""

    text: str
    folded: str
    modals: list[str]
    """Of `modal_words`, in all of `text`."""
    ask: str
    orders: int
    """Sentences that count as orders or questions of their own."""
    sentences: int


def _log(value: float, scale: float) -> float:
    """Return log(1 + value) over `scale`, clipped to [0, 1.5]."""
    return min(math.log1p(max(value, 0.0)) / scale, 1.5)


_MARK_VALUES = tuple(_log(count, 3.0) for count in range(MOST + 1))
_CUE_VALUES = tuple(_log(count, 2.0) for count in range(MOST + 1))


def read_system(text: str, ask: str, order: tuple[str, float]) -> SystemPart:
    """Take the numbers of a system message of which `ask` and `order` were picked."""
    tool_docs = _TOOL_DOC.count(fold(text))
    marks = (tool_docs, len(_JSON_KEY.findall(text)), len(_BULLET.findall(text)))
    cues = [_CUE_VALUES[count] for count in count_cues(ask)]
    return SystemPart(
        text, ask, order, tool_docs, (*(_MARK_VALUES[min(mark, MOST)] for mark in marks), *cues)
    )


def measure(
    parts: PromptParts, system: SystemPart, user: UserPart, turns: int, asked: int
) -> tuple[float, ...]:
    """Compute the values of FEATURE_NAMES, each bounded so that no prompt can pull a linear score without limit.

    `turns` of the conversation hold text, `asked` of them are the user's.
    """
    text, ask, orders = user.text, user.ask, user.orders
    size, lines = len(text), text.count("\n") + 1
    folded = user.folded
    first_piece, last_piece = folded[:120], folded[-120:]
    question_marks = text.count("?") + text.count("？")
    start = text[:1500]
    numbers = len(_NUMBER.findall(start))
    first_person = count_words(start, ("I", "my"))
    head = text[:800]
    non_ascii = 0 if head.isascii() else len(head) - len(head.encode("ascii", "ignore"))
    tool_docs = -1
    if parts.tool_count > 0 or system.tool_docs > 2:
        offered = True
    else:
        tool_docs = _TOOL_DOC.count(folded)
        offered = tool_docs > 2
    rest = max(size - len(ask), 0)
    density = min(numbers / (len(start) / 40 + 1), 1.0)
    question = float("?" in ask or "？" in ask)
    values = [
        float(bool(system.text)),
        _log(len(system.text), 8.0),
        _log(min(size, 4000), 8.0),
        min(min(size, 260) / (size + 1), 1.0),
        _log(parts.message_count, 4.0),
        _log(asked, 3.0),
        _log(turns - asked, 3.0),
        float(parts.tool_count > 0),
        _log(parts.tool_count, 4.0),
        _log(parts.tool_call_count, 4.0),
        _log(parts.tool_result_count, 4.0),
        float(parts.image_count > 0),
        float(parts.response_format == "json_object"),
        float(parts.response_format == "json_schema"),
        min(len(ask) / (size + 1), 1.0),
        _log(question_marks, 3.0),
        float(is_question(folded)),
        float(text.endswith((":", "：", "is", "="))),
        _log(_examples(folded), 3.0),
        _log(count_ends(text[:2000]), 4.0),
        _log(lines, 4.0),
        _log(size / lines, 7.0),
        float(_lists(fold(ask))),
        min(non_ascii / (len(head) + 1), 1.0),
        min(len(_CJK.findall(head)) / (len(head) + 1), 1.0) if non_ascii else 0.0,
        _log(first_person, 3.0),
        float(asks(first_piece)),
        float(is_question(last_piece) or addresses_model(last_piece, user.modals)),
        _log(min(rest, 4000), 8.0),
        density if rest > 120 else 0.0,
        question * float(rest <= 120),
        question * _log(min(rest, 4000), 8.0) * (1.0 - density),
        question * density,
        _log(len(_NUMBER.findall(ask)), 3.0),
        _log(len(ask), 7.0),
        _log(first_person if rest > 120 else 0, 3.0),
        _log(orders, 2.0),
        orders / max(user.sentences, 1),
        float(offered),
        float(offered and size < 160 and orders <= 1),
        float(offered) * _log(max(orders - 1, 0), 2.0),
        float(not offered and orders <= 1 and size < 160),
    ]
    values.extend(_user_marks(text, folded, numbers, tool_docs))
    values.extend(system.values[:3])
    # Where the system message orders and the user's turn is bare content, the content's words say nothing of the work.
    if orders or not system.ask:
        values.extend([_CUE_VALUES[count] for count in count_cues(ask)])
    else:
        values.extend(system.values[3:])
    values.extend(system.values[3:])
    return tuple(values)


def _user_marks(text: str, folded: str, numbers: int, tool_docs: int) -> list[float]:
    """The values of MARKS in a user's turn; a negative `tool_docs` is not counted yet."""
    seen, lower = text, folded
    if len(text) > 2300:
        seen, lower = text[:1800] + "\n" + text[-500:], folded[:1800] + "\n" + folded[-500:]
        tool_docs = -1
    quoted = '"' in seen or "'" in seen
    counts = (
        len(QUOTED_LIST.findall(lower)),
        len(_OPTION_LINE.findall(seen)) if _OPTION_MARK.search(seen) else 0,
        len(_BULLET.findall(seen)) if _BULLET_MARK.search(seen) else 0,
        len(_JSON_KEY.findall(seen)) if quoted and ":" in seen else 0,
        tool_docs if tool_docs >= 0 else _TOOL_DOC.count(lower),
        _CODE.count(seen),
        _MATH.count(seen),
        numbers if len(text) <= 1500 else len(_NUMBER.findall(seen)),
        _URL_OR_PATH.count(seen),
        len(_XML_TAG.findall(seen)) if "<" in seen else 0,
        len(_BLANK.findall(lower)) if "___" in seen or "[" in seen or "<" in seen else 0,
        count_words(lower, _LOGIC),
        len(_LIST_OF_NUMBERS.findall(seen)) if "[" in seen or "(" in seen else 0,
        len(_SAID_BY.findall(seen)) if ": " in seen or "： " in seen else 0,
    )
    return [_MARK_VALUES[min(count, MOST)] for count in counts]


def _examples(folded: str) -> int:
    """Pairs of input and output."""
    if ":" not in folded and "：" not in folded:
        return 0
    inputs = len(_PAIR_INPUT.findall(folded))
    return min(inputs, len(_PAIR_OUTPUT.findall(folded))) if inputs else 0


def _lists(folded: str) -> bool:
    """Whether a folded text lists things without quoting them."""
    return _SEPARATED.search(folded) is not None or (", " in folded and _BARE_LIST.search(folded) is not None)
