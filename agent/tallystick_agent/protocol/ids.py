"""Names for the things that are counted and logged. Owns no generation: ids come from the `Ids` port."""

from typing import NewType

SessionId = NewType("SessionId", str)
TurnId = NewType("TurnId", str)
RequestId = NewType("RequestId", str)
"""One model request as the ledger counts it; its attempts share it."""
ItemId = NewType("ItemId", str)
CallId = NewType("CallId", str)
"""The provider's id of a tool call, or ours where the provider gave none."""
