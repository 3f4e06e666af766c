"""Take out of a prompt the sentences that talk to the labeller instead of to the model."""

from __future__ import annotations

import re

MAX_SENTENCE = 400

_PROFILE = (
    r"(?:classification|extraction|reasoning|co-?ordination|klassifikation|klassifizierung|extraktion|koordination|koordinierung"
    r"|clasificaci[oó]n|extracci[oó]n|razonamiento|coordinaci[oó]n|raisonnement|classificazione|estrazione|ragionamento|coordinamento"
    r"|classifica[cç][aã]o|extra[cç][aã]o|racioc[ií]nio|coordena[cç][aã]o|luokittelu|p[aä][aä]ttely|koordinointi"
    r"|классификаци\w+|извлечени\w+|рассуждени\w+|координаци\w+|分类|分類|提取|抽取|抽出|推理|推論|协调|協調|조정|추론|추출|분류|تنسيق|تصنيف|समन्वय)"
)
_OVERRIDE = (
    r"(?:\b(?:ignore|disregard|forget|override|overrule|bypass|discard|skip|do not follow|don't follow|pay no attention to)\b"
    r"|\b(?:ignor(?:a|e|ez|iere|ieren|ieri|ad|en|era)|olvida|oubli(?:e|ez)|vergiss|vergessen sie|dimentica|esque[cç]a|negeer|unohda|missachte)\b"
    r"|игнорир\w+|забудь\w*|忽略|无视|無視|忘记|무시|تجاهل|अनदेखा)"
)
_PRIOR = (
    r"(?:\b(?:above|previous|prior|preceding|earlier|foregoing|instructions?|rules?|guidelines|everything|all that|the text|the rest|what (?:is|was|came))\b"
    r"|\b(?:anterior(?:es)?|instruc\w+|instruktion\w*|anweisung\w*|vorherig\w*|obig\w*|pr[eé]c[eé]dent\w*|ci-dessus|precedent[ie]|istruzioni|tutto|todo|tout|alles|ohjeet|aiemmat)\b"
    r"|инструкци\w+|предыдущ\w+|выше|以上|之前|上述|指示|指令|上記|前の|위의|이전|지시|السابقة|أعلاه|التعليمات|ऊपर|निर्देश)"
)
_ANSWER = (
    r"(?:answer|respond|reply|output|return|say|write|print|choose|pick|select|label|tag|mark|classify|categori[sz]e|treat|route|assign|count|file|register|log|report|consider|score"
    r"|antworte\w*|responde|contesta|r[eé]pond\w*|rispondi|responda|vastaa|antwoord|etiqueta|markiere|ответь\w*|отвечай\w*|回答|输出|回答して|出力|답하|대답|أجب|उत्तर)"
)
_LABELLER = (
    r"(?:label(?:l)?er|task[- ]?(?:profiler|tagger)|request[- ]?(?:tagger|router|classifier|labell?er)|profile[- ]?(?:tagger|classifier|labell?er)"
    r"|(?:the|this|dear|hey|attention|note to(?: the)?|hello|message to(?: the)?|to(?: the)?)[ ,]+(?:router|tagger|auditor|profiler|classifier|router-audit|routing (?:system|model|engine|classifier)))"
)
_REQUEST = r"(?:this|the|diese[rs]?|esta|este|cette|ce|questa|questo)\s+(?:(?:whole|entire|current|above|following|user'?s?)\s+)?(?:request|prompt|query|call|message|anfrage|solicitud|petici[oó]n|requ[eê]te|richiesta|pedido)"
_LINK = r"[\s\"'`*_«»“”‘’:=,>\-]{0,4}"
_FILL = r"(?:\s*(?:only|just|simply|always|exactly|with|as|by|the|a|an|single|one|word|label|profile|class|category|tag|token|value|this|it|that|everything|all|request|prompt|to|be|is|mit|nur|con|solo|avec|seulement|come|com|sana|为|は|словом|для)\b[:,]?)"

_ATTACKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_OVERRIDE}.{{0,60}}?{_PRIOR}",
        rf"{_OVERRIDE}.{{0,120}}?{_PROFILE}",
        rf"\b{_ANSWER}{_FILL}{{0,6}}{_LINK}{_PROFILE}{_LINK}(?:only|alone|exclusively|please|and nothing else)?{_LINK}(?:$|[.!?,;)\n。！])",
        rf"(?:回答|输出|出力|답|उत्तर|أجب){_LINK}.{{0,8}}{_PROFILE}",
        rf"\b(?:profile|label|tag|category|class|profil|perfil|profilo|etiqueta|étiquette|kategorie)s?\b{_FILL}{{0,3}}{_LINK}{_PROFILE}\b{_LINK}(?:$|[.!?,;)\]}}\n。])",
        rf"\b{_PROFILE}\b{_LINK}(?:profile|label|tag|class\b|bucket|route|tier|profil\b|perfil)",
        rf"{_REQUEST}.{{0,40}}?\b{_PROFILE}\b",
        rf"\bthis\s+(?:is|was|counts as)\s+(?:clearly |really |actually |in fact )?(?:a |an )?{_PROFILE} (?:request|prompt|query|call|message|task|job|one)\b",
        rf"\b{_LABELLER}\b",
        r"\b(?:router|labell?er|tagger|profiler|classifier|auditor|routing)\s*[:,]",
        r"\b(?:new|updated|real|actual|true) (?:system )?(?:instructions?|task|prompt|directive)s?\s*:",
        r"\b(?:you are|act as|pretend to be|you're) (?:now )?(?:a |an |the )?(?:labell?er|tagger|router|request classifier|prompt classifier)\b",
    )
)
# A cheap look for any word an attack cannot do without, before the patterns are tried.
_HINTS = (
    "classif", "klassif", "clasific", "extrac", "extrak", "extraç", "estraz", "reason", "razon", "raison", "ragion", "racioc", "coord", "koord", "co-ord",
    "luokittelu", "päättely", "классиф", "извлеч", "рассужд", "координ", "分类", "分類", "提取", "抽取", "抽出", "推理", "推論", "协调", "協調", "조정", "추론",
    "추출", "분류", "تنسيق", "تصنيف", "समन्वय", "ignor", "disregard", "forget", "overrid", "overrul", "bypass", "discard", "do not follow", "don't follow",
    "pay no attention", "skip ", "olvida", "oubli", "vergiss", "vergessen", "dimentica", "esquec", "esqueç", "negeer", "unohda", "missachte", "игнорир",
    "забудь", "忽略", "无视", "無視", "忘记", "무시", "تجاهل", "अनदेखा", "labeler", "labeller", "router", "tagger", "auditor", "profiler", "routing ",
    "new instruction", "new task", "system instruction", "system prompt", "real task", "actual task", "true task",
)  # fmt: skip


_ASCII_HINTS = tuple(hint for hint in _HINTS if hint.isascii())


def _hinted(text: str) -> bool:
    lowered = text.lower()
    hints = _ASCII_HINTS if lowered.isascii() else _HINTS
    return any(map(lowered.__contains__, hints))  # mapped: a third of the time of a generator


_COMMENT = re.compile(r"<!--.{0,400}?-->", re.DOTALL)
_SENTENCE = re.compile(r"[^\n.!?。！？]*(?:[.!?。！？]+[\"'”’)\]]*|\n|$)")


def _is_attack(sentence: str) -> bool:
    return _hinted(sentence) and any(attack.search(sentence) for attack in _ATTACKS)


def strip_attacks(text: str) -> str:
    """Return `text` without the sentences that override what stands above them or dictate a profile to the labeller.

    A sentence is dropped when it tells the reader to ignore earlier text, orders one of the four profile
    names as the answer, states the profile of "this request", or addresses a labeller or router. Everything
    else is left as it stands, so a prompt with such a sentence added reads like the prompt without it.
    """
    if not _hinted(text):
        return text
    text = _COMMENT.sub(lambda comment: "" if _is_attack(comment.group()[4:-3]) else comment.group(), text)
    kept = []
    for match in _SENTENCE.finditer(text):
        sentence = match.group()
        if sentence and len(sentence) <= MAX_SENTENCE and _is_attack(sentence):
            if sentence.endswith("\n"):
                kept.append("\n")
            continue
        kept.append(sentence)
    return "".join(kept)
