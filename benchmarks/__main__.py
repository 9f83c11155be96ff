"""All benchmarks, one after the other: tables here, and everything in `out/benchmarks.json`.

One that cannot be measured on this machine says why and does not keep the others from it.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable
from typing import Any

from benchmarks import mail, opening, outbox, roster, tick, web
from benchmarks.measure import OUT, BenchmarkRefused

ALL: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[dict[str, Any]], str]]] = {
    "mail": (lambda: mail.measure(mail.Options()), mail.words),
    "web": (web.measure, web.words),
    "opening": (opening.measure, opening.words),
    "outbox": (outbox.measure, outbox.words),
    "tick": (tick.measure, tick.words),
    "roster": (roster.measure, roster.words),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[*ALL, []], help="which; without any, all")
    parser.add_argument("--json", action="store_true", help="one object instead of tables")
    said = parser.parse_args()
    found: dict[str, Any] = {"machine": f"{os.cpu_count()} cores, Python {platform.python_version()}"}
    for name in said.only or ALL:
        measure, words = ALL[name]
        try:
            found[name] = measure()
            told = words(found[name])
        except BenchmarkRefused as refused:
            found[name] = {"not_measured": str(refused)}
            told = f"{name}: not measured: {refused}"
        if not said.json:
            print(f"{told}\n", flush=True)
    OUT.mkdir(exist_ok=True)
    (OUT / "benchmarks.json").write_text(json.dumps(found, indent=1), "utf-8")
    if said.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
