"""Language ids by the end of a file's name, as LSP lists them. Owns that table."""

from typing import Final

_IDS: Final = {
    "bash": "shellscript",
    "c": "c",
    "cc": "cpp",
    "cpp": "cpp",
    "cs": "csharp",
    "css": "css",
    "cts": "typescript",
    "go": "go",
    "h": "c",
    "hpp": "cpp",
    "html": "html",
    "java": "java",
    "js": "javascript",
    "json": "json",
    "jsx": "javascriptreact",
    "kt": "kotlin",
    "lua": "lua",
    "md": "markdown",
    "mjs": "javascript",
    "mts": "typescript",
    "php": "php",
    "py": "python",
    "pyi": "python",
    "rb": "ruby",
    "rs": "rust",
    "scala": "scala",
    "sh": "shellscript",
    "swift": "swift",
    "ts": "typescript",
    "tsx": "typescriptreact",
    "yaml": "yaml",
    "yml": "yaml",
}


def language_id(path: str) -> str:
    return _IDS.get(path.rpartition(".")[2].lower(), "plaintext")
