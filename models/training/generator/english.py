"""English for `reword.py`: what opens and fills a turn, what cannot be read, verbs and their forms, persons, capitals."""

import collections
import re

from checks import COMMON

# What may open a turn and says nothing. Greetings and thanks only where a comma or stop ends them.
OPENER = re.compile(
    r"^(?:(?:so|and|but|well|okay|ok|yeah|yes|yep|right|alright|all right|now|then|also|oh|anyway|actually|basically|again|sorry|"
    r"however|therefore|thus|hence|moreover|furthermore|finally|first of all|secondly|firstly|in addition|in fact|of course|"
    r"obviously|as i said|like i said|fyi|btw|by the way|additionally|consequently|nonetheless|nevertheless|similarly|surely|"
    r"as mentioned(?: (?:above|before|previously|earlier))?|to be honest|frankly|alternatively|previously|as such|"
    r"as a result|in general|just to be clear|personally|in other words|for me|it is worth noting that|it should be noted that|"
    r"please note that|note that|i mean|you know|i'd like to say that|i just wanted to say(?: that)?|i have to say(?: that)?)"
    r"\b[\s,.:;!–—-]+"
    r"|(?:thank you(?: (?:very|so) much)?|thanks(?: a lot)?|great|cool|sure|hi|hello|hey|good (?:morning|afternoon)|"
    r"hi all|hello all|no problem|hi everyone|hi folks|dear all|thank you,? (?:mr\.?|madam) (?:chair|speaker)|(?:hi|hello|thanks|thank you|dear) [A-Z][a-z]+)"
    r"\b ?[,.!–—-]+\s*)+",
    re.I,
)
# "So that", "And then": not openers but the beginning of something.
NO_OPENER = re.compile(r"^(?:so that|so far|so long|so as|now that|right now|then again|like a|also known|first of|sure that)\b", re.I)
FILLERS = [
    (re.compile(p, re.I), r)
    for p, r in [
        (
            r",? \b(?:you know|i mean|i guess|i think|i suppose|i believe|as i said|of course|by the way|obviously|essentially)\b,",
            ",",
        ),
        (
            r"(?:, (?:you know|i guess|i think|i suppose|i believe|right|okay|yeah|no|for example|though|basically)"
            r"|,? (?:or something(?: like that)?|or whatever|and stuff(?: like that)?|or so))([.?])$",
            r"\1",
        ),
        (r"\b(?:sort of|kind of|kinda|basically|actually|really|just|obviously|definitely|essentially|literally|simply) (?=[a-z])", ""),
        (r"\bat the end of the day,? ", ""),
    ]
]
EXPANSIONS = [
    (re.compile(rf"\b{p}\b", re.I), r)
    for p, r in [
        (r"(I|we|you|they|he|she|it|there|that)'ll", r"\1 will"),
        (r"(we|you|they)'re", r"\1 are"),
        (r"(I|we|you|they)'ve", r"\1 have"),
        (r"(I)'m", r"\1 am"),
        (r"(I|we|you|they)'d (?=like|love|prefer|rather|be|have|need|want|suggest|propose|expect|say|go|recommend)", r"\1 would "),
        (r"won't", "will not"),
        (r"can't", "cannot"),
        (r"(do|does|did|is|are|was|were|has|have|had|would|could|should)n't", r"\1 not"),
        (r"gonna", "going to"),
        (r"wanna", "want to"),
        (r"gotta", "have to"),
        (r"let's", "let us"),
    ]
]
PARENTHESIS = re.compile(r"(?:^| )\([^()]*\)(?=[ ,.;:?!]|$)| ?\[\d+\]")
SHORT_WORDS = (
    "a|i|in|be|the|to|no|so|on|we|he|an|or|for|as|at|do|is|it|me|my|can|all|any|out|not|us|up|see|sea|car|add|use|her|man|one|run|set|"
    "new|non|per|pro|pre|sub|re|con|com|dis|app"
)
# What no rule reads.
BROKEN = re.compile(
    "|".join([
        r"https?://|www\.|[{}<>|=~^\\@\[\]()*]|::|\.\.|…|--|\w_\w|[#$%&/]\S*[#$%&/]|[a-z]!\w|\s[.!]\w",  # addresses and code
        r"\?\s+\S|[.!?]\s+[A-Z]",  # two sentences
        r" - ?$|\w - ",  # broken off
        r"(?:^|\s)(?![aAI]\b)[A-Za-z](?=\s)",  # a lone letter
        rf"\b(?!(?:{SHORT_WORDS}) )([a-z]{{1,3}}) \1[a-z]+\b",  # "si simple": a word begun and begun again
        r"\b(?:th|wh|st|wi|sh|ha|tha|whe|bec|wo|fo|ther|mm|hmm|uh|um|la)\b",
        r"\b(\w+)[ ,]+\2\b(?<!that that)(?<!had had)|\b(\w+ \w+),? \3\b",  # said twice
        r"\b(?:the|a|an) (?:the|a|an|they|we|it|is|that|this|to|of|i)\b",
    ]),
    re.I,
)
# The first and second person, which nobody can tell once the words stand alone.
PERSON = re.compile(r"\b(?:i|me|my|mine|myself|we|us|our|ours|ourselves|you|your|yours|yourself|yourselves|let)\b(?!')", re.I)
# What points back to something that is not there.
DANGLING = re.compile(
    r"^(?:it|he|she|they|him|her|this|that|these|those|here|which|who|such|otherwise|because|both|one|another|if not|and|or|but|"
    r"to|for example|for instance|e\.g|i\.e|see|like|as (?:above|follows)|the (?:former|latter|following|above|first|second|other|same))\b",
    re.I,
)
# "It" that stands for nothing: what follows can be understood.
EXPLETIVE = re.compile(
    r"^it (?:is|was|would be|will be|might be|may be|could be|should be|seems|looks|appears|turns out|makes sense)\b"
    r"(?: \w+){0,3} (?:that|to|for|if|like|whether|in|on)\b",
    re.I,
)
# "This PEP" is a document's name for itself.
OWN = re.compile(r"^this (?:pep|rfc|eip|kep|erc|proposal|document|specification|change|feature|patch|draft|release)\b", re.I)

# What a rule may leave behind and nobody would write.
ODD = re.compile(
    "|".join([
        r"\b(?:said|thinks|asked|whether|that|and|or|but|which|to|the|a|of|with|for|in|on|so|that's|it's|is|are)\.$",
        r"\bsaid (?:So|And|But|Then|Also|Other|Only|Would|Maybe|Next|Had|Meaning|Without)\b",
        r"\b(?!that\b|had\b)(\w+) \1\b|, ,|'Kay|^[^']*\s'\w[^']*$",
        r"\bthey (?:going|gonna|is|was|has)\b|\bthem (?:is|are|will)\b",
    ])
)
# Where a sentence that is too long may end.
CLAUSE = re.compile(r"(?:, (?:which|where|so that|so|since|although|whereas|but|such as)\b|;| – | — | - )")


FORMULA = re.compile(r"^(proposed resolution|proposal|proposed|resolved|resolution|decision|agreed|action)\b[^:]{0,6}: ?(.+)$", re.I)
VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|will|would|can|could|should|may|might|must|cannot|does|did|do|needs?|wants?|makes?|uses?|"
    r"takes?|gives?|gets?|works?|runs?|keeps?|seems?|means?|allows?|requires?|provides?|includes?|contains?|adds?|defines?|supports?|"
    r"proposes?|introduces?|describes?|specifies|changes?|[a-z]{3,}ed)\b"
)
# "Move it up", "Do not ship it": told as what the speaker said to do. Words that are as often nouns are left out.
IMPERATIVE = re.compile(
    r"^(?i:do not (?!think|know|want|see|remember|have|worry|get)[a-z]+|(?:add|remove|make|use|keep|get|try|move|send|share|update|"
    r"review|fix|provide|ensure|avoid|put|give|take|create|delete|rename|replace|include|consider|check|contact|read|write|follow|"
    r"allow|define|close|drop|merge|run|tell|ask|let people))"
    r" (?!of )(?:the|a|an|all|any|it|this|that|these|those|more|less|sure|your|our|my|their|in|on|up|out|from|to|[A-Z]\w+|"
    r"[a-z]+(?:s|ing)?)\b(?! (?:is|are|was|were|will|would)\b)"
)

BASE = set(
    """think guess suppose believe feel hope suggest propose agree assume expect wonder recommend understand prefer want need see
    know like have do use get keep make try plan intend support oppose object vote prefer disagree doubt remember consider find
    work write read run ask say hear look require love hate mean run build test ship move add remove change fix send share
    update review own start stop take give put go come call call accept approve reject close open merge drop define provide
    allow offer propose describe introduce present show argue claim note mention point request notice realise realize
    appreciate welcome wish lack miss tend seem care worry fear trust apply rely depend focus aim target deal face handle
    live sit stand stay remain still spend cost pay buy sell win lose learn teach study follow lead join leave meet""".split()
)
PAST = set(
    """thought felt had did said knew went made took got found saw heard wrote read ran sent gave put came told meant built kept
    left met began chose spoke spent lost held understood brought bought set cut let taught caught fell grew drew broke
    was were""".split()
)
MODAL = set("will would can could should may might must cannot shall".split())
ADVERB = (
    r"(?:also|still|already|always|never|only|recently|currently|strongly|fully|mostly|often|usually|sometimes|now|certainly|"
    r"probably|generally|personally|rather|even|then|just|really|actually|definitely|therefore|clearly|initially|finally)"
)


def third(verb):
    """The third person singular of a base verb."""
    if verb in ("have", "be", "do", "go"):
        return {"have": "has", "be": "is", "do": "does", "go": "goes"}[verb]
    if re.search(r"(?:s|sh|ch|x|z)$", verb):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def verb_after(subject, rest):
    """What follows `subject` ("S" singular, "P" plural) in the first person, with its verb turned; None if it is no verb."""
    match = re.match(rf"({ADVERB} )?([a-z]+)\b(.*)$", rest, re.S)
    if not match:
        return None
    adverb, verb, tail = match.group(1) or "", match.group(2), match.group(3)
    if verb in MODAL or verb in PAST and not (verb == "was" and subject == "P") and verb != "were":
        return f"{adverb}{verb}{tail}"
    if verb in ("am", "are", "was", "were"):
        past = verb in ("was", "were")
        turned = ("was" if past else "is") if subject == "S" else ("were" if past else "are")
        return f"{adverb}{turned}{tail}"
    if verb == "do" and tail.startswith(" not"):
        return f"{adverb}{'does' if subject == 'S' else 'do'}{tail}"
    if verb in BASE:
        return f"{adverb}{third(verb) if subject == 'S' else verb}{tail}"
    if re.search(r"[a-z]{2}ed$", verb) and verb not in ("need", "proceed", "succeed", "feed"):
        return f"{adverb}{verb}{tail}"
    return None


def others(text, name, named):
    """The first person inside of a sentence turned into they and them; `I` into the name unless it was named. None if unclear."""
    text = re.sub(r"\bour\b", "their", text)
    text = re.sub(r"\bours\b", "theirs", text)
    text = re.sub(r"\bourselves\b", "themselves", text)
    text = re.sub(r"(?<!let )\bus\b", "them", text)
    text = re.sub(r"\b(?:we) (?=[a-z])", "they ", text, flags=re.I)
    text = re.sub(r"\bmy\b", "their", text)
    text = re.sub(r"\b(?:me|myself)\b", "them", text)
    if re.search(r"\bI\b", text):
        parts = re.split(r"\bI ", text)
        if named or len(parts) != 2 or not name:
            return None
        rest = verb_after("S", parts[1])
        text = None if rest is None else f"{parts[0]}{name} {rest}"
    return text


OPENING = frozenset(
    """maybe perhaps probably every many people users everyone everything nobody someone another let one two given today
    while since before after until unless during within without once""".split()
)
"""Words that often open a sentence and are no names."""
LOWER = set()
"""Words that are no names, as `learn_lower` found them: the opening word of a sentence may go into lower case."""


def learn_lower(texts, fewest=4):
    """Fills `LOWER` with the words that stand in lower case inside of sentences, often and more often than with a capital."""
    small, capital = collections.Counter(), collections.Counter()
    for text in texts:
        for word in re.findall(r"(?<=[a-z,] )[A-Za-z][a-z]+\b", text):
            (small if word[0].islower() else capital)[word.lower()] += 1
    LOWER.update(w for w, n in small.items() if n >= fewest and n > 2 * capital[w])


def lower(text):
    """A common opening word in lower case; a name or an acronym as it is."""
    first = re.sub(r"'s$", "", text.split(" ", 1)[0].strip(","))
    if first.lower() in COMMON | OPENING | LOWER or first.lower().endswith("ly"):
        return text[0].lower() + text[1:]
    return text
