"""Words and shapes that tell what kind of work an instruction asks for, in a dozen languages, counted group by group."""

from __future__ import annotations

import re

CUES: tuple[tuple[str, str], ...] = (
    (
        "classify_verb",
        r"\b(?:classif(?:y|ied|ies|ying|ication)|categori[sz]\w*|labell?(?:ed|ing)?|tag(?:ged)?|assign|rate|grade|scored?|triage|moderate|judge|detect|decide (?:if|whether|which)|determine (?:if|whether|which|the (?:sentiment|category|class|label|stance|intent|topic|type))"
        r"|tell (?:me )?(?:if|whether)|check (?:if|whether)|predict|pick|choose|select|indicate (?:if|whether)|verify|flag(?:ged)?"
        r"|klassifi\w+|ordne\w*|einordnen|bewerte\w*|clasific\w+|clasifique|class(?:er|ez|ifie\w*)|classific\w+|etiquet\w+|luokittel\w+|päätä|päätettävä|määritä|bestimme)\b"
        r"|分类|判断|归类|打标|分類|判定|классифиц\w+|определи\w*|분류|판단|صنف|تصنيف|वर्गीकृत",
    ),
    (
        "class_noun",
        r"\b(?:sentiment|polarity|categor(?:y|ies)|class(?:es)?|labels?|topic|genre|spam|ham|toxic\w*|hate(?:ful)?|offensive|abusive|stance|intent|emotions?|tone|mood|urgency|priority|severity|positive|negative|neutral|entail\w*|contradict\w*"
        r"|duplicates?|paraphrase|equivalent|same meaning|mean the same|stars?|rating|score|scale|stereotype|sarcas\w+|iron(?:y|ic)|irony|relevant|irrelevant|acceptable|queue|department|risk level|satisfied|dissatisfied|enjoy|recommend|feel|opinion"
        r"|kategori\w*|stimmung|klasse|sentimiento|categor[ií]as?|cat[eé]gories?|sentimento|luokka|luokkaan|kategoria)\b"
        r"|情感|类别|类型|标签|正面|负面|相同|カテゴリ|感情|категори\w+|тональност\w+|카테고리|감정",
    ),
    (
        "closed_choice",
        r"\b(?:yes or no|yes/no|true or false|true/false|yes, no|'yes'|\"yes\"|\"no\"|one of (?:the|these|those)|either|options?(?: are)?:|choices?:|possible (?:answers|labels|values|categories|classes)|categories:|labels:|classes:|or not\b|good or bad|positive or negative"
        r"|exactly one|single (?:label|word|category|class)|from (?:this|the following) list|which (?:of|category|class|label|topic|section|one|type|kind)|(?:category|label|class) (?:name )?only|not (?:equivalent|duplicates|relevant|entailed|satisfied)|respond with (?:yes|no)|ja oder nein|s[ií] o no|oui ou non|joko)\b"
        r"|选项|是或否|是否|是不是|はい|いいえ|да или нет|예 또는",
    ),
    (
        "extract_verb",
        r"\b(?:extract\w*|find (?:all|the|every|any)|list (?:all|the|every|each|any)|identify (?:the|all|any|every)|recogni[sz]e|pull (?:out )?(?:the|all|every)|copy|locate|highlight|quote|retrieve the|parse|fill (?:in|out)?|capture|collect|gather|transcribe|reformat|convert|reshape|normali[sz]e"
        r"|which (?:words?|phrases?|entities|names?|people|companies|dates)|what (?:names|dates|entities|key details|type of details|details)|give (?:me )?(?:the|all|every) (?:names?|dates?|values?|fields?|entities|details)|get (?:the|all)|note down|write down"
        r"|extrah\w+|finde\w*|nenne|liste\w*|extra(?:e|er|iga|er|ire|is|yez|ire|ho|ia)|encuentra|trouve\w*|relève\w*|estrai|etsi|poimi|tunnist\w+|luettele)\b"
        r"|抽取|提取|找出|列出|识别|抽出|извлек\w+|найди\w*|перечисл\w+|추출|찾아|استخرج|निकाल",
    ),
    (
        "extract_noun",
        r"\b(?:entit(?:y|ies)|named entit\w+|names?|dates?|amounts?|fields?|key[- ]?values?|keys?|attributes?|keywords?|key ?phrases?|keyphrases?|aspects?|aspect terms?|triples?|triplets?|relations?|slots?|spans?|mentions?|mentioned|invoice|receipt|r[eé]sum[eé]|records?|columns?|rows?|table|csv|json|null|verbatim"
        r"|exact (?:words?|phrase|text|wording|span)|subject|object|arguments?|triggers?|events?|e-?mails?|addresses|address|phone|identifiers?|ids?|sub-?sequence|from the (?:text|passage|document|message|following|context|article|paragraph|sentence|conversation|email)|in the (?:text|passage|sentence|following|context|article|paragraph|document)"
        r"|person|people|persons?|organi[sz]ations?|locations?|proteins?|genes?|chemicals?|diseases?|drugs?|speakers?|characters|nimi|nimet|nombres?|fechas?|noms?|namen|felder|datum|daten|nomi|campi)\b"
        r"|实体|人名|地名|字段|日期|関係|実体|エンティティ|名前|сущност\w+|имена|даты|пол[яе]|개체|이름|날짜",
    ),
    (
        "reason_verb",
        r"\b(?:calculat\w+|comput\w+|solve\w*|prove|derive|deriv(?:e|ation)|evaluate|simplif\w+|explain|why|how (?:would|should|do|does|did|can|could) (?:i|we|you|it|the)|step[- ]by[- ]step|think|reason(?:ing)?|deduce|infer|estimate|optimi[sz]e|design|compare|analy[sz]e|weigh|argue|critique|recommend|advise|suggest|propose|diagnose|debug|refactor|implement|write (?:a|an|the|some|me)|draft|compose|brainstorm|develop|outline|discuss"
        r"|berechne\w*|beweis\w*|erkl[aä]r\w*|l[oö]se|calcul\w+|resuelve|demuestra|explica\w*|expliqu\w+|r[eé]sou\w+|d[eé]montr\w+|spiega|calcola|laske\w*|ratkaise|selit[aä]\w*|perustele)\b"
        r"|计算|证明|解释|逐步|为什么|求|推导|分析|設計|計算|説明|証明|вычисл\w+|докаж\w+|объясни\w*|реши\w*|계산|증명|설명|왜|احسب|اشرح|गणना|समझा",
    ),
    (
        "reason_noun",
        r"\b(?:how (?:many|much|long|far|fast|old|often|likely)|what is the (?:value|probability|sum|total|average|maximum|minimum|area|volume|ratio|mean|output|result|remainder|derivative|least|greatest|smallest|largest|number)|probability|equations?|integral|theorem|proof|puzzle|logic\w*|percent(?:age)?|in total|altogether|left over|remain(?:s|ing)?|each|times|twice|half|average|per (?:hour|day|week|month|cent)"
        r"|algorithm|function|complexity|trade-?offs?|strateg\w+|root cause|hypothes[ie]s|essay|story|poem|argument|implications?|consequences?|pros and cons|decision|options?|assum\w+|must be true|conclusion|premises?|follows? from|be inferred|statement true)\b"
        r"|多少|概率|几个|让我们|方程|いくつ|確率|сколько|вероятност\w+|몇|확률|كم|कितने",
    ),
    (
        "act_noun",
        r"\b(?:tools?|functions?|apis?|endpoints?|agents?|sub-?agents?|browser|web ?page|terminal|shell|bash|command(?:s| line)?|workflow|pipeline|actions?|environment|observation|sandbox|repository|repo|codebase|pull request|branch|commit|files?|director(?:y|ies)|folders?|issue|ticket|calendar|reservation|booking|order|itinerary|database|server|container|deploy\w*|cluster|plugins?|mcp|invoke|tool calls?|function calls?|task (?:list|steps?|nodes?)|subtasks?|sub-?goals?|plan|trajectory|episode|world|household|inventory|account|playlist|cart)\b"
        r"|工具|调用|接口|浏览器|智能体|ツール|инструмент\w*|агент\w*|도구|أدوات|उपकरण|werkzeuge?|herramientas?|outils?|strumenti|työkalu\w*",
    ),
    (
        "act_verb",
        r"\b(?:call(?:ing)?|use the|using the|execut\w+|run(?:ning)?|open|click|navigate|browse|search (?:for|the)|look ?up|fetch|download|upload|send|post|book|reserve|schedule|cancel|buy|purchase|order|create|add|delete|remove|move|rename|update|edit|install|configure|deploy|merge|push|monitor|notify|remind|set up|set|turn (?:on|off)|start|stop|submit|generate|translate|transfer|check(?:ing)?|complete the|coordinate|delegate|orchestrate|hand ?off|dispatch|iterate|plan(?:ning)?|fix|reproduce|migrate|clone|put|go to|take|ask (?:me|for)|provide me|find (?:a|me|nearby))\b",
    ),
    (
        "sequence",
        r"\b(?:then|after (?:that|this|which|doing|the)|afterwards?|next,|finally|also|additionally|in addition|furthermore|moreover|once (?:you|that|it|the|this)|before (?:you|that|the)|first(?:ly)?,|second(?:ly)?,|lastly|as well|and then|followed by|until|again|dann|danach|anschlie(?:ß|ss)end|luego|despu[eé]s|ensuite|puis|poi|sitten|lopuksi)\b"
        r"|然后|接着|最后|另外|それから|次に|затем|потом|그리고|그런 다음|ثم|फिर",
    ),
    (
        "personal_want",
        r"\b(?:i(?:'m| am| want| need| would like|'d like|'d love|'ve| have)|we(?:'re| are| want| need)|my|our|can you|could you|would you|help me|please|let me|for me|i was hoping)\b",
    ),
    (
        "generate",
        r"\b(?:summari[sz]\w*|rewrite|rephrase|paraphrase the|title|headline|tl;?dr|translate\w*|compress|simplify|continue|creative|caption|slogan|reply|respond to|response to|story|poem|tweet|e-?mail|blog|speech|lyrics|dialogue|sentence using)\b",
    ),
    ("answer_slot", r"(?im)^\s*(?:answer|output|label|category|sentiment|response|result|class|code|a|score|rating|verdict|antwort|respuesta|r[eé]ponse|答案|答|回答|类别|ответ)\s*[:：]?\s*$|[:：]\s*$"),
    ("definition_of_task", r"\b(?:you (?:are given|will be given|are provided|will see|have to|need to|should|must|'ll)|in this task|your (?:task|job|goal|role)|the (?:task|goal|output|answer) (?:is|should)|given (?:a|an|the|this|two|some|that)|definition:|instructions?:|tehtäväsi|sinulle|teht[aä]v[aä]ss[aä])\b"),
    ("agent_role", r"\b(?:you are (?:an?|the) (?:[\w-]+ ){0,4}?(?:agent|assistant|copilot|operator|planner|orchestrator|coordinator|dispatcher|concierge)|autonomous|as an? (?:[\w-]+ )?agent|you can (?:help|use|call|access|issue|perform)|you have access|available (?:tools|functions|actions|commands|apis))\b"),
    ("machine_role", r"\b(?:you are (?:an?|the) (?:[\w-]+ ){0,4}?(?:classifier|tagger|labell?er|moderator|detector|annotator|extractor|parser|rater|grader|scorer|recogni[sz]er)|json only|only (?:output|return|respond|answer|reply)|nothing else|no explanation)\b"),
    ("word_limit", r"\b(?:one|single|two|three) (?:words?|sentences?|lines?)\b|\bonly the (?:\w+ ){0,2}\w+\b|\b(?:at most|no more than|maximum of|under) \d+"),
)

CUE_NAMES: tuple[str, ...] = tuple(name for name, _ in CUES)
_COMPILED = tuple(re.compile(pattern if pattern.startswith("(?im)") else f"(?i){pattern}") for _, pattern in CUES)


def count_cues(text: str, limit: int = 6) -> tuple[int, ...]:
    """Count the matches of each cue group in `text`, at most `limit` per group, in the order of CUE_NAMES."""
    counts = []
    for pattern in _COMPILED:
        count = 0
        for _ in pattern.finditer(text):
            count += 1
            if count == limit:
                break
        counts.append(count)
    return tuple(counts)
