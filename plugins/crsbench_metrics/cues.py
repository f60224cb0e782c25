"""What an utterance does, by rules for English that know no dataset: accept, refuse, complain, ask, deflect.

Rules and not learnt words: the words of one system's dialogues say nothing of another's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crsbench.types import Mention, Turn

_NAMED = re.compile(
    r'"[^"\n]{1,80}"|@\d+'  # quoted, or ReDial's numbers
    r"|(?:\b[A-Z0-9][\w'’:.,&-]*\s+(?:(?:of|the|and|in|a|to|&|on|for|from|with|at)\s+)*)*"
    r"[A-Z0-9][\w'’:.,&!-]*\s*\((?:19|20)\d\d\)"  # Title of the Film (1999)
)
# "Try Arrival (2016)": a capital at the start of a sentence belongs to no title.
_OPENING = re.compile(
    r"^(?:(?:watch|try|see|check|out|how|what|about|have|you|seen|maybe|perhaps|i|or|like) )+"
)
_WORD = re.compile(r"[a-z']+")
# Sad, scary and romantic are kinds of films, and "something like it" praises nothing.
_NEUTRAL = re.compile(
    r"\b(horror|scary|scare|scared|thrillers?|crime|war|dark|sad|killers?|murder|mystery|suspense"
    r"|action|funny"
    r"|fun|humou?r|comedy|comedies|romantic|romance|love stor(?:y|ies)|superhero(?:es)?|fantasy"
    r"|intense|violent"
    r"|violence|disaster|zombies?|monsters?|creepy|dead|death|ghosts?|hero|heroes|adventure|feel ?good"
    r"|(?<=would )like|(?<='d )like|(?<=something )like|(?<=anything )like|(?<=movie )like"
    r"|(?<=film )like|(?<=movies )like"
    r"|(?<=films )like|(?<=sounds )like|(?<=looks )like|(?<=similar to )like|(?<=just )like"
    r"|(?<=feel )like)\b",
    re.IGNORECASE,
)
_COMMON = frozenset(
    """a an the and or but if of to in on for with at by from it its it's is are was were be been am i i'm
    im me my mine we us our you your u he she they them his her their this that these those there here
    what which who whom when where why how do does did done have has had having will would can could
    should may might must not no nor so too very just also as than then about any some all more most
    much many one ones movie movies film films watch watched watching see seen saw like liked love loved
    hi hello hey thanks thank good great nice really think know want looking look something anything
    suggest recommend recommendation suggestions recommendations please yes yeah ok okay oh well sure
    i've i'd i'll you're don't haven't didn't that's let get got say said dont havent ive id ill into
    out up heard hear kind type sort enjoy enjoyed day bye have lol""".split()  # noqa: SIM905 (a list would fill a page)
)


def _cue(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


ACCEPTS = _cue(
    r"\b(thank(s| you)|thx|cheers|sounds? (really |pretty |very |so )?(good|great|interesting|fun|perfect"
    r"|awesome|nice|cool|amazing|lovely|ideal|wonderful|delicious|excellent|like a)"
    r"|(i|we)(('| wi)ll| am going to|'m (going to|gonna)|'re going to)( definitely| have to| probably)? "
    r"(watch|check|try|give|see|look (into|for|it|that)|add|go (with|there)|take|book|reserve|order|buy"
    r"|read|visit|listen|play|cook)"
    r"|please (book|reserve|order|buy|play|add)"
    r"|(great|good|perfect|awesome|excellent|nice|amazing|wonderful|fantastic|lovely) "
    r"(choice|suggestion|recommendation|idea|pick|one|movie|film|book|place|song|tip|advice)s?"
    r"|perfect|awesome|wonderful|excellent|fantastic|brilliant|ideal"
    r"|(want|have|need) to (watch|check|see|try|read|hear|visit) (it|that)|can'?t wait"
    r"|love (it|that)|works for (me|us)|exactly what (i|we)|(i'm|i am) (convinced|sold)|appreciate"
    r"|you(('ve| have) been|'re| are| were) ((very|so|really|a|an|such|great|big|huge|absolute) )*"
    r"(help(ful)?|great|kind|star|life ?saver))\b"
)
NO = _cue(r"^\W*(no|nope|nah|not)\b(?! (problem|worries|idea))")
KNOWN = _cue(
    r"\b(have you|did you|do you know|ever|seen|heard|familiar|know of)\b[^.!]*\?|^\W*(have|did) you\b"
)
REFUSES = _cue(
    r"\b(not (really|interested|an? (big |huge )?fan|my|into"
    r"|for (me|us)|so into|quite|exactly|in the mood)|(do|did|does|would|wo|ca)(n'?t| ?not) (really |much "
    r"|particularly |even )?(like|care|enjoy|want|sound|think so|work|suit|eat|drink|need|stand|afford)"
    r"|hate|dislike|rather not"
    r"|something (else|different)|other than|any(thing|where|one)? (else|other)"
    r"|((far|way|much|bit|little|is|are|was|'s|'re|looks?|sounds?|seems?) too "
    r"(?!(funny|good|cute|kind|bad)\b)|^\W*too )\w+"
    r"|too (old|scary|violent|sad|slow|long|dark|much|many|mushy|loud|far|expensive|pricey|heavy|big"
    r"|small))\b"
    r"|^\W*stop\b"
)
SEEN = _cue(
    r"\b(already (seen|saw|watched)|(i|i've|ive|i have) (already )?(seen|watched) (it|that|them|both"
    r"|those|all)"
    r"|seen (it|that|them) (already|before)|i saw (it|that))\b"
)
COMPLAINS = _cue(
    r"\b((i|we) (just |already |only )?(said|asked|meant|told|mentioned|was asking|specified"
    r"|did ?n[o']?t (ask|say|mention))"
    r"|you (just |already |clearly |obviously |still |really )?"
    r"(said|told|recommended|suggested|mentioned|asked|keep|are ?n[o']?t|ca ?n[o']?t"
    r"|do ?n[o']?t (seem|understand|know|answer|listen|get)|did ?n[o']?t)|not what (i|we)"
    r"|nothing to do with"
    r"|(that('s| is| was)?|it('s| is)) (not|n't) (what|a|an|the|related|right|relevant)"
    r"|(does|did|is|are) ?n[o']?t (make sense|make any sense|help|answer|understand|listen|related"
    r"|relevant)"
    r"|wrong|useless|stupid|dumb|ridiculous|annoying|frustrat\w*|terrible|confus\w*|nonsense|irrelevant"
    r"|unhelpful|pointless|not (very |really |that )?help(ful|ing)|waste|robot|listening|pay(ing)? attention"
    r"|(movies?|films?|one|something|anything)?, not (an? |the )?\w+|same (movie|film|thing|one"
    r"|question|answer)|what do you mean|makes no sense|repeat(ing)? (yourself|that)"
    r"|are you (ok|okay|kidding|sure|serious|there|a bot)|why (are|did|do|would) you)\b"
    r"|\bagain\W*$|^\W*(huh|hello|excuse me|wtf|pardon)\s*\?|^\W*what\s*\?+\s*$|\?\?|\?!|!\?"
)
GIVES_UP = _cue(
    r"\b(never ?mind|forget (it|about it|this)|(i )?give up|whatever|(is|it'?s) (not|n't) (working|going)"
    r"|i('ll| will| am going to) (just )?(look|find|search|ask|go|try|use) ((it|for it|in|at|to|with) )*"
    r"(else|elsewhere|myself|on my own|somewhere|someone|some(thing|body) else|something|another|other)"
    r"|no point|(what a|a|total) waste of|i('m| am) (so |just )?(done|leaving)|stop (it|this))\b"
)
ASKS = _cue(
    r"\?|\b(can|could|would|will) you (please )?(suggest|recommend|tell|give|find|help)\b|\bany (other )?"
    r"(suggestions?|recommendations?|ideas?)\b|^\W*(please )?(suggest|recommend|tell me|give me)\b"
    r"|^\W*(what|who|which|when|where|why|how)\b"
)
OFFERS = _cue(
    r"\b(recommend|suggest|have you (ever )?(seen|watched|heard|tried)|(how|what) about|check (it )?out|try"
    r"|you (should|could|can|might|may|will|would|'ll|'d) (also |probably |definitely |really |want to )*"
    r"(watch|try|like|enjoy|love|see|check))\b"
)
DEFLECTS = _cue(
    r"\b(sorry|apologi[sz]e|i (do ?n[o']?t|did ?n[o']?t) (know|understand|have)|not sure|no idea|unable"
    r"|i (ca ?n[o']?t|cannot|could ?n[o']?t|am unable|have ?n[o']?t)|unfortunately)\b"
)
PARTS = _cue(
    r"\b(bye|good ?bye|good ?night|see (you|ya)|farewell|take care|have a (good|great|nice) (day|one))\b"
)


def words(text: str) -> list[str]:
    """Lower case, letters and apostrophes only."""
    return _WORD.findall(text.lower().replace("’", "'"))


def topics(text: str) -> frozenset[str]:
    """Stems (the first five letters) of the words that are neither common nor part of a title."""
    kept = (word for word in words(_NAMED.sub(" ", text)) if word not in _COMMON)
    return frozenset(word[:5] for word in kept if len(word) > 2)


def named(turn: Turn) -> frozenset[str]:
    """What the turn names: items as it is annotated, and what looks like a title in its text."""
    lower = (re.sub(r"\W+", " ", title.lower()).strip() for title in _NAMED.findall(turn.text))
    written = (_OPENING.sub("", title) for title in lower)
    marked = {f"#{m.item}" for m in turn.mentions if m.item is not None}
    return frozenset(written) | marked | {f"#{item}" for item in turn.recommended}


def plain(turn: Turn) -> str:
    """The text with each title replaced by a word that no cue looks for."""
    text = turn.text
    spans = [m.span for m in turn.mentions if m.item is not None and m.span is not None]
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]} it {text[end:]}"
    return _NAMED.sub(" it ", text)


def neutral(text: str) -> str:
    """Without the words that describe films more often than feelings."""
    return _NEUTRAL.sub(" ", text)


def merged(turns: Sequence[Turn]) -> list[Turn]:
    """Messages of one speaker in a row as one turn."""
    found: list[Turn] = []
    for turn in turns:
        if not found or found[-1].speaker != turn.speaker:
            found.append(turn)
            continue
        last = found[-1]
        shift = len(last.text) + 1
        moved = tuple(
            Mention(m.name, m.item, m.span and (m.span[0] + shift, m.span[1] + shift)) for m in turn.mentions
        )
        found[-1] = Turn(
            turn.speaker,
            f"{last.text}\n{turn.text}",
            last.mentions + moved,
            last.recommended + turn.recommended,
        )
    return found
