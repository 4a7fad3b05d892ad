"""Which row belongs to which column: minimum-cost matching with a limit on what a pair may cost.

Most tracks meet one box and most boxes one track; those pairs are read off. What is left is solved by shortest
augmenting paths (the Hungarian method with potentials). Written here because the library that has it costs 45 MB and a
second of start.
"""

import numpy as np
from numpy.typing import NDArray

type Index = NDArray[np.intp]

_APART = 1e4
"""What a forbidden pair costs: more than all allowed ones together."""


def match(cost: NDArray[np.float32], limit: float) -> tuple[Index, Index, Index, Index]:
    """Pairs `(rows, columns)` and what stays free `(free_rows, free_columns)` of a cost matrix (m, n).

    A pair may cost `limit` at most. As many pairs as possible are made, of these the cheapest: a track that finds a
    poor match keeps its identity, one that finds none loses it.
    """
    m, n = cost.shape
    partner = np.full(m, -1, np.intp)
    if m and n:
        allowed = cost <= limit
        in_row, in_column = allowed.sum(axis=1), allowed.sum(axis=0)
        only = allowed.argmax(axis=1)
        alone = (in_row == 1) & (in_column[only] == 1)
        partner[alone] = only[alone]
        rows = np.flatnonzero((in_row > 0) & ~alone)
        if len(rows):
            columns = np.flatnonzero(allowed[rows].any(axis=0))
            chosen = assign(np.where(allowed, cost, np.float32(_APART))[np.ix_(rows, columns)])
            paired = chosen >= 0
            found = columns[chosen[paired]]
            fits = allowed[rows[paired], found]
            partner[rows[paired][fits]] = found[fits]
    rows = np.flatnonzero(partner >= 0)
    columns = partner[rows]
    free_columns = np.ones(n, np.bool_)
    free_columns[columns] = False
    return rows, columns, np.flatnonzero(partner < 0), np.flatnonzero(free_columns)


def assign(cost: NDArray[np.float32]) -> Index:
    """For each row of `cost` (m, n), both above 0, the column it gets at least total cost; -1 for rows beyond n."""
    m, n = cost.shape
    if m > n:
        by_column = assign(np.ascontiguousarray(cost.T))
        chosen = np.full(m, -1, np.intp)
        chosen[by_column] = np.arange(n)
        return chosen
    table = cost.astype(np.float64)
    row_potential, column_potential = np.zeros(m), np.zeros(n)
    owner = np.full(n, -1, np.intp)
    for row in range(m):
        _augment(table, row, owner, row_potential, column_potential)
    chosen = np.full(m, -1, np.intp)
    taken = np.flatnonzero(owner >= 0)
    chosen[owner[taken]] = taken
    return chosen


def _augment(
    table: NDArray[np.float64],
    start: int,
    owner: Index,
    row_potential: NDArray[np.float64],
    column_potential: NDArray[np.float64],
) -> None:
    """Finds the cheapest path from the row `start` to a free column and turns its pairs over; all in place."""
    reach = table[start] - column_potential
    nearest = int(reach.argmin())
    if owner[nearest] < 0:
        owner[nearest], row_potential[start] = start, reach[nearest]
        return
    n = table.shape[1]
    distance, visited = np.full(n, np.inf), np.zeros(n, np.bool_)
    came_from = np.full(n, -1, np.intp)
    row, last = start, -1
    while True:
        reach = table[row] - row_potential[row] - column_potential
        nearer = ~visited & (reach < distance)
        distance[nearer] = reach[nearer]
        came_from[nearer] = last
        last = int(np.where(visited, np.inf, distance).argmin())
        delta = distance[last]
        row_potential[start] += delta
        row_potential[owner[visited]] += delta
        column_potential[visited] -= delta
        distance[~visited] -= delta
        if owner[last] < 0:
            break
        visited[last] = True
        row = int(owner[last])
    while last >= 0:
        before = int(came_from[last])
        owner[last] = start if before < 0 else owner[before]
        last = before
