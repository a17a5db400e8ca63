"""The gateway's description of itself (OpenAPI 3.1). Owns the list of its routes; bodies are those of the APIs that it speaks."""

from functools import cache
from typing import Any, Final

from tallystick_agent import __version__
from tallystick_server.gateway.dialects.base import Body
from tallystick_server.gateway.dialects.chat_request import ChatBody
from tallystick_server.gateway.dialects.messages_request import CountBody, MessagesBody
from tallystick_server.gateway.dialects.responses_request import ResponsesBody

POSTS: Final[dict[str, tuple[str, type[Body]]]] = {
    "/v1/chat/completions": ("Ask a model, in OpenAI Chat Completions with OpenRouter's fields.", ChatBody),
    "/v1/responses": ("Ask a model, in OpenAI Responses without state on the server's side.", ResponsesBody),
    "/v1/messages": ("Ask a model, in Anthropic Messages.", MessagesBody),
    "/v1/messages/count_tokens": ("Count what a request would have in tokens.", CountBody),
}
_PERIOD: Final = ("period", "date", "app", "model", "key", "limit", "offset")
GETS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "/v1/models": ("Models that a key here can use.", ()),
    "/v1/models/{slug}": ("One of them.", ()),
    "/v1/generation": ("What one answer used and cost, by its x-generation-id.", ("id",)),
    "/v1/key": ("What the key that asks has used, and its limits.", ()),
    "/v1/keys": ("All keys with what they used.", _PERIOD[:2]),
    "/v1/budgets": ("Hard budgets and what is left of them.", ()),
    "/v1/rankings/{kind}": ("A ranking: models, authors, apps, and so on.", (*_PERIOD, "sort")),
    "/v1/rankings/series": ("Bars of the largest, by day, week or month.", ("by", "period", "count", "date")),
    "/v1/usage/summary": ("Sums of a period.", _PERIOD[:5]),
    "/v1/usage/savings": ("What caches saved in a period.", _PERIOD[:5]),
    "/v1/usage/whatif": ("A period at another model's price.", ("to", *_PERIOD[:4])),
    "/v1/sessions": ("Sessions, newest first.", _PERIOD),
    "/v1/sessions/{id}/growth": ("How one session grew, and how long it lasts.", ()),
    "/metrics": ("Counters in the text format of Prometheus.", ()),
}


@cache
def described() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for path, (summary, body) in POSTS.items():
        schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[body.__name__] = schema
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}}
        paths[path] = {"post": {"summary": summary, "requestBody": {"required": True, "content": content}, **_answers()}}
    for path, (summary, names) in GETS.items():
        in_path = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in in_path]
        parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
        paths[path] = {"get": {"summary": summary, **({"parameters": parameters} if parameters else {}), **_answers()}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tallystick gateway", "version": __version__},
        "security": [{"key": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _answers() -> dict[str, Any]:
    return {"responses": {"200": {"description": "As asked."}, "default": {"description": "An error in the words of the API."}}}
