"""Best-first search finds what a full pass finds, and reads less; over random trees, say and can."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.agent.best_first import search
from doable.agent.phrase_tree import PhraseTree
from doable.agent.scoring import rank

PHRASES = st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=14)


class Reader:
    """Log-probabilities from a table, one for each node; checks what it is asked."""

    def __init__(self, tree, seed, alphabet=4, sharpness=2.0, coarse=False):
        rng = np.random.default_rng(seed)
        logits = sharpness * rng.normal(size=(len(tree) + 1, alphabet))
        if coarse:  # many equal scores
            logits = np.round(logits)
        logprobs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        self.values = np.zeros(len(tree))
        for node, parent in enumerate(tree.parents):
            self.values[node] = (
                np.round(logprobs[parent], 1)[tree.tokens[node]] if coarse else (logprobs[parent][tree.tokens[node]])
            )
        self.tree, self.read = tree, set()

    def __call__(self, nodes):
        assert nodes.tolist() == sorted(set(nodes.tolist()))
        assert self.read.isdisjoint(nodes.tolist())
        self.read |= set(nodes.tolist())
        assert all(int(self.tree.parents[node]) in self.read for node in nodes if node >= 0)
        return self.values[self.tree.children_of(nodes)[0]]


def full(tree, reader, can):
    """All phrases that can be done, best first, by the rule of choice over a full pass."""
    log_say = tree.sums(reader.values)
    ranked = rank([str(i) for i in range(len(can))], log_say, can)
    return [(int(c.phrase), c.log_say) for c in ranked if c.can > 0], sum(np.exp(c.score) for c in ranked)


def cans(seed, count):
    rng = np.random.default_rng(seed)
    return np.round(rng.random(count), 1) * (rng.random(count) < 0.7)


@given(
    phrases=PHRASES, seed=st.integers(0, 10**6), count=st.integers(1, 4), coarse=st.booleans(),
    width=st.integers(1, 20), margin=st.sampled_from([0.0, 1.0, np.inf]), floor=st.sampled_from([0.0, 0.01, 0.3]),
)  # fmt: skip
def test_what_is_found_is_what_a_full_pass_finds(phrases, seed, count, coarse, width, margin, floor):
    tree = PhraseTree.build(phrases)
    reader, can = Reader(tree, seed, coarse=coarse), cans(seed, len(phrases))
    found = search(tree, can, reader, count=count, floor=floor, width=width, margin=margin)
    expected, mass = full(tree, reader, can)
    assert found.best == min(count, len(expected))
    got = list(zip(found.phrases.tolist(), found.log_say.tolist(), strict=True))
    assert got[: found.best] == expected[: found.best]
    assert set(got) <= set(expected)
    assert found.expanded == len(reader.read - {-1}) <= found.nodes == len(tree.inner())
    low, high = found.mass
    assert low - 1e-9 <= mass <= high + 1e-9
    assert (low >= floor) == (mass >= floor) or np.isclose(mass, floor)


@given(phrases=PHRASES, seed=st.integers(0, 10**6))
def test_what_cannot_be_done_is_never_read(phrases, seed):
    tree = PhraseTree.build(phrases)
    reader, can = Reader(tree, seed), cans(seed, len(phrases))
    search(tree, can, reader, count=len(phrases))
    doable = {int(a) for last in tree.last[(can > 0) & (tree.last >= 0)] for a in tree.ancestors(last)}
    assert reader.read - {-1} <= doable
    untouched = Reader(tree, seed)
    assert search(tree, np.zeros(len(phrases)), untouched).best == 0
    assert not untouched.read


def test_a_sure_model_reads_little():
    phrases = [[verb, colour, thing, 9] for verb in range(5) for colour in range(8) for thing in range(9)]
    tree = PhraseTree.build(phrases)
    reader = Reader(tree, 0, alphabet=10, sharpness=4.0)
    found = search(tree, np.full(len(phrases), 0.9), reader)
    assert found.nodes == 5 + 40 + 360
    assert found.expanded < found.nodes / 5


def test_words_that_follow_without_a_choice_are_read_at_once():
    tree = PhraseTree.build([[1, 2, 3, 4, 5], [1, 2, 3, 9, 5]])
    calls = []
    reader = Reader(tree, 0, alphabet=10)
    search(tree, np.ones(2), lambda nodes: calls.append(nodes.tolist()) or reader(nodes))
    assert calls[:2] == [[-1], [0, 1, 2]]


@pytest.mark.parametrize("can", [[0.5], [0.5, 1.5], [0.5, np.nan]])
def test_values_outside_the_rule_are_refused(can):
    with pytest.raises(ValueError, match="value in \\[0, 1\\] for each of 2"):
        search(PhraseTree.build([[1], [2]]), np.array(can), lambda nodes: np.zeros(2))
