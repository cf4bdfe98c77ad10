"""Run a host until it is told to stop."""

import socket
from collections.abc import Callable

import uvicorn
from filelock import FileLock, Timeout

from aicomp.errors import UsageError
from aicomp.files import writing
from aicomp.host.app import create_app
from aicomp.host.folder import HostedCompetition
from aicomp.host.host import Settings, open_host

_STOP_SECONDS = 10
_MOST_HEADER_BYTES = 64 * 2**10


def serve(
    competitions: dict[str, HostedCompetition],
    settings: Settings,
    *,
    bind: str,
    port: int,
    on_ready: Callable[[str], None],
) -> None:
    """Serve competitions until the process is interrupted or terminated.

    Args:
        competitions: By slug.
        settings: How the host is set up.
        bind: Address to listen at.
        port: Port; 0 takes a free one.
        on_ready: Told of the address when the first request would be answered.

    Raises:
        UsageError: The address is taken, or another server uses the state folder.
        AicompError: The state folder cannot be used.
    """
    with writing(settings.state):
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(settings.state / "server.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(
                f"another server uses `{settings.state}`", "stop it, or name another folder with `--state`"
            ) from None
    with lock, _listen(bind, port) as listener:
        app = create_app(open_host(settings, competitions))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
            timeout_keep_alive=30,
            http="h11",  # the other one has no limit for headers
            h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        )
        name = f"[{bind}]" if ":" in bind else bind
        _Server(config, lambda: on_ready(f"http://{name}:{listener.getsockname()[1]}")).run([listener])


def _listen(bind: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
    except OSError as e:
        raise UsageError(
            f"cannot listen at {bind}, port {port}: {e.strerror or e}", "name another `--port`; 0 takes a free one"
        ) from e
    listener.set_inheritable(False)
    return listener


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()
