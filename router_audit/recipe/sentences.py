"""The sentences of a text that ask for something: cut, scored and picked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router_audit.recipe.matching import fold, holds_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_UNITS = 90
ASKS_SCORE = 1.4
"""From this score on a sentence counts as an order or a question of its own."""
ROLE_COST, ROLE_CHARS = 4.0, 60
_ROLES = (
    "you are ",
    "you're ",
    "act as ",
    "du bist ",
    "eres ",
    "tu es ",
    "vous êtes ",
    "você é ",
    "sei un",
    "olet ",
    "ты ",
    "你是",
    "您是",
    "あなたは",
    "당신은",
)
"""How a sentence begins that tells the model who it is to be."""
LONGEST = 260
"""Characters shown of one sentence."""
LONG_LINE = 160
"""A line no longer than this many characters is not cut into sentences."""

_FIRST_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(
    r"[.!?。！？](?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bex\.)(?<!\bvs\.)(?<!\bNo\.)[\"'”’)]?\s+|[。！？]"
)
"""The mark that ends a sentence, and the blanks behind it."""
_PAYLOAD_MARK = re.compile(
    r"^\W{0,4}(?:(?:the |this |movie |news |product |customer |user |review |patient |email |e-mail |source |input )?"
    r"(?:text|input|review|context|passage|article|document|paragraph|sentence(?: ?\d+)?|dialogue|conversation|tweet|message|headline|abstract|content|transcript|story|plot|title|body|data|table|code|log|information|facts?|premise|hypothesis|bio|email|ticket|comment|post|note|query|prompt|completion [ab]|target)"
    r"|文本|句子|输入|文章|上下文|テキスト|入力|текст|텍스트|texto|texte|eingabe|testo|teksti|syöte)\s*(?:\d+|[a-d])?\s*[:：]"
)
_EXAMPLE_MARK = re.compile(
    r"^\W{0,4}(?:(?:positive |negative )?example(?: input)?s?\s*\d*\s*[-:.)]|e\.g\.|for example[,:]|examples?:|demonstrations?|few-shot|esimerkki|beispiel\w*\s*\d*:|ejemplos?\s*\d*:|exemples?\s*\d*:|例)"
)
_EXAMPLE_HEADS = ("e", "positive", "negative", "for", "demonstration", "few", "beispiel", "例")
"""How the first word of every example mark begins."""
_QUERY_MARK = re.compile(
    r"(?:now complete|now (?:do|answer|classify|extract|solve|it is your turn)|your turn|complete the following|test (?:input|case)|actual (?:input|task))"
)
_SCAFFOLDS = ["output", "answer", "response", "result", "label", "input", "a", "q"]
_SCAFFOLDS_ALONE = ["tulos", "vastaus", "antwort", "respuesta", "réponse", "答案", "输出"]
_SCAFFOLD = re.compile(
    rf"^\W*(?:now complete .{{0,40}}|(?:the )?(?:{'|'.join(_SCAFFOLDS)}|your answer|final answer|correct option is|completion)|{'|'.join(_SCAFFOLDS_ALONE)})\s*[:：-]?\W*$"
)
_SCAFFOLD_FIRST = frozenset(
    (*_SCAFFOLDS, *_SCAFFOLDS_ALONE, "now", "the", "your", "final", "correct", "completion")
)
_DATA = re.compile(
    r"^\W*[\[{<\"][^.?!]{0,40}[\"'\]}]\s*[:,}\]]|[\"'][\w -]{1,40}[\"']\s*:\s*[\"'\[{].*[\"'][\w -]{1,40}[\"']\s*:"
)
_ORDER_WORDS = """
    classify categorise categorize label tag assign rate grade score triage judge detect decide determine tell
    check predict pick choose select indicate verify flag identify extract find list recognise recognize pull
    copy locate highlight quote retrieve parse fill capture collect convert return output give read answer respond
    reply write rewrite generate create calculate compute solve prove derive evaluate simplify explain describe
    summarise summarize translate compare analyse analyze design recommend suggest propose debug implement draft
    compose think consider assess examine look review use using perform complete provide make plan book search run
    go open fix help show do does is are was can should would what which who where when why how given based if
    your definition task instruction question map match route group sort rank split mark annotate transcribe turn
    take set send add update ensure note"""
_ORDERS = frozenset(_ORDER_WORDS.split())
_BEFORE_ORDER = frozenset(
    ["please", "kindly", "now", "then", "first", "next", "hi", "hello", "could", "i", "you", "in"]
)
"""First words of what may stand before an order, and of the orders of several words."""
_ASKS = re.compile(
    r"^\W{0,6}(?:\d+[.)]\s*)?(?:please |kindly |now |then |first |next |hi[,!]? |hello[,!]? |could you |can you |would you |i (?:want|need|would like|'d like) (?:you )?to |your (?:task|job|goal) is to )*"
    rf"(?:{'|'.join(sorted(_ORDERS))}|you are|you will|you must|in this task)\b"
)
_MODAL_WORDS = (
    *(f"you {verb}" for verb in ["are", "will", "must", "should", "need", "have", "can"]),
    *(f"your {noun}" for noun in ["task", "job", "goal", "answer", "output", "response"]),
    *(f"the {noun} {verb}" for noun in ("answer", "output") for verb in ("is", "should", "must")),
    "please", "must be", "should be", "one of", "respond", "reply", "output", "return", "only", "do not", "don't",
    "according to", "based on", "following", "above", "below", "whether", "sinun",
)  # fmt: skip
_MODAL_PIECES = ("请", "选项", "问题", "任务", "答案", "ください", "다음", "следующ")
_MODAL_STEM = re.compile(r"\btehtäv\w")
_QUESTION_END = re.compile(r"[?？؟][\"'”’)\]\s]*$")
_QUESTION_LABEL = re.compile(r"\bquestion\s*\d*\s*[:：]")
QUOTED_LIST = re.compile(
    r"[\"'“‘`][\w /+&-]{1,30}[\"'”’`](?:\s*(?:,|;|\||/|or|and|oder|y|ou|、|，)\s*){1,2}(?:[\"'“‘`][\w /+&-]{1,30}[\"'”’`])"
)
"""Of a folded text."""


def asks(piece: str) -> bool:
    """Whether a folded sentence begins with an order or a question word."""
    word = _FIRST_WORD.search(piece)
    return word is not None and _begins_order(piece, word)


def _begins_order(piece: str, word: re.Match[str]) -> bool:
    """The same, the first word of the sentence being known."""
    first = word.group()
    if first in _ORDERS:
        return word.start() <= 6
    return (first in _BEFORE_ORDER or first[0].isdigit()) and _ASKS.match(piece) is not None


def is_question(piece: str) -> bool:
    """Whether a folded sentence ends as a question or names one."""
    return (
        (("?" in piece or "？" in piece or "؟" in piece) and _QUESTION_END.search(piece) is not None)
        or "吗" in piece
        or ("question" in piece and _QUESTION_LABEL.search(piece) is not None)
    )


def modal_words(text: str) -> list[str]:
    """Return what a folded text holds that may address the model: the only words to look for in its sentences."""
    found = list(filter(text.__contains__, _MODAL_WORDS))
    if not text.isascii():
        found.extend(filter(text.__contains__, (*_MODAL_PIECES, "tehtäv")))
    return found


def addresses_model(piece: str, words: Sequence[str]) -> bool:
    """Whether a folded sentence addresses the model by one of `words`, which `modal_words` found in its text."""
    for word in words:
        if word in piece and (
            word in _MODAL_PIECES
            or (_MODAL_STEM.search(piece) is not None if word == "tehtäv" else holds_word(piece, (word,)))
        ):
            return True
    return False


def count_ends(text: str) -> int:
    """Count the ends of sentences that more text, or blanks, follow."""
    return len(_SENTENCE_END.findall(text))


def chief(units: Sequence[tuple[str, float]]) -> tuple[str, float]:
    """Return the sentence that asks most, the later of two that ask as much, and its score.

    A few words on who the model is to be come last: "You are a helpful assistant." asks for nothing yet.
    """
    ranked = [
        (score - ROLE_COST * (len(piece) < ROLE_CHARS and fold(piece).startswith(_ROLES)), piece)
        for piece, score in reversed(units)
    ]
    score, best = max(ranked, key=lambda one: one[0], default=(0.0, ""))
    return _shorten(squeeze(best), LONGEST), score


def pick(text: str, units: Sequence[tuple[str, float]], budget: int) -> str:
    """Pick of `text`, whose scored units are `units`, the sentences that ask, in order and at most `budget` characters."""
    if len(text) <= budget // 2:
        return squeeze(text)
    if not units:
        return ""
    ranked = sorted(range(len(units)), key=lambda index: (-units[index][1], index))
    chosen: list[int] = []
    used = 0
    for index in ranked:
        piece, score = units[index]
        if used and (used + min(len(piece), LONGEST) > budget or score < 1.0):
            continue
        chosen.append(index)
        used += min(len(piece), LONGEST) + 1
        if used >= budget:
            break
    return squeeze(" ".join([_shorten(units[index][0], LONGEST) for index in sorted(chosen)]))


def score_units(text: str, modals: Sequence[str]) -> list[tuple[str, float]]:
    """Cut `text`, whose `modal_words` are `modals`, into lines and sentences and give each its score.

    Sentences earn points for imperatives, questions, addressing the model, and standing first or last; they
    lose points inside worked examples, after a payload label such as "Text:", and for length.
    """
    pieces: list[tuple[str, int]] = []
    for number, line in enumerate(map(str.strip, text.split("\n"))):
        if len(line) > LONG_LINE:
            pieces.extend((part, number) for part in _sentences(line))
        else:
            pieces.append((line, number))
    if len(pieces) > MAX_UNITS:
        pieces = [*pieces[: MAX_UNITS // 2], ("", -1), *pieces[-MAX_UNITS // 2 :]]
    last = max([index for index, (piece, _) in enumerate(pieces) if len(piece) > 8], default=0)
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
        folded = fold(piece)
        word = _FIRST_WORD.search(folded)
        head = word.group() if word else ""
        example = head.startswith(_EXAMPLE_HEADS) and _EXAMPLE_MARK.match(folded) is not None
        in_example = (in_example or (example and starts_line)) and not _QUERY_MARK.search(folded)
        label = (":" in folded or "：" in folded) and _PAYLOAD_MARK.match(folded) is not None
        if label:
            in_payload = True
        order = word is not None and _begins_order(folded, word)
        question = is_question(folded)
        modal = addresses_model(folded, modals)
        listed = ", " in piece and (" or " in piece or QUOTED_LIST.search(folded) is not None)
        score = 1.6 * order + 1.4 * question + 1.1 * modal + 0.7 * listed
        score += 1.2 * (index == first) + 1.2 * (index == last) + 0.9 * (number == opening)
        score -= 1.8 * label + 1.4 * (in_payload and not label) + 2.5 * (in_example or example)
        scaffold = head in _SCAFFOLD_FIRST and _SCAFFOLD.match(folded) is not None
        score -= 0.8 * (len(piece) > LONGEST) + 4.0 * scaffold + 2.5 * _is_data(piece)
        scored.append((piece, score))
    return scored


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(line):
        part = line[start : end.start() + 1].strip()
        if part:
            yield part
        start = end.end()
    part = line[start:].strip()
    if part:
        yield part


def _is_data(piece: str) -> bool:
    """Whether a sentence is a row of data rather than prose."""
    return (
        '"' in piece or "[" in piece or "{" in piece or "<" in piece or ("'" in piece and ":" in piece)
    ) and _DATA.search(piece) is not None


def _opening_line(pieces: Sequence[tuple[str, int]], first: int) -> int:
    """Return the number of the first line when it opens with an order or a definition, else -1.

    The sentences that follow on such a line are part of the definition, though they need not be orders themselves.
    """
    if first < len(pieces) and asks(fold(pieces[first][0])):
        return pieces[first][1]
    return -1


def squeeze(text: str) -> str:
    """Return `text` with every run of blanks as one, and none at its ends."""
    return " ".join(text.split())


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit * 2 // 3] + " … " + text[-limit // 3 :]
