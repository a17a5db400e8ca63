"""One client's task through a gateway, and whether the books agree with what the provider told. Owns the comparison."""

import datetime
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.gateway_clients.client import Came, Client, Place
from tests.support.gateway_clients.gateway import CHARGING, MODEL, Served, gateway
from tests.support.gateway_clients.model import INPUT_NANOS, OUTPUT_NANOS, ObligingModel, Spent
from tests.support.scripted_provider import ScriptedProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a client came to."""

    client: Client
    version: str = ""
    requests: int = 0
    expected: int = 0
    """Tokens that the provider told."""
    booked: int = 0
    """Tokens of the client's app in the ranking."""
    nanos: int = 0
    """Nano-dollars that the provider told; the ranking has as many where there is no problem."""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A gateway with a provider behind it that obliges."""

    model: ObligingModel
    provider: ScriptedProvider
    served: Served
    folder: Path

    def prove(self, client: Client) -> Result:
        """Runs a client's task with a key of its own. What fails is the result's problem; a client that is missing raises."""
        place = Place(folder=self.folder / client.name, root=self.served.root, key=self.served.key(client.name), model=MODEL)
        place.make()
        self.model.folder = place.repository
        before = len(self.model.spent)
        app = client.app if client.app != "key" else f"key/{client.name}"
        version, problem, booked = "", "", 0
        try:
            came = client.run(place)
            version = came.version
            self.check_told(came, self.model.spent[before:])
            self.check_rows(client, self.model.spent[before:])
            booked = self.check_ranking(app, self.model.spent[before:])
            self.check_growth(client, app, self.model.spent[before:])
        except AssertionError as error:
            problem = str(error)
        spent = self.model.spent[before:]
        expected = sum(one.input + one.output for one in spent)
        return Result(
            client=client,
            version=version,
            requests=len(spent),
            expected=expected,
            booked=booked,
            nanos=sum(one.nanos for one in spent),
            problem=problem,
        )

    def check_told(self, came: Came, spent: list[Spent]) -> None:
        assert spent, "the provider was never asked"
        wanted = (sum(one.input for one in spent), sum(one.output for one in spent))
        assert came.told in (None, wanted), f"the client counted {came.told}, the provider {wanted}"

    def check_rows(self, client: Client, spent: list[Spent]) -> None:
        """Each answer is in the ledger once."""
        rows, told = self.served.booked(client.name), Counter(spent)
        assert rows == told, f"booked and never told: {dict(rows - told)}; told and not booked: {dict(told - rows)}"
        for row in self.served.rows(client.name):
            ours = row.usage.input_tokens * INPUT_NANOS + row.usage.output_tokens * OUTPUT_NANOS
            assert row.cost.priced_nanos == ours, f"our price is {row.cost.priced_nanos} instead of {ours}"

    def check_ranking(self, app: str, spent: list[Spent]) -> int:
        """Gives the app's tokens in today's ranking."""
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        rows: list[dict[str, Any]] = self.served.ask("rankings/apps", period="day", date=today)["data"]
        found = [row for row in rows if app in (row.get("app"), row.get("name"))]
        names = [row.get("app", row.get("name")) for row in rows]
        assert len(found) == 1, f"{app} is {len(found)} times in the ranking, which has {names}"
        wanted = sum(one.input + one.output for one in spent), len(spent), Decimal(sum(one.nanos for one in spent))
        ranked = int(found[0]["tokens"]), int(found[0]["requests"]), Decimal(found[0]["cost_usd"]) * 1_000_000_000
        assert ranked == wanted, f"the ranking shows (tokens, requests, nano-dollars) {ranked} instead of {wanted}"
        return ranked[0]

    def check_growth(self, client: Client, app: str, spent: list[Spent]) -> None:
        """For a client that talks: its one session, turn by turn, with a history that grows."""
        if not client.turns:
            return
        sessions: list[dict[str, Any]] = self.served.ask("sessions")["data"]
        found = [one for one in sessions if one.get("app") == app]
        assert len(found) == 1, f"{len(found)} sessions of {app} instead of one"
        requests: list[dict[str, Any]] = self.served.ask(f"sessions/{found[0]['session_id']}/growth")["data"]
        inputs = [int(one["input_tokens"]) for one in requests]
        assert inputs == [one.input for one in spent], f"the growth chart shows inputs {inputs} of {spent}"
        assert inputs == sorted(set(inputs)), f"the history does not grow: {inputs}"
        history = [int(one["segments"].get("history", 0)) for one in requests]
        assert history == sorted(set(history)), f"the share of the history does not grow: {history}"
        turns = [int(one["turn"]) for one in requests]
        assert turns == list(range(1, client.turns + 1)), f"the growth chart shows turns {turns}"


@contextmanager
def bench(speaks: str = CHARGING) -> Generator[Bench]:
    """Everything that clients are proven with, in a folder that goes with it."""
    model = ObligingModel(charges=speaks == CHARGING)
    with tempfile.TemporaryDirectory(prefix="clients", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (
            ScriptedProvider(model, keep_alive=True) as provider,
            gateway(folder / "gateway", provider.url, speaks=speaks) as served,
        ):
            yield Bench(model=model, provider=provider, served=served, folder=folder)
