"""Short conversations in domains that nobody rated: in each the same request goes better and worse.

In every scene the outcomes are in order, best first: the offer is taken and the user thanks; nothing much is
said of it; the system repeats itself, or does not answer; it is refused, and the user gives up. Turns
alternate, and the user begins.
"""

SCENES: dict[str, list[list[str]]] = {
    "a restaurant": [
        [
            "We need a place for dinner tonight, something Thai near the station.",
            "Baan Siam is five minutes from the station and takes bookings until nine.",
            "That sounds lovely. Can you get us a table for four at eight?",
            "Done: a table for four at Baan Siam at eight.",
            "Brilliant, you've been a great help!",
        ],
        [
            "We need a place for dinner tonight, something Thai near the station.",
            "Baan Siam is five minutes from the station and takes bookings until nine.",
            "What are the prices like there?",
            "Main courses are between twelve and eighteen pounds.",
            "Ok.",
        ],
        [
            "We need a place for dinner tonight, something Thai near the station.",
            "There are many places for dinner in town.",
            "Something Thai, near the station please.",
            "There are many places for dinner in town.",
            "Thai? Near the station?",
        ],
        [
            "We need a place for dinner tonight, something Thai near the station.",
            "Luigi's does very good pizza on the seafront.",
            "No, we want Thai food, not pizza.",
            "Luigi's does very good pizza on the seafront.",
            "This is useless. I'll ask someone else.",
        ],
    ],
    "music": [
        [
            "Could you play me something calm to study to?",
            "How about Nils Frahm? His piano pieces are quiet and slow.",
            "Oh yes, I adore him, put that on!",
            "Playing Says by Nils Frahm.",
            "Perfect, exactly what I was after.",
        ],
        [
            "Could you play me something calm to study to?",
            "How about Nils Frahm? His piano pieces are quiet and slow.",
            "I don't know him. Is there singing in it?",
            "There is no singing, only the piano.",
            "Alright, let me hear one.",
        ],
        [
            "Could you play me something calm to study to?",
            "What kind of music do you enjoy?",
            "Calm music for studying.",
            "What kind of music do you enjoy?",
            "Calm. For studying. As I told you.",
        ],
        [
            "Could you play me something calm to study to?",
            "Here is Slayer with Raining Blood.",
            "Stop, that's awful, much too loud.",
            "Here is Slayer with Angel of Death.",
            "Forget it, you clearly don't get it.",
        ],
    ],
    "a journey": [
        [
            "I have a week in May and would like to hike somewhere warm.",
            "Madeira is warm in May, and its levada paths are made for walking.",
            "I hadn't thought of Madeira, good idea! How do I get there?",
            "There are direct flights from London every day.",
            "Great, I'll book that. Thank you so much.",
        ],
        [
            "I have a week in May and would like to hike somewhere warm.",
            "Madeira is warm in May, and its levada paths are made for walking.",
            "How long is the flight?",
            "About four hours from London.",
            "And is it crowded in May?",
        ],
        [
            "I have a week in May and would like to hike somewhere warm.",
            "Sorry, I did not understand that.",
            "I want to go hiking somewhere warm in May.",
            "Sorry, I did not understand that.",
            "A hiking trip in May, somewhere warm.",
        ],
        [
            "I have a week in May and would like to hike somewhere warm.",
            "You could go skiing in Norway.",
            "I said warm. Skiing is not hiking either.",
            "Norway has wonderful slopes for skiing.",
            "You're not listening to me at all. Never mind.",
        ],
    ],
    "books": [
        [
            "I'm looking for a novel for my mother, she likes gardens.",
            "The Secret Garden is a classic about a hidden garden.",
            "She has that one already, is there a newer one?",
            "The Garden of Evening Mists came out in 2011, set in a Japanese garden in Malaysia.",
            "She'd really enjoy that, I'll order it. Thanks!",
        ],
        [
            "I'm looking for a novel for my mother, she likes gardens.",
            "The Secret Garden is a classic about a hidden garden.",
            "Who wrote it?",
            "It was written by Frances Hodgson Burnett.",
            "I see.",
        ],
        [
            "I'm looking for a novel for my mother, she likes gardens.",
            "You might enjoy The Martian.",
            "It's for my mother, and she likes gardens.",
            "You might enjoy The Martian.",
            "Anything about gardens?",
        ],
        [
            "I'm looking for a novel for my mother, she likes gardens.",
            "Here is a list of car magazines.",
            "That has nothing to do with what I asked.",
            "I cannot help with that.",
            "What a waste of time. Bye.",
        ],
    ],
    "a hotel": [
        [
            "Is there a quiet hotel with parking in the centre?",
            "The Lensfield has free parking and rooms to the garden side, which are quiet.",
            "Sounds ideal, please reserve two nights from Friday.",
            "Two nights from Friday are reserved, the number is 4471.",
            "Wonderful, thanks a lot, that's everything.",
        ],
        [
            "Is there a quiet hotel with parking in the centre?",
            "The Lensfield has free parking and rooms to the garden side, which are quiet.",
            "Does it have a gym?",
            "Yes, there is a small gym in the basement.",
            "And what time is breakfast?",
        ],
        [
            "Is there a quiet hotel with parking in the centre?",
            "I have 21 hotels. Which price range would you like?",
            "Any price, it has to be quiet and have parking.",
            "I have 21 hotels. Which price range would you like?",
            "The price does not matter.",
        ],
        [
            "Is there a quiet hotel with parking in the centre?",
            "The Alpha is outside of town and has no parking.",
            "I need parking and it should be central. That doesn't work for me.",
            "The Alpha is outside of town and has no parking.",
            "No. You keep offering the same one. I give up.",
        ],
    ],
    "a laptop": [
        [
            "My old laptop died. I need a light one for under 900 euros.",
            "The Swift Go weighs 1.3 kilos and costs 799 euros.",
            "Nice, how long does the battery last?",
            "About eleven hours with a dimmed display.",
            "I'm convinced, I'll take it. You were really helpful.",
        ],
        [
            "My old laptop died. I need a light one for under 900 euros.",
            "The Swift Go weighs 1.3 kilos and costs 799 euros.",
            "How long does the battery last?",
            "About eleven hours with a dimmed display.",
            "I'll think about it.",
        ],
        [
            "My old laptop died. I need a light one for under 900 euros.",
            "We sell laptops, phones and tablets.",
            "A light laptop under 900 euros.",
            "We sell laptops, phones and tablets.",
            "Hello? A light laptop?",
        ],
        [
            "My old laptop died. I need a light one for under 900 euros.",
            "The Titan weighs 3.4 kilos and costs 2,600 euros.",
            "That's far too heavy and way too expensive.",
            "The Titan is our best laptop.",
            "Not interested. I'll look in another shop.",
        ],
    ],
    "something to cook": [
        [
            "What can I cook with aubergines in half an hour?",
            "Pasta alla norma takes twenty-five minutes: aubergines, tomatoes, basil and ricotta.",
            "Mmm, that looks delicious, and I have all of it here.",
            "Shall I read the steps to you?",
            "Yes please, you're a star!",
        ],
        [
            "What can I cook with aubergines in half an hour?",
            "Pasta alla norma takes twenty-five minutes: aubergines, tomatoes, basil and ricotta.",
            "Can it be done without ricotta?",
            "You can use any salty cheese instead.",
            "Okay then.",
        ],
        [
            "What can I cook with aubergines in half an hour?",
            "Cooking is fun. What do you like to eat?",
            "I asked what to cook with aubergines.",
            "Cooking is fun. What do you like to eat?",
            "Aubergines!",
        ],
        [
            "What can I cook with aubergines in half an hour?",
            "Beef stew takes three hours.",
            "I don't eat meat and I don't have three hours.",
            "Beef stew is a classic.",
            "Wrong again. I'm done with this.",
        ],
    ],
    "a film": [
        [
            "Any recent film that's good for kids of six?",
            "Paddington 2 suits that age, and adults laugh as well.",
            "We loved the first Paddington, so that's a great tip.",
            "It is as good as the first one.",
            "Then we know what to watch tonight, cheers!",
        ],
        [
            "Any recent film that's good for kids of six?",
            "Paddington 2 suits that age, and adults laugh as well.",
            "Where can I stream it?",
            "It is on several of the large services.",
            "Okay.",
        ],
        [
            "Any recent film that's good for kids of six?",
            "I would recommend Titanic.",
            "Something for kids of six.",
            "I would recommend Titanic.",
            "For kids, please.",
        ],
        [
            "Any recent film that's good for kids of six?",
            "You should watch The Conjuring.",
            "A horror film for six year olds? Are you serious?",
            "You should watch Saw.",
            "That's terrible advice, stop. Goodbye.",
        ],
    ],
}
