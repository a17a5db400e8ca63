"""How a turn may work. Owns the names of the modes."""

from typing import Literal

WorkMode = Literal["act", "plan", "answer"]
"""`act`: everything that the policy allows. `plan`: reading and planning; nothing is changed or run. `answer`: words alone."""
