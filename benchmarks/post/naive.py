"""What one would write first: one mapped Prefect task per person, each opening a connection of its own.

The server is given the settings that record fastest, so the yardstick is not slowed down.
"""

import asyncio
import json
import sys
from email.message import EmailMessage
from typing import Any

from benchmarks import world
from benchmarks.measure import BenchmarkRefused, Worker, await_go, costs

AT_MOST = 300
"""Seconds."""


def example() -> bytes:
    """A letter as everybody gets it when a stage opens."""
    from notifications.letter import build, compose
    from notifications.preview import sample_letter
    from notifications.samples import samples
    from rules.terms import Locale

    facts = samples("stage_invitation", Locale.ID)[0]
    return build(
        sample_letter("stage_invitation", Locale.ID, facts["name"], compose("stage_invitation", facts, Locale.ID))
    )


def measure(port: int, letters: int) -> dict[str, Any]:
    """Letters a second of the naive flow on a Prefect server of its own, and its CPU without the server's."""
    from cli.machine import processes

    with world.scratch() as folder, processes.family(folder / "logs") as family:
        env = processes.prefect_environment(folder / "prefect", processes.free_port())
        started = family.start("prefect-server", *processes.prefect("server", "start"), env=env)
        family.wait_until_answers(started, f"{env['PREFECT_API_URL']}/health")
        worker = Worker("benchmarks.post.naive", str(port), str(letters), env={**env, "PREFECT_LOGGING_LEVEL": "ERROR"})
        try:
            worker.wait_until_ready()
            worker.go()
            told = worker.told(timeout=AT_MOST)
        finally:
            worker.end()
    if not told["sent"]:
        raise BenchmarkRefused("the naive flow sent nothing")
    return {
        "per_second": round(told["sent"] / told["wall"], 1), "sent": told["sent"], "of": letters,
        "cpu_us_a_letter": round(told["cpu"] / told["sent"] * 1e6), "memory_mb": round(told["memory"]),
    }  # fmt: skip


def work(port: int, letters: int) -> dict[str, Any]:
    """The naive flow itself, in a process that has the Prefect server in its environment."""
    import aiosmtplib
    from jinja2 import Template
    from prefect import flow, task
    from prefect.futures import wait

    text = "Dear {{ name }}, please act: {{ url }}\n" + "Words that fill the letter to its size.\n" * 120

    @task(retries=3)
    async def tell_one(number: int) -> int:
        letter = EmailMessage()
        letter["From"], letter["To"] = "a@bench.example", f"b{number}@bench.example"
        letter["Subject"] = "Your appraisal"
        letter.set_content(Template(text).render(name=f"Person {number}", url=f"https://bench.example/a/{number}"))
        await aiosmtplib.send(letter, hostname="127.0.0.1", port=port)
        return number

    @flow(name="naive")
    async def tell_all() -> int:
        done = wait(list(tell_one.map(list(range(letters)))))
        return sum(one.state.is_completed() for one in done.done)

    await_go()
    with costs() as cost:
        sent = asyncio.run(tell_all())
    return {"sent": sent, "wall": cost.wall, "cpu": cost.cpu, "memory": cost.memory}


if __name__ == "__main__":
    print(json.dumps(work(int(sys.argv[1]), int(sys.argv[2]))))
