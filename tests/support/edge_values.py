"""Values at the edges of every column type: each is tried on each."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import BitString, Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange


class Shade(Enum):
    """Members whose values are not their names."""

    DARK = "dark"
    LIGHT = "light"
    BLACK = "dark"  # noqa: PIE796 - another name of a member


class Level(IntEnum):
    """Members that are numbers."""

    LOW = 1


class Access(Flag):
    """Members that can be put together."""

    READ = 1
    WRITE = 2


HUGE: Final = 10**5000
"""More digits than Python turns into text."""

_KIRITIMATI, _MIDWAY = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Midway")
_EAST, _WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


class Part(BaseModel):
    """A model within JSON."""

    number: float = 1
    names: dict[int | str, str] = {}


_IN_UTC = [
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 4, 5, 6, 7, 120000, tzinfo=UTC),
    datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(2026, 3, 4, tzinfo=UTC),
]
_NAIVE = [one.replace(tzinfo=None) for one in _IN_UTC]
MOMENTS: Final[list[datetime]] = [
    *_IN_UTC,
    *(one.replace(tzinfo=zone) for one in _NAIVE[:5] for zone in (_EAST, _WEST)),
    datetime(2026, 3, 4, 5, 6, 7, 123456, timezone(timedelta(hours=5, minutes=30, seconds=15))),
    datetime(2026, 3, 4, tzinfo=timezone(timedelta(hours=23, minutes=59))),
    datetime(2026, 3, 4, tzinfo=timezone(timedelta(microseconds=1))),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(1, 1, 2, 0, 0, 0, 1, UTC),
    datetime(9999, 12, 30, 23, 59, 59, 999999, UTC),
    datetime(9999, 12, 31, 0, 0, 0, 0, UTC),
    datetime(1800, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(2026, 3, 4, tzinfo=_KIRITIMATI),
    datetime(2026, 3, 4, tzinfo=_MIDWAY),
]
_TIMES = [time(0), time.max, time(23, 59, 59, 600000), time(12, 30), time(1, 2, 3, 450000)]
DAYS: Final[list[Any]] = [
    *_NAIVE,
    *MOMENTS,
    *_TIMES,
    *(one.replace(tzinfo=zone) for one in _TIMES for zone in (UTC, _EAST, _WEST)),
    time(12, tzinfo=timezone(timedelta(hours=15, minutes=59, seconds=59))),
    time(12, tzinfo=timezone(timedelta(hours=-16))),
    time(12, tzinfo=timezone(timedelta(seconds=1, microseconds=1))),
    time(12, tzinfo=ZoneInfo("Europe/Berlin")),
    date.min,
    date.max,
    date(2026, 2, 28),
    date(1970, 1, 1),
    timedelta(),
    timedelta.min,
    timedelta.max,
    timedelta(microseconds=1),
    timedelta(microseconds=-1),
    timedelta(days=400, hours=25, seconds=1, microseconds=500000),
    timedelta(days=-3, hours=5),
    timedelta(days=31),
    timedelta(minutes=-90),
    timedelta(milliseconds=1),
    timedelta(days=3_000_000),
]
NUMBERS: Final[list[Any]] = [
    True,
    False,
    0,
    1,
    -1,
    2**15 - 1,
    2**15,
    -(2**15),
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**32 - 1,
    2**32,
    2**63 - 1,
    2**63,
    -(2**63),
    2**53 + 1,
    10**400,
    HUGE,
    -HUGE,
    Level.LOW,
    0.0,
    -0.0,
    0.1,
    0.1 + 0.2,
    1.5,
    1e15,
    1e16,
    1e23,
    123456.7,
    0.10000000149011612,
    16777216.0,
    16777217.0,
    2.0**60,
    3.4e38,
    3.5e38,
    1e-40,
    1e-7,
    5e-324,
    1e308,
    -1.7976931348623157e308,
    123.45,
    float("nan"),
    float("inf"),
    float("-inf"),
    Decimal(0),
    Decimal("-0"),
    Decimal("0E+10"),
    Decimal("1.50"),
    Decimal("-0.10"),
    Decimal("999.99"),
    Decimal("999.995"),
    Decimal("99999999999999999999999999999.1234567891"),
    Decimal("1234567890123456789012345678901"),
    Decimal("0.12345678901"),
    Decimal("0.0012"),
    Decimal("0.01"),
    Decimal("1E+3"),
    Decimal("99000"),
    Decimal(12345),
    Decimal("1e30"),
    Decimal("1e131071"),
    Decimal("1e131072"),
    Decimal("1e-16383"),
    Decimal("1e-16384"),
    Decimal(HUGE),
    Decimal("NaN"),
    Decimal("-NaN"),
    Decimal("NaN7"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
]
TEXTS: Final[list[Any]] = [
    "dark",
    "light",
    "00000000-0000-0000-0000-00000000000a",
    "00000000-0000-0000-0000-00000000000A",
    "08:00:2b:01:02:03",
    "08:00:2B:01:02:03",
    "08:00:2b:01:02:03:04:05",
    "",
    "a",
    "abc",
    "abcd",
    "ab ",
    "a  ",
    "   ",
    "üüü",
    "\U0001f600'\"",
    "a\0b",
    "\ud800",
    "\\",
    "%(x)s",
    "NULL",
    "null",
    "{a,b}",
    "DARK",
    "english",
    "pg_class",
    "$1.00",
    "1",
    "101",
    "$.a",
    "a & b",
    "10.0.0.1",
    "[1,2)",
    "0000000000000000000000000000000a",
    b"",
    b"\0\xff",
    bytearray(b"a"),
    memoryview(b"a"),
    UUID(int=0),
    UUID(int=2**128 - 1),
    Shade.DARK,
    Shade.LIGHT,
    Shade.BLACK,
    Access.READ,
    Access.READ | Access.WRITE,
    BitString(""),
    BitString("101"),
    BitString("10"),
    BitString("1010"),
    ip_address("10.0.0.1"),
    ip_address("::1"),
    ip_address("::ffff:1.2.3.4"),
    ip_address("fe80::1%eth0"),
    ip_interface("10.0.0.1/8"),
    ip_interface("10.0.0.1/32"),
    ip_interface("fe80::1%eth0/64"),
    ip_interface("::1/64"),
    ip_network("10.0.0.0/8"),
    ip_network("10.0.0.1/32"),
    ip_network("::/0"),
]


def _nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


DOCUMENTS: Final[list[Any]] = [
    {},
    {"a": [1, 2.5, None, {"b": "ü"}], "": True},
    {1: "a", "1": "b"},
    {1: "a"},
    {"a": {2: "b"}},
    {None: 1},
    {True: 1},
    {"a": "b", "c": None},
    {"": "", 'k"': 'v"\\'},
    {"a": "NULL"},
    {"a\0": "b"},
    {"a": (1, 2)},
    {"a": {1}},
    {"a": Decimal("1.10")},
    {"a": date(2026, 1, 1)},
    {"a": b"x"},
    {"a": UUID(int=1)},
    {"a": Shade.DARK},
    {"a": float("nan")},
    {"a": [float("inf")]},
    {"a": HUGE},
    {"a": 10**4299},
    {"a": 10**400},
    {"a": 1e16},
    {"a": 1e300},
    {"a": 1e-7},
    {"a": -0.0},
    {"a": 2**53 + 1},
    {"a": object()},
    Part(names={1: "a", "1": "b"}),
    [],
    [[]],
    [[], []],
    [1, 2],
    [1, None],
    [None],
    [[1, 2], [3, 4]],
    [[1], [2, 3]],
    [[1], None],
    [[1], 2],
    [[[1]], [[2]]],
    ["a", "b"],
    ["a", 'b"c', "{d,e}", "", "NULL", None, "\\"],
    ["abcd"],
    ["\0"],
    [["a"], ["b"]],
    ["dark", "light"],
    [2**31],
    [2**15],
    [True, False],
    [HUGE],
    [1.5, float("nan")],
    [Shade.DARK, None],
    [{"a": "b"}, None],
    [{1: "a"}],
    [(1, 2)],
    (1, 2),
    (),
    ((1, 2), (3, 4)),
    {1, 2},
    frozenset(),
    _nested(150),
    _nested(250),
    *([one] for one in (*MOMENTS[:4], MOMENTS[-1], *_NAIVE[:4], *_TIMES, time(1, 2, 3, 450000, UTC), *DAYS[-12:])),
    *([one] for one in NUMBERS if isinstance(one, Decimal | float)),
    *([one] for one in TEXTS[30:]),
    *([one] for one in ("08:00:2b:01:02:03", "08:00:2B:01:02:03", "ab ", "üüü")),
]


def _ranges(*bounds: tuple[Any, Any]) -> list[Any]:
    return [Range(lower, upper, bounds=one) for lower, upper in bounds for one in ("[)", "[]", "(]", "()")]


_SINGLE: Final[list[Any]] = [
    Range(empty=True),
    *_ranges(
        (1, 5),
        (5, 5),
        (4, 5),
        (5, 1),
        (None, None),
        (None, 5),
        (5, None),
        (1, 2**31 - 1),
        (1, 2**31),
        (2**31 - 1, 2**31 - 1),
        (1, 2**63 - 1),
        (1, HUGE),
        (date(2026, 1, 1), date(2026, 1, 31)),
        (date(2026, 1, 1), date.max),
        (date.min, None),
        (Decimal("1.5"), Decimal(2)),
        (Decimal(2), Decimal(2)),
        (Decimal("-Infinity"), Decimal("Infinity")),
        (Decimal("NaN"), Decimal("NaN")),
        (_NAIVE[-1], _NAIVE[1]),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, 0, 0, 0, 1, tzinfo=_EAST)),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        (_NAIVE[-1], datetime(2026, 4, 1, tzinfo=UTC)),
        ("a", "b"),
        (1.5, 2.5),
        (True, False),
    ),
]
RANGES: Final[list[Any]] = [
    *_SINGLE,
    *([one] for one in _SINGLE[1:8]),
    [Range(date(2026, 1, 1), date(2026, 1, 31))],
    [Range(Decimal(1), Decimal(2)), None],
    [Range(datetime(2026, 1, 1, tzinfo=UTC), None)],
    *(MultiRange([one]) for one in _SINGLE),
    MultiRange(),
    [],
    MultiRange([Range(1, 3), Range(5, 7)]),
    MultiRange([Range(5, 7), Range(1, 3)]),
    MultiRange([Range(1, 3), Range(3, 5)]),
    MultiRange([Range(1, 3, bounds="[]"), Range(4, 6)]),
    MultiRange([Range(1, 4), Range(3, 5)]),
    MultiRange([Range(None, 4), Range(6, None)]),
    MultiRange([Range(None, 4), Range(5, 6), Range(7, None)]),
    MultiRange([Range(Decimal(1), Decimal(2)), Range(Decimal(2), Decimal(3))]),
    MultiRange([Range(Decimal(1), Decimal(2)), Range(Decimal(2), Decimal(3), bounds="()")]),
    MultiRange([Range(date(2026, 1, 1), date(2026, 1, 2)), Range(date(2026, 1, 3), None)]),
    [MultiRange([Range(date(2026, 1, 1), date(2026, 1, 2))])],
    [Range(1, 3)],
]
_ALL: Final[list[Any]] = [*DAYS, *NUMBERS, *TEXTS, *DOCUMENTS]


def values_for(name: str) -> list[Any]:
    """The values that are tried on a type: all, but no ranges where a column takes whatever they are made of."""
    if "PickleType" in name:
        return [*DOCUMENTS, *NUMBERS]
    return _ALL if name.startswith("JSON") else [*_ALL, *RANGES]
