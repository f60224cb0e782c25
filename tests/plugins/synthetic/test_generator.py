"""What the log and its users look like."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crsbench_signals.sentiment import compound
from crsbench_synthetic import feelings, system_grammar, user_grammar, users
from crsbench_synthetic.dataset import SyntheticDataset
from crsbench_synthetic.log import write_log
from crsbench_synthetic.options import DatasetOptions
from crsbench_synthetic.scenarios import SYNTHETIC
from crsbench_synthetic.text import Named, Writer
from crsbench_synthetic.world import TRAIN, make_world

SMALL = DatasetOptions(dialogues=40, valid=5, test=10)
NOWHERE = Path("nowhere")


def families(*modules):
    for module in modules:
        for name, value in vars(module).items():
            if name.isupper():
                yield from value.values() if isinstance(value, dict) else [value]


def test_same_seed_same_corpus_in_another_process():
    code = (
        "from pathlib import Path; from crsbench_synthetic.dataset import SyntheticDataset as D;"
        "from crsbench_synthetic.options import DatasetOptions as O;"
        "print(D(O(dialogues=40, valid=5, test=10)).load('logged', Path('nowhere'), 0).fingerprint)"
    )
    here = SyntheticDataset(SMALL).load("logged", NOWHERE, 0).fingerprint
    for hash_seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        there = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        assert there.stdout.strip() == here


def test_the_option_seed_makes_another_world():
    other = SyntheticDataset(SMALL.model_copy(update={"seed": 1})).load("logged", NOWHERE, 0)
    same = SyntheticDataset(SMALL).load("logged", NOWHERE, 5)
    this = SyntheticDataset(SMALL).load("logged", NOWHERE, 0)
    assert other.catalog.fingerprint != this.catalog.fingerprint
    assert same.fingerprint == this.fingerprint


def test_a_dialogue_does_not_depend_on_how_many_are_drawn(corpus):
    few = SyntheticDataset(SMALL).load("logged", NOWHERE, 0)
    assert few.train.dialogues == corpus.train.dialogues[:40]


def test_another_scenario_is_another_parameter_set():
    patient = replace(SYNTHETIC, name="patient", leaves=(0.0, 0.0), turns=(4, 4))
    logged = write_log(make_world(50, 0, patient), TRAIN, 20)
    assert [len(one.satisfied) for one in logged] == [4] * 20


def test_dialogues_have_the_right_shape(corpus):
    for dialogue in (*corpus.train.dialogues, *corpus.valid.dialogues, *corpus.test.dialogues):
        speakers = [turn.speaker for turn in dialogue.turns]
        assert speakers == ["user"] + ["system", "user"] * (len(speakers) // 2)
        assert 1 <= len(speakers) // 2 <= 6
        times = [turn.seconds for turn in dialogue.turns]
        assert times == sorted(times)
        assert times[0] == 0
        assert not any(turn.ends for turn in dialogue.turns[:-1])
        items = [turn.recommended[0] for turn in dialogue.turns if turn.recommended]
        assert len(set(items)) == len(items) == len(speakers) // 2


def test_mentions_say_where_they_stand(corpus):
    entities = {entity for _, _, entity in corpus.catalog.links}
    for dialogue in corpus.train.dialogues[:500]:
        for turn in dialogue.turns:
            for mention in turn.mentions:
                start, end = mention.span
                assert turn.text[start:end].casefold() == mention.name.casefold()
                if mention.item is None:
                    assert mention.name in entities
                else:
                    assert mention.name == corpus.catalog.items[mention.item].title
            if turn.recommended:
                assert turn.recommended[0] in [mention.item for mention in turn.mentions]
        assert len([m for m in dialogue.turns[0].mentions if m.item is None]) == 2


def test_titles_are_unique_and_none_is_part_of_another(corpus):
    titles = [item.title for item in corpus.catalog.items]
    assert len(set(titles)) == len(titles)
    assert not [(a, b) for a in titles for b in titles if a != b and a in b]


def test_titles_stay_unique_when_the_words_run_out():
    titles = [item.title for item in make_world(110_000, 0).catalog.items]
    assert len(set(titles)) == 110_000


def test_years_agree_with_decades(corpus):
    for item in corpus.catalog.items:
        assert (
            item.year // 10 * 10
            == {
                "the sixties": 1960,
                "the seventies": 1970,
                "the eighties": 1980,
                "the nineties": 1990,
                "the noughties": 2000,
            }[item.attributes["decade"][0]]
        )


def test_the_order_of_the_catalogue_tells_nothing():
    world = make_world(300, 0)
    for hidden in (world.popularity, world.quality):
        assert abs(np.corrcoef(np.arange(300), hidden)[0, 1]) < 0.15
    assert abs(np.corrcoef(world.popularity, world.quality)[0, 1]) < 0.15


def test_text_has_variety(corpus):
    dialogues = corpus.train.dialogues
    assert len({tuple(turn.text for turn in d.turns) for d in dialogues}) == len(dialogues)
    assert len({d.turns[0].text for d in dialogues}) > 0.95 * len(dialogues)
    words = Counter(
        word.strip(".,!?").lower() for d in dialogues for turn in d.turns for word in turn.text.split()
    )
    assert 900 < len(words) < 3000
    assert sum(len(family) for family in families(user_grammar, feelings, system_grammar)) > 250
    lengths = [len(turn.text.split()) for d in dialogues for turn in d.turns]
    assert np.quantile(lengths, 0.1) >= 6
    assert np.quantile(lengths, 0.9) <= 22


def test_every_template_makes_a_clean_sentence():
    rng = np.random.default_rng(0)
    slots = {
        name: Named("Vera Marlow", relation="actor")
        for name in ("np", "np2", "v", "genre", "actor", "director", "decade", "mood", "title")
    }
    for family in families(user_grammar, feelings, system_grammar):
        for template in family:
            for _ in range(10):
                writer = Writer(iter(rng.random(60).tolist()))
                writer.say((template,), slots)
                text, mentions = writer.result()
                assert "  " not in text
                assert not set(text) & set("[]<>|"), text
                assert " ." not in text
                assert " ," not in text
                assert all(text[m.span[0] : m.span[1]] == m.name for m in mentions)


@pytest.mark.parametrize(
    ("family", "low", "high"),
    [
        (feelings.POSITIVE + feelings.POSITIVE_TITLE, 0.05, 1),
        (feelings.NEGATIVE + feelings.NEGATIVE_TITLE, -1, -0.05),
        (feelings.NEUTRAL + feelings.NEUTRAL_TITLE, -0.1, 0.1),
        (feelings.POLITE + feelings.POLITE_TITLE, 0.05, 1),
    ],
    ids=["positive", "negative", "neutral", "polite"],
)
def test_feelings_read_as_meant(family, low, high):
    rng = np.random.default_rng(0)
    scores = []
    for template in family:
        for _ in range(20):
            writer = Writer(iter(rng.random(20).tolist()))
            writer.say((template,), {"title": Named("It")})
            scores.append(compound(writer.result()[0]))
    assert np.mean([low <= score <= high for score in scores]) > 0.9


def test_users_are_drawn_as_described():
    world = make_world(300, 0)
    drawn = [users.draw_user(world, TRAIN, i) for i in range(200)]
    for user in drawn:
        likes = {world.entities[v].relation for v in np.flatnonzero(user.tastes[0] > 0)}
        dislikes = [world.entities[v].relation for v in np.flatnonzero(user.tastes[0] < 0)]
        assert likes == {"genre", "actor", "director", "decade", "mood"}
        assert (user.tastes[0] > 0).sum() == 6
        assert sorted(dislikes) == ["genre", "mood"]
        assert all(user.tastes[0][v] > 0 for v in user.opening)


def test_some_test_turns_are_exposed_and_no_others(corpus):
    exposed = [row.exposed for row in corpus.test.rows]
    assert np.mean(exposed) == pytest.approx(0.1, abs=0.03)
    assert not any(row.exposed for row in corpus.valid.rows)
    # What is drawn evenly is spread more widely than what the logger chooses.
    world = make_world(300, 0)
    chosen = np.array([world.popularity[row.targets[0]] for row in corpus.test.rows])
    assert chosen[exposed].mean() < 0.6 * chosen[~np.array(exposed)].mean()
