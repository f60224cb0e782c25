"""What users and the logging recommender say: families of templates.

`[a|b|]` chooses one alternative, which may be empty; `<slot>` is filled with a name. `<np>` and `<np2>` are
filled with a phrase of `PHRASES` for the attribute that is named, whose `<v>` is the value itself. Only
`QUESTION` has question marks among the replies, and only `LIKE`, `DISLIKE` and `OPENING` name attributes:
what a signal reads off a reply is there because the generative model decided so.
"""

from __future__ import annotations

# What somebody may like or not, as the object of a sentence.
PHRASES = {
    "genre": (
        "a [proper|classic|well-made|new|] <v>",
        "[a|any] <v> [film|picture|movie]",
        "<v> [films|movies|stories]",
        "anything in the <v> [line|corner|section]",
    ),
    "actor": (
        "[films|movies|anything|something] with <v>",
        "[films|roles|stories] starring <v>",
        "<v> in [a|the] [lead|leading] role",
        "<v> on screen",
        "whatever <v> plays in",
    ),
    "director": (
        "[films|movies|anything|something] by <v>",
        "[films|work|stories] directed by <v>",
        "whatever <v> directs",
        "<v> behind the camera",
        "the [films|work|pictures] of <v>",
    ),
    "decade": (
        "[films|movies|anything|something|pictures|stories] from <v>",
        "[films|movies|stories] made in <v>",
        "the look of <v>",
        "the cinema of <v>",
    ),
    "mood": (
        "[something|anything] <v>",
        "[a|any] <v> [film|story|picture]",
        "<v> [films|movies|stories|scenes]",
        "a <v> [tone|mood|feel|atmosphere]",
    ),
}

OPENING = (
    "[Hi|Hello|Hey], I am [looking for|after|hoping to find] <np>, [maybe|ideally|perhaps] <np2>.",
    "[Hi|Hello|Hey there]! I [enjoy|like|love] <np> and <np2>.",
    "Can you [suggest|recommend|find me] [a film|something to watch]? I like <np> and also <np2>.",
    "[Tonight|This evening|Today] I am in the mood for <np>, or <np2>.",
    "What should I watch? I [usually|often|mostly] [watch|pick|go for] <np> and <np2>.",
    "I [could use|need] [a tip|an idea|a suggestion] for [tonight|the weekend|later]. <np> or <np2> would do.",
    "My [taste|thing] is [simple|clear]: <np>, and <np2>.",
    "[Good evening|Good morning|Hello]. I am [fond of|keen on] <np>, and of course <np2>.",
    "I [grew up with|was raised on] <np>, and I [still|now] watch <np2>.",
    "[We|My partner and I|My sister and I] want to watch <np>. <np2> would be [fine|welcome] too.",
    "Do you know [any films|something] for me? I [really like|love] <np>, also <np2>.",
    "[Hey|Hi|Hello] there, <np> would be [nice|lovely|great], especially with <np2> in mind.",
    "It is [raining|late|my day off], so I want <np>. I also like <np2>.",
    "Please [help|help me choose]. I [watch|love] <np> and <np2>.",
    "[First|To begin], I like <np>. [Second|Then], I like <np2>.",
    "I have [an evening|two hours|a long flight] to fill. <np> [or|and] <np2>, please.",
    "A friend told me to ask you. I [love|adore|enjoy] <np> and <np2>.",
    "I [just|only] want [to relax|a quiet night] with <np>, or with <np2>.",
    "[Hi|Hello|Good day], I [collect|follow|seek out] <np> and <np2>.",
    "For me it is [always|usually] <np>, [then|and after that|or else] <np2>.",
    "Recommend me [something|a film|a movie], I am [into|all for] <np> and <np2>.",
    "I [ran out of|have seen most of my] films to watch. <np> and <np2> are what I like.",
    "[Hello|Hi], movie night is [here|coming]! <np> or <np2>, please.",
    "[Lately|These days|This year] I [watch|prefer|enjoy] <np>, sometimes <np2>.",
    "I am [curious|open], but I lean toward <np> and <np2>.",
    "Let us [start|begin]: I [love|like] <np>, and <np2> as well.",
)

LIKE = (
    "I [also|really|do] [like|enjoy|love] <np>.",
    "[By the way|Also|Oh, and], I am [into|fond of|keen on] <np>.",
    "<np> [would|could|should] [work|do] for me.",
    "I [could|would] go for <np>.",
    "[Maybe|Perhaps] I should say that I like <np>.",
    "[Give|Show] me <np>.",
    "I have a [soft spot|weakness] for <np>.",
    "[Next|This time] I would rather have <np>.",
    "I [tend to|usually] pick <np>.",
    "I [never|seldom] say no to <np>.",
    "What I [look for|want] is <np>.",
    "<np> would be [my kind of thing|right up my street].",
    "[My shelf|My list|My watchlist] is full of <np>.",
    "I was [thinking of|hoping for] <np>.",
    "[Count|Sign] me in for <np>.",
    "I could watch <np> all day.",
    "[Honestly|In general|As a rule], [give me|I pick|I choose] <np>.",
    "I keep coming back to <np>.",
    "Let me add that I [enjoy|watch] <np>.",
    "I would [pay|queue|travel] to see <np>.",
)

DISLIKE = (
    "I [do not|don't] [like|enjoy] <np>.",
    "[Please|Just|Maybe] [leave out|skip|forget] <np>.",
    "I am not [a fan of|fond of|into] <np>.",
    "I [cannot stand|can't stand|can't bear] <np>.",
    "<np> [would not|will never] be [for me|my thing].",
    "I [try to|usually|mostly] avoid <np>.",
    "I have had [enough|too much] of <np>.",
    "[Anything|Everything] but <np>.",
    "I get [bored|tired] with <np>.",
    "[Spare|Save] me <np>.",
    "I [never|hardly ever] finish <np>.",
    "[Mind you|By the way|Also], <np> [can|will|may] [put me off|lose me].",
    "I would rather not see <np>.",
    "I [seldom|rarely] care for <np>.",
    "[Keep|Stay] away from <np>.",
)

POSITIVE = (
    "[That|This] sounds [great|wonderful|lovely|excellent].",
    "[Oh|Ah], I [love|like] [that|this] [one|idea].",
    "[Perfect|Great|Excellent|Brilliant], thank you.",
    "[Yes|Oh yes], that is [a good one|a great pick|a nice choice].",
    "[What a|Such a] [great|lovely|good] [idea|choice|suggestion].",
    "[Wow|Oh], I would enjoy that [a lot|very much].",
    "[Good|Great|Nice|Lovely] [choice|pick|call].",
    "I am [happy|glad|pleased] with that.",
    "[That|It] is [my favourite kind|exactly what I love].",
    "[Fantastic|Wonderful|Super], I will watch it.",
    "[Awesome|Amazing|Terrific], just what I hoped for.",
    "[That|This] looks [fun|good|interesting|beautiful].",
    "You [made my day|have good taste].",
    "[Sounds|Looks] like [fun|a treat|a winner].",
    "I am [excited|thrilled|delighted].",
    "Now that is [better|a treat|impressive].",
    "It made me [smile|happy] [already|right away].",
    "[Nice|Sweet|Cool], I am sold.",
    "I [saw|watched] it [once|before], it was [great|good|excellent].",
    "[Well|Oh], that is a [pleasant|nice|lovely] surprise.",
    "Thanks, [that is perfect|I love it|I like it].",
    "[Very|Pretty|Really] [good|nice].",
    "[That|It] is [brilliant|superb|delightful].",
    "I [admire|enjoy|appreciate] that [sort|kind] of [film|story].",
)
POSITIVE_TITLE = (
    "<title> sounds [great|wonderful|lovely|perfect].",
    "[Oh|Yes], I [love|like|enjoyed] <title>.",
    "<title> is a [great|good|nice|lovely] [choice|pick|call].",
    "I will [gladly|happily] watch <title>.",
    "[Good|Great|Nice], <title> goes on my list.",
    "<title> looks [fun|good|interesting].",
    "I heard [good|great|wonderful] things about <title>.",
    "<title> [is|would be] perfect for [me|tonight|us].",
    "Thanks, <title> is [brilliant|excellent|amazing].",
    "[Wow|Ah], <title>, what a [good|great] idea.",
)

NEUTRAL = (
    "[Hm|Hmm], [let me think|I see].",
    "[Noted|Right|I see].",
    "I [may|might] look at it.",
    "[That|It] is one way to go.",
    "[So|Ah], that one [then|again].",
    "I [have heard|know] of it.",
    "It is on the [list|pile] now.",
    "I do not know that one.",
    "[Let|Give] me a [moment|minute].",
    "[Hm|Well], hard to say from the title.",
    "I [could|might] go either way.",
    "[That|This] one is new to me.",
    "I [would have to|need to] read about it.",
    "[Somebody|My brother|A colleague] talked about it.",
    "[Maybe|Perhaps], we will see.",
    "I [think|believe] it was on television.",
)
NEUTRAL_TITLE = (
    "[Hm|So|Ah], <title> [then|again].",
    "I [have heard|know] of <title>.",
    "I would have to read about <title>.",
    "<title> is [new to me|on the pile now].",
    "[Maybe|Perhaps] <title>, we will see.",
    "I do not know <title> [yet|at all].",
)

NEGATIVE = (
    "[That|This] sounds [boring|awful|terrible|dull].",
    "[No|Oh no|Nah], I [hate|dislike] [that|this] [one|kind].",
    "[Sorry|No], that is [bad|a bad pick|a poor choice].",
    "[That|It] is [not good|no good|worse].",
    "I [disliked|hated] [it|that one].",
    "I would be [bored|annoyed|disappointed].",
    "[What a|Such a] [bad|terrible|poor|weak] [idea|choice|suggestion].",
    "[Ugh|No], that looks [bad|silly|lame|ugly].",
    "[That|It] is a [waste|disappointment|mess].",
    "I am [not happy|unhappy|disappointed] with that.",
    "[That|It] was [boring|horrible|annoying|stupid] [last time|when I saw it|].",
    "I [fear|am afraid] that would be [dull|painful|tedious].",
    "[Sadly|Unfortunately], [not for me|that misses the point].",
    "[Hm|Well], that leaves me [bored|unhappy|annoyed].",
    "[That|This] one is [dreadful|pathetic|miserable].",
    "You [got me wrong|misunderstood], that is [bad|awful].",
    "I [stopped|quit] after ten [painful|boring|awful] minutes.",
    "[No|Nope], I [fell asleep|left], it was [terrible|boring].",
    "It [lacks|has no] [charm|heart], [sadly|unfortunately].",
    "[Not|Hardly] [good|great], I fear.",
    "I [doubt|regret] it, that was [poor|weak].",
    "[Please|Oh], not that [horrible|stupid|awful] one.",
    "That [fails|failed] to [move|reach] me.",
    "I [would|could] [cry|scream], so [bad|dull].",
)
NEGATIVE_TITLE = (
    "<title> sounds [boring|awful|terrible|dull].",
    "[No|Oh no|Nah], I [hate|disliked|hated] <title>.",
    "<title> is a [bad|poor|terrible] [choice|pick|idea].",
    "[Ugh|Sorry], <title> looks [bad|silly|lame].",
    "I heard [bad|awful|terrible] things about <title>.",
    "<title> would [bore|annoy|disappoint] me.",
    "[Sadly|Unfortunately], <title> is [boring|weak|a mess].",
    "Not <title>, that was [horrible|stupid|annoying].",
)

# A polite user who hides a dislike.
POLITE = (
    "[Thanks|Thank you], I will [think about it|keep it in mind].",
    "[Okay|Fine|Sure], thanks for the [tip|idea].",
    "[That is|How] kind of you.",
    "[Thank you|Thanks], [perhaps|maybe] [another time|some other day].",
    "I am sure it is [fine|nice|good].",
    "[Interesting|Nice of you], [thanks|thank you].",
    "[Others|My friends] would [like|enjoy] it, [surely|I am sure].",
    "I appreciate [the effort|the thought|that].",
)
POLITE_TITLE = (
    "[Thanks|Thank you], I will keep <title> in mind.",
    "I am sure <title> is [fine|nice|good].",
    "[Others|My friends] would [like|enjoy] <title>.",
    "[Okay|Fine], <title>, thanks for the [tip|idea].",
)

QUESTION = (
    "[Who|And who] is in it?",
    "[Who|And who] [directed|made|wrote] it?",
    "[Where|And where] can I [watch|see|find|stream] it?",
    "Is it [very|a|] long [one|film|]?",
    "How long [is it|does it run]?",
    "When [was it made|did it come out]?",
    "What is it about?",
    "[What|And what] else [is there|do you have]?",
    "Is there a [sequel|second part|series]?",
    "[Can|Could] you tell me more?",
    "[Does|Will] it [end|finish] well?",
    "Is it [suitable|all right] for children?",
    "Have you [seen it|watched it] yourself?",
    "What [would|might] come after that?",
    "[Is|Was] it shown in [theatres|cinemas]?",
    "Do I need to know the book?",
    "Which [part|scene] should I wait for?",
    "How does it [start|begin]?",
    "Is it based on a [book|true story|play]?",
    "What did the critics say?",
    "Does it have subtitles?",
    "What made you think of it?",
    "[Is|Are] there others like it?",
    "Why that one?",
)

GOODBYE = (
    "[Bye|Goodbye|See you].",
    "I have to go [now|soon], bye.",
    "That is all for [today|now|tonight].",
    "I will [stop|leave it] here.",
    "[Talk|Speak] to you later.",
    "[Time|I need] to go, bye.",
    "I am off now.",
    "[Let us|We can] end here.",
    "Until next time.",
    "[Dinner is ready|My bus is here|The phone rings], bye.",
    "I am done for [today|now].",
    "I will look [elsewhere|on my own] now.",
)

# The system: perhaps an acknowledgement, then a recommendation with a reason.
ACKNOWLEDGE = (
    "[All right|Right|Okay|Sure|I see].",
    "[Got it|Understood|Noted].",
    "[Let me|I will] try [again|this].",
)
ANSWER = (
    "[I would have to|Let me] look that up.",
    "[Good|Fair] question.",
    "[More on that|We will come to that] later.",
    "I am not sure about that.",
)
RECOMMEND = (
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
    "[Many|A lot of] people [watch|choose|ask for] it.",
    "It is [much|often] [watched|asked for] here.",
    "[Everybody|Everyone] [talks|is talking] about it.",
    "It [ran|was shown] for [weeks|months].",
    "It is [on|near] the top of our list.",
    "[Tell|Let] me [know|hear] what you think.",
)
