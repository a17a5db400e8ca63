"""Rows as Parquet. The one owner of pyarrow, which is loaded when the first file is written.

Money is `decimal(38, 9)`, exact to the nano-dollar; times are UTC milliseconds; segments are a map.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final, cast

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.usage.exports.columns import COLUMNS, Cells, Entry, Kind, cells

BATCH: Final = 4_096
"""Rows that are Python's values at one time."""
GROUP: Final = 16 * BATCH
"""Rows of one row group, in pyarrow's own memory until they are written."""


def check() -> None:
    """Raises `ConfigurationError` where pyarrow is not installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise ConfigurationError(
            "Parquet needs pyarrow, which is not installed.", remedy="Run: pip install 'tallystick[parquet]'"
        )


def write_parquet(entries: Iterable[Entry], out: BinaryIO) -> int:
    """Gives the number of rows. Raises `ConfigurationError` where pyarrow is not installed."""
    check()
    arrow: Any = importlib.import_module("pyarrow")
    files: Any = importlib.import_module("pyarrow.parquet")
    types = _types(arrow)
    schema = arrow.schema([arrow.field(one.name, types[one.kind], metadata={"meaning": one.meaning}) for one in COLUMNS])
    sink = arrow.PythonFile(_Forward(out), mode="w")
    rows: list[Cells] = []
    batches: list[Any] = []
    count = 0
    with files.ParquetWriter(sink, schema, compression="zstd") as writer:
        for entry in entries:
            rows.append(cells(entry))
            count += 1
            if len(rows) == BATCH:
                batches.append(_batch(arrow, schema, rows))
                rows.clear()
                if len(batches) * BATCH == GROUP:
                    writer.write_table(arrow.Table.from_batches(batches, schema), row_group_size=GROUP)
                    batches.clear()
        if rows:
            batches.append(_batch(arrow, schema, rows))
        if batches:
            writer.write_table(arrow.Table.from_batches(batches, schema), row_group_size=GROUP)
    return count


def _types(arrow: Any) -> dict[Kind, Any]:
    return {
        "text": arrow.string(),
        "whole": arrow.int64(),
        "money": arrow.decimal128(38, 9),
        "time": arrow.timestamp("ms", tz="UTC"),
        "flag": arrow.bool_(),
        "list": arrow.list_(arrow.string()),
        "map": arrow.map_(arrow.string(), arrow.int64()),
    }


def _batch(arrow: Any, schema: Any, rows: list[Cells]) -> Any:
    columns = zip(COLUMNS, schema, zip(*rows, strict=True), strict=True)
    made = [_FORMS.get(one.kind, _plain)(arrow, field.type, values) for one, field, values in columns]
    return arrow.RecordBatch.from_arrays(made, schema=schema)


def _plain(arrow: Any, kind: Any, values: tuple[Any, ...]) -> Any:
    return arrow.array(values, kind)


def _money(arrow: Any, kind: Any, values: tuple[Any, ...]) -> Any:
    """A decimal with nine places is the nano-dollars in 128 bits: the bits are laid out, without a `Decimal` a value."""
    numpy: Any = importlib.import_module("numpy")
    known = arrow.array(values, arrow.int64())
    low = known.fill_null(0).to_numpy(zero_copy_only=False)
    both = numpy.empty((len(values), 2), dtype="<i8")
    both[:, 0] = low
    both[:, 1] = low >> 63
    return arrow.Array.from_buffers(kind, len(values), [known.buffers()[0], arrow.py_buffer(both.tobytes())])


def _lists(arrow: Any, kind: Any, values: tuple[Any, ...]) -> Any:
    return arrow.array([None if one is None else list(one) for one in values], kind)


def _maps(arrow: Any, kind: Any, values: tuple[Any, ...]) -> Any:
    return arrow.array([list(one.items()) for one in values], kind)


_FORMS: Final = cast("dict[Kind, Callable[[Any, Any, tuple[Any, ...]], Any]]", {"money": _money, "list": _lists, "map": _maps})


class _Forward:
    """A file that is only ever written on, and knows how far it is: a pipe cannot say."""

    closed = False

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._at = 0

    def write(self, data: Any) -> int:
        self._out.write(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        self._out.flush()

    def close(self) -> None:
        """The file is the caller's."""
