"""Damaged input gives a dialogue or one clear error with its file and line; never a traceback, never less.

Each input is one line of a file of one of the readers, spoilt as hypothesis draws. CRSBENCH_FUZZ says how
many inputs each reader gets (400 where it is not set, so that the tests stay quick): 10,000 in all are
`CRSBENCH_FUZZ=1667 pytest tests/plugins/corpora/test_fuzz.py`.
"""

import csv
import io
import json
import os
import re
import time

import pytest
from crsbench_corpora.inspired import Inspired
from crsbench_corpora.opendialkg import OpenDialKG
from crsbench_corpora.redial import ReDial
from crsbench_corpora.uss import USS
from hypothesis import given, settings
from hypothesis import strategies as st

from crsbench.errors import DataError

INPUTS = int(os.environ.get("CRSBENCH_FUZZ", "400"))
SECONDS = 5.0  # more than this for one input is a hang
ODD = [
    None,
    True,
    -1,
    0,
    3,
    10**19,
    10**400,
    -(10**400),
    1.5,
    "",
    "x" * 200_000,
    "\ud800",
    "a\nb\x00\u2028",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"7": {}},
    "@7",
    "@" + "9" * 5000,
]


def answers():
    return {"suggested": 1, "seen": 0, "liked": 2}


def redial(name):
    def said(number, who, text):
        return {"messageId": number, "timeOffset": number, "senderWorkerId": who, "text": text}

    return {
        "conversationId": name,
        "initiatorWorkerId": 1,
        "respondentWorkerId": 2,
        "movieMentions": {"7": "Heat (1995)"},
        "initiatorQuestions": {"7": answers()},
        "respondentQuestions": {},
        "messages": [said(1, 1, "Hi"), said(2, 2, "@7 é"), said(3, 1, "no @8")],
    }


def ievalm(name):
    return {
        "dialog_id": int(name),
        "turn_id": 1,
        "context": ["Jaws?", "no"],
        "entity": ["Jaws"],
        "rec": ["Heat"],
        "resp": "Heat",
    }


def unicrs(name):
    said = {"text": f"Heat {name}", "entity_link": [], "movie": ["Heat (1995)"], "movie_name": []}
    return [{**said, "role": "SEEKER"}, {**said, "role": "RECOMMENDER"}]


def book(name):
    said = {"text": f"Heat {name}", "entity": ["Heat"], "item": ["Heat"]}
    return [{**said, "role": "user"}, {**said, "role": "assistant"}]


def official(name):
    path = [0.5, [["Jaws", "~x", "Heat"]], "Jaws x Heat"]
    return [
        {"type": "chat", "sender": "user", "message": f"Hi {name}"},
        {"type": "action", "sender": "assistant", "metadata": {"path": path}},
        {"type": "chat", "sender": "assistant", "message": "Heat"},
    ]


def spoilt(rng, value):
    """A JSON value with one part of it changed, dropped, doubled or nested deeply."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        copy = value.copy()
        choice = rng.random()
        if choice < 0.12:
            del copy[key]
        elif choice < 0.2 and isinstance(copy, list):
            copy.insert(key, copy[key])
        else:
            copy[key] = spoilt(rng, value[key])
        return copy
    return rng.choice(ODD)


def text(rng, value):
    """Its JSON, which may be cut, in another encoding, nested too deeply or not be JSON at all."""
    if rng.random() < 0.7:
        value = spoilt(rng, value)
    line = json.dumps(value).encode()
    choice = rng.random()
    at = rng.randrange(len(line) + 1)
    if choice < 0.15:
        return line[:at]
    if choice < 0.2:
        return (
            line[:at]
            + bytes(rng.randrange(256) for _ in range(rng.randint(1, 4))).replace(b"\n", b"")
            + line[at:]
        )
    if choice < 0.25:
        return json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").replace(b"\n", b"")
    if choice < 0.3:
        return re.sub(
            rb"[0-9]+", rng.choice([b"NaN", b"Infinity", b"1e999", b"-0", b"007", b"9" * 5000]), line, count=1
        )
    if choice < 0.33:
        return b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    if choice < 0.35:
        return line.replace(b":", b":" + b"[" * 5000, 1)
    if choice < 0.37:
        return b"\xef\xbb\xbf" + line
    return line


def lines(rng, make, again=True):
    """Two good lines with a spoilt one between them, and whether it is there at all."""
    bad = text(rng, make("2"))
    if again and rng.random() < 0.1:
        bad = json.dumps(make("1")).encode()  # the first one again
    return b"\n".join([json.dumps(make("1")).encode(), bad, json.dumps(make("3")).encode()]), bool(
        bad.strip()
    )


def put(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def redial_case(rng, data):
    folder = data / "redial"
    content, there = lines(rng, redial)
    put(folder, "movies_with_mentions.csv", b"movieId,movieName\n7,Heat (1995)\n")
    put(folder, "test_data.jsonl", json.dumps(redial("t")).encode())
    put(folder, "train_data.jsonl", content)
    return ReDial(), "mentions", "train_data.jsonl", 3 + there


def graph(data):
    folder = data / "opendialkg" / "ievalm"
    put(folder, "entity2id.json", b'{"Heat": 0, "Jaws": 1}')
    put(folder, "item_ids.json", b"[0, 1]")
    put(folder, "relation2id.json", b"{}")
    put(folder, "kg.json", b"{}")
    return folder


def books_case(rng, data):
    content, there = lines(rng, book, again=False)  # the file gives its dialogues no names to repeat
    put(graph(data), "dialog_Books.jsonl", content)
    return OpenDialKG(), "books", "dialog_Books.jsonl", 2 + there


def ievalm_case(rng, data):
    content, there = lines(rng, ievalm)
    folder = graph(data)
    for split in ("valid", "test"):
        put(folder, f"{split}_data_processed.jsonl", json.dumps(ievalm("9")).encode())
    put(folder, "train_data_processed.jsonl", content)
    return OpenDialKG(), "ievalm", "train_data_processed.jsonl", 4 + there


def inspired_case(rng, data):
    folder = data / "inspired"
    content, there = lines(rng, unicrs)
    for split in ("dev", "test"):
        put(folder, f"{split}.jsonl", json.dumps(unicrs("9")).encode())
    put(folder, "train.jsonl", content)
    return Inspired(), "official", "train.jsonl", 4 + there


def official_case(rng, data):
    folder = data / "opendialkg" / "official"
    bad = text(rng, official("2"))
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["Messages", "User Rating", "Assistant Rating"])
    for messages in (json.dumps(official("1")), bad.decode("latin-1"), json.dumps(official("3"))):
        table.writerow([messages, rng.choice(["5", "", "x", "nan", "1e999"]), "4"])
    content = out.getvalue().encode("utf-8" if rng.random() < 0.8 else "utf-16")
    cut = rng.randrange(len(content)) if rng.random() < 0.1 else len(content)
    put(folder, "opendialkg.csv", content[:cut])
    put(folder, "opendialkg_entities.txt", b"Heat\nJaws")
    put(folder, "opendialkg_triples.txt", b"Heat\tx\tJaws\n")
    return OpenDialKG(), "official", "opendialkg.csv", 3 if cut == len(content) else None


def uss_case(rng, data):
    """Three dialogues of two lines, with the line between the first two spoilt."""
    good = "USER\tHi é\t\t3,4,3", "USER\tOVERALL\t\t4,4,5", ""
    odd = [str(value).replace("\n", " ").encode("utf-8", "surrogatepass") for value in ODD]
    fields = [b"USER", b"Hi", b"", b"3,4,3"]
    choice = rng.random()
    if choice < 0.5:
        fields[rng.randrange(4)] = rng.choice(odd)
    elif choice < 0.6:
        fields[3] = rng.choice([b"6", b"0", b"3,", b"3,4.0", b"nan", b"3 ,4", "٣".encode()])
    elif choice < 0.7:
        del fields[rng.randrange(4)]
    bad = b"\t".join(fields)
    if choice > 0.8:
        bad = text(rng, {"USER\tHi": "\t\t3"})
    if choice > 0.95:
        bad = bad.decode("latin-1").encode("utf-16")
    content = [line.encode() for line in (*good, "SYSTEM\tHo\t\t", *good, *good)]
    put(data / "uss", "ReDial.txt", b"\n".join([*content[:4], bad.replace(b"\n", b""), *content[4:]]))
    return USS(), "ratings", "ReDial.txt", 3


def outcome(dataset, protocol, data):
    """The corpus, or what the DataError says; any other exception is a failure."""
    try:
        return dataset.load(protocol, data, seed=0), ""
    except DataError as error:
        return None, error.message


@pytest.mark.parametrize(
    "case", [redial_case, ievalm_case, books_case, inspired_case, official_case, uss_case]
)
def test_damaged_input(case, tmp_path, monkeypatch):
    monkeypatch.setenv("CRSBENCH_CACHE", str(tmp_path / "cache"))
    outcomes = {"loaded": 0, "refused": 0}

    @settings(max_examples=INPUTS, deadline=None, derandomize=True, database=None)
    @given(rng=st.randoms(use_true_random=False))
    def one_input(rng):
        dataset, protocol, file, dialogues = case(rng, tmp_path)
        began = time.monotonic()
        corpus, message = outcome(dataset, protocol, tmp_path)
        if corpus is None:
            outcomes["refused"] += 1
            assert file in message
            assert re.search(r"line [1-5]\b", message) or "holds no rows" in message, message
            assert len(message.splitlines()) == 1
            assert len(message) < 1000
        else:
            outcomes["loaded"] += 1
            splits = (corpus.train, corpus.valid, corpus.test)
            read = [one.id for split in splits for one in split.dialogues]
            assert dialogues is None or len(read) == dialogues
        assert time.monotonic() - began < SECONDS

    one_input()
    assert min(outcomes.values()) > INPUTS / 40  # both happen, or the inputs are not worth much
