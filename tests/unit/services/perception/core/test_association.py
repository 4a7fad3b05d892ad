"""Matching is one-to-one, within its limit, and does not depend on order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from vedette.services.perception.core.association import assign, match


@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 10_000), st.sampled_from([0.3, 0.8]))
def test_one_to_one_within_the_limit_and_nothing_forgotten(m: int, n: int, seed: int, limit: float) -> None:
    cost = np.random.default_rng(seed).random((m, n)).astype(np.float32)
    rows, columns, free_rows, free_columns = match(cost, limit)
    assert sorted([*rows, *free_rows]) == list(range(m))
    assert sorted([*columns, *free_columns]) == list(range(n))
    assert (cost[rows, columns] <= limit).all()


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000))
def test_permuting_the_input_permutes_the_output(m: int, n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    cost = random.random((m, n)).astype(np.float32)
    by_row, by_column = random.permutation(m), random.permutation(n)
    rows, columns, _, _ = match(cost, 0.7)
    other_rows, other_columns, _, _ = match(cost[np.ix_(by_row, by_column)], 0.7)
    expected = set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert set(zip(by_row[other_rows].tolist(), by_column[other_columns].tolist(), strict=True)) == expected


def test_two_poor_pairs_are_preferred_to_one_good_one() -> None:
    cost = np.array([[0.05, 0.75], [0.75, 1.0]], np.float32)
    rows, columns, _, _ = match(cost, 0.8)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {(0, 1), (1, 0)}


def test_no_pair_is_made_beyond_the_limit() -> None:
    rows, _, free_rows, free_columns = match(np.full((2, 3), 0.9, np.float32), 0.8)
    assert len(rows) == 0
    assert (free_rows.tolist(), free_columns.tolist()) == ([0, 1], [0, 1, 2])


@settings(max_examples=200)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 100_000), st.sampled_from([0.1, 0.4, 1.0]))
def test_the_assignment_is_as_cheap_as_the_reference(m: int, n: int, seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    cost = np.where(random.random((m, n)) < density, random.random((m, n)), 1e4).astype(np.float32)
    chosen = assign(cost)
    rows = np.flatnonzero(chosen >= 0)
    assert len(rows) == min(m, n)
    assert len(set(chosen[rows].tolist())) == len(rows)
    reference = cost[linear_sum_assignment(cost)].astype(np.float64).sum()
    assert abs(cost[rows, chosen[rows]].astype(np.float64).sum() - reference) < 1e-3


@settings(max_examples=200)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 100_000), st.sampled_from([0.05, 0.3, 0.9]))
def test_no_more_pairs_and_no_cheaper_ones_are_possible(m: int, n: int, seed: int, limit: float) -> None:
    cost = np.random.default_rng(seed).random((m, n)).astype(np.float32)
    rows, columns, _, _ = match(cost, limit)
    barred = np.where(cost <= limit, cost, np.float32(1e4))
    best_rows, best_columns = linear_sum_assignment(barred)
    allowed = barred[best_rows, best_columns] <= limit
    assert len(rows) == allowed.sum()
    assert abs(cost[rows, columns].sum() - barred[best_rows, best_columns][allowed].sum()) < 1e-3
