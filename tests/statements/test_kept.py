"""What was built is kept by its shape, and forgotten before there is too much of it."""

from backend.statements.kept import Kept


def test_each_shape_is_built_once() -> None:
    kept: Kept[str, list[str]] = Kept()
    one, other = kept.get("a", list), kept.get("b", list)
    assert one is not other
    assert (kept.get("a", list) is one, kept.get("b", list) is other) == (True, True)


def test_no_more_than_128_shapes_are_kept() -> None:
    kept: Kept[int, list[int]] = Kept()
    first = kept.get(0, list)
    for shape in range(1, 128):
        kept.get(shape, list)
    assert kept.get(0, list) is first
    last = kept.get(128, list)
    assert kept.get(128, list) is last
    assert kept.get(0, list) is not first
