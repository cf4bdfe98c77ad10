"""Clients that begin to send a body and fall silent."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StallLimit:
    """Takes a client that sends nothing more of its body for one that has hung up.

    A computer that went to sleep or lost its network says no farewell: without a limit its upload would stay taken, and
    refuse to be resumed.

    Args:
        app: What answers.
        seconds: Longest silence.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        whole = False

        async def receive_in_time() -> Message:
            nonlocal whole
            if whole:  # what is waited for now is the end of the connection
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._seconds)
            except TimeoutError:
                message = {"type": "http.disconnect"}
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_in_time if scope["type"] == "http" else receive, send)
