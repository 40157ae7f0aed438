"""The catalogue: every name means one thing, and a wrong one is met with the nearest right one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.sim.catalogue import CATALOGUE, WORDS, UnknownName, canonical, is_a, object_type

kinds = st.sampled_from(sorted(CATALOGUE))


def test_every_name_and_synonym_means_one_object():
    names = [name for kind in CATALOGUE.values() for name in (kind.name, *kind.synonyms)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() == " ".join(name.split()) for name in names)


def test_no_synonym_hides_a_category_or_property():
    assert not {s for kind in CATALOGUE.values() for s in kind.synonyms} & WORDS


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.name)
def test_sizes_masses_and_colours_are_those_of_things_one_can_grasp(kind):
    assert all(0.01 < side < 0.4 for side in kind.size)
    assert kind.holds or min(kind.size[:2]) <= 0.078, "must fit between fingers that open 8 cm"
    assert 0.01 <= kind.mass <= 1.0
    assert 0.1 <= kind.friction <= 1.5
    assert all(0 <= channel <= 1 for channel in kind.colour)
    assert kind.shape == "box" or kind.size[0] == kind.size[1]


@given(kinds)
def test_a_type_is_what_its_page_says_and_nothing_else(name):
    kind = CATALOGUE[name]
    own = {name, *kind.categories, *kind.properties}
    assert {word for word in WORDS if is_a(name, word)} == own


@given(kinds, st.booleans(), st.sampled_from([" ", "  "]))
def test_names_and_synonyms_are_read_whatever_their_case_and_spacing(name, upper, space):
    for alias in (name, *CATALOGUE[name].synonyms):
        written = f" {alias.replace(' ', space)} "
        written = written.upper() if upper else written
        assert object_type(written).name == name
        assert canonical(written) == name


@given(st.sampled_from(sorted(WORDS)))
def test_a_canonical_word_stands_for_itself(word):
    assert canonical(word) == word


@pytest.mark.parametrize(
    ("written", "meant"),
    [("drinks", "drink"), ("Beverage", "drink"), ("fruits", "fruit"), ("bag of chips", "chips")],
)
def test_plurals_and_other_words_for_categories(written, meant):
    assert canonical(written) == meant


def test_an_unknown_word_is_met_with_the_nearest_known_one():
    with pytest.raises(UnknownName, match=r"an object, got 'spunge'\. Did you mean 'sponge'\?"):
        object_type("spunge")
    with pytest.raises(UnknownName, match=r"an object, category or property, got 'cafeinated'\. Did you mean 'caff"):
        canonical("cafeinated")


def test_with_nothing_near_all_known_words_are_given():
    with pytest.raises(UnknownName, match=r"got 'zzzzzzzz'\. Known: 7up, .*apple, .*water bottle"):
        object_type("zzzzzzzz")


def test_a_category_is_not_an_object():
    with pytest.raises(UnknownName, match="name of an object, got 'soda'"):
        object_type("soda")


@given(st.text(max_size=30))
def test_any_text_is_known_or_named_as_unknown(text):
    try:
        word = canonical(text)
    except UnknownName as error:
        message = str(error)
    else:
        assert word in WORDS
        return
    assert repr(text) in message
