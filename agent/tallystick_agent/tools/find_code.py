"""find_code: the definitions that a question is about, best first, with bodies of the best; within a bound of tokens."""

from tallystick_agent.policy.approvals import Action
from tallystick_agent.policy.redaction import clean
from tallystick_agent.protocol.code import Hints
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, ToolProblem, parse, spec_of


class FindCodeArguments(Arguments):
    question: str


class FindCode:
    spec = spec_of(
        "find_code",
        "Find the definitions that a question in words or names is about, ranked, with the best ones' code.",
        FindCodeArguments,
    )

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(FindCodeArguments, raw)
        if not arguments.question.strip():
            raise ToolProblem("`question` is empty. Say in words or names what you look for.")
        finder = context.finder

        async def execute() -> Outcome:
            if finder is None:
                return Outcome(text="There is no index of this workspace; use search.", status="error")
            tokens = context.settings.context.find_tokens
            at = Hints(open=frozenset(context.workspace.open_paths()), changed=frozenset(context.changed()))
            found = (await finder.find(arguments.question, [tokens], mode="bodies", hints=at)).maps[tokens]
            return Outcome(text=clean(found.text).rstrip("\n") or "Nothing matches. Use search with other words, or list_files.")

        return Prepared(action=Action(effect="read"), title=f"find {arguments.question[:80]!r}", execute=execute)
