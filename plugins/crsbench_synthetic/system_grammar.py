"""What the logging recommender says: perhaps an acknowledgement, then a recommendation, then reasons."""

from __future__ import annotations

ACKNOWLEDGE = (
    "Thanks for telling me.",
    "[All right|Right|Okay|Sure|I see].",
    "[Got it|Understood|Noted].",
)
RETRY = (
    "[Let me|I will] try [again|once more|another one].",
    "[One more|Another] [idea|try|attempt].",
    "[Let us|We can] [go|move] on.",
)
ANSWER = (
    "[I would have to|Let me] look that up.",
    "[Good|Fair] question.",
    "[More on that|We will come to that] later.",
    "I am not sure about that.",
)
RECOMMEND = (
    "[Let me|I would like to] [offer|present|propose] <title>.",
    "[Put|Place] <title> on your [list|screen].",
    "[From our shelf|From the archive|Out of the box], <title>.",
    "<title>, [perhaps|maybe]?",
    "<title>.",
    "[How|What] about <title>?",
    "I [suggest|recommend|would suggest|would recommend] <title>.",
    "[Try|Watch|Consider|Have a look at] <title>.",
    "You [could|might|should] [try|watch|see] <title>.",
    "[Have|Did] you [seen|come across] <title>?",
    "My [pick|choice|suggestion|tip] is <title>.",
    "[There is|I have] <title> for you.",
    "[Maybe|Perhaps] <title>?",
    "[Then|So] let it be <title>.",
    "[Next|Now] comes <title>.",
    "Take <title> [tonight|this time|].",
    "[Many|Others|People here] [choose|pick|watch] <title>.",
    "<title> [could|might|may] be [something|one] for you.",
    "<title> [comes to mind|is worth a look|is my next idea].",
    "Do you know <title>?",
)
# `<v>`: what the user named and the item has.
MATCH = {
    "genre": (
        "It is a <v>, as you [asked|said|wanted].",
        "You [said|mentioned] <v>, [so here it is|and this is one].",
        "[Since|As] you named <v>, this one fits.",
    ),
    "actor": (
        "It [stars|features|has] <v>, [as you asked|whom you named].",
        "<v> [plays the lead|is in it], [as you wanted|as you asked].",
        "You named <v>, who [plays|appears] in it.",
    ),
    "director": (
        "It was [made|directed] by <v>, [as you asked|whom you named].",
        "<v> [directed|made] it, [as you wanted|as you asked].",
        "You named <v>, who directed it.",
    ),
    "decade": (
        "It is from <v>, as you [asked|wanted|said].",
        "You said <v>, and it was made then.",
        "It takes you to <v>, as you wanted.",
    ),
    "mood": (
        "It is <v>, as you [asked|wanted|said].",
        "You said <v>, and [that is what it is|so it is].",
        "It has the <v> [tone|feel] you asked for.",
    ),
}
DESCRIBE = (
    "It [tells|follows] a <mood> [tale|journey|friendship|rivalry] [across|through] <decade>.",
    "<director> [filmed|shot|staged] it with <actor>, and the [result|tone] is <mood>.",
    "<actor> [shines|wanders|sings|stumbles] through a <mood> <genre> [set|made] in <decade>.",
    "[Think of|Picture] a <genre> that <director> [shot|made] in <decade>, with <actor>.",
    "It is a <genre> [with|starring] <actor>.",
    "It is a <mood> <genre> [by|from] <director>.",
    "<director> [directed|made] it in <decade>.",
    "A <mood> [film|story|piece] with <actor>.",
    "A <genre> from <decade>.",
    "<actor> [plays|takes] the lead, <director> directs.",
    "It is <mood>, and <actor> is in it.",
    "A <genre>, [rather|quite] <mood>, from <decade>.",
    "It is [a|one] <genre> by <director>.",
    "Made in <decade>, [starring|with] <actor>.",
)
PLAIN = (
    "It [sold|filled] [every seat|whole theatres] in [town|the city].",
    "[Neighbours|Students|Families|Couples] [often|regularly] [rent|borrow|stream] it.",
    "The [poster|soundtrack|opening] alone is [known|quoted] everywhere.",
    "[Many|A lot of] people [watch|choose|ask for] it.",
    "It is [much|often] [watched|asked for] here.",
    "[Everybody|Everyone] [talks|is talking] about it.",
    "It [ran|was shown] for [weeks|months].",
    "It is [on|near] the top of our list.",
    "[Tell|Let] me [know|hear] what you think.",
)
