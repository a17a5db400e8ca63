"""Sections of settings that have a module of their own because their tree is long. Owns their names, defaults and checks."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Section(BaseModel):
    """What every section is: closed, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LedgerSettings(Section):
    """Where the books are kept; docs/ledger.md."""

    url: SecretStr | None = None
    """A PostgreSQL database for a team, `postgresql://USER@HOST/NAME`; unset keeps a file in the state folder."""
    when_down: Literal["refuse", "spool"] = "refuse"
    """Where the ledger cannot be written: refuse new requests, or let them go on and keep their rows in a file until it can."""


class HardBudgetSettings(Section):
    """A hard limit over many requests, of every process that has this ledger; docs/budgets.md."""

    per: Literal["request", "session", "task", "day", "week", "month"] = "month"
    """What it holds for; days, weeks and months are UTC's."""
    app: str = ""
    """Only this app, by its identity, e.g. `cline.bot`; `*` is each app by itself."""
    key: str = ""
    """Only this gateway key, by its name; `*` is each key by itself."""
    model: str = ""
    """Only this model, as `author/name`; `*` is each model by itself."""
    user: str = ""
    """Only this user label; `*` is each user by itself."""
    max_cost_usd: Decimal | None = Field(default=None, ge=0)
    """US dollars."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Input and output tokens together."""
    max_requests: int | None = Field(default=None, gt=0)
    """Attempts at requests."""
    warn_at: float = Field(default=0.8, gt=0, le=1)
    """The share of it from which you are warned; 1 warns never."""

    @model_validator(mode="after")
    def _can_be_counted(self) -> "HardBudgetSettings":
        if self.max_cost_usd is None and self.max_tokens is None and self.max_requests is None:
            raise ValueError("give max_cost_usd, max_tokens or max_requests")
        if self.per in ("day", "week", "month") and sum(map(bool, (self.app, self.key, self.model, self.user))) > 1:
            raise ValueError(
                "name one of app, key, model and user: what is spent is counted for each of them, not for two together"
            )
        return self
