"""Which endpoint serves a request, and why: the hard filters, the policies, pins, warm caches, and doors that are shut."""

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.model_info import Capabilities, DataPolicy, Endpoint
from tallystick_agent.protocol.usage import Price, Rates, Tier, flat
from tallystick_agent.providers.health import UNSEEN, EndpointHealth, Outcome
from tallystick_agent.providers.preferences import MaxPrice, Policy, Preferences
from tallystick_agent.providers.router import STICKY_S, Conditions, Route, route
from tallystick_agent.providers.routing_table import Need, RoutingTable, Sticky, Traits

CHEAP, DEAR = flat(1, 1), flat(3, 3)
NEED = Need(input_tokens=1_000, output_tokens=200)
PLAIN = Preferences()
OUTAGE = Outcome(ok=False, code="provider_unavailable")


def endpoint(slug: str, price: Price | None = CHEAP, window: int | None = None, **more: Any) -> Endpoint:
    provider = slug.partition("/")[0]
    base = Endpoint(slug=slug, provider=provider, model="m", base_url="http://127.0.0.1/v1", price=price, window_tokens=window)
    return replace(base, **more)


def routed(*endpoints: Endpoint, need: Need = NEED, wish: Preferences = PLAIN, **at: Any) -> Route:
    return route(RoutingTable(endpoints), need, wish, Conditions(**at))


def slugs(found: Route) -> list[str]:
    return [choice.endpoint.slug for choice in found.order]


def dropped(found: Route) -> dict[str, str]:
    return {choice.endpoint.slug: choice.reason for choice in found.dropped}


def seen(*outcomes: Outcome, at: float = 0.0) -> EndpointHealth:
    health = UNSEEN
    for outcome in outcomes:
        health = health.after(outcome, at)
    return health


ROUTER = endpoint("openrouter/x/m", aggregator=True, dialect="openrouter")


@pytest.mark.parametrize(
    ("windows", "served", "left"),
    [
        ([None], [0], []),
        ([8_000], [0], []),
        ([1_200], [0], []),
        ([1_199], [], [0]),
        ([1_000, 8_000], [1], [0]),
        ([8_000, 1_000, None], [0, 2], [1]),
        ([], [], []),
    ],
)
def test_what_is_known_to_be_too_small_is_dropped_and_the_order_stays(
    windows: list[int | None], served: list[int], left: list[int]
) -> None:
    candidates = tuple(endpoint(f"p/{number}", window=window) for number, window in enumerate(windows))
    found = routed(*candidates, wish=Preferences(policy="order"))
    assert [choice.endpoint for choice in found.order] == [candidates[at] for at in served]
    assert [choice.endpoint for choice in found.dropped] == [candidates[at] for at in left]
    assert all(choice.reason for choice in (*found.order, *found.dropped))


def test_the_reason_for_dropping_names_both_numbers() -> None:
    found = routed(endpoint("p/small", window=1_000), need=Need(input_tokens=1_500, output_tokens=200))
    assert "1700" in found.dropped[0].reason
    assert "1000" in found.dropped[0].reason


@pytest.mark.parametrize(
    ("traits", "can", "reason"),
    [
        (Traits(tools=True), Capabilities(tools=False), "no tools"),
        (Traits(tools=True), Capabilities(tools=None), ""),
        (Traits(images=True), Capabilities(images=False), "no images"),
        (Traits(images=True), Capabilities(images=None), ""),
        (Traits(structured=True), Capabilities(structured=False), "JSON schema"),
        (Traits(web=True), Capabilities(web=False), "search the web"),
        (Traits(web=True), Capabilities(web=True), ""),
        (Traits(call_mode="native"), Capabilities(call_mode="text"), "by text"),
        (Traits(call_mode="native"), Capabilities(call_mode=None), ""),
        (Traits(reasoning=True), Capabilities(), ""),
    ],
    ids=str,
)
def test_what_an_endpoint_is_known_to_lack_drops_it_and_what_is_unknown_does_not(
    traits: Traits, can: Capabilities, reason: str
) -> None:
    found = routed(endpoint("p/m", capabilities=can), need=replace(NEED, traits=traits))
    assert (reason in dropped(found)["p/m"]) if reason else slugs(found) == ["p/m"]


STORES, KEEPS_NOTHING = DataPolicy(stores=True, zdr=False), DataPolicy(stores=False, zdr=True)
VERCEL = endpoint("vercel/x/m", aggregator=True)


@pytest.mark.parametrize(
    ("one", "wish", "reason"),
    [
        (endpoint("groq/m"), Preferences(only=("groq",)), ""),
        (endpoint("groq/m"), Preferences(only=("groq/m",)), ""),
        (endpoint("groq/m"), Preferences(only=("together",)), "only providers wanted (together)"),
        (endpoint("moonshot/m"), Preferences(only=("moonshotai",)), ""),
        (ROUTER, Preferences(only=("together",)), ""),
        (VERCEL, Preferences(only=("together",)), "only providers wanted"),
        (endpoint("groq/m"), Preferences(ignore=("groq",)), "ignored"),
        (endpoint("google/m"), Preferences(ignore=("gemini",)), "ignored"),
        (endpoint("openrouter/x/m@deepinfra/fp8", provider="deepinfra"), Preferences(ignore=("deepinfra/fp8",)), "ignored"),
        (endpoint("openrouter/x/m@deepinfra/fp8", provider="deepinfra"), Preferences(ignore=("deepinfra/fp4",)), ""),
        (endpoint("groq/m"), Preferences(free_only=True), "not free"),
        (endpoint("groq/m", None), Preferences(free_only=True), "not free"),
        (endpoint("groq/m", flat(0, 0)), Preferences(free_only=True), ""),
        (endpoint("groq/m"), Preferences(data_collection="deny"), "may store"),
        (endpoint("groq/m", data=STORES), Preferences(data_collection="deny"), "stores prompts"),
        (endpoint("groq/m", data=KEEPS_NOTHING), Preferences(data_collection="deny", zdr=True), ""),
        (endpoint("groq/m", data=STORES), Preferences(zdr=True), "zero data retention"),
        (endpoint("ollama/m", local=True), Preferences(data_collection="deny", zdr=True), ""),
        (ROUTER, Preferences(data_collection="deny", zdr=True, quantizations=("fp8",)), ""),
        (VERCEL, Preferences(data_collection="deny"), "may store"),
        (VERCEL, Preferences(zdr=True), "zero data retention"),
        (VERCEL, Preferences(quantizations=("fp8",)), "quantization unknown"),
        (endpoint("groq/m", quantization="fp8"), Preferences(quantizations=("fp8", "bf16")), ""),
        (endpoint("groq/m", quantization="int4"), Preferences(quantizations=("fp8",)), "quantization int4"),
        (endpoint("groq/m", DEAR), Preferences(max_price=MaxPrice(prompt=Decimal(3))), ""),
        (endpoint("groq/m", DEAR), Preferences(max_price=MaxPrice(prompt=Decimal("2.99"))), "costs $3 for input"),
        (endpoint("groq/m", DEAR), Preferences(max_price=MaxPrice(completion=Decimal(2))), "costs $3 for output"),
        (endpoint("groq/m", None), Preferences(max_price=MaxPrice(prompt=Decimal(99))), "no known price"),
        (ROUTER, Preferences(max_price=MaxPrice(prompt=Decimal("0.5"))), "costs $1 for input"),
        (
            endpoint("groq/m", Price(rates=Rates(input=Decimal(0), output=Decimal(0)), request_usd=Decimal("0.02"))),
            Preferences(max_price=MaxPrice(request=Decimal("0.01"))),
            "costs $0.02 for a request",
        ),
    ],
)
def test_what_the_user_rules_out_is_dropped_and_unknown_counts_as_the_worse_answer(
    one: Endpoint, wish: Preferences, reason: str
) -> None:
    found = routed(one, wish=wish)
    if reason:
        assert reason in dropped(found)[one.slug]
    else:
        assert slugs(found) == [one.slug]


@pytest.mark.parametrize(
    ("more", "traits", "reason"),
    [
        ({"parameters": frozenset({"tools", "seed"})}, Traits(parameters=frozenset({"seed"})), ""),
        ({"parameters": frozenset({"tools"})}, Traits(parameters=frozenset({"seed", "stop"})), "does not take seed, stop"),
        ({"capabilities": Capabilities(tools=True)}, Traits(tools=True), ""),
        ({"capabilities": Capabilities(tools=None)}, Traits(tools=True), "not known to take tools"),
        ({"capabilities": Capabilities()}, Traits(reasoning=True), "not known to take reasoning"),
        ({"capabilities": Capabilities(sampling=False)}, Traits(parameters=frozenset({"temperature"})), "temperature"),
        ({"aggregator": True, "dialect": "openrouter"}, Traits(tools=True), ""),
    ],
)
def test_required_parameters_must_be_known_to_be_taken(more: dict[str, Any], traits: Traits, reason: str) -> None:
    need = replace(NEED, traits=traits)
    found = routed(endpoint("p/m", **more), need=need, wish=Preferences(require_parameters=True))
    assert (reason in dropped(found)["p/m"]) if reason else slugs(found) == ["p/m"]
    assert slugs(routed(endpoint("p/m", **more), need=need)) == ["p/m"]


def test_a_price_over_the_limit_for_a_long_request_is_over_the_limit() -> None:
    long = Rates(input=Decimal(6), output=Decimal(6))
    one = endpoint("p/m", Price(rates=Rates(input=Decimal(3), output=Decimal(3)), tiers=(Tier(above=200_000, rates=long),)))
    wish = Preferences(max_price=MaxPrice(prompt=Decimal(4)))
    assert slugs(routed(one, need=Need(input_tokens=200_000, output_tokens=10), wish=wish)) == ["p/m"]
    found = routed(one, need=Need(input_tokens=200_001, output_tokens=10), wish=wish)
    assert "$6 for input" in dropped(found)["p/m"]


def test_one_dollar_against_three_is_drawn_nine_times_in_ten() -> None:
    table, draws = RoutingTable((endpoint("a/m", CHEAP), endpoint("b/m", DEAR))), 10_000
    firsts = Counter(route(table, NEED, PLAIN, Conditions(seed=seed)).endpoints[0].slug for seed in range(draws))
    sigma = math.sqrt(draws * 0.9 * 0.1)
    assert abs(firsts["a/m"] - draws * 0.9) < 3 * sigma


def test_the_share_in_the_reason_is_the_share_of_the_draw() -> None:
    found = routed(endpoint("a/m", CHEAP), endpoint("b/m", DEAR))
    reasons = {choice.endpoint.slug: choice.reason for choice in found.order}
    assert "90.0%" in reasons["a/m"]
    assert "10.0%" in reasons["b/m"]


def test_the_same_seed_draws_the_same_order() -> None:
    candidates = tuple(endpoint(f"p{number}/m", flat(number + 1, 1)) for number in range(8))
    orders = [tuple(slugs(routed(*candidates, seed=seed))) for seed in range(20)]
    assert orders == [tuple(slugs(routed(*candidates, seed=seed))) for seed in range(20)]
    assert len(set(orders)) > 1


@pytest.mark.parametrize("seed", range(20))
def test_who_failed_just_now_and_who_has_no_price_come_after_the_drawn_ones(seed: int) -> None:
    candidates = (endpoint("unpriced/m", None), endpoint("shaky/m", flat(0, 0)), endpoint("stable/m", DEAR))
    health = {"shaky/m": seen(OUTAGE, at=100.0)}
    assert slugs(routed(*candidates, health=health, now=129.0, seed=seed)) == ["stable/m", "unpriced/m", "shaky/m"]
    assert slugs(routed(*candidates, health=health, now=130.0, seed=seed))[-1] == "unpriced/m"


def served(speed: float | None = None, wait: float | None = None, faults: int = 0) -> EndpointHealth:
    return seen(Outcome(ok=True, tokens_per_s=speed, first_token_s=wait, calls=4, faulty_calls=faults))


@pytest.mark.parametrize(
    ("policy", "order", "reason"),
    [
        ("price", ["free", "cheap", "dear", "unpriced"], "by price: $0 in"),
        ("throughput", ["dear", "cheap", "free", "unpriced"], "90.0 tokens/s"),
        ("latency", ["cheap", "free", "dear", "unpriced"], "0.2 s to first token"),
        ("exacto", ["dear", "cheap", "unpriced", "free"], "faulty"),
        ("window", ["dear", "cheap", "free", "unpriced"], "by context window"),
        ("order", ["cheap", "unpriced", "free", "dear"], "first that fits"),
    ],
)
def test_each_policy_orders_by_its_own_measure(policy: Policy, order: list[str], reason: str) -> None:
    candidates = (
        endpoint("cheap", CHEAP, 20_000),
        endpoint("unpriced", None),
        endpoint("free", flat(0, 0), 10_000),
        endpoint("dear", DEAR, 30_000),
    )
    health = {"cheap": served(50, 0.2), "free": served(10, 0.4, faults=3), "dear": served(90, 0.9)}
    found = routed(*candidates, wish=Preferences(policy=policy), health=health)
    assert slugs(found) == order
    assert reason in found.order[0].reason


def test_by_price_means_the_price_of_this_request() -> None:
    """Who is cheap for short requests may be dear for long ones, and for those that mostly write."""
    long = Rates(input=Decimal(9), output=Decimal(9))
    tiered = endpoint("tiered/m", Price(rates=Rates(input=Decimal(1), output=Decimal(1)), tiers=(Tier(above=5_000, rates=long),)))
    flat_rate, writer = endpoint("flat/m", flat(2, 2)), endpoint("writer/m", flat("1.5", 99))
    wish = Preferences(policy="price")
    short, lengthy = Need(input_tokens=5_000, output_tokens=0), Need(input_tokens=5_001, output_tokens=0)
    assert slugs(routed(tiered, flat_rate, writer, need=short, wish=wish)) == ["tiered/m", "writer/m", "flat/m"]
    found = routed(tiered, flat_rate, writer, need=lengthy, wish=wish)
    assert slugs(found) == ["writer/m", "flat/m", "tiered/m"]
    assert "$9 in" in found.order[-1].reason
    writes = Need(input_tokens=5_000, output_tokens=8_000, expected_output=1_000)
    assert slugs(routed(tiered, flat_rate, writer, need=writes, wish=wish)) == ["tiered/m", "flat/m", "writer/m"]


def test_a_fee_for_each_request_counts() -> None:
    fee = endpoint("fee/m", Price(rates=Rates(input=Decimal(0), output=Decimal(0)), request_usd=Decimal("0.01")))
    assert slugs(routed(fee, endpoint("b/m", CHEAP), wish=Preferences(policy="price"))) == ["b/m", "fee/m"]


def test_the_cost_of_an_answer_counts_failures_for_as_long_as_they_are_news() -> None:
    candidates, wish = (endpoint("cheap/m", CHEAP), endpoint("dear/m", flat(2, 2))), Preferences(policy="cost_per_answer")
    once, often = seen(OUTAGE), seen(*[OUTAGE] * 2, *[Outcome(ok=True)], *[OUTAGE] * 2)
    assert slugs(routed(*candidates, wish=wish)) == ["cheap/m", "dear/m"]
    assert slugs(routed(*candidates, wish=wish, health={"cheap/m": once}, now=1.0))[0] == "cheap/m"
    assert slugs(routed(*candidates, wish=wish, health={"cheap/m": often}, now=1.0))[0] == "dear/m"
    assert slugs(routed(*candidates, wish=wish, health={"cheap/m": often}, now=3_600.0))[0] == "cheap/m"


def test_one_faulty_tool_call_is_no_verdict() -> None:
    one, many = seen(Outcome(ok=True, calls=1, faulty_calls=1)), seen(Outcome(ok=True, calls=20, faulty_calls=12))
    health = {"one": one, "many": many}
    found = routed(endpoint("many"), endpoint("one"), endpoint("unseen"), wish=Preferences(policy="exacto"), health=health)
    assert slugs(found) == ["unseen", "one", "many"]


# What the user pins.


def test_named_providers_come_first_and_the_rest_after_them() -> None:
    candidates = (endpoint("a/m"), endpoint("google/m"), endpoint("c/m"), endpoint("c/n"))
    found = routed(*candidates, wish=Preferences(order=("c/n", "gemini"), policy="order"))
    assert slugs(found) == ["c/n", "google/m", "a/m", "c/m"]
    assert found.order[0].reason == "number 1 in the order wanted"
    assert found.order[2].reason == "first that fits"


def test_fallback_models_come_last_whatever_the_policy_and_the_order_of_providers() -> None:
    """A cheap fallback model must not take the place of the model that was asked for."""
    candidates = (endpoint("dear/m", DEAR), endpoint("groq/tiny", flat(0, 0)), endpoint("openai/nano", CHEAP))
    later = ("openai/nano", "groq/tiny")
    for policy in ("balanced", "price", "cost_per_answer", "window"):
        found = routed(*candidates, wish=Preferences(policy=policy, later=later))
        assert slugs(found) == ["dear/m", "openai/nano", "groq/tiny"]
        assert found.order[1].reason == "number 1 of the fallback models"
    assert slugs(routed(*candidates, wish=Preferences(order=("groq",), later=later)))[0] == "dear/m"
    warm = Sticky(slug="groq/tiny", cached_tokens=1_000, idle_s=1.0)
    assert slugs(routed(*candidates, wish=Preferences(later=later), sticky=warm))[0] == "dear/m"


def test_without_fallbacks_one_endpoint_is_left() -> None:
    found = routed(endpoint("a/m"), endpoint("b/m"), wish=Preferences(allow_fallbacks=False, policy="order"))
    assert slugs(found) == ["a/m"]
    assert dropped(found) == {"b/m": "fallbacks are not allowed"}


def test_without_fallbacks_nobody_serves_who_is_not_in_the_order() -> None:
    wish = Preferences(order=("a", "b/m"), allow_fallbacks=False)
    found = routed(endpoint("a/m", window=10), endpoint("b/m", window=10), endpoint("c/m"), wish=wish)
    assert slugs(found) == []
    assert "not in the order wanted" in dropped(found)["c/m"]
    assert slugs(routed(endpoint("c/m"), ROUTER, wish=wish)) == ["openrouter/x/m"]
    ours = Preferences(order=("a/m",), allow_fallbacks=False)
    assert slugs(routed(endpoint("a/m", window=10), ROUTER, wish=ours)) == []


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (Preferences(min_throughput=((50, 40.0),), policy="order"), "20 tokens/s at p50, 40 wanted"),
        (Preferences(max_latency=((90, 2.0),), policy="order"), "5.0 s to the first token at p90, 2 wanted"),
        (Preferences(min_throughput=((50, 10.0), (99, 30.0)), policy="order"), "at p99, 30 wanted"),
    ],
)
def test_who_is_slower_than_wished_comes_last_and_is_never_left_out(wish: Preferences, reason: str) -> None:
    slow = served(speed=20.0, wait=5.0)
    found = routed(endpoint("slow/m"), endpoint("b/m"), endpoint("c/m"), wish=wish, health={"slow/m": slow})
    assert slugs(found) == ["b/m", "c/m", "slow/m"]
    assert reason in found.order[-1].reason
    warm = Sticky(slug="slow/m", cached_tokens=1_000, idle_s=1.0)
    assert slugs(routed(endpoint("slow/m"), endpoint("b/m"), wish=wish, health={"slow/m": slow}, sticky=warm))[0] == "b/m"


# A warm cache.

CACHING = Price(rates=Rates(input=Decimal(3), output=Decimal(3), cache_read=Decimal("0.3")))
WARM = Sticky(slug="warm/m", cached_tokens=1_000, idle_s=5.0)
BIG = Need(input_tokens=1_000, output_tokens=10)


@pytest.mark.parametrize(
    ("cached", "stays"), [(1_000, True), (800, True), (700, False), (0, False)], ids=lambda value: str(value)
)
def test_a_warm_cache_keeps_its_endpoint_while_it_is_worth_more_than_the_cheaper_price(cached: int, stays: bool) -> None:
    candidates = (endpoint("cheap/m", CHEAP), endpoint("warm/m", CACHING))
    sticky = replace(WARM, cached_tokens=cached)
    found = routed(*candidates, need=BIG, wish=Preferences(policy="price"), sticky=sticky)
    assert (slugs(found)[0] == "warm/m") == stays
    if stays:
        assert f"holds {cached:,} tokens" in found.order[0].reason


def seed_that_draws(first: str, *candidates: Endpoint) -> int:
    return next(seed for seed in range(1_000) if slugs(routed(*candidates, seed=seed))[0] == first)


@pytest.mark.parametrize(
    ("sticky", "health", "wish", "stays"),
    [
        (WARM, {}, PLAIN, True),
        (replace(WARM, idle_s=STICKY_S - 1), {}, PLAIN, True),
        (replace(WARM, idle_s=STICKY_S), {}, PLAIN, False),
        (WARM, {}, Preferences(order=("other",)), False),
        (WARM, {}, Preferences(order=("elsewhere",)), False),
        (WARM, {"warm/m": seen(OUTAGE, at=996.0)}, PLAIN, False),
        (WARM, {"warm/m": seen(OUTAGE, at=900.0)}, PLAIN, True),
        (WARM, {"warm/m": seen(Outcome(ok=False, code="provider_rate_limited"), at=999.0)}, PLAIN, True),
        (replace(WARM, slug="gone/m"), {}, PLAIN, False),
    ],
    ids=["warm", "almost cold", "cold", "order", "another order", "failed since", "failed before", "a limit", "gone"],
)
def test_what_frees_a_conversation_from_its_endpoint(
    sticky: Sticky, health: dict[str, EndpointHealth], wish: Preferences, stays: bool
) -> None:
    candidates = (endpoint("other/m"), endpoint("warm/m"))
    seed = seed_that_draws("other/m", *candidates)
    found = routed(*candidates, wish=wish, health=health, now=1_000.0, sticky=sticky, seed=seed)
    assert (slugs(found)[0] == "warm/m") == stays


def test_a_cache_at_an_unknown_price_is_not_worth_more_than_a_known_one() -> None:
    candidates = (endpoint("warm/m", None), endpoint("cheap/m"))
    assert slugs(routed(*candidates, sticky=WARM)) == ["cheap/m", "warm/m"]
    both = (endpoint("a/m", None), endpoint("warm/m", None))
    assert slugs(routed(*both, sticky=WARM)) == ["warm/m", "a/m"]


def test_the_order_as_named_is_kept_against_a_warm_cache() -> None:
    found = routed(endpoint("first/m"), endpoint("warm/m"), wish=Preferences(policy="order"), sticky=WARM)
    assert slugs(found) == ["first/m", "warm/m"]


# Doors that are shut.

BROKEN = seen(OUTAGE, OUTAGE, OUTAGE, at=100.0)


def test_an_open_breaker_and_a_full_account_shut_an_endpoint_out() -> None:
    candidates = (endpoint("broken/m"), endpoint("full/m"), endpoint("c/m", DEAR))
    found = routed(*candidates, health={"broken/m": BROKEN}, now=110.0, closed={"full/m": "50 of 50 are used"})
    assert slugs(found) == ["c/m", "broken/m"], "who failed is asked when everybody else has failed"
    assert found.order[1].reason == "asked last: it failed 3 times in a row"
    assert dropped(found) == {"full/m": "50 of 50 are used"}
    assert "broken/m" in slugs(routed(*candidates, health={"broken/m": BROKEN}, now=130.0))


def test_where_all_doors_are_shut_one_knocks_all_the_same_in_the_order_wanted() -> None:
    candidates = (endpoint("a/m"), endpoint("b/m"), endpoint("small/m", window=10))
    closed = {"b/m": "full", "a/m": "full"}
    assert slugs(routed(*candidates, closed=closed)) == ["a/m", "b/m"]
    found = routed(*candidates, closed=closed, wish=Preferences(order=("b",)))
    assert slugs(found) == ["b/m", "a/m"]
    assert found.order[0].reason == "full"
    alone = routed(*candidates, closed=closed, wish=Preferences(order=("b",), allow_fallbacks=False))
    assert slugs(alone) == ["b/m"]


def test_the_only_one_is_named_as_such() -> None:
    assert routed(endpoint("a/m")).order[0].reason == "only candidate"


# What holds for all routes.

PRICES = st.sampled_from([None, flat(0, 0), CHEAP, DEAR, CACHING])
POLICIES = st.sampled_from(["balanced", "price", "throughput", "latency", "exacto", "cost_per_answer", "order", "window"])
NAMES = st.lists(st.sampled_from(["p0", "p1", "p2", "p3/m", "who"]), max_size=3, unique=True).map(tuple)
HEALTH = st.sampled_from([UNSEEN, BROKEN, seen(OUTAGE, at=100.0), served(50.0, 0.5, faults=1)])


@st.composite
def candidates_of(draw: st.DrawFn) -> tuple[Endpoint, ...]:
    return tuple(
        endpoint(
            f"p{number}/m",
            draw(PRICES),
            draw(st.sampled_from([None, 500, 2_000, 8_000])),
            aggregator=draw(st.booleans()),
            data=draw(st.sampled_from([DataPolicy(), STORES, KEEPS_NOTHING])),
        )
        for number in range(draw(st.integers(0, 6)))
    )


def hard(later: bool = True) -> st.SearchStrategy[Preferences]:
    return st.builds(
        Preferences,
        only=NAMES,
        ignore=NAMES,
        zdr=st.booleans(),
        policy=POLICIES,
        max_price=st.sampled_from([None, MaxPrice(prompt=Decimal(2))]),
        max_latency=st.sampled_from([(), ((50, 0.1),)]),
        order=NAMES,
        later=NAMES if later else st.just(()),
    )


@given(candidates=candidates_of(), wish=hard(), data=st.data())
def test_every_candidate_is_ordered_or_dropped_once_with_a_reason(
    candidates: tuple[Endpoint, ...], wish: Preferences, data: st.DataObject
) -> None:
    wish = replace(wish, allow_fallbacks=data.draw(st.booleans()))
    found = routed(
        *candidates,
        wish=wish,
        health={one.slug: data.draw(HEALTH) for one in candidates},
        now=105.0,
        closed={one.slug: "full" for one in candidates if data.draw(st.booleans())},
        sticky=data.draw(st.sampled_from([None, replace(WARM, slug="p1/m")])),
    )
    told = [*found.order, *found.dropped]
    assert sorted(choice.endpoint.slug for choice in told) == [one.slug for one in candidates]
    assert all(choice.reason for choice in told)
    if wish.max_price is not None:
        assert all(choice.endpoint.price is not None for choice in found.order)


@given(candidates=candidates_of(), wish=hard(), less=st.integers(0, 4_000), more=st.integers(0, 9_000))
def test_a_dropped_one_never_comes_back_when_there_is_less_room(
    candidates: tuple[Endpoint, ...], wish: Preferences, less: int, more: int
) -> None:
    roomy = routed(*candidates, need=Need(input_tokens=less, output_tokens=100), wish=wish)
    tight = routed(*candidates, need=Need(input_tokens=less + more, output_tokens=100), wish=wish)
    assert set(slugs(tight)) <= set(slugs(roomy))
    shrunk = tuple(replace(one, window_tokens=(one.window_tokens or 9_000) // 2) for one in candidates)
    assert set(slugs(routed(*shrunk, need=Need(input_tokens=less, output_tokens=100), wish=wish))) <= set(slugs(roomy))
