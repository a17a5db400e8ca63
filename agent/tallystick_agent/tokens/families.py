"""What is known of each tokenizer family: weights for the features of a text, and the band that the result keeps.

Owns the table; which family a model's name tells is known elsewhere (`providers.families`). The numbers come from real
tokenizers (`scripts/measure_tokenizers.py`) on the 189 documents of the tests and about 1,300 other texts. Claude's come
from a published reconstruction, Gemini's from Gemma 3: estimates of estimates, which reported usage corrects
(`tokens.calibration`).
"""

from dataclasses import dataclass
from typing import Final

from tallystick_agent.tokens.shape import FEATURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A tokenizer family.

    `multiplier`: its size relative to o200k over the 189 documents together. `band`: the largest share by which one of them
    had more tokens than counted; for `unknown`, in any of the families that can be measured openly. `weights`: tokens for
    each unit of `shape.FEATURES`.
    """

    multiplier: float
    band: float
    weights: tuple[float, ...]

    @property
    def exact(self) -> bool:
        """Whether the family is o200k itself."""
        return self.weights[0] == 1.0 and not any(self.weights[1:])


def _family(*, multiplier: float, band: float, weights: str) -> Family:
    numbers = tuple(float(number) for number in weights.split())
    if len(numbers) != len(FEATURES):
        raise ValueError(f"{len(numbers)} weights for {len(FEATURES)} features")
    return Family(multiplier=multiplier, band=band, weights=numbers)


# Written by scripts/measure_tokenizers.py.
FAMILIES: Final[dict[str, Family]] = {
    "o200k": _family(
        multiplier=1.00,
        band=0.02,
        weights=("1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "),
    ),
    "cl100k": _family(
        multiplier=1.09,
        band=0.26,
        weights=(
            "1.117 -0.054 -0.046 -0.29 -0 0.218 0.065 -0.183 -0.064 0.061 0.074 0.974 0.624 0.78 "
            "0.29 -0.013 0.582 0.214 3.103 1.892 0.692 0.453 0.925 1.305 1.634 -0.044 0.22 0.335 "
            "0.367 0.122 0.234 -0.5 -0.793 0.17 -0.674 -0.904 1.352 -1.154 0.229 0.303 "
        ),
    ),
    "llama": _family(
        multiplier=1.05,
        band=0.26,
        weights=(
            "1.118 -0.058 -0.046 -0.222 -0.002 0.15 0.016 -0.109 -0.064 0.064 0.062 0.536 -0.034 0.896 "
            "0.481 -0.199 -0.033 0.014 3.92 1.599 0.685 0.038 0.577 1.294 1.636 -0.157 -0.116 -0.059 "
            "-0.029 -0.204 0.23 -1.105 -1.226 0.176 -0.683 -2.375 1.418 -1.782 0.26 0.245 "
        ),
    ),
    "llama-4": _family(
        multiplier=1.00,
        band=0.13,
        weights=(
            "1.008 0.014 -0.002 0.011 0.001 0.202 -0.023 -0.012 -0.014 0.026 0.009 0.029 -0.281 0.124 "
            "-0.353 -0.032 -0.012 -0.042 0.861 0.746 0.114 0.067 0.006 0.269 0.095 -0.129 -0.175 -0.133 "
            "-0.093 0.086 -0.295 -0.225 -0.327 -0.155 -0.109 -0.355 0.321 -1.186 0.595 -0.317 "
        ),
    ),
    "qwen": _family(
        multiplier=1.14,
        band=0.30,
        weights=(
            "1.076 -0.046 0.568 -0.119 -0.001 0.017 -0.042 0.083 -0.052 0.07 0.063 1.068 0.336 0.717 "
            "0.358 -0.214 0.561 0.114 2.389 0.832 -0.03 0.057 1.097 1.009 0.869 -0.316 -0.085 -0.111 "
            "0.03 -0.546 -1.267 -0.295 -0.834 0.014 -0.326 -1.693 1.551 4.437 0.24 -0.126 "
        ),
    ),
    "qwen-3.6": _family(
        multiplier=1.15,
        band=0.14,
        weights=(
            "1.002 -0.024 0.606 0.447 0.009 -0.445 -0.216 0.06 0.041 -0.001 -0.023 0.067 -0.039 0.175 "
            "-0.409 -0.007 0.016 -0.004 1.648 0.458 0.159 -0.025 0.22 0.171 0.197 0.116 -0.231 -0.18 "
            "-0.099 -0.097 0.524 -0.03 -0.331 0.058 0.172 -0.633 0.912 -0.167 0.146 0.311 "
        ),
    ),
    "deepseek": _family(
        multiplier=1.06,
        band=0.15,
        weights=(
            "1.097 0.109 -0.041 -0.162 0 1.704 -0.049 -0.167 -0.005 0.062 0.04 0.609 0.674 0.43 "
            "-0.24 -0.185 0.078 0.044 2.433 0.295 0.088 0.053 0.323 0.308 0.403 -0.204 -0.063 -0.231 "
            "0.078 -0.063 -0.572 -0.002 -0.351 0.01 0.145 0.021 2.033 -2.179 0.634 -0.257 "
        ),
    ),
    "mistral": _family(
        multiplier=1.18,
        band=0.18,
        weights=(
            "1.057 0.127 0.575 -0.143 0 1.799 -0.037 -0.108 0.002 0.395 0.187 0.131 0.08 -0.072 "
            "-0.022 0.152 0.002 0.02 1.358 0.022 0.062 -0.037 0.193 0.117 0.118 0.23 -0.07 0.164 "
            "-0.037 0.363 1.381 -0.023 0.015 -0.05 2.209 -0.261 0.723 -2.357 0.6 -0.109 "
        ),
    ),
    "gemini": _family(
        multiplier=1.18,
        band=0.23,
        weights=(
            "1.044 0.074 0.577 0.499 0.017 0.599 -0.322 0.046 0.09 -0.009 -0.048 -0.34 -0.291 0.373 "
            "0.573 -0.859 -0.013 -0.04 1.767 0.226 0.087 -0.002 -0.197 -0.091 0.032 0.273 -0.308 -0.109 "
            "0.061 -0.43 -0.726 0.007 -0.001 0.051 -0.207 -0.236 -0.253 2.449 -0.021 -0.341 "
        ),
    ),
    "claude": _family(
        multiplier=1.22,
        band=0.23,
        weights=(
            "1.18 0.181 -0.07 0.171 0.044 -0.719 -0.127 -1.386 0.046 0.139 0.011 0.305 0.453 0.151 "
            "-0.637 -0.27 0.324 0.068 2.161 0.333 0.3 0.37 0.483 0.619 0.373 0.747 0.002 0.162 "
            "0.457 0.836 1.184 -0.2 -0.08 0.842 0.013 1.047 2.267 1.456 -1.01 0.466 "
        ),
    ),
    "claude-2026": _family(
        multiplier=1.49,
        band=0.30,
        weights=(
            "1.545 0.586 -0.202 0.119 0.037 -0.796 -0.592 -1.825 0.007 0.824 0.279 0.53 0.09 -0.405 "
            "0.589 -1.093 0.174 -0.051 1.334 0.175 0.127 0.225 0.23 0.438 0.166 0.057 -0.268 -0.128 "
            "0.122 0.102 0.286 -0.18 -0.052 0.829 -0.035 0.52 3.512 0.254 -0.755 0.38 "
        ),
    ),
    "unknown": _family(
        multiplier=1.32,
        band=0.40,
        weights=(
            "1.107 0.109 0.546 0.209 0.022 0.77 -0.22 -0.169 0.035 0.386 0.144 0.405 0.828 0.274 "
            "0.281 0.005 0.554 0.182 3.038 1.872 0.687 0.436 0.884 1.281 1.607 0.241 0.164 0.269 "
            "0.35 0.287 1.256 -0.493 -0.81 0.162 0.666 -0.661 -0.323 -0.849 0.581 -0.065 "
        ),
    ),
}
# End of what is written.
FAMILIES["o200k_harmony"] = FAMILIES["o200k"]  # The same ranks, with other special tokens.


def family_of(name: str) -> Family:
    """The family of this name; `unknown`, with its wide band, for any other."""
    return FAMILIES.get(name, FAMILIES["unknown"])
