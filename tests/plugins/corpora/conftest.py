"""A tiny corpus in iEvaLM's layout, and the real one where it is at hand."""

import json
import os
from pathlib import Path

import pytest
from crsbench_corpora.opendialkg import OpenDialKG

ENTITIES = ["Heat", "1995", "Al Pacino", "Ronin", "Jaws", "Crime", "Blade Runner 2049", "unknown"]


def row(dialog_id, turn_id, context, entity, rec, resp):
    return {
        "dialog_id": dialog_id,
        "turn_id": turn_id,
        "context": context,
        "entity": entity,
        "rec": rec,
        "resp": resp,
    }


OPENING = ["Any movie with Al Pacino?"]
LONG = [*OPENING, "Try Heat, it's crime.", "Seen heat. What else?"]


@pytest.fixture
def tiny():
    """File name → its document (rows for .jsonl), to be changed by a test and then written."""
    return {
        "entity2id.json": {name: i for i, name in enumerate(ENTITIES)},
        "item_ids.json": [3, 0, 4, 6],
        "relation2id.json": {"year": 0, "actor": 1, "genre": 2},
        "kg.json": {"0": [[0, 1], [1, 2], [2, 5], [1, 2]], "3": [[0, 7], [2, 5]]},
        "train_data_processed.jsonl": [
            row(7, 3, LONG, ["Al Pacino", "Heat", "Crime", "Heat"], ["Ronin"], "Maybe Ronin."),
            row(7, 1, OPENING, ["Al Pacino"], ["Heat"], LONG[1]),
            row(8, 2, ["Hello", "hi, Jaws?"], ["", "Jaws"], ["Jaws", "Heat"], "Heat beats jaws."),
        ],
        "valid_data_processed.jsonl": [row(9, 1, ["?"], [], ["Jaws"], "Jaws")],
        "test_data_processed.jsonl": [
            row(
                7,
                5,
                [*LONG, "Maybe Ronin.", "Ok"],
                ["Al Pacino", "Heat"],
                ["Heat", "Casino"],
                "Heat! Casino!",
            ),
            row(9, 3, ["?", "Jaws", "no"], ["Jaws"], ["Casino"], "Casino"),
        ],
    }


@pytest.fixture
def write(tmp_path):
    """Write the documents under a data folder, and return it."""

    def write(documents):
        folder = tmp_path / "opendialkg" / "ievalm"
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            lines = document if name.endswith("l") else [document]
            text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
            (folder / name).write_text(text)
        return tmp_path

    return write


@pytest.fixture(scope="session")
def opendialkg():
    root = Path(__file__).parents[3]
    data = Path(os.environ.get("CRSBENCH_DATA", root / ".." / "shared" / "data"))
    if not (data / "opendialkg" / "ievalm").is_dir():
        pytest.skip("OpenDialKG is not there: CRSBENCH_DATA names no folder that holds opendialkg/ievalm")
    return OpenDialKG().load("ievalm", data, seed=0)
