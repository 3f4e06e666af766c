"""Words and phrases that tell what kind of work an instruction asks for, in a dozen languages, counted group by group."""

from __future__ import annotations

import re
from functools import lru_cache

# "word*" matches every word that begins so.
_WORDS: dict[str, str] = {
    "classify_verb": """
        classify classified classifies classifying categori* labeled labelled labeling tag tagged assign rate
        grade score scored triage moderate judge detect predict pick choose select verify flag flagged klassifi*
        einordnen ordne bewerte clasific* clasifique classer classez classifie* classific* etiquet* luokittel*
        päätä päätettävä label""",
    "class_noun": """
        sentiment* polarity category categories class classes topic genre spam ham toxic* hate hateful offensive
        abusive stance intent emotion emotions tone mood urgency priority severity positive negative neutral
        entail* contradict* duplicate duplicates paraphrase equivalent stars rating scale stereotyp* sarcas*
        ironic irony relevant irrelevant acceptable queue department satisfied dissatisfied enjoy recommend feel
        opinion complaint favourable favorable kategori* stimmung klasse zufrieden sentimiento categoría
        categorías catégorie* sentimento luokka luokkaan""",
    "closed_choice": """
        choices options labels either""",
    "extract_verb": """
        extract* recognize recognise copy locate highlight quote parse fill capture collect gather transcribe
        reformat convert reshape normalize normalise identify list extrah* finde nenne liste extrae extraer
        extrait extrayez encuentra trouve* relève* estrai etsi poimi tunnist* luettele""",
    "extract_noun": """
        entity entities name names date dates amount amounts field fields key keys attribute attributes keyword
        keywords keyphrase* aspect aspects triple triples triplet triplets relation relations slot slots span
        spans mention mentions mentioned invoice receipt resume résumé record records column columns row rows
        table csv json null verbatim subject object argument arguments trigger* event events email emails
        address addresses phone identifier identifiers ids person people persons organization* organisation*
        location* protein* gene genes chemical* disease* drug drugs noun nouns phrase phrases substring* subsequence* token tokens speaker speakers characters nimi nimet
        nombres fechas noms namen felder datum daten nomi campi""",
    "reason_verb": """
        calculat* comput* solve* prove derive evaluate simplif* explain why think reason reasoning deduce infer
        estimate optimize optimise design compare analyze analyse weigh argue critique recommend advise suggest
        propose diagnose debug refactor implement draft compose brainstorm develop outline discuss berechne*
        rechne* beweis* erklär* löse calcul* resuelve demuestra explica* expliqu* résou* démontr* spiega calcola
        laske* ratkaise selit* perustele begründe""",
    "reason_noun": """
        probability equation equations integral theorem proof puzzle logic* percent percentage altogether remain
        remains remaining each times twice half average algorithm function complexity tradeoff* strateg*
        hypothes* essay story argument implications consequences decision assum* conclusion premise premises
        total""",
    "arithmetic": """
        sum sums mean median average averages averag* divid* division subtract* multipl* plus minus add adding
        addition square squared squares root maximum minimum largest smallest greatest absolute difference
        remainder quotient product rounded decimal decimals integer integers fraction* digit digits arithmetic
        numeric* mathematic* math maths formula modulo even odd consecutive increment* summe durchschnitt differenz
        somme moyenne différence suma promedio diferencia media somma keskiarvo""",
    "logic": """
        every if then all none unless implies therefore hence statement statements premise* deduc* deduct* infer*
        follows follow true false unknown valid invalid consistent contradicts assume assuming suppose belief*
        believe* thinks know knows scenario* cause causes caused effect effects happen happens""",
    "code_task": """
        function functions def class method methods code program script python java javascript typescript rust
        golang sql query queries regex implement* algorithm docstring stdin stdout return returns compile*
        exception bug bugs test tests unit refactor* complexity recursive loop variable""",
    "act_noun": """
        tool tools functions api apis endpoint endpoints agent agents subagent* browser webpage terminal shell
        bash command commands workflow pipeline action actions environment observation sandbox repository repo
        codebase branch commit file files directory directories folder folders issue ticket calendar reservation
        booking order itinerary database server container deploy* cluster plugin* mcp invoke subtask* subgoal*
        plan trajectory world household inventory account playlist cart werkzeug* herramienta* outil* strumenti
        työkalu*""",
    "act_verb": """
        call calling execut* run running open click navigate browse search fetch download upload send post book
        reserve schedule cancel buy purchase order create add delete remove move rename update edit install
        configure deploy merge push monitor notify remind start stop submit generate translate transfer check
        coordinate delegate orchestrate dispatch iterate plan fix reproduce migrate clone put take""",
    "sequence": """
        then afterwards next finally also additionally furthermore moreover once lastly until again before dann
        danach anschließend luego después ensuite puis poi sitten lopuksi""",
    "personal_want": """
        please my our we i'm i'd i've we're""",
    "generate": """
        summar* rewrite rephrase title headline tldr compress continue creative caption slogan reply poem tweet
        blog speech lyrics dialogue translat*""",
    "definition_of_task": """
        definition instruction instructions guidelines annotat* tehtäväsi sinulle tehtävässä""",
    "agent_role": """
        assistant copilot operator planner orchestrator coordinator concierge autonomous agentic""",
    "machine_role": """
        classifier tagger annotator extractor parser rater grader scorer recognizer moderator detector""",
}
_PHRASES: dict[str, str] = {
    "classify_verb": """
        decide if | decide whether | decide which | determine if | determine whether | determine which |
        determine the sentiment | determine the category | tell if | tell whether | tell me if | tell me whether
        | check if | check whether | indicate if | indicate whether | mark whether | say whether | say which""",
    "class_noun": """
        same meaning | mean the same | same thing | risk level""",
    "closed_choice": """
        yes or no | yes no | true or false | true false | one of the | one of these | one of those | options are
        | possible answers | possible labels | possible values | possible categories | possible classes | or not
        | good or bad | positive or negative | exactly one | single label | single word | single category | from
        this list | following list | which of | which category | which class | which label | which topic | which
        section | which one | which type | which kind | what kind | what type | category only | label only | ja
        oder nein | sí o no | oui ou non | joko tai""",
    "extract_verb": """
        find all | find the | find every | find any | pull out | lift out | which words | which phrase | which
        entities | which names | what names | what dates | key details | give the names | give me the | get the
        | get all | note down | write down | read off | take out""",
    "extract_noun": """
        exact words | exact phrase | exact text | from the text | from the passage | from the document | from
        the message | from the following | from the context | from the article | from the paragraph | from the
        sentence | in the text | in the passage | in the sentence | in the following | in the context | in the
        article | in the paragraph | contains an answer | answer is in""",
    "reason_verb": """
        step by step | how would | how should | how do | how does | how did | how can | how could | write a |
        write an | write me | work out""",
    "reason_noun": """
        how many | how much | how long | how far | how fast | how old | how often | how likely | what is the
        value | what is the sum | what is the maximum | in total | in all | left over | per hour | per day | per
        week | must be true | follows from | be inferred | root cause | pros and cons""",
    "act_noun": """
        web page | command line | pull request | tool calls | function calls | task list | task steps""",
    "act_verb": """
        look up | set up | turn on | turn off | go to | complete the | hand off | provide me | find a | find me
        | find nearby | use the | using the""",
    "sequence": """
        after that | after this | after which | after doing | in addition | as well | and then | followed by""",
    "personal_want": """
        i am | i want | i need | i would | i have | can you | could you | would you | help me | let me
        | for me | i was""",
    "generate": """
        respond to | response to | sentence using | in your own""",
    "definition_of_task": """
        you are given | you will be | you are provided | you have to | you need to | you should | you must | in
        this task | your task | your job | your goal | the task | the goal | the output | the answer | given a |
        given an | given the | given this | given two | given some | based on""",
    "agent_role": """
        an agent | you can use | you can call | you can access | you have access | available tools | available
        functions | available actions | available commands | you can help""",
    "machine_role": """
        json only | nothing else | no explanation | only output | only return | only respond | only answer |
        only the""",
}
# Scripts without spaces between words, and stems of inflected ones: matched anywhere in the text.
_UNSPACED: dict[str, str] = {
    "classify_verb": "分类 判断 归类 打标 分類 判定 분류 판단 صنف تصنيف वर्गीकृत классифиц определи",
    "class_noun": "情感 情绪 类别 类型 标签 正面 负面 相同 好评 一回事 カテゴリ 感情 카테고리 감정 категори тональност",
    "closed_choice": "选项 是或否 是否 是不是 还是 はい いいえ 예 да или нет",
    "extract_verb": "抽取 提取 找出 列出 识别 取出 抽出 추출 찾아 استخرج निकाल извлек найди перечисл",
    "extract_noun": "实体 人名 地名 字段 日期 関係 実体 エンティティ 名前 关键词 原文 개체 이름 날짜 сущност имена даты",
    "reason_verb": "计算 证明 解释 逐步 一步 为什么 推导 推理 分析 設計 計算 説明 証明 계산 증명 설명 احسب اشرح गणना समझा вычисл докаж объясни реши",
    "reason_noun": "多少 概率 几个 几 让我们 方程 いくつ 確率 확률 몇 сколько вероятност كم कितने",
    "act_noun": "工具 调用 接口 浏览器 智能体 ツール 도구 أدوات उपकरण инструмент агент",
    "act_verb": "打开 发送 预订 预约 下载 搜索 创建 送信 予約 検索 예약 отправ заброн أرسل احجز भेज",
    "sequence": "然后 接着 最后 另外 再 それから 次に 그리고 그런 다음 затем потом ثم फिर",
    "personal_want": "我想 帮我 请帮 お願い ほしい 싶 хочу помоги أريد मुझे",
}

CUE_NAMES: tuple[str, ...] = tuple(_WORDS)
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_OTHER_SCRIPT = re.compile(
    r"[\u0400-\u04ff\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
)
_TWO_APOSTROPHES = re.compile(r"'[^\W_]+'")
_LOOSE_APOSTROPHE = re.compile(r"'(?:(?<![^\W_]')|(?![^\W_]))")
_ASCII_GAPS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) != "'"}
STEM_LENGTHS = range(4, 14)
MAX_PHRASE = 4
"""Words of the longest phrase that is looked for."""


def _tables() -> tuple[
    dict[str, tuple[int, ...]],
    dict[str, tuple[tuple[str, tuple[int, ...]], ...]],
    dict[str, tuple[tuple[list[str], tuple[int, ...]], ...]],
    tuple[tuple[str, int], ...],
]:
    """Turn the lists into look-up tables: words, stems by their head, phrases by their first word, unspaced pieces."""
    words: dict[str, list[int]] = {}
    stems: dict[str, list[int]] = {}
    phrases: dict[tuple[str, ...], list[int]] = {}
    for group, name in enumerate(CUE_NAMES):
        for phrase in _PHRASES.get(name, "").split("|"):
            if 1 < len(phrase.split()) <= MAX_PHRASE:
                phrases.setdefault(tuple(phrase.split()), []).append(group)
        for word in _WORDS[name].split():
            (stems if word.endswith("*") else words).setdefault(word.rstrip("*"), []).append(group)
    by_head: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for stem in sorted(stems, key=len):
        if len(stem) in STEM_LENGTHS:
            by_head.setdefault(stem[: STEM_LENGTHS.start], []).append((stem, tuple(stems[stem])))
    by_first: dict[str, list[tuple[list[str], tuple[int, ...]]]] = {}
    for words_of, groups in phrases.items():
        by_first.setdefault(words_of[0], []).append((list(words_of[1:]), tuple(groups)))
    return (
        {word: tuple(groups) for word, groups in words.items()},
        {head: tuple(entries) for head, entries in by_head.items()},
        {first: tuple(entries) for first, entries in by_first.items()},
        tuple(
            (piece, CUE_NAMES.index(name)) for name, pieces in _UNSPACED.items() for piece in pieces.split()
        ),
    )


_BY_WORD, _BY_STEM, _BY_PHRASE, _ANYWHERE = _tables()


@lru_cache(maxsize=16_384)
def _told_by(token: str) -> tuple[tuple[int, ...], tuple[tuple[list[str], tuple[int, ...]], ...]] | None:
    """Groups of a word and the phrases that it begins; None for most words."""
    groups = _BY_WORD.get(token)
    if groups is None:  # the shortest stem decides
        stems = _BY_STEM.get(token[: STEM_LENGTHS.start], ())
        groups = next((of_stem for stem, of_stem in stems if token.startswith(stem)), ())
    phrases = _BY_PHRASE.get(token, ())
    return (groups, phrases) if groups or phrases else None


def _tokens(text: str) -> list[str]:
    """Words in lower case; of ASCII without the pattern, in a quarter of its time."""
    lowered = text.lower()
    if not lowered.isascii() or _TWO_APOSTROPHES.search(lowered):
        return _TOKEN.findall(lowered)
    return _LOOSE_APOSTROPHE.sub(" ", lowered).translate(_ASCII_GAPS).split()


def count_cues(text: str, limit: int = 6) -> tuple[int, ...]:
    """Count the matches of each cue group in `text`, at most `limit` per group, in the order of CUE_NAMES."""
    counts = [0] * len(CUE_NAMES)
    tokens = _tokens(text)
    for place, told in enumerate(map(_told_by, tokens), 1):
        if told is None:
            continue
        for group in told[0]:
            counts[group] += 1
        for rest, groups in told[1]:
            if tokens[place : place + len(rest)] == rest:
                for group in groups:
                    counts[group] += 1
    if not text.isascii() and _OTHER_SCRIPT.search(text):
        for piece, group in _ANYWHERE:
            if piece in text:
                counts[group] += 1
    return tuple([min(count, limit) for count in counts])
