"""What these people say: families of sentences, and a writer that knows where a sentence names something.

No noun of any one domain stands here: catalogues hold films, books and more. `{}` takes a name.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from crsbench.types import Mention, Turn
from crsbench_simulators.people import Preference

# An attribute value as the object of a sentence, by its relation; the first also stands after a "not".
PHRASES = {
    "genre": ("anything in the {} line", "something in the {} line", "a good dose of {}"),
    "actor": ("anything with {}", "something starring {}", "something with {} in the lead"),
    "star": ("anything with {}", "something starring {}", "something with {} in the lead"),
    "director": ("anything by {}", "anything directed by {}", "something that {} directed"),
    "writer": ("anything written by {}", "something by {}", "something from the pen of {}"),
    "author": ("anything written by {}", "something by {}", "something from the pen of {}"),
    "year": ("anything from {}", "something that came out in {}"),
    "decade": ("anything from {}", "something that came out in {}"),
    "language": ("anything in {}", "something in {}"),
}
ANY = ("anything to do with {}", "something with {}")
TITLE = ("{}",)

WANT = (
    "I am looking for {}.",
    "I'm in the mood for {}.",
    "Can you recommend {}?",
    "Can you find me {}?",
    "I would like to find {} for tonight.",
    "Any ideas? I usually go for {}.",
)
WANT_LIKE = (
    "I am looking for something like {}.",
    "I really enjoyed {}. Can you recommend something similar?",
    "One of my favorites is {}. What else would I like?",
    "I loved {} and want more of that kind.",
    "Do you know anything similar to {}?",
)
LIKES = ("I also like {}.", "I'm rather into {}.", "I enjoy {}, for example.", "Maybe {}?", "I'd love {}.")
LIKES_ITEM = ("I liked {} a lot.", "I really enjoyed {}, for example.", "Something more like {}, maybe?")
DISLIKES = ("I don't like {}.", "Please not {}.", "I'm not into {}.", "I can't stand {}.")
DISLIKES_ITEM = ("I didn't like {}.", "I was bored by {}.", "I can't stand {}.")

SUITS = (
    "That sounds great!",
    "Oh, that sounds perfect for me.",
    "Great suggestion, thanks!",
    "Awesome, I want to see that.",
    "I'd love that one!",
    "Yes, that is my kind of thing.",
)
SUITS_TITLE = ("{} sounds great!", "I've been meaning to try {}, good idea.", "Oh, {}! I'd love that.")
NEAR = (
    "Hmm, that could be okay.",
    "Maybe. I'm not sure about that one.",
    "It's not quite it, but not bad.",
    "Perhaps another time.",
)
FAR = (
    "No, that's not really for me.",
    "I don't think I would like that.",
    "Not my kind of thing, sorry.",
    "No, not interested in that one.",
    "That's not what I'm looking for.",
)
SEEN_LIKED = ("I've already seen that one, I loved it.", "I know that one already. It was great.")
SEEN_DISLIKED = ("I've seen that one, and I didn't like it.", "I know that one already. It was not for me.")
MORE = (
    "Do you have another one?",
    "What else would you suggest?",
    "Any other ideas?",
    "What other ones are there?",
    "Can you suggest something else?",
)
CONTENT = (
    "I'll go with that. Thank you, bye!",
    "Thanks for your help, I'll try it tonight. Goodbye!",
    "That's all I need, thank you so much!",
    "Thank you, you have been very helpful. Bye!",
)
GIVES_UP = (
    "Never mind, I'll look for something myself. Bye.",
    "I give up, this isn't working. Goodbye.",
    "Forget it, I'll ask somebody else.",
    "This is not helping, I'm done. Bye.",
)


class Writer:
    """Writes one turn; equal luck and equal calls give equal text."""

    def __init__(self, luck: random.Random) -> None:
        self._luck = luck
        self._text = ""
        self._mentions: list[Mention] = []

    def say(
        self, family: Sequence[str], named: Mention | None = None, phrases: Sequence[str] = TITLE
    ) -> None:
        """Append a sentence of the family, about what is `named` in one of the phrases."""
        sentence = self._luck.choice(family).replace("{}", self._luck.choice(phrases))
        before, slot, after = sentence.partition("{}")
        self._text += f" {before}" if self._text else before
        if slot and named is not None:
            span = (len(self._text), len(self._text) + len(named.name))
            self._mentions.append(Mention(named.name, named.item, span))
            self._text += named.name + after

    def want(self, one: Preference) -> None:
        """Append a wish for what is liked."""
        self.say(WANT if one.mention.item is None else WANT_LIKE, one.mention, _phrases(one))

    def tell(self, one: Preference) -> None:
        """Append what is liked or not."""
        likes, dislikes = (LIKES, DISLIKES) if one.mention.item is None else (LIKES_ITEM, DISLIKES_ITEM)
        self.say(likes if one.likes else dislikes, one.mention, _phrases(one))

    def turn(self, ends: bool = False) -> Turn:
        text = self._text[:1].upper() + self._text[1:]
        return Turn("user", text, tuple(self._mentions), ends=ends)


def _phrases(one: Preference) -> Sequence[str]:
    """What a preference can be called where it is liked, or where it is not."""
    if one.mention.item is not None:
        return TITLE
    found = PHRASES.get(one.relation, ANY)
    return found if one.likes else found[:1]
