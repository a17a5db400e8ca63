"""Which language somebody writes in: by script, and where many share one, by frequent words. Pure; empty where unsure."""

import re
from bisect import bisect_right
from typing import Final

_NOT_LATIN: Final = re.compile(r"[^\x00-\u02af\u1e00-\u20ff]+")
_SCRIPTS: Final = (
    (0x0370, "greek"), (0x0400, "cyrillic"), (0x0530, ""), (0x0590, "hebrew"), (0x0600, "arabic"), (0x0780, ""),
    (0x0900, "devanagari"), (0x0980, "bengali"), (0x0A00, "punjabi"), (0x0A80, "gujarati"), (0x0B00, ""), (0x0B80, "tamil"),
    (0x0C00, "telugu"), (0x0C80, "kannada"), (0x0D00, "malayalam"), (0x0D80, ""), (0x0E00, "thai"), (0x0E80, ""),
    (0x1100, "hangul"), (0x1200, ""), (0x3040, "kana"), (0x3100, ""), (0x3130, "hangul"), (0x3190, ""), (0x3400, "han"),
    (0x4DC0, ""), (0x4E00, "han"), (0xA000, ""), (0xAC00, "hangul"), (0xD7B0, ""), (0xF900, "han"), (0xFB00, ""),
    (0xFB50, "arabic"), (0xFE00, ""), (0xFF66, "kana"), (0xFFA0, ""),
)  # fmt: skip
"""Where each block of characters begins, and what is written with it."""
_STARTS: Final = tuple(start for start, _ in _SCRIPTS)
_OF_SCRIPT: Final = {"han": "chinese", "kana": "japanese", "hangul": "korean", "arabic": "arabic", "cyrillic": "russian",
                     "devanagari": "hindi"}  # fmt: skip
"""The usual language of a script that is not named after one; others that share it are told apart below."""
_LETTERS: Final = (
    ("cyrillic", "іїєґ", "ukrainian"), ("cyrillic", "ђћџљњ", "serbian"), ("arabic", "ٹڈڑںےھ", "urdu"),
    ("arabic", "پچژگکی", "persian"), ("devanagari", "ळ", "marathi"),
)  # fmt: skip
"""Letters that the usual language of a script does not have."""
_FREQUENT: Final = {
    "english": "as were been has had two one who did about explain into at if or but the and is are was of to in that it"
    " for with this you what how please can my not be on have do your from should why write make when fix add"
    " which i there would could does an a hello hi thanks me tell give let's don't all",
    "spanish": "me quién gustaría cuándo dónde el la los las de que y en un una es por para con no se del al lo como más"
    " pero su sus le este esta cómo qué hola gracias puedes quiero hay también cuál escribe dime favor hacer"
    " está mi",
    "portuguese": "quem foi o a os as de que e em um uma é por para com não se do da dos das no na ao como mais mas seu sua"
    " você isso este esta olá obrigado pode quero também são está meu uma escreva qual fazer",
    "french": "s'il te plaît dis moi derrière cela pourquoi le la les de des que et en un une est pour avec ne pas se du"
    " au ce cette il elle je vous nous qui dans sur mais comment bonjour merci pouvez peux quel quelle mon sont"
    " plus être écris fais d'un l'on c'est",
    "german": "war dein deine nach muss soll heute wenn noch der die das und ist von zu in den dem des ein eine einen"
    " nicht mit für auf sich ich du sie es wie was bitte warum kann hallo danke wir mein aber auch oder im am"
    " wird sind einer schreibe mir gibt",
    "italian": "il lo la i gli le di che e in un una è per con non si del della dei al come più ma suo sua questo questa"
    " sono ciao grazie puoi voglio anche perché cosa scrivi nel mi quale fare",
    "dutch": "de het een en is van te in dat die niet met voor op zich ik je hij zij hoe wat waarom kan hallo bedankt"
    " wij mijn maar ook of wordt zijn er aan bij naar deze schrijf graag",
    "polish": "i w na z do nie się to że jest jak co dla od po czy ale o ten tego są być mnie proszę dlaczego cześć"
    " dziękuję mój może oraz który napisz przez gdy jaki możesz",
    "turkish": "ve bir bu da de için ile mi ne nasıl neden çok ben sen olarak gibi var yok daha ama lütfen merhaba"
    " teşekkür nedir olan bana yaz mı hangi nerede kadar",
    "indonesian": "yang dan di ini itu dengan untuk dari tidak adalah ke pada saya anda bagaimana apa bisa akan atau juga"
    " dalam tolong halo terima kasih buat mengapa kenapa ada oleh sebuah jelaskan tentang",
    "vietnamese": "và là của có không cho được trong một các với này để những người tôi bạn như thế nào gì hãy xin chào cảm"
    " ơn làm về tại sao viết",
    "swedish": "och att det som en på är av för med till den har inte om ett men jag du hur vad kan hej tack min vi från"
    " så skriv varför ska eller",
    "romanian": "și în de la cu pe nu este un o care pentru din că mai cum ce sunt te rog salut mulțumesc vreau sau fi al"
    " scrie",
    "czech": "a je se na v že s to jak co pro ale o z do by jsem nebo prosím ahoj děkuji proč tento můj jsou být kde"
    " napiš",
    "tagalog": "ang ng sa na mga at ay hindi ko mo ako ikaw paano ano salamat para ito kung po opo bakit isang",
    "swahili": "na ya wa kwa ni katika la za hii kama hiyo sana habari asante tafadhali jinsi nini kwamba cha",
}  # fmt: skip
_OF_WORD: Final[dict[str, tuple[str, ...]]] = {}
for _language, _words in _FREQUENT.items():
    for _word in dict.fromkeys(_words.split()):
        _OF_WORD[_word] = (*_OF_WORD.get(_word, ()), _language)
MOST_LETTERS: Final = 160
"""Letters of another script that are looked at one by one."""
ENOUGH: Final = 0.18
"""The share of frequent words that a language's text has at least; names and terms alone have fewer."""


def natural_language(text: str, said: list[str]) -> str:
    """`said` is the words of `text`."""
    other = "" if text.isascii() else "".join(_NOT_LATIN.findall(text))
    # An ideograph says as much as three letters.
    if other and (found := _by_script(other[:MOST_LETTERS])):
        weight = 3 if found in ("chinese", "japanese") else 1
        if len(other) * weight >= sum(map(len, said)) - len(other):
            return found
    return _by_words(said)


def _by_script(letters: str) -> str:
    counts: dict[str, int] = {}
    for letter in letters:
        at = bisect_right(_STARTS, ord(letter)) - 1
        if at >= 0 and (script := _SCRIPTS[at][1]):
            counts[script] = counts.get(script, 0) + 1
    if not counts:
        return ""
    if counts.get("kana", 0) * 8 > counts.get("han", 0) and "kana" in counts:
        return "japanese"
    most = max(counts, key=lambda script: (counts[script], script))
    for script, special, language in _LETTERS:
        if script == most and sum(letters.count(one) for one in special) * 50 > len(letters):
            return language
    return _OF_SCRIPT.get(most, most)


def _by_words(said: list[str]) -> str:
    scores: dict[str, float] = {}
    sole: set[str] = set()
    for word in said:
        languages = _OF_WORD.get(word, ())
        for language in languages:
            # A word of one language alone says most.
            scores[language] = scores.get(language, 0.0) + 1 / len(languages)
        if len(languages) == 1:
            sole.add(languages[0])
    if not scores:
        return ""
    first, *others = sorted(scores, key=lambda language: (-scores[language], language))
    second = scores[others[0]] if others else 0.0
    if first not in sole or scores[first] < ENOUGH * len(said) or scores[first] < 1.3 * second:
        return ""
    return first
