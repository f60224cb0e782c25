"""The pinned sources of the corpora."""

import pytest
from crsbench_corpora.opendialkg import OpenDialKG
from crsbench_corpora.redial import ReDial
from crsbench_corpora.sources import _PINS, sources
from crsbench_corpora.uss import USS

from crsbench.fetch.pins import blob_id, read_pins


def test_every_corpus_has_pins_of_distinct_places(tmp_path):
    pins = read_pins(_PINS)
    assert set(pins) == {"redial", "opendialkg", "inspired", "uss"}
    places = [
        place
        for corpus in pins.values()
        for source in corpus
        for file in source.files
        for place in (
            source.place(tmp_path, file),
            *(source.place(tmp_path, file).parent / name for name in file.members),
        )
    ]
    assert len(set(places)) == len(places)
    assert all(source.licence for corpus in pins.values() for source in corpus)


def test_the_readers_declare_them():
    assert OpenDialKG.sources == sources("opendialkg")
    assert {name for source in OpenDialKG.sources for name in source.protocols} == set(OpenDialKG.protocols)
    assert (ReDial.sources, USS.sources) == (sources("redial"), sources("uss"))


@pytest.mark.parametrize("corpus", ["redial", "opendialkg", "uss"])
def test_files_that_are_at_hand_are_the_pinned_ones(data_dir, corpus):
    """The copies were taken from the same commits, so their blob ids are the ones that get would accept."""
    here = [
        (source.place(data_dir, file), file)
        for source in sources(corpus)
        for file in source.files
        if source.place(data_dir, file).is_file()
    ]
    if not here:
        pytest.skip(f"{corpus} is not at hand")
    for path, file in here:
        assert (blob_id(path), path.stat().st_size) == (file.blob, file.size), path
