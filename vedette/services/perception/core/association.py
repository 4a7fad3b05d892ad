"""Which row belongs to which column: minimum-cost matching with a limit on what a pair may cost."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

type Index = NDArray[np.intp]

_APART = 1e4
"""What a forbidden pair costs: more than all allowed ones together."""


def match(cost: NDArray[np.float32], limit: float) -> tuple[Index, Index, Index, Index]:
    """Pairs `(rows, columns)` and what stays free `(free_rows, free_columns)` of a cost matrix (m, n).

    A pair may cost `limit` at most. As many pairs as possible are made, of these the cheapest: a track that finds a
    poor match keeps its identity, one that finds none loses it.
    """
    m, n = cost.shape
    if m == 0 or n == 0:
        none = np.zeros(0, np.intp)
        return none, none, np.arange(m), np.arange(n)
    rows, columns = linear_sum_assignment(np.where(cost <= limit, cost, np.float32(_APART)))
    paired = cost[rows, columns] <= limit
    rows, columns = rows[paired], columns[paired]
    free_rows, free_columns = np.ones(m, np.bool_), np.ones(n, np.bool_)
    free_rows[rows] = False
    free_columns[columns] = False
    return rows, columns, np.flatnonzero(free_rows), np.flatnonzero(free_columns)
