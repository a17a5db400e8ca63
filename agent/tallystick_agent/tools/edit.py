"""edit: replace parts of one file. All edits of a call apply, or none does."""

from pydantic import BaseModel, ConfigDict, Field

from tallystick_agent.edits.changeset import Applied, Refused, Replacement, apply_all
from tallystick_agent.policy.paths import confine
from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Prepared, ToolContext, ToolProblem, parse, spec_of
from tallystick_agent.tools.change import prepare_change


class EditPart(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    old: str
    new: str


class EditArguments(Arguments):
    path: str
    edits: list[EditPart] = Field(min_length=1)


class Edit:
    spec = spec_of(
        "edit",
        "Replace text in a file. Each `old` must stand in it exactly once; copy it with its indentation.",
        EditArguments,
    )

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(EditArguments, raw)
        path = await known_path(arguments.path, context)
        try:
            before = await context.workspace.read(path)
        except WorkspaceError as error:
            raise ToolProblem(f"{error.message} {error.remedy}".strip()) from error
        replacements = tuple(Replacement(old=part.old, new=part.new) for part in arguments.edits)
        match apply_all(before.text, replacements):
            case Refused(reason=reason):
                raise ToolProblem(f"{path}: {reason}")
            case Applied(text=text, notes=notes):
                return prepare_change(path=path, before=before, text=text, verb="edit", notes=notes, context=context)


async def known_path(path: str, context: ToolContext) -> str:
    """The path, or the one known file that a bare name means."""
    confined = confine(context.workspace.root, path)
    files = await context.workspace.files()
    if confined in files or "/" in confined:
        return confined
    same = [known for known in files if known.rpartition("/")[2] == confined]
    return same[0] if len(same) == 1 else confined
