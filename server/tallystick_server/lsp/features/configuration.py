"""initialized, workspace/didChangeConfiguration: the editor's configuration of us, fetched where it can be.

`initializationOptions` count first (as `{…}` or `{"tallystick": {…}}`); what `workspace/configuration` says lies over them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tallystick_server.lsp.configuration import SECTION, read
from tallystick_server.lsp.server import TallystickServer
from tallystick_server.lsp.sessions import CONFIGURED_S


def register(server: TallystickServer) -> None:
    told: set[str] = set()

    def apply(section: dict[str, Any]) -> None:
        found = read(section)
        server.sessions.configure(found)
        fresh = [problem for problem in found.problems if problem not in told]
        told.update(fresh)
        if fresh:
            server.editor.say(f"Tallystick's configuration: {'; '.join(fresh)}.", types.MessageType.Warning)

    async def fetch() -> None:
        params = types.ConfigurationParams(items=[types.ConfigurationItem(section=SECTION)])
        server.sessions.configured.clear()
        try:
            async with asyncio.timeout(CONFIGURED_S):
                answer = await server.editor.ask(types.WORKSPACE_CONFIGURATION, params)
        except (JsonRpcException, TimeoutError):
            return
        finally:
            server.sessions.configured.set()
        found = list(cast("Sequence[object]", answer)) if isinstance(answer, list | tuple) else []
        apply({**_given(server.editor.options), **_object(found[0] if found else None)})

    async def initialized(_: types.InitializedParams) -> None:
        server.status.ready()
        if _given(server.editor.options):
            apply(_given(server.editor.options))
        workspace = server.client_capabilities.workspace
        if workspace is None:
            return
        changes = workspace.did_change_configuration
        if changes is not None and changes.dynamic_registration:
            server.editor.spawn(_register(server))
        if workspace.configuration:
            await fetch()

    async def changed(params: types.DidChangeConfigurationParams) -> None:
        workspace = server.client_capabilities.workspace
        if workspace is not None and workspace.configuration:
            await fetch()
        else:
            apply({**_given(server.editor.options), **_given(params.settings)})

    server.on(types.INITIALIZED, initialized)
    server.on(types.WORKSPACE_DID_CHANGE_CONFIGURATION, changed)


async def _register(server: TallystickServer) -> None:
    what = types.Registration(
        id="tallystick-configuration",
        method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
        register_options={"section": SECTION},
    )
    try:
        await server.editor.ask(types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams(registrations=[what]))
    except JsonRpcException:
        return


def _given(value: Any) -> dict[str, Any]:
    """The section in what an editor gave: under our name, or by itself."""
    section = _object(value)
    return _object(section.get(SECTION)) if SECTION in section else section


def _object(value: Any) -> dict[str, Any]:
    """Values that are unset in an editor come as null, and say nothing."""
    if not isinstance(value, dict):
        return {}
    return {name: one for name, one in cast("dict[str, Any]", value).items() if one is not None}
