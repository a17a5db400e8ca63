"""update_plan: the steps of a longer task, shown to the user as they change."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tallystick_agent.policy.approvals import Action
from tallystick_agent.protocol.events import PlanItem, PlanStep
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, parse, spec_of


class PlanEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    status: Literal["pending", "in_progress", "done"] = "pending"


class UpdatePlanArguments(Arguments):
    steps: list[PlanEntry] = Field(min_length=1, max_length=30)


class UpdatePlan:
    spec = spec_of(
        "update_plan",
        "Show the user your plan for a task of several steps; send all steps each time.",
        UpdatePlanArguments,
    )

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(UpdatePlanArguments, raw)
        plan = PlanItem(steps=tuple(PlanStep(text=entry.text, status=entry.status) for entry in arguments.steps))

        async def execute() -> Outcome:
            return Outcome(text="The plan is shown.", plan=plan)

        return Prepared(action=Action(effect="none"), title="plan", execute=execute)
