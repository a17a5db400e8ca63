"""Which programming language a request is about: by its code fences, its files, and what it names. Pure; empty where unsure."""

import re
from collections.abc import Iterable
from typing import Final

_ENDINGS: Final = {
    "python": "py pyi ipynb", "javascript": "js mjs cjs jsx", "typescript": "ts tsx mts cts", "java": "java", "kotlin": "kt kts",
    "c": "c h", "c++": "cc cpp cxx hpp hh", "c#": "cs", "go": "go", "rust": "rs", "ruby": "rb", "php": "php", "swift": "swift",
    "scala": "scala sc", "lua": "lua", "perl": "pl pm", "r": "r", "julia": "jl", "haskell": "hs", "elixir": "ex exs",
    "erlang": "erl", "clojure": "clj cljs", "dart": "dart", "shell": "sh bash zsh fish", "powershell": "ps1", "sql": "sql",
    "html": "html htm", "css": "css scss sass less", "vue": "vue", "svelte": "svelte", "zig": "zig", "ocaml": "ml mli",
    "f#": "fs fsx", "objective-c": "m mm", "solidity": "sol", "terraform": "tf", "nix": "nix", "latex": "tex", "groovy": "gradle",
    "verilog": "sv v", "vhdl": "vhd", "fortran": "f90 f95", "lisp": "el lisp", "assembly": "asm", "dockerfile": "dockerfile",
}  # fmt: skip
_OF_ENDING: Final = {ending: language for language, endings in _ENDINGS.items() for ending in endings.split()}
_LABELS: Final = {
    **{language: language for language in _ENDINGS},
    **_OF_ENDING,
    "cpp": "c++", "csharp": "c#", "fsharp": "f#", "golang": "go", "console": "shell", "objc": "objective-c", "node": "javascript",
    "hcl": "terraform", "postgresql": "sql", "mysql": "sql", "sqlite": "sql", "make": "", "r": "r", "v": "", "m": "",
}  # fmt: skip
_SPOKEN: Final = {
    **{name: name for name in ("python", "javascript", "typescript", "java", "kotlin", "rust", "ruby", "php", "scala", "haskell",
                               "sql", "julia", "elixir", "lua", "perl", "golang", "powershell", "css", "html", "solidity", "dart",
                               "fortran", "clojure", "erlang", "ocaml", "zig", "terraform", "latex")},
    "golang": "go", "django": "python", "numpy": "python", "pandas": "python", "pytest": "python", "flask": "python",
    "react": "javascript", "nodejs": "javascript", "npm": "javascript", "jquery": "javascript", "angular": "typescript",
    "cargo": "rust", "rails": "ruby", "laravel": "php", "bash": "shell", "postgres": "sql", "mysql": "sql", "postgresql": "sql",
}  # fmt: skip
"""Words of prose. `swift`, `go`, `c` and `r` are words or letters of their own, and say nothing by themselves."""
_FENCE: Final = re.compile(r"```[ ]?([A-Za-z+#-]+)")
_PATH: Final = re.compile(r"\.(?<=\w\.)([A-Za-z][A-Za-z0-9]{0,5})(?![\w/(.-])")
_SIGNED: Final = re.compile(r"\b[CF](?:\+\+|#)")
FENCE, FILE, NAMED, SPOKEN = 4.0, 2.0, 2.0, 1.5


def programming_language(text: str, said: Iterable[str], file_names: Iterable[str]) -> str:
    """`said`: the words of its prose."""
    scores: dict[str, float] = {}

    def count(language: str, weight: float) -> None:
        if language:
            scores[language] = scores.get(language, 0.0) + weight

    for label in _FENCE.findall(text):
        count(_LABELS.get(label.lower(), ""), FENCE)
    for name in file_names:
        count(_OF_ENDING.get(name.rpartition("/")[2].lower().rpartition(".")[2], ""), FILE)
    for ending in _PATH.findall(text):
        if ending.islower() and (len(ending) > 1 or ending in "ch"):
            count(_OF_ENDING.get(ending, ""), NAMED)
    for word in said:
        count(_SPOKEN.get(word, ""), SPOKEN)
    if "++" in text or "#" in text:
        for name in _SIGNED.findall(text):
            count(name.lower(), SPOKEN)
    return min(scores, key=lambda language: (-scores[language], language)) if scores else ""
