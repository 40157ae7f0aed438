"""A prefix tree behind a prompt, read by a causal model: in whole, run by run, or node by node as a search asks.

       keys:  prompt ............  above   the run            The run's first node 'coke' has 'find the' above it: of
queries coke  █ █ █ █ █ █ █ █ █ █   █ █    █                  all nodes read before, only these stay in the cache. So
        \\n    █ █ █ █ █ █ █ █ █ █   █ █    █ █                a run costs its own length × (prompt + depth + run),
        cup   █ █ █ █ █ █ █ █ █ █   █ █         █            and the tree the number of its nodes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .phrase_tree import PhraseTree
from .prompt_cache import Reading, fork

RUN = 128
"""Nodes in a run: enough rows for the matrix products to be fast, few enough that they hardly attend to each other.
Their logits are 25 MB with a vocabulary of 49,152."""


class TreePass:
    """One walk over `tree` behind the prompt of `reading`, which stays as it is."""

    def __init__(self, model: Any, tree: PhraseTree, reading: Reading):
        self._model, self._tree, self._reading = model, tree, reading
        self._before = len(reading.tokens)
        self._cache = fork(reading.cache, self._before)
        self._above = np.zeros(0, dtype=np.int64)
        """Nodes whose keys and values stand in the cache behind the prompt's, in this order."""
        self.computed = 0
        """Nodes that went through the model."""

    def whole(self) -> NDArray[np.float64]:
        """(N,) log-probability of each node's token, given the prompt and its ancestors."""
        tree, values = self._tree, np.zeros(len(self._tree))
        roots = tree.children(-1)
        values[roots] = self.expand(np.array([-1], dtype=np.int64))
        inner = tree.inner()
        for run in np.array_split(inner, -(-len(inner) // RUN)) if len(inner) else ():
            self._keep(tree.ancestors(int(run[0])))
            children, _ = tree.children_of(run)
            values[children] = self.expand(run)
        return values

    def expand(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-probabilities of `tree.children_of(nodes)`; see `best_first.Expand` for which nodes may be asked."""
        children, rows = self._tree.children_of(nodes)
        tokens = torch.from_numpy(self._tree.tokens[children])
        if nodes[0] < 0:
            return np.minimum(self._reading.following[tokens].double().numpy(), 0.0)
        logprobs = self._read(nodes).log_softmax(-1)  # (nodes, V)
        return np.minimum(logprobs[torch.from_numpy(rows), tokens].double().numpy(), 0.0)

    def _read(self, nodes: NDArray[np.int64]) -> torch.Tensor:
        """(nodes, V) float32 logits of what follows each node."""
        seen = torch.from_numpy(self._tree.sees(nodes, np.append(self._above, nodes)))
        dtype = self._model.dtype
        mask = torch.zeros(len(nodes), self._before + seen.shape[1], dtype=dtype)
        mask[:, self._before :].masked_fill_(~seen, torch.finfo(dtype).min)
        out = self._model(
            input_ids=torch.from_numpy(self._tree.tokens[nodes])[None],
            position_ids=torch.from_numpy(self._tree.depths[nodes] + self._before)[None],
            attention_mask=mask[None, None],  # (1, 1, nodes, prompt + above + nodes)
            past_key_values=self._cache,
        )
        self._above = np.append(self._above, nodes)
        self.computed += len(nodes)
        return out.logits[0].float()

    def _keep(self, nodes: NDArray[np.int64]) -> None:
        """Take all nodes but these out of the cache."""
        if len(self._above) == len(nodes):
            return
        places = self._before + np.flatnonzero(np.isin(self._above, nodes))
        kept = torch.from_numpy(np.append(np.arange(self._before), places))
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[..., kept, :], layer.values[..., kept, :]
        self._above = self._above[places - self._before]
