"""1,000 random dialogues in ReDial's raw form: what was written comes back out of our types, all of it."""

import json
import random
import re

from crsbench_corpora.redial import ReDial

NAMES = {str(n): f"Movie {n} ({1950 + n})" for n in range(1, 60)}
WORDS = ["hi", "no", "@", "@5x", "great", "é", "日本", "“quoted”", "back\\slash", "<tag>", "tab\tin", "end."]


def message(rng, number, seconds, people):
    words = rng.choices(WORDS, k=rng.randint(0, 6)) + [
        f"@{m}" for m in rng.choices(sorted(NAMES), k=rng.randint(0, 2))
    ]
    rng.shuffle(words)
    return {
        "messageId": number,
        "timeOffset": seconds,
        "senderWorkerId": rng.choice(people),
        "text": rng.choice([" ", ", "]).join(words),
    }


def dialogue(rng, name):
    people = rng.sample(range(100), 2)
    times = sorted(rng.choices(range(600), k=rng.randint(0, 14)))
    messages = [message(rng, 7 * at, time, people) for at, time in enumerate(times)]
    form = {
        m: {k: rng.randint(0, 2) for k in ("suggested", "seen", "liked")}
        for m in rng.sample(sorted(NAMES), 3)
    }
    return {
        "conversationId": name,
        "initiatorWorkerId": people[0],
        "respondentWorkerId": people[1],
        "movieMentions": NAMES,
        "initiatorQuestions": rng.choice([form, []]),
        "respondentQuestions": {},
        "messages": messages,
    }


def raw_text(turn, items):
    """The text with ids in place of titles again."""
    text = turn.text
    for mention in reversed(turn.mentions):
        start, end = mention.span
        text = f"{text[:start]}@{items[mention.item].id}{text[end:]}"
    return text


def test_a_thousand_dialogues(tmp_path):
    rng = random.Random(5)
    written = {str(n): dialogue(rng, str(n)) for n in range(1000)}
    folder = tmp_path / "redial"
    folder.mkdir()
    (folder / "movies_with_mentions.csv").write_text(
        "movieId,movieName\n" + "".join(f"{number},{name}\n" for number, name in NAMES.items())
    )
    lines = [json.dumps(one, ensure_ascii=rng.random() < 0.5) for one in written.values()]
    (folder / "train_data.jsonl").write_text("\n".join(lines[:600]))
    (folder / "test_data.jsonl").write_text("\r\n".join(lines[600:]))
    for _ in ("read", "remembered"):
        corpus = ReDial().load("mentions", tmp_path, seed=0)
        items = corpus.catalog.items
        read = [one for split in (corpus.train, corpus.valid, corpus.test) for one in split.dialogues]
        assert {one.id for one in read} == set(written)
        assert len(read) == 1000
        targets = {}
        for row in (*corpus.valid.rows, *corpus.test.rows):
            targets.setdefault(row.dialogue, []).extend(row.targets)
        for one in read:
            raw = written[one.id]
            seeker = raw["initiatorWorkerId"]
            assert one.user == str(seeker)
            runs = []
            for said in raw["messages"]:
                if not runs or runs[-1][-1]["senderWorkerId"] != said["senderWorkerId"]:
                    runs.append([])
                runs[-1].append(said)
            assert len(one.turns) == len(runs)
            for turn, run in zip(one.turns, runs, strict=True):
                assert turn.speaker == ("user" if run[0]["senderWorkerId"] == seeker else "system")
                assert turn.seconds == run[0 if turn.speaker == "user" else -1]["timeOffset"]
                assert raw_text(turn, items) == "\n".join(said["text"] for said in run)
            if one.id in targets or one in corpus.test.dialogues:
                later = [m for m in raw["messages"][1:] if m["senderWorkerId"] != seeker]
                labels = [m for said in later for m in re.findall(r"@(\d+)", said["text"])]
                assert [items[item].id for item in targets.get(one.id, [])] == labels
            form = dict(raw["initiatorQuestions"])
            feedback = corpus.sealed.feedback.get(one.id)
            for question in ("liked", "seen", "suggested"):
                said = {m: a[question] == 1 for m, a in form.items() if a[question] < 2}
                assert said == (
                    {items[i].id: v for i, v in getattr(feedback, question).items()} if feedback else {}
                )
