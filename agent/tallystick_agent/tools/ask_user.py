"""ask_user: a question to the person, when a choice is theirs to make."""

from pydantic import Field

from tallystick_agent.policy.approvals import Action
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, ToolProblem, parse, spec_of


class AskUserArguments(Arguments):
    question: str
    options: list[str] = Field(default_factory=list)


class AskUser:
    spec = spec_of("ask_user", "Ask the user, only when you cannot decide yourself.", AskUserArguments)

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(AskUserArguments, raw)
        if not arguments.question.strip():
            raise ToolProblem("`question` is empty.")

        async def execute() -> Outcome:
            answer = await context.ask(call_id, arguments.question, tuple(arguments.options))
            if not answer.strip():
                return Outcome(text="Nobody is there to answer. Decide yourself, or finish and say what is open.")
            return Outcome(text=f"The user says: {answer}")

        return Prepared(action=Action(effect="none"), title=arguments.question, execute=execute)
