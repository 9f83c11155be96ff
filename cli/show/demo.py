"""`appraisal demo`: one year of an example agency for real, on one machine, with robots for people.

Real are the Prefect server and worker, the flows, the pages, the mail that crosses SMTP and the database. Invented are
the people, who read their mail and act over HTTP, and the time, which passes faster.
"""

import os
import secrets
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)
ROOT = Path(__file__).parents[2]


@app.command()
def demo(
    agency: Annotated[str, typer.Argument(help="mamuju, palu, samarinda, bukittinggi or sabangau")] = "mamuju",
    leave: Annotated[bool, typer.Option("--exit", help="Stop after the summary.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed, the same people.")] = 7,
) -> None:
    """Run a whole year before your eyes; exit code 1 unless every appraisal is final or explained and mail complete."""
    from cli import control_plane
    from cli.machine import processes
    from cli.show.year import DemoYear
    from private_files import make_folder

    home = make_folder(Path(".appraisal/demo").absolute())
    year = datetime.now(UTC).year + 1
    begun = time.monotonic()
    try:
        with processes.family(home / "logs") as family:  # refuses beside another demo, whose files these would be
            _clear(home)
            smtp, web, ui, box = (processes.free_port(wanted) for wanted in (2525, 8080, 4200, 8025))
            _configure(home, smtp, web, ui)
            played = DemoYear(family, home, agency, year, seed, smtp=smtp, web=web, prefect=ui, box=box, say=_say)
            played.start()
            summary = played.run()
            _say(summary.told(time.monotonic() - begun))
            _addresses(ui, web, box, played.hr_address(), control_plane.credential(home / "prefect")[0])
            if not leave:
                _say("\nEverything stays up; Ctrl-C ends it.")
                family.supervise()
            if not summary.clean:
                raise typer.Exit(1)
    except KeyboardInterrupt:
        _say("Stopped.")


def _configure(home: Path, smtp: int, web: int, ui: int) -> None:
    """The demo's own settings, before anything reads them; nothing of a real installation is touched."""
    import settings

    os.environ |= {
        "APPRAISAL_HOME": str(home), "APPRAISAL_DATABASE_URL": f"sqlite:///{home / 'appraisal.db'}",
        "APPRAISAL_SMTP_URL": f"smtp://127.0.0.1:{smtp}", "APPRAISAL_BASE_URL": f"http://127.0.0.1:{web}",
        "APPRAISAL_SECRET": secrets.token_hex(32), "APPRAISAL_AGENCIES_DIR": str(ROOT / "examples"),
        "APPRAISAL_PREFECT_UI_URL": f"http://127.0.0.1:{ui}",
    }  # fmt: skip
    settings.load.cache_clear()


def _clear(home: Path) -> None:
    """What the demo before left, but for the logs' lock that this one holds."""
    for path in home.iterdir():
        if path.name != "logs":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (home / "logs").glob("*.log"):
        path.unlink()


def _addresses(ui: int, web: int, box: int, hr: str, credential: str) -> None:
    _say(
        f"\n  Prefect UI   http://127.0.0.1:{ui}   runs, upcoming dates, status tables (Artifacts);"
        f"\n               it asks for a credential: {credential}"
        f"\n  HR console   http://127.0.0.1:{web}/hr   sign in as {hr}; the code is in the mailbox"
        f"\n  Mailbox      http://127.0.0.1:{box}   every letter that was sent"
    )


def _say(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()
