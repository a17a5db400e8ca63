"""`tallystick budgets`: the hard budgets and what is left of them. Owns the table."""

import json

import click

from tallystick_agent.protocol.display import shown
from tallystick_server.cli.columns import lay_out, terminal_width
from tallystick_server.compose import Application


@click.command(name="budgets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines; money as decimal strings.")
def command(as_json: bool) -> int:
    """Show your hard budgets: what is spent, what requests under way have reserved, and when they begin anew."""
    from tallystick_agent.protocol.usage import usd
    from tallystick_agent.usage.limits import allowance
    from tallystick_server.budget_view import budget_rows

    app = Application.load()
    rows = budget_rows(app)
    app.ledger.close()
    if as_json:
        for row in rows:
            limit, now = row.limit, row.standing
            told = {
                "budget": limit.budget,
                "per": limit.per,
                "for": limit.kind,
                "name": limit.name,
                "max_cost_usd": f"{usd(limit.max_nanos):f}" if limit.max_nanos is not None else None,
                "max_tokens": limit.max_tokens,
                "max_requests": limit.max_requests,
                "spent_usd": f"{usd(now.nanos):f}",
                "reserved_usd": f"{usd(now.open_nanos):f}",
                "tokens": now.tokens,
                "reserved_tokens": now.open_tokens,
                "requests": now.requests,
                "open_requests": now.open_requests,
                "share": f"{row.share:.4f}",
                "ends": limit.ends or None,
            }
            click.echo(json.dumps(told, ensure_ascii=False))
        return 0
    if not rows:
        click.echo("There are no hard budgets, or nothing was spent under them yet. docs/budgets.md says how to set one.")
        return 0
    lines: list[tuple[str, ...]] = []
    for row in rows:
        limit, now = row.limit, row.standing
        whose = "each" if limit.kind == "request" else "all" if limit.kind == "all" else f"{limit.kind} {shown(limit.name)}"
        lines.append(
            (
                limit.budget,
                whose,
                allowance(limit),
                f"${usd(now.nanos):.4f}",
                f"${usd(now.open_nanos):.4f}",
                f"{now.tokens:,}",
                f"{now.requests:,}",
                f"{row.share:.0%}",
                limit.ends or "-",
            )
        )
    head = ("budget", "for", "allows", "spent", "reserved", "tokens", "requests", "gone", "begins anew")
    first, *rest = lay_out(head, lines, width=terminal_width())
    click.echo("\n".join([click.style(first, dim=True), *rest]))
    return 0
