"""Several dispatcher processes instead of one: each is the same command, with its share of the work."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from cli.language import say


class DispatcherFailed(Exception):
    """A process ended as it should not; the others have finished."""


def deliver(processes: int, *, lanes: Sequence[str], limit: int, connections: int, resident: bool) -> Mapping[str, int]:
    """Run `appraisal mail deliver` so many times at once and add up how the letters ended.

    `limit` and `connections` are for all together. A signal to this process reaches them all, a second one too.
    """
    children = [
        subprocess.Popen(_command(lanes, part, links, resident), stdout=subprocess.PIPE, text=True)  # noqa: S603
        for part, links in zip(_shares(limit, processes), _shares(connections, processes), strict=True)
    ]

    def forward(number: int, _frame: object) -> None:
        for child in children:
            if child.poll() is None:
                child.send_signal(number)

    before = {sign: signal.signal(sign, forward) for sign in (signal.SIGTERM, signal.SIGINT)}
    try:
        said = [child.communicate()[0] for child in children]
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
    if bad := [child.returncode for child in children if child.returncode]:
        raise DispatcherFailed(say(
            f"{len(bad)} dari {processes} pengirim gagal, lihat di atas",
            f"{len(bad)} of {processes} dispatchers failed, see above",
        ))  # fmt: skip
    counts: Counter[str] = Counter()
    for one in said:
        counts.update(json.loads(one.strip().splitlines()[-1]))
    return counts


def _shares(whole: int, processes: int) -> list[int]:
    """As even as can be, and at least one each."""
    return [max(1, whole // processes + (n < whole % processes)) for n in range(processes)]


def _command(lanes: Sequence[str], limit: int, connections: int, resident: bool) -> list[str]:
    chosen = [word for lane in lanes for word in ("--lane", lane)]
    stay = ["--resident"] if resident else []
    return [sys.executable, "-m", "cli.main", "mail", "deliver", "--json", *stay, *chosen,
            "--limit", str(limit), "--connections", str(connections)]  # fmt: skip
