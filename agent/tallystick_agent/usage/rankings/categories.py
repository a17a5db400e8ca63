"""The categories of apps that public rankings know, in their groups. A table, pure."""

from typing import Final

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "coding": ("cli-agent", "ide-extension", "cloud-agent", "programming-app", "native-app-builder"),
    "creative": ("creative-writing", "video-gen", "image-gen", "audio-gen"),
    "productivity": ("writing-assistant", "general-chat", "personal-agent", "legal"),
    "entertainment": ("roleplay", "game"),
}
CATEGORIES: Final[tuple[str, ...]] = tuple(one for group in GROUPS.values() for one in group)
