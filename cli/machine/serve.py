"""`appraisal serve`: everything on one machine for a small agency."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cli import control_plane
from cli.language import say
from cli.machine import processes
from cli.machine.processes import Family, StartRefused

app = typer.Typer(add_completion=False)
LOCAL = ("127.0.0.1", "localhost")


@app.command()
def serve(
    once_ready: Annotated[bool, typer.Option("--once-ready", help="Stop again as soon as everything answers.")] = False,
    host: Annotated[str, typer.Option(help="Where the pages listen; put a proxy with TLS before them.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the pages; without it, that of APPRAISAL_BASE_URL.")] = 0,
) -> None:
    """Run the Prefect server, a worker, the pages and the dispatcher of letters; Ctrl-C or SIGTERM ends all."""
    import database
    import settings
    from actions.store import schema
    from private_files import UMASK, close_to_others, make_folder

    os.umask(UMASK)
    chosen, db = settings.load(), database.current()
    home = make_folder(chosen.home.absolute())
    close_to_others(home)
    try:
        with processes.family(home / "logs") as family:
            schema.upgrade(db)
            web_port = _web_port(chosen.base_url, port)
            prefect_port = processes.free_port(urlsplit(chosen.prefect_ui_url).port or 4200)
            logs = home / "logs"
            typer.echo(say(f"Memulai; log ada di {logs}", f"Starting; logs are in {logs}"))
            _start(family, home, prefect_port, host, web_port)
            prefect, pages = f"http://127.0.0.1:{prefect_port}", f"http://{host}:{web_port}"
            typer.echo(say(
                f"UI Prefect  {prefect}\nHalaman     {pages}\nSiap.",
                f"Prefect UI  {prefect}\nPages       {pages}\nReady.",
            ))  # fmt: skip
            sys.stdout.flush()
            if not once_ready:
                family.supervise()
    except KeyboardInterrupt:
        typer.echo(say("Berhenti.", "Stopped."))


def _start(family: Family, home: Path, prefect_port: int, host: str, web_port: int) -> None:
    _tell_credential(home / "prefect")
    env = processes.start_prefect(family, home / "prefect", prefect_port)
    env |= {"APPRAISAL_PREFECT_UI_URL": f"http://127.0.0.1:{prefect_port}"}
    processes.start_worker(family, env)
    start_pages(family, host, web_port, env)
    start_mailer(family, env)


def _tell_credential(home: Path) -> None:
    """Say it once, when it is made; later it is read where it is kept."""
    auth, new = control_plane.credential(home)
    kept = home / control_plane.CREDENTIAL
    if new:
        typer.echo(say(
            f"Kredensial Prefect, hanya ditampilkan sekali ini; UI memintanya secara utuh: {auth}\n"
            f"Disimpan di {kept}, hanya untuk pengguna ini.",
            f"Prefect credential, shown this once; the UI asks for it as a whole: {auth}\n"
            f"It is kept in {kept}, for this user only.",
        ))  # fmt: skip
    elif kept.is_file():
        typer.echo(say(f"UI Prefect meminta kredensial di {kept}", f"The Prefect UI asks for the credential in {kept}"))


def start_pages(family: Family, host: str, port: int, env: dict[str, str]) -> None:
    """Start the web application and wait until it answers."""
    command = ("web.server", "--host", host, "--port", str(port))
    env = _without_prefect(env)
    child = family.start("web", sys.executable, "-m", *command, env=env)
    family.wait_until_answers(child, f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/")  # noqa: S104


def start_mailer(family: Family, env: dict[str, str], lanes: Sequence[str] = ()) -> None:
    """Start the resident dispatcher, so that no letter waits for a tick; without lanes it sends all of them.

    Codes and receipts have a lane of their own and go first, however many letters a stage has just queued.
    """
    chosen = [word for lane in lanes for word in ("--lane", lane)]
    command = (sys.executable, "-m", "cli.main", "mail", "deliver", "--resident", *chosen)
    family.start("mail", *command, env=_without_prefect(env))


def _without_prefect(env: dict[str, str]) -> dict[str, str]:
    """Pages and dispatchers never call Prefect: whoever breaks into them finds no credential that runs commands."""
    return {name: value for name, value in env.items() if not name.startswith("PREFECT_")}


def _web_port(base_url: str, wanted: int) -> int:
    """The port that links in letters lead to, if they lead to this machine."""
    address = urlsplit(base_url)
    port = wanted or (address.port if address.hostname in LOCAL and address.port else 8080)
    if not processes.is_free(port):
        raise StartRefused(say(
            f"port {port} sudah dipakai, padahal surat menautkan ke {base_url}: akhiri yang memakainya, atau pilih port"
            " lain dengan --port dan APPRAISAL_BASE_URL",
            f"port {port} is taken, and letters link to {base_url}: end what listens there, or choose another port"
            " with --port and APPRAISAL_BASE_URL",
        ))  # fmt: skip
    return port
