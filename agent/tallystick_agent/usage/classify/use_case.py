"""What a request is for, in the words of public rankings: by words that go with each use. Pure; empty where unsure."""

import re
from itertools import pairwise
from typing import Final

USE_CASES: Final = (
    "programming", "roleplay", "marketing", "marketing/seo", "technology", "science", "translation", "legal", "finance", "health",
    "trivia", "academia",
)  # fmt: skip
_WORDS: Final = {
    "programming": "code bug function refactor compile compiler debug api unittest unittests regex script class method variable"
    " repository commit merge stacktrace traceback exception segfault endpoint backend frontend json yaml database"
    " query algorithm loop array parser async thread dependency library framework git codebase programmer"
    " programming developer component typo lint linter test tests failing",
    "roleplay": "roleplay rp character characters persona fictional scenario narrator dungeon adventure tavern fantasy elf"
    " dragon wizard knight whispers smirks blushes sighs giggles nsfw immersive storyline",
    "marketing": "marketing campaign brand branding slogan tagline advert advertisement ads ad audience newsletter customers"
    " promotion promotional influencer instagram linkedin tiktok hashtags copywriting copywriter b2b leads launch"
    " persuasive",
    "marketing/seo": "seo keyword keywords backlinks backlink serp sitemap meta ranking",
    "technology": "iphone android laptop wifi router gpu cpu windows macos linux ubuntu server cloud network browser bluetooth"
    " smartphone printer hardware software ssd monitor kubernetes docker nginx firewall vpn dns raspberry install",
    "science": "physics chemistry biology quantum molecule molecules atom atoms electron photon gravity relativity dna rna"
    " protein enzyme species evolution planet star galaxy theorem proof integral derivative equation experiment"
    " hypothesis chemical reaction thermodynamics entropy cell cells",
    "translation": "translate translation translator übersetze übersetzen übersetzung traduce traducir traducción traduis"
    " traduire traduction traduza traduzir tradução traduci tradurre переведи перевод çevir 翻译 翻訳 przetłumacz"
    " terjemahkan",
    "legal": "contract clause lawyer attorney court lawsuit plaintiff defendant liability tenant landlord lease copyright"
    " trademark patent gdpr statute legal law jurisdiction nda agreement sue custody",
    "finance": "stock stocks invest investment investing portfolio bond bonds dividend dividends mortgage loan interest tax"
    " taxes budget revenue profit ebitda valuation etf crypto bitcoin trading inflation bank accounting balance"
    " cash earnings savings retirement",
    "health": "doctor symptom symptoms disease pain headache fever medication medicine dose dosage diet calories workout"
    " exercise therapy anxiety depression pregnancy diabetes blood pressure vitamin sleep patient diagnosis"
    " allergy vaccine cholesterol injury",
    "trivia": "trivia quiz capital president king queen movie film actor album song band oscar won champion tallest largest"
    " longest oldest fastest invented discovered country famous",
    "academia": "essay thesis dissertation citation citations cite bibliography homework exam lecture professor university"
    " student students abstract coursework syllabus curriculum literature apa mla peer-reviewed assignment"
    " scholarship research paper",
}  # fmt: skip
_OF_WORD: Final[dict[str, str]] = {word: name for name, words in _WORDS.items() for word in words.split()}
_OPENS: Final = re.compile(
    r"\s*(?:who|which|when|where|what(?:'s)? (?:is|was|are|were|year)|how (?:many|old|tall|far|long ago))\b", re.I
)
_ACTION: Final = re.compile(r"\*[^*\n]{3,160}\*(?!\*)")
_PLAYED: Final = (
    "roleplay", "role-play", "in character", "in-character", "next reply in a fictional", "{{char}}", "{{user}}",
    "you are playing", "text adventure", "game master",
)  # fmt: skip
_TRANSLATE: Final = ("翻译", "翻譯", "翻訳", "번역", "แปล")
"""Where words are not set apart by blanks."""
_LANGUAGES: Final = frozenset(
    "english spanish french german italian portuguese japanese chinese korean russian arabic hindi turkish polish dutch".split()
)
_INTO: Final = frozenset(("in", "into", "to", "from"))
LEAST: Final = 2.0
"""Points that a use must have; one word alone may be anywhere."""
WIDE: Final = 12
"""In so short a text one word is enough."""


def use_case(told: list[str], said: list[str], text: str, *, code: bool) -> str:
    """`told`: words of the instructions, which count half; `said`: words of the prose of `text`. `code`: it has or names code."""
    scores: dict[str, float] = {}
    for words, weight in ((told, 0.5), (said, 1.0)):
        for word in dict.fromkeys(words):
            name = _OF_WORD.get(word)
            if name is None and word.endswith("s"):
                name = _OF_WORD.get(word[:-1])
            if name is not None:
                scores[name] = scores.get(name, 0.0) + weight
    if code:
        scores["programming"] = scores.get("programming", 0.0) + 2.5
    head = f"{' '.join(told)} {text[:400].lower()}"
    if any(phrase in head for phrase in _PLAYED):
        scores["roleplay"] = scores.get("roleplay", 0.0) + 3
    if "*" in text and _ACTION.search(text[:1_000]):
        scores["roleplay"] = scores.get("roleplay", 0.0) + 2
    if any(word in head for word in _TRANSLATE):
        scores["translation"] = scores.get("translation", 0.0) + 1
    if "translation" in scores:
        # Whatever is to be translated has words of its own, which are about something else.
        into = any(one in _INTO and two in _LANGUAGES for one, two in pairwise(said[:60]))
        scores["translation"] += 3.0 if into else 1.5
    if _OPENS.match(text):
        scores["trivia"] = scores.get("trivia", 0.0) + 1
    if "marketing/seo" in scores and ("seo" in said or "seo" in told):
        scores["marketing/seo"] += scores.get("marketing", 0.0) + 1
    if not scores:
        return ""
    best = min(scores, key=lambda name: (-scores[name], USE_CASES.index(name)))
    return best if scores[best] >= (LEAST if len(said) > WIDE else 1.0) else ""
