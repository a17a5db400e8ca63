"""The workspace as the first prompt shows it. Owns that fragment and its cap; pure."""

from tallystick_agent.policy.paths import is_secret

LONGEST_PATH = 200


def workspace_view(files: tuple[str, ...], *, limit: int, test_command: str | None) -> str:
    """The paths of a small workspace, or the folders of a large one, in at most `limit` lines; empty with nothing to show."""
    shown = tuple(path for path in files if not is_secret(path) and len(path) <= LONGEST_PATH)
    lines: list[str] = []
    if shown and limit:
        if len(shown) <= limit:
            lines = [f"Files ({len(shown)}):", *shown]
        else:
            folders: dict[str, int] = {}
            for path in shown:
                head = "/".join(path.split("/")[:-1][:2])
                folders[head or "."] = folders.get(head or ".", 0) + 1
            top = sorted(folders.items(), key=lambda item: (-item[1], item[0]))[:limit]
            lines = [
                f"Files: {len(shown)}. Largest folders:",
                *(f"{folder}/ ({count})" for folder, count in sorted(top)),
            ]
    if test_command:
        lines.append(f"Test command: {test_command}")
    return "\n".join(lines)
