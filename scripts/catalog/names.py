"""What the name of a model tells: whether it chats, and under which name the same weights are known everywhere."""

import re

NOT_CHAT = re.compile(
    r"(embed|whisper|tts|transcri|realtime|moderation|rerank|lyria|veo-|imagen|nano-banana|orpheus|voice|audio|ocr"
    r"|llama-guard|prompt-guard|content-safety|decider|learnlm|palm-2|bison"
    r"|-live($|-)|-image($|-|:)|^container$|^ft:|^(ada|babbage|curie|davinci)|^text-|-instruct-0914|gpt-3\.5-turbo-instruct)",
)
"""Names of models that do something else than answer a conversation in text."""

SERVED = re.compile(r"-(latest|versatile|instant|fp8|fp4|nvfp4|bf16|awq|maas|it|instruct-turbo)$|:free$")
"""Endings that say how weights are served, or which point of a moving name, and not which weights they are."""
SIZED_TURBO = re.compile(r"(?<=\db)-turbo$")
"""Open weights served fast; `gpt-4-turbo` or `glm-5-turbo` are models of their own."""
DATE = re.compile(r"[-@](20\d{6}|20\d\d-\d\d-\d\d)$|@\d{3}$")
RESPELLED = (
    (re.compile(r"(?<=\d)p(?=\d)"), "."),
    (re.compile(r"(?<=\d)_(?=\d)"), "."),
    (re.compile(r"[_ ]"), "-"),
    (re.compile(r"^(?:zai|meta|nvidia)-(?=glm|llama|nemotron)"), ""),
    (re.compile(r"^gpt-35"), "gpt-3.5"),
    (re.compile(r"^llama-?v?(?=\d)"), "llama-"),
    (re.compile(r"^qwen-(?=\d)"), "qwen"),
    (re.compile(r"(?<![\d.])(\d)-(\d)(?=-|$)"), r"\1.\2"),
    (re.compile(r"^(claude-.*\d)\.0$"), r"\1"),
)


def chats(name: str) -> bool:
    """Whether a model of this name can hold a conversation in text."""
    return NOT_CHAT.search(name.lower().rsplit("/", 1)[-1]) is None


def canonical(name: str) -> str:
    """The name by which the same weights at several providers are recognised.

    Sizes, versions, months of release and variants that think stay in the name; dates of snapshots, quantisations and
    speeds of serving do not.
    """
    found = name.lower().rsplit("/", 1)[-1]
    for pattern, by in RESPELLED[:3]:
        found = pattern.sub(by, found)
    before = ""
    while before != found:
        before = found
        found = SIZED_TURBO.sub("", SERVED.sub("", DATE.sub("", found)))
    if not found.startswith("gpt-"):
        found = re.sub(r"-instruct(?=-|$)", "", found)
    for pattern, by in RESPELLED[3:]:
        found = pattern.sub(by, found)
    return found
