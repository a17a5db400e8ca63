"""The tally at the end of a run: tokens and money by purpose, model and segment. Owns the tables, from events alone."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallystick_agent.protocol.events import RequestFinished
from tallystick_agent.protocol.usage import Usage
from tallystick_server.money import cached, money


@dataclass(slots=True)
class _Sum:
    usage: Usage = field(default_factory=Usage)
    nanos: int = 0
    known: bool = True
    requests: int = 0


class Tally:
    """Adds up finished requests."""

    def __init__(self) -> None:
        self._purposes: dict[str, _Sum] = {}
        self._models: dict[str, _Sum] = {}
        self._segments: dict[str, int] = {}

    def add(self, body: RequestFinished) -> None:
        for sums, name in ((self._purposes, body.purpose), (self._models, body.endpoint)):
            one = sums.setdefault(name, _Sum())
            one.usage = one.usage.plus(body.usage)
            one.nanos += body.cost.nanos or 0
            one.known = one.known and body.cost.nanos is not None
            one.requests += 1
        for segment in body.segments:
            self._segments[segment.name] = self._segments.get(segment.name, 0) + segment.tokens

    def show(self, console: Console) -> None:
        if not self._models:
            return
        table = Table(title="Tally", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
        table.add_column("by purpose")
        for name in ("requests", "input", "cached", "output", "cost"):
            table.add_column(name, justify="right")
        for name, one in self._purposes.items():
            table.add_row(Text(f"  {name}"), *_cells(one))
        table.add_row("[dim]by model[/dim]")
        for name, one in self._models.items():
            table.add_row(Text(f"  {name}"), *_cells(one))
        console.print(table)
        if any(one.usage.source == "estimated" for one in self._models.values()):
            console.print("* partly counted by us: the provider did not say", style="dim")
        self._bars(console)

    def _bars(self, console: Console) -> None:
        """What the tokens were spent on, largest first; the definitions of all tools are one line."""
        joined: dict[str, int] = {}
        for name, tokens in self._segments.items():
            shown = "tool definitions" if name.startswith("tool:") else name.replace("_", " ").replace("output:", "output: ")
            joined[shown] = joined.get(shown, 0) + tokens
        total = sum(joined.values())
        if not total:
            return
        title = "What the tokens were spent on"
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
        table.add_column("")
        table.add_column("", justify="right")
        table.add_column("", style="cyan")
        for name, tokens in sorted(joined.items(), key=lambda item: -item[1]):
            table.add_row(f"  {name}", f"{tokens:,}", "█" * max(1, round(24 * tokens / total)) + f" {tokens / total:.0%}")
        console.print(table)


def _cells(one: _Sum) -> tuple[str, ...]:
    mark = "*" if one.usage.source == "estimated" else ""
    return (
        f"{one.requests:,}",
        f"{one.usage.input_tokens:,}",
        cached(one.usage.cached_tokens, one.usage.input_tokens),
        f"{one.usage.output_tokens:,}{mark}",
        money(one.nanos) if one.known else "unknown",
    )
