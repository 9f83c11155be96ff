"""Prefect's server on one machine, closed to whoever does not know its credential.

Whoever can write to it can run code as the user of the worker. So all but its health asks for the credential, only
its own pages may call it, and no run can choose its command.
"""

import json
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.language import say
from private_files import keep_secret, make_folder, reserve

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "deploy" / "work-pool.json"
USER = "admin"
CREDENTIAL = "credential"
"""The file in Prefect's home; what it holds is entered in the UI as it stands."""
OWN_ADDRESSES = "APPRAISAL_PREFECT_OWN_ADDRESSES"
"""Tells the server process which addresses are its own, with commas between them."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def credential(home: Path) -> tuple[str, bool]:
    """`user:password` of the server that has its home here, and whether it was made just now.

    One that ops set (PREFECT_SERVER_API_AUTH_STRING) is theirs to keep.
    """
    if given := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        return given, False
    return keep_secret(home / CREDENTIAL, lambda: f"{USER}:{secrets.token_urlsafe(24)}", least=16)


def template() -> dict[str, Any]:
    """The base job template of the work pool: a run may set nothing at all."""
    return json.loads(TEMPLATE.read_text("utf-8"))


def environment(home: Path, port: int) -> dict[str, str]:
    """Settings of an embedded Prefect and its clients: SQLite under `home`, batched recording, nothing sent out."""
    make_folder(home)
    home = home.absolute()
    reserve(home / "prefect.db")
    auth, _ = credential(home)
    own = own_addresses(port)
    server = {
        "API_HOST": "127.0.0.1", "API_PORT": str(port),
        "DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "API_AUTH_STRING": auth, "API_CORS_ALLOWED_ORIGINS": ",".join(own),
        "API_CORS_ALLOWED_METHODS": "GET,POST,PUT,PATCH,DELETE",
        "ANALYTICS_ENABLED": "false", "UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "EVENTS_RETENTION_PERIOD": "400d", "ALLOW_EPHEMERAL_MODE": "false",
        "SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
        "SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
        "SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100", "SERVICES_DB_VACUUM_ENABLED": "events",
        "CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }  # fmt: skip
    made = {f"PREFECT_SERVER_{name}": value for name, value in server.items()} | {
        "PREFECT_HOME": str(home), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_API_AUTH_STRING": auth, OWN_ADDRESSES: ",".join(own), "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,tasks,actions", "NO_COLOR": "1",
    }  # fmt: skip
    _write_profile(home, made)
    return made


def own_addresses(port: int) -> list[str]:
    """Where the server is reached: by itself, and through the proxy that ops put before it."""
    import settings

    own = [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
    shown = urlsplit(settings.load().prefect_ui_url)
    through = f"{shown.scheme}://{shown.netloc}"
    here = shown.hostname in ("127.0.0.1", "localhost")
    return own if here or through in own else [*own, through]


def _write_profile(home: Path, made: Mapping[str, str]) -> None:
    """So that `prefect` with this PREFECT_HOME finds the server and may talk to it."""
    path = home / "profiles.toml"
    reserve(path)
    known = {name: made[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")}
    lines = [f"{name} = {json.dumps(value)}" for name, value in known.items()]
    path.write_text("\n".join(['active = "appraisal"', "", "[profiles.appraisal]", *lines, ""]), "utf-8")


def use(env: Mapping[str, str]) -> None:
    """Make this process a client of the server that has this environment; too late once Prefect is imported."""
    known = {name: value for name, value in env.items() if name.startswith(("PREFECT_", "DO_NOT"))}
    if "prefect.context" in sys.modules:
        from prefect.settings import PREFECT_API_URL

        if PREFECT_API_URL.value() != env["PREFECT_API_URL"]:
            raise RuntimeError("Prefect was imported before it was said which server to use")
    os.environ |= known
    os.environ.pop("PREFECT_API_KEY", None)  # meant for another server, and it would win over the credential


def use_as_client(api: str) -> None:
    """Let this process talk to the server at `api`, before anything imports Prefect."""
    import settings

    use({"PREFECT_API_URL": api, "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"})
    kept = settings.load().home / "prefect" / CREDENTIAL
    if "PREFECT_API_AUTH_STRING" not in os.environ and kept.is_file():
        os.environ["PREFECT_API_AUTH_STRING"] = kept.read_text("ascii").strip()


class OwnPagesOnly:
    """Refuses what names another host (a rebound name) or comes from a page of another origin, sockets included."""

    def __init__(self, app: Application, own: Iterable[str]) -> None:
        self.app, self.origins = app, frozenset(own)
        self.hosts = frozenset(urlsplit(one).netloc for one in self.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self.accepts(scope["headers"]):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            head = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 403, "headers": head})
            await send({"type": "http.response.body", "body": b"not an address or a page of this server\n"})
            return
        await self.app(scope, receive, send)

    def accepts(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Exactly one host, one of ours; and no origin, or ours."""
        said = [(name.lower(), value.decode("latin-1").lower()) for name, value in headers]
        hosts = [value for name, value in said if name == b"host"]
        origins = [value for name, value in said if name == b"origin"]
        return len(hosts) == 1 and hosts[0] in self.hosts and set(origins) <= self.origins


def main() -> None:
    """`python -m cli.control_plane`: what `prefect server start` does, for its own addresses only."""
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    chosen = get_current_settings().server
    if chosen.api.auth_string is None:
        name = "PREFECT_SERVER_API_AUTH_STRING"
        sys.exit(say(
            f"{name} belum diisi: server yang terbuka membuat siapa pun dapat menjalankan kode",
            f"{name} is not set: an open server would let anybody run code",
        ))  # fmt: skip
    app = OwnPagesOnly(create_app(final=True), os.environ[OWN_ADDRESSES].split(","))
    uvicorn.run(
        app, host=chosen.api.host, port=chosen.api.port, log_level=chosen.logging_level.lower(),
        timeout_keep_alive=chosen.api.keepalive_timeout, ws_ping_interval=chosen.api.websocket_ping_interval,
        ws_ping_timeout=chosen.api.websocket_ping_timeout,
    )  # fmt: skip


if __name__ == "__main__":
    main()
