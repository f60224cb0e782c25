"""Links between what is mentioned and the items of the catalogue.

A *node* is something that can be mentioned: node i < I is item i, node I + e is entity e (an attribute
value). `rows(nodes)` answers, for each node, how strongly each item is linked to it:

- entity e and item i: idf(e) / ln(I + 1) where i has the attribute e, else 0, with
  idf(e) = ln((I + 1) / df(e)) over the df(e) items that have it, so that 0 ≤ link ≤ 1;
- item j and item i: the cosine of their idf-weighted attribute vectors, 0 for i = j (naming an item again
  is a copy, which models weigh on its own).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crsbench.types import Catalog, Mention


class LinkIndex:
    """The sparse link matrix of a catalogue.

    `relations` names the relations of the catalogue; `relation_of[n]` is 0 for an item node, else 1 + the
    index of the relation under which the entity occurs most.
    """

    def __init__(self, catalog: Catalog) -> None:
        items = len(catalog)
        self.items = items
        self.relations = tuple(dict.fromkeys(relation for _, relation, _ in catalog.links))
        self.entities = tuple(dict.fromkeys(entity for _, _, entity in catalog.links))
        index = {entity: e for e, entity in enumerate(self.entities)}
        self._node_of = {entity.casefold(): items + e for entity, e in index.items()}

        relation_index = {relation: r for r, relation in enumerate(self.relations)}
        pairs = sorted({(i, index[entity]) for i, _, entity in catalog.links})
        uses = np.zeros((len(self.entities), max(1, len(self.relations))), dtype=np.int64)
        for _, relation, entity in catalog.links:
            uses[index[entity], relation_index[relation]] += 1
        self.relation_of = np.concatenate([np.zeros(items, np.int64), 1 + uses.argmax(axis=1)])

        rows = np.array([i for i, _ in pairs], dtype=np.int64)
        columns = np.array([e for _, e in pairs], dtype=np.int64)
        has = sparse.csr_matrix(
            (np.ones(len(pairs), np.float32), (rows, columns)), shape=(items, len(self.entities))
        )
        df = np.maximum(np.asarray(has.sum(axis=0)).ravel(), 1.0)
        idf = np.log((items + 1) / df).astype(np.float32)
        weighted = has.multiply(idf[None, :]).tocsr()
        norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        self._unit = sparse.diags(1.0 / np.maximum(norm, 1e-9)).dot(weighted).tocsr().astype(np.float32)
        self._entity_rows = weighted.T.tocsr().astype(np.float32) / np.float32(np.log(items + 1))
        # What an item is made of, for composed embeddings: entity indices and idf weights that sum to 1.
        sums = np.maximum(np.asarray(weighted.sum(axis=1)).ravel(), 1e-9)
        self.composition = sparse.diags(1.0 / sums).dot(weighted).tocsr().astype(np.float32)

    def node(self, mention: Mention) -> int | None:
        """The node that a mention names, or None where nothing in the catalogue is linked to it."""
        return mention.item if mention.item is not None else self._node_of.get(mention.name.casefold())

    def similar(self, named: sparse.csr_array) -> NDArray[np.float32]:
        """[S, I] weights of items → float32 [S, I]: Σ weight · cosine, each item's own included."""
        return (named @ self._unit @ self._unit.T).toarray()

    def alike(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `similar`, for weights that are hardly ever 0."""
        return (self._unit @ (self._unit.T @ weights.T)).T

    def rows(self, nodes: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [len(nodes), I]: the link of each node to each item."""
        nodes = np.asarray(nodes, dtype=np.int64)
        out = np.zeros((len(nodes), self.items), dtype=np.float32)
        is_item = nodes < self.items
        if is_item.any():
            near = (self._unit[nodes[is_item]] @ self._unit.T).toarray()
            near[np.arange(len(near)), nodes[is_item]] = 0.0
            out[is_item] = near
        if (~is_item).any():
            out[~is_item] = self._entity_rows[nodes[~is_item] - self.items].toarray()
        return out

    def pairs(
        self, nodes: Sequence[int] | NDArray[np.int64], items: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """float32 [N]: the link of nodes[n] to items[n]."""
        nodes, items = np.asarray(nodes, dtype=np.int64), np.asarray(items, dtype=np.int64)
        out = np.zeros(len(nodes), dtype=np.float32)
        other = (nodes < self.items) & (nodes != items)
        both = self._unit[nodes[other]].multiply(self._unit[items[other]])
        out[other] = np.asarray(both.sum(axis=1)).ravel()
        entity = nodes >= self.items
        out[entity] = np.asarray(self._entity_rows[nodes[entity] - self.items, items[entity]]).ravel()
        return out
