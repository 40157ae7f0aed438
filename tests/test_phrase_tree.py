"""The prefix tree: what goes in comes out along the paths, and nodes see their ancestors alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from doable.agent.phrase_tree import PhraseTree

PHRASES = st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=12)


def path(tree, node):
    return [] if node < 0 else [*tree.ancestors(node).tolist(), int(node)]


@given(PHRASES)
def test_paths_spell_the_phrases(phrases):
    tree = PhraseTree.build(phrases)
    assert [[int(tree.tokens[n]) for n in path(tree, last)] for last in tree.last] == phrases


@given(PHRASES)
def test_every_prefix_is_one_node_in_preorder(phrases):
    tree = PhraseTree.build(phrases)
    prefixes = {tuple(p[: i + 1]) for p in phrases for i in range(len(p))}
    assert len(tree) == len(prefixes)
    spelt = [tuple(int(tree.tokens[n]) for n in path(tree, node)) for node in range(len(tree))]
    assert spelt == sorted(prefixes)
    assert [len(words) - 1 for words in spelt] == tree.depths.tolist()


@given(PHRASES)
def test_a_node_sees_its_ancestors_and_itself(phrases):
    tree = PhraseTree.build(phrases)
    nodes = np.arange(len(tree))
    mask = tree.sees(nodes, nodes)
    for node in nodes:
        assert np.flatnonzero(mask[node]).tolist() == path(tree, node)


@given(PHRASES)
def test_a_run_of_nodes_needs_only_the_ancestors_of_its_first(phrases):
    tree = PhraseTree.build(phrases)
    for first in range(len(tree)):
        needed = {above for node in range(first, len(tree)) for above in tree.ancestors(node) if above < first}
        assert needed == set(tree.ancestors(first).tolist())


@given(PHRASES)
def test_children_and_inner_nodes(phrases):
    tree = PhraseTree.build(phrases)
    for node in range(-1, len(tree)):
        assert tree.children(node).tolist() == np.flatnonzero(tree.parents == node).tolist()
    assert tree.inner().tolist() == sorted(set(tree.parents.tolist()) - {-1})
    asked = np.array([-1, *tree.inner()[::-1]], dtype=np.int64)
    children, rows = tree.children_of(asked)
    assert children.tolist() == [int(c) for node in asked for c in tree.children(node)]
    assert (tree.parents[children] == asked[rows]).all()


@given(PHRASES)
def test_sums_run_along_the_paths(phrases):
    tree = PhraseTree.build(phrases)
    values = np.random.default_rng(0).normal(size=len(tree))
    assert np.allclose(tree.sums(values), [sum(values[n] for n in path(tree, last)) for last in tree.last])


@given(PHRASES)
def test_the_most_below_a_node(phrases):
    tree = PhraseTree.build(phrases)
    own = np.random.default_rng(0).normal(size=len(tree))
    most = tree.most_below(own, -np.inf)
    for node in range(len(tree)):
        assert most[node] == max(own[node + 1 : tree.ends[node]], default=-np.inf)
    heaviest, totals = tree.most_below(abs(own), 0.0, np.add), tree.totals(abs(own))
    for node in range(len(tree)):
        assert np.isclose(heaviest[node], max(totals[node : tree.ends[node]]) - totals[node])
