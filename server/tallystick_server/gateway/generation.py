"""`/v1/generation` and `/v1/key`: what one answer was, and what one key used. Owns those rows."""

from datetime import UTC, datetime
from typing import Any

from tallystick_agent.protocol.usage import usd
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.sums import Query
from tallystick_server.budget_view import budget_rows
from tallystick_server.compose import Application
from tallystick_server.gateway.keys import GatewayKey


def generation(app: Application, request_id: str, *, only: str) -> dict[str, Any] | None:
    """An answer by the id in `x-generation-id`, corrections counted in; `only` names the key that it must have come with.

    Blocks. Raises `StorageError`.
    """
    rows = [row for row in app.ledger.of_request(request_id) if only in ("", row.attribution.key)]
    if not rows:
        return None
    attempts = [row for row in rows if not row.correction]
    last = max(attempts, key=lambda row: row.attempt)
    same = [row for row in rows if row.attempt == last.attempt]
    costs = [row.cost.nanos for row in same]
    known = [cost for cost in costs if cost is not None]
    return {"data": {**_told(last, same), "total_cost": f"{usd(sum(known)):f}" if known else None, "attempts": len(attempts)}}


def _told(last: LedgerRow, same: list[LedgerRow]) -> dict[str, Any]:
    cost = last.cost
    return {
        "id": last.request_id,
        "upstream_id": last.generation_id,
        "created_at": datetime.fromtimestamp(last.time_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "model": last.endpoint,
        "provider_name": last.served_by or last.provider,
        "app": last.attribution.app,
        "session_id": last.session_id,
        "tokens_prompt": sum(row.usage.input_tokens for row in same),
        "tokens_completion": sum(row.usage.output_tokens for row in same),
        "native_tokens_cached": sum(row.usage.cached_tokens for row in same),
        "native_tokens_reasoning": sum(row.usage.reasoning_tokens for row in same),
        "provider_cost": f"{usd(cost.provider_nanos):f}" if cost.provider_nanos is not None else None,
        "our_price": f"{usd(cost.priced_nanos):f}" if cost.priced_nanos is not None else None,
        "estimated": last.usage.source == "estimated" and len(same) == 1,
        "latency": last.first_token_ms,
        "generation_time": last.latency_ms,
        "finish_reason": last.finish,
        "error": last.error_code or None,
        "segments": {one.name: one.tokens for row in same for one in row.segments},
    }


def key(app: Application, one: GatewayKey, today: int) -> dict[str, Any]:
    """What a key used, in dollars as text, and its nearest limit in money. `today` in UTC days since 1970."""

    def used(first: int) -> str:
        found = app.ledger.sums(Query(first_day=first, last_day=today, where=(("key", one.name),)))
        return f"{usd(sum(row.cost_nanos for row in found)):f}"

    monday = today - (today + 3) % 7
    month = today - datetime.fromtimestamp(today * 86_400, UTC).day + 1
    limits = [row for row in budget_rows(app) if row.limit.kind == "key" and row.limit.name == one.name]
    nearest = max((row for row in limits if row.limit.max_nanos is not None), key=lambda row: row.share, default=None)
    most = nearest.limit.max_nanos if nearest is not None else None
    spent = nearest.standing.nanos + nearest.standing.open_nanos if nearest is not None else 0
    return {
        "data": {
            "label": one.name,
            "usage": used(0),
            "usage_daily": used(today),
            "usage_weekly": used(monday),
            "usage_monthly": used(month),
            "limit": f"{usd(most):f}" if most is not None else None,
            "limit_remaining": f"{usd(max(0, most - spent)):f}" if most is not None else None,
            "limit_reset": (nearest.limit.ends or None) if nearest is not None else None,
            "is_free_tier": False,
            "reads": one.reads,
        }
    }


def budgets(app: Application) -> dict[str, Any]:
    """Every hard budget with what is used of it, as decimal text; one row for each thing that it limits."""
    data: list[dict[str, Any]] = []
    for row in budget_rows(app):
        limit, now = row.limit, row.standing
        scope = f"{limit.per}{f' · {limit.kind} {limit.name}' if limit.name else ''}"
        found = (
            ("usd", limit.max_nanos, now.nanos + now.open_nanos),
            ("tokens", limit.max_tokens, now.tokens + now.open_tokens),
            ("requests", limit.max_requests, now.requests + now.open_requests),
        )
        for unit, most, used in found:
            if most is not None:
                told = (f"{usd(used):f}", f"{usd(most):f}") if unit == "usd" else (str(used), str(most))
                data.append({"name": limit.budget, "scope": scope, "unit": unit, "used": told[0], "limit": told[1]})
    return {"data": data}
