"""How many choices among 500 endpoints the router makes a second, by policy. Prints a table."""

import time

from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import flat
from tallystick_agent.providers.health import EndpointHealth, Outcome
from tallystick_agent.providers.preferences import Policy, Preferences
from tallystick_agent.providers.router import Conditions, route
from tallystick_agent.providers.routing_table import Need, RoutingTable, Traits

POLICIES: tuple[Policy, ...] = ("balanced", "price", "throughput", "latency", "exacto", "cost_per_answer")
WINDOWS = (8_000, 128_000, 1_000_000, None)
ROUNDS = 400


def endpoint(number: int) -> Endpoint:
    price = flat(1 + number % 7, 3 + number % 11) if number % 13 else None
    return Endpoint(
        slug=f"p{number}/m",
        provider=f"p{number}",
        model="m",
        base_url="http://127.0.0.1:9/v1",
        window_tokens=WINDOWS[number % 4],
        price=price,
    )


def main() -> None:
    table = RoutingTable(tuple(endpoint(number) for number in range(500)))
    good = Outcome(ok=True, first_token_s=1.0, tokens_per_s=50.0)
    bad = Outcome(ok=False, code="provider_timeout")
    health = {f"p{number}/m": EndpointHealth().after(bad if number % 9 == 0 else good, 100.0) for number in range(0, 500, 2)}
    print("choices a second among 500 endpoints, half of them seen before (one CPU)")
    for policy in POLICIES:
        wish = Preferences(policy=policy)
        started = time.process_time()
        for number in range(ROUNDS):
            need = Need(input_tokens=10_000 + number, output_tokens=1_000, traits=Traits(tools=True))
            assert route(table, need, wish, Conditions(health=health, now=110.0, seed=number)).ranks
        print(f"  {policy:16}{ROUNDS / (time.process_time() - started):8,.0f}")


if __name__ == "__main__":
    main()
