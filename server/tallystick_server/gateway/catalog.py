"""`/v1/models`: what a key here can use, in the words that all callers' libraries read. Owns those rows."""

from decimal import Decimal
from typing import Any

from tallystick_server.compose import Application
from tallystick_server.model_view import ModelFilter, ModelRow, list_models

_PER_TOKEN = Decimal(1_000_000)


def models(app: Application) -> dict[str, Any]:
    """Blocks: reads the tables."""
    rows, _ = list_models(app, ModelFilter(usable=True))
    data = [_model(row) for row in rows]
    return {
        "object": "list",
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def model(app: Application, slug: str) -> dict[str, Any] | None:
    found = (row for row in list_models(app, ModelFilter(usable=True))[0] if row.slug == slug)
    return next((_model(row) for row in found), None)


def _model(one: ModelRow) -> dict[str, Any]:
    window = one.row.get("window")
    return {
        "id": one.slug,
        "object": "model",
        "type": "model",
        "created": 0,
        "created_at": "1970-01-01T00:00:00Z",
        "owned_by": one.slug.partition("/")[0],
        "name": one.slug,
        "display_name": one.slug,
        "context_length": window,
        "max_completion_tokens": one.row.get("output"),
        "pricing": {"prompt": _price(one.rate("input")), "completion": _price(one.rate("output"))},
    }


def _price(rate: Decimal | None) -> str | None:
    """US dollars a token; unknown is null."""
    return f"{rate / _PER_TOKEN:f}" if rate is not None else None
