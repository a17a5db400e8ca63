"""What an option's text may be, beyond what click knows: an amount of money, a model's name. Owns the words of their refusals."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    _Amount = click.ParamType[Decimal]
    _Name = click.ParamType[str]
else:
    # The oldest click that we take has no type arguments there.
    _Amount = _Name = click.ParamType

MOST_USD: Final = Decimal(1_000_000_000)
"""What a ledger's column of nano-dollars can hold, rounded down."""


class _Usd(_Amount):
    """US dollars as an exact number, from 0 to `MOST_USD`."""

    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(str(value).strip().removeprefix("$"))
        except InvalidOperation:
            self.fail(f"{value} is no amount of US dollars; write a number such as 0.50.", param, ctx)
        if not amount.is_finite() or not 0 <= amount <= MOST_USD:
            self.fail(f"{value} is no amount of US dollars: it must be 0 or more, and at most {MOST_USD:,}.", param, ctx)
        return amount


class _Slug(_Name):
    """A model's name. An empty one is a variable that was not set, and never means the default model."""

    name = "SLUG"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip()
        if not text:
            named = "The model" if param is None else param.opts[0] if isinstance(param, click.Option) else str(param.metavar)
            raise click.UsageError(f"{named} is empty.", ctx)
        return text


USD: Final = _Usd()
SLUG: Final = _Slug()
