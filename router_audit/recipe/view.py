"""The versioned recipe that turns a prompt record into the short texts and the structure features a classifier may see."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.recipe.cues import CUE_NAMES, count_cues
from router_audit.recipe.guard import strip_attacks
from router_audit.recipe.record import PromptParts, Turn, read_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RECIPE_VERSION = "2"
INSTRUCTION_CHARS = 420
SYSTEM_CHARS = 320
WHOLE_HEAD, WHOLE_TAIL = 200, 160
MAX_UNITS = 90
ASKS_SCORE = 1.4
"""From this score on a sentence counts as an order or a question of its own."""

_SENTENCE_END = re.compile(
    r"(?<=[.!?。！？])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bex\.)(?<!\bvs\.)(?<!\bNo\.)[\"'”’)]?\s+|(?<=[。！？])"
)
_PAYLOAD_MARK = re.compile(
    r"^\W{0,4}(?:(?:the |this |movie |news |product |customer |user |review |patient |email |e-mail |source |input )?"
    r"(?:text|input|review|context|passage|article|document|paragraph|sentence(?: ?\d+)?|dialogue|conversation|tweet|message|headline|abstract|content|transcript|story|plot|title|body|data|table|code|log|information|facts?|premise|hypothesis|bio|email|ticket|comment|post|note|query|prompt|completion [ab]|target)"
    r"|文本|句子|输入|文章|上下文|テキスト|入力|текст|텍스트|texto|texte|eingabe|testo|teksti|syöte)\s*(?:\d+|[a-d])?\s*[:：]",
    re.IGNORECASE,
)
_EXAMPLE_MARK = re.compile(
    r"^\W{0,4}(?:(?:positive |negative )?example(?: input)?s?\s*\d*\s*[-:.)]|e\.g\.|for example[,:]|examples?:|demonstrations?|few-shot|esimerkki|beispiel\w*\s*\d*:|ejemplos?\s*\d*:|exemples?\s*\d*:|例)",
    re.IGNORECASE,
)
_QUERY_MARK = re.compile(
    r"(?:now complete|now (?:do|answer|classify|extract|solve|it is your turn)|your turn|complete the following|test (?:input|case)|actual (?:input|task))",
    re.IGNORECASE,
)
_SCAFFOLD = re.compile(
    r"^\W*(?:now complete .{0,40}|(?:the )?(?:output|answer|response|result|label|input|a|q|your answer|final answer|correct option is|completion)|tulos|vastaus|antwort|respuesta|réponse|答案|输出)\s*[:：-]?\W*$",
    re.IGNORECASE,
)
_DATA = re.compile(
    r"^\W*[\[{<\"][^.?!]{0,40}[\"'\]}]\s*[:,}\]]|[\"'][\w -]{1,40}[\"']\s*:\s*[\"'\[{].*[\"'][\w -]{1,40}[\"']\s*:"
)
_PAIR_INPUT = re.compile(
    r"(?im)^\W{0,3}(?:q|question|input|text|sentence|review|x|user|example)\s*\d*\s*[:：]"
)
_PAIR_OUTPUT = re.compile(
    r"(?im)^\W{0,3}(?:a|answer|output|label|sentiment|category|result|y|response|entities|class)\s*\d*\s*[:：][ \t]*\S"
)
_ASKS = re.compile(
    r"^\W{0,6}(?:\d+[.)]\s*)?(?:please |kindly |now |then |first |next |hi[,!]? |hello[,!]? |could you |can you |would you |i (?:want|need|would like|'d like) (?:you )?to |your (?:task|job|goal) is to )*"
    r"(?:classify|categori[sz]e|label|tag|assign|rate|grade|score|triage|judge|detect|decide|determine|tell|check|predict|pick|choose|select|indicate|verify|flag|identify|extract|find|list|recogni[sz]e|pull|copy|locate|highlight|quote|retrieve|parse|fill|capture|collect|convert|return|output|give|read|answer|respond|reply|write|rewrite|generate|create|calculate|compute|solve|prove|derive|evaluate|simplify|explain|describe|summari[sz]e|translate|compare|analy[sz]e|design|recommend|suggest|propose|debug|implement|draft|compose|think|consider|assess|examine|look|review|use|using|perform|complete|provide|make|plan|book|search|run|go|open|fix|help|show|do|does|is|are|was|can|should|would|what|which|who|where|when|why|how|given|based|if|you are|you will|you must|your|in this task|definition|task|instruction|question|map|match|route|group|sort|rank|split|mark|annotate|transcribe|turn|take|set|send|add|update|ensure|note)\b",
    re.IGNORECASE,
)
_MODAL = re.compile(
    r"(?i)\b(?:you (?:are|will|must|should|need|have|can)|your (?:task|job|goal|answer|output|response)|the (?:answer|output) (?:is|should|must)|please|must be|should be|one of|respond|reply|output|return|only|do not|don't|according to|based on|following|above|below|whether|tehtäv\w+|sinun)\b|请|选项|问题|任务|答案|ください|다음|следующ"
)
_QUESTION = re.compile(r"[?？؟][\"'”’)\]\s]*$|吗|\bquestion\s*\d*\s*[:：]", re.IGNORECASE)
_QUOTED_LIST = re.compile(
    r"[\"'“‘`][\w /+&-]{1,30}[\"'”’`](?:\s*(?:,|;|\||/|or|and|oder|y|ou|、|，)\s*){1,2}(?:[\"'“‘`][\w /+&-]{1,30}[\"'”’`])",
    re.IGNORECASE,
)
_BARE_LIST = re.compile(
    r"(?:\b[\w-]{2,20}(?: [\w-]{2,14})?, ){1,12}(?:[\w-]{2,20}(?: [\w-]{2,14})?)?,? ?(?:or|and|oder|ou|o|tai|или) [\w-]{2,20}|[A-Z_]{3,20}(?:\s?[|/,]\s?[A-Z_]{3,20}){1,12}",
    re.IGNORECASE,
)
_OPTION_LINE = re.compile(
    r"(?m)(?:^[ \t]*[\(\[]?(?:[A-J]|\d{1,2})[\)\].:]\s+\S|\([A-J]\)\s?\S| [A-J][.)] \S)"
)
_BULLET = re.compile(r"(?m)^[ \t]*[-*•][ \t]+\S")
_JSON_KEY = re.compile(r"[\"'][\w -]{1,40}[\"']\s*:")
_TOOL_DOC = re.compile(
    r"(?i)[\"'](?:parameters|arguments|input_schema|input-type|input_type|api_name|function|desc(?:ription)?|tool_name)[\"']\s*:|\b(?:def|function)\s+\w+\(|\bAction(?: Input)?:|\bObservation:|\bThought:|<(?:tool|function|action)s?>|\b\w+\([\w, =\"']{0,60}\)\s*[-:–]"
)
_CODE = re.compile(
    r"```|(?m:^[ \t]*(?:def |class |import |from \w+ import|#include|public |function |const |let |SELECT |>>> |\$ ))|[;{}][ \t]*\n|Traceback|</\w+>|\w+\.\w+\("
)
_MATH = re.compile(
    r"\$[^$\n]{1,80}\$|\\(?:frac|sqrt|sum|int|begin|left|mathrm|times|alpha)|\b\d+\s*[-+*/^=×÷<>]\s*\d+|[=≤≥≠∑∫√π]"
)
_NUMBER = re.compile(r"(?<![\w.])[-+$€£]?\d[\d,.]*%?(?![\w])")
_URL_OR_PATH = re.compile(
    r"https?://|\bwww\.|(?<!\w)/(?:\w+/)+\w*|\b\w+\.(?:py|js|ts|csv|json|txt|pdf|jpg|jpeg|png|wav|mp3|mp4|md|yaml|toml|sh|xlsx?|docx?)\b"
)
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_XML_TAG = re.compile(r"</?[A-Za-z][\w-]{1,30}>")
_BLANK = re.compile(r"_{3,}|\[(?:MASK|BLANK)\]|<mask>", re.IGNORECASE)
_LOGIC = re.compile(r"(?i)\b(?:if|then|all|every|each|either|neither|unless|only|both|implies|exactly)\b")
_LIST_OF_NUMBERS = re.compile(r"[\[(]\s*-?\d[\d.]*(?:\s*,?\s+-?\d[\d.]*|\s*,-?\d[\d.]*){1,60}\s*[\])]")
_SAID_BY = re.compile(r"(?m)(?:^|[.?!,] )(?:[A-Z][\w ]{1,18}|用户|客服)\s?\d?[:：] ")
_FIRST_PERSON = re.compile(r"\bI\b|\bmy\b")
_SPACES = re.compile(r"\s+")

_COUNTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("quoted_list", _QUOTED_LIST),
    ("option_lines", _OPTION_LINE),
    ("bullets", _BULLET),
    ("json_keys", _JSON_KEY),
    ("tool_docs", _TOOL_DOC),
    ("code", _CODE),
    ("math", _MATH),
    ("numbers", _NUMBER),
    ("urls_paths", _URL_OR_PATH),
    ("xml_tags", _XML_TAG),
    ("blanks", _BLANK),
    ("logic_words", _LOGIC),
    ("number_lists", _LIST_OF_NUMBERS),
    ("speakers", _SAID_BY),
)
FEATURE_NAMES: tuple[str, ...] = (
    "has_system", "system_length", "user_length", "tail_share", "turns", "user_turns", "assistant_turns", "tools", "many_tools",
    "tool_calls", "tool_results", "images", "format_json", "format_schema", "instruction_share", "question_marks", "ends_with_question",
    "ends_with_colon", "examples", "sentences", "lines", "mean_line", "bare_list", "non_ascii", "cjk", "user_first_person",
    "instruction_first", "instruction_last", "rest_length", "rest_numbers", "question_alone", "question_over_passage", "question_over_numbers",
    "ask_numbers", "ask_length", "personal_in_rest",
    "orders", "order_share", "functions", "functions_one_order", "functions_many_orders", "one_short_order",
    *(f"user_{name}" for name, _ in _COUNTS),
    "system_tool_docs", "system_json_keys", "system_bullets",
    *(f"instruction_{name}" for name in CUE_NAMES),
    *(f"system_{name}" for name in CUE_NAMES),
)  # fmt: skip


@dataclass(frozen=True)
class PromptView:
    """The short texts of one request and its structure features, as the classifier sees them."""

    instruction: str
    """What the request asks for: chosen sentences of the system message and of the user's turn, payload left out."""
    whole: str
    """Head and tail of the user's turn, payload included."""
    features: tuple[float, ...]
    """One number per name in FEATURE_NAMES."""
    has_text: bool
    """False when nothing readable was left: an empty prompt, images only."""


def view_prompt(record: Mapping[str, object]) -> PromptView:
    """Apply the recipe to one record; cost does not grow with the size of the prompt."""
    parts = read_prompt(record)
    system = strip_attacks(parts.system).strip()
    turns = tuple(Turn(turn.role, text) for turn in parts.turns if (text := strip_attacks(turn.text).strip()))
    user_texts = [turn.text for turn in turns if turn.role != "assistant"]
    user = user_texts[-1] if user_texts else ""
    if len(user_texts) > 1 and len(user) < 200:
        user = user_texts[0][:1200] + "\n\n" + user
    units = _units(user)
    system_ask = tell_instruction(system, SYSTEM_CHARS)
    user_ask = _pick(user, units, INSTRUCTION_CHARS)
    instruction = _join(system_ask, user_ask, _outside(parts))
    whole = _squeeze(
        user if len(user) <= WHOLE_HEAD + WHOLE_TAIL else user[:WHOLE_HEAD] + " … " + user[-WHOLE_TAIL:]
    )
    asked = sum(score >= ASKS_SCORE for _, score in units)
    features = _features(parts, system, user, turns, system_ask, user_ask, asked / max(len(units), 1), asked)
    return PromptView(instruction or whole, whole or instruction, features, bool(system or user))


def tell_instruction(text: str, budget: int) -> str:
    """Pick the sentences of `text` that ask for something, in order and at most `budget` characters.

    Sentences earn points for imperatives, questions, addressing the model, and standing first or last; they
    lose points inside worked examples, after a payload label such as "Text:", and for length.
    """
    return _pick(text, _units(text), budget)


def _pick(text: str, units: Sequence[tuple[str, float]], budget: int) -> str:
    if len(text) <= budget // 2:
        return _squeeze(text)
    if not units:
        return ""
    ranked = sorted(range(len(units)), key=lambda index: (-units[index][1], index))
    chosen: list[int] = []
    used = 0
    for index in ranked:
        piece, score = units[index]
        if used and (used + min(len(piece), 260) > budget or score < 1.0):
            continue
        chosen.append(index)
        used += min(len(piece), 260) + 1
        if used >= budget:
            break
    return _squeeze(" ".join(_shorten(units[index][0], 260) for index in sorted(chosen)))


def _units(text: str) -> list[tuple[str, float]]:
    """Cut `text` into lines and sentences and give each its score."""
    pieces: list[tuple[str, int]] = []
    for number, line in enumerate(map(str.strip, text.split("\n"))):
        if len(line) > 160:
            pieces.extend(
                (part.strip(), number) for part in _SENTENCE_END.split(line) if part and part.strip()
            )
        else:
            pieces.append((line, number))
    if len(pieces) > MAX_UNITS:
        pieces = [*pieces[: MAX_UNITS // 2], ("", -1), *pieces[-MAX_UNITS // 2 :]]
    last = max((index for index, (piece, _) in enumerate(pieces) if len(piece) > 8), default=0)
    first = next((index for index, (piece, _) in enumerate(pieces) if piece), 0)
    opening = _opening_line(pieces, first)
    scored: list[tuple[str, float]] = []
    in_payload = in_example = False
    number_before = -1
    for index, (piece, number) in enumerate(pieces):
        if not piece:
            in_payload = in_example = False
            continue
        starts_line, number_before = number != number_before, number
        example = bool(_EXAMPLE_MARK.match(piece))
        in_example = (in_example or (example and starts_line)) and not _QUERY_MARK.search(piece)
        label = _PAYLOAD_MARK.match(piece)
        if label:
            in_payload = True
        asks = bool(_ASKS.match(piece))
        question = bool(_QUESTION.search(piece))
        modal = bool(_MODAL.search(piece))
        listed = ", " in piece and bool(" or " in piece or _QUOTED_LIST.search(piece))
        score = 1.6 * asks + 1.4 * question + 1.1 * modal + 0.7 * listed
        score += 1.2 * (index == first) + 1.2 * (index == last) + 0.9 * (number == opening)
        score -= 1.8 * bool(label) + 1.4 * (in_payload and not label) + 2.5 * (in_example or example)
        score -= (
            0.8 * (len(piece) > 260) + 4.0 * bool(_SCAFFOLD.match(piece)) + 2.5 * bool(_DATA.search(piece))
        )
        scored.append((piece, score))
    return scored


def _opening_line(pieces: Sequence[tuple[str, int]], first: int) -> int:
    """Return the number of the first line when it opens with an order or a definition, else -1.

    The sentences that follow on such a line are part of the definition, though they need not be orders themselves.
    """
    if first < len(pieces) and _ASKS.match(pieces[first][0]):
        return pieces[first][1]
    return -1


def _features(
    parts: PromptParts,
    system: str,
    user: str,
    turns: tuple[Turn, ...],
    system_ask: str,
    user_ask: str,
    asked_share: float,
    asked: int,
) -> tuple[float, ...]:
    """Compute the values of FEATURE_NAMES, each bounded so that no prompt can pull a linear score without limit."""
    user_turns = sum(turn.role != "assistant" for turn in turns)
    lines = user.count("\n") + 1
    ending = user[-260:]
    first_piece = user.lstrip()[:120]
    last_piece = user.rstrip()[-120:]
    examples = min(len(_PAIR_INPUT.findall(user)), len(_PAIR_OUTPUT.findall(user)))
    values = [
        float(bool(system)),
        _log(len(system), 8.0),
        _log(min(len(user), 4000), 8.0),
        min(len(ending) / (len(user) + 1), 1.0),
        _log(parts.message_count, 4.0),
        _log(user_turns, 3.0),
        _log(len(turns) - user_turns, 3.0),
        float(parts.tool_count > 0),
        _log(parts.tool_count, 4.0),
        _log(parts.tool_call_count, 4.0),
        _log(parts.tool_result_count, 4.0),
        float(parts.image_count > 0),
        float(parts.response_format == "json_object"),
        float(parts.response_format == "json_schema"),
        min(len(user_ask) / (len(user) + 1), 1.0),
        _log(user.count("?") + user.count("？"), 3.0),
        float(bool(_QUESTION.search(user))),
        float(user.rstrip().endswith((":", "：", "is", "="))),
        _log(examples, 3.0),
        _log(len(_SENTENCE_END.findall(user[:2000])), 4.0),
        _log(lines, 4.0),
        _log(len(user) / lines, 7.0),
        float(bool(_BARE_LIST.search(user_ask))),
        min(len(_NON_ASCII.findall(user[:800])) / (len(user[:800]) + 1), 1.0),
        min(len(_CJK.findall(user[:800])) / (len(user[:800]) + 1), 1.0),
        _log(len(_FIRST_PERSON.findall(user[:1500])), 3.0),
        float(bool(_ASKS.match(first_piece))),
        float(bool(_QUESTION.search(last_piece) or _MODAL.search(last_piece))),
    ]
    offered = parts.tool_count > 0 or max(len(_TOOL_DOC.findall(text[:6000])) for text in (system, user)) > 2
    rest = max(len(user) - len(user_ask), 0)
    numbers = len(_NUMBER.findall(user[:1500]))
    density = min(numbers / (len(user[:1500]) / 40 + 1), 1.0)
    question = float("?" in user_ask or "？" in user_ask)
    values.extend((
        _log(min(rest, 4000), 8.0),
        density if rest > 120 else 0.0,
        question * float(rest <= 120),
        question * _log(min(rest, 4000), 8.0) * (1.0 - density),
        question * density,
        _log(len(_NUMBER.findall(user_ask)), 3.0),
        _log(len(user_ask), 7.0),
        _log(len(_FIRST_PERSON.findall(user[:1500])) if rest > 120 else 0, 3.0),
        _log(asked, 2.0),
        asked_share,
        float(offered),
        float(offered and len(user) < 160 and asked <= 1),
        float(offered) * _log(max(asked - 1, 0), 2.0),
        float(not offered and asked <= 1 and len(user) < 160),
    ))  # fmt: skip
    seen = user[:1800] + "\n" + user[-500:] if len(user) > 2300 else user
    values.extend(_log(min(len(pattern.findall(seen)), 40), 3.0) for _, pattern in _COUNTS)
    values.extend(
        _log(min(len(pattern.findall(system)), 40), 3.0) for pattern in (_TOOL_DOC, _JSON_KEY, _BULLET)
    )
    # Where the system message orders and the user's turn is bare content, the content's words say nothing of the work.
    effective = user_ask if asked or not system_ask else system_ask
    for text in (effective, system_ask):
        values.extend(_log(count, 2.0) for count in count_cues(text))
    return tuple(values)


def _outside(parts: PromptParts) -> str:
    """Say in words what stands outside the text: tools and the response format."""
    said = []
    if parts.tool_names:
        said.append("Tools: " + ", ".join(parts.tool_names[:12])[:160])
    if parts.response_format.startswith("json"):
        said.append("Format: JSON")
    return " ".join(said)


def _log(value: float, scale: float) -> float:
    """Return log(1 + value) over `scale`, clipped to [0, 1.5]."""
    return min(math.log1p(max(value, 0.0)) / scale, 1.5)


def _join(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _squeeze(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit * 2 // 3] + " … " + text[-limit // 3 :]
