"""Where two recordings of a seed begin to differ."""

from __future__ import annotations

import math

import pytest

from svgbench.analysis.judge.trace import SeedTrace, read_texts, traces


def texts(*rows, header="seed,step,phase,count,score"):
    return read_texts("\n".join([header, *rows, ""]).encode())


A = ("0,100,train,3,1.5", "0,200,train,4,-2.0", "0,300,test,5,1000.0")


def trace(*rows):
    (found,) = traces(texts(*A), texts(*rows), [0])
    return found


def changed(row, text):
    return (*A[:row], text, *A[row + 1 :])


def test_the_same_text_is_the_same():
    assert trace(*A) == SeedTrace(0, "same")


@pytest.mark.parametrize(
    ("rows", "kind", "first", "leaves", "column"),
    [
        (changed(1, "0,200,train,4,-2.0000001"), "rounding", 200, None, ""),
        (changed(1, "0,200,train,4,-2.00001"), "rounding", 200, None, ""),
        (changed(1, "0,200,train,4,-2.00009"), "rounding", 200, None, ""),  # 9e-5 of 1000: the column's resolution
        (changed(1, "0,200,train,4,-2.0003"), "changed", 200, 200, "score"),
        (changed(1, "0,200,train,4,2.0"), "changed", 200, 200, "score"),
        (changed(1, "0,200,train,5,-2.0"), "changed", 200, 200, "count"),
        (changed(1, "0,200,test,4,-2.0"), "changed", 200, 200, "phase"),
        (changed(1, "0,200,train,4,nan"), "changed", 200, 200, "score"),
        (changed(1, "0,200,train,4,inf"), "changed", 200, 200, "score"),
        (changed(2, "0,350,test,5,1000.0"), "changed", 350, 350, "step"),
        (A[:2], "changed", 300, 300, ""),
        ((*A, "0,400,test,5,1.0"), "changed", 400, 400, ""),
        (("0,100,train,3,1.50000001", A[1], "0,300,test,5,900.0"), "grown", 100, 300, "score"),
        (("0,100,train,3,1.50000001", A[1]), "grown", 100, 300, ""),
        ((), "changed", 100, 100, ""),
    ],
)
def test_where_it_leaves(rows, kind, first, leaves, column):
    assert trace(*rows) == SeedTrace(0, kind, first, leaves, column)


def test_minus_zero_is_another_bit_and_the_same_number():
    (found,) = traces(texts("0,1,x,1,0.0"), texts("0,1,x,1,-0.0"), [0])
    assert found == SeedTrace(0, "rounding", 1)
    (found,) = traces(texts("0,1,x,1,0.5"), texts(f"0,1,x,1,{math.nextafter(0.5, 1.0)!r}"), [0])
    assert found.kind == "rounding"


def test_a_whole_number_is_never_rounded_however_large():
    (found,) = traces(texts("0,1,x,4000000,1.0"), texts("0,1,x,4000001,1.0"), [0])
    assert (found.kind, found.column) == ("changed", "count")


def test_tiny_columns_have_their_own_resolution():
    (found,) = traces(texts("0,1,x,1,1e-12"), texts("0,1,x,1,2e-12"), [0])
    assert found.kind == "changed"


def test_seeds_are_told_apart_and_columns_that_one_side_lacks_are_left_out():
    a = texts("0,1,1.0", "1,1,1.0", header="seed,step,score")
    b = texts("0,1,9.0,1.0", "1,1,9.0,2.0", header="seed,step,more,score")
    assert [(t.seed, t.kind) for t in traces(a, b, [0, 1])] == [(0, "same"), (1, "changed")]
