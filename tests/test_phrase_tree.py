"""The prefix tree: what goes in comes out along the paths, and nodes see their ancestors alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from doable.agent.phrase_tree import PhraseTree

PHRASES = st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=12)


@given(PHRASES)
def test_paths_spell_the_phrases(phrases):
    tree = PhraseTree.build(phrases)
    assert [[int(tree.tokens[n]) for n in path] for path in tree.paths] == phrases


@given(PHRASES)
def test_every_prefix_is_one_node(phrases):
    tree = PhraseTree.build(phrases)
    prefixes = {tuple(p[: i + 1]) for p in phrases for i in range(len(p))}
    assert len(tree) == len(prefixes)
    assert (tree.parents < np.arange(len(tree))).all()


@given(PHRASES)
def test_a_node_sees_its_ancestors_and_itself(phrases):
    tree = PhraseTree.build(phrases)
    mask = tree.mask()
    for path in tree.paths:
        for depth, node in enumerate(path):
            assert set(np.flatnonzero(mask[node])) == set(path[: depth + 1])
            assert tree.depths[node] == depth


@given(PHRASES)
def test_sums_run_along_the_paths(phrases):
    tree = PhraseTree.build(phrases)
    values = np.random.default_rng(0).normal(size=len(tree))
    assert np.allclose(tree.sums(values), [sum(values[n] for n in path) for path in tree.paths])
