#!/usr/bin/env python3
"""Do an appraisal audit's draw again, from the published files alone.

usage: verify_draw.py ROSTER.csv PLAN.json SEED [STAGE]

Needs Python 3.8 or newer and nothing else. STAGE is 1 unless given. Compare the last line with the published
draw_sha256, and the first with the roster you were given before the dice were rolled. Exit 1: not a valid draw.
"""

import json
import re
import sys
from hashlib import sha256

NAME = r"[A-Za-z0-9._-]{1,64}"


def digest(data):
    return sha256(data if isinstance(data, bytes) else data.encode("ascii")).hexdigest()


def need(holds, otherwise):
    if not holds:
        raise ValueError(otherwise)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(roster_file, plan_file, seed, stage="1"):
    roster, plan_bytes = read(roster_file), read(plan_file)
    line = (NAME + "," + NAME + "\n").encode()
    need(re.fullmatch(rb"appraisal_id,stratum\n(?:" + line + rb")+", roster), "a line of the roster is malformed")
    rows = [row.split(",") for row in roster.decode("ascii").split("\n")[1:-1]]
    need([id_ for id_, _ in rows] == sorted({id_ for id_, _ in rows}), "roster ids must ascend, each once")
    plan = json.loads(plan_bytes.decode("ascii"))
    need((json.dumps(plan, sort_keys=True, separators=(",", ":")) + "\n").encode() == plan_bytes, "plan not canonical")
    need(re.fullmatch(r"[\x21-\x7e]{20,400}", seed), "the seed must be 20 to 400 printable characters")
    need(re.fullmatch(r"[1-9]", stage), "the stage must be 1, 2, 3, ...")
    key = digest("\n".join(["audit-draw/1", plan["cycle"], digest(plan_bytes), digest(roster), seed, ""]))
    tickets = sorted((digest(key + "\n" + id_), id_, stratum) for id_, stratum in rows)
    drawn = []
    for arm, rule in sorted(plan["arms"].items()):
        pool = [(id_, ticket) for ticket, id_, stratum in tickets if stratum in rule["strata"]]
        take = rule["take"][int(stage) - 1]
        need(0 <= take <= len(pool), f"arm {arm} cannot take {take} of {len(pool)}")
        drawn += [(arm, rank, id_, ticket) for rank, (id_, ticket) in enumerate(pool[:take], 1)]
    print("roster_sha256", digest(roster), "\nplan_sha256", digest(plan_bytes), "\ndraw_key", key)
    print(*(f"{arm},{rank},{id_},{ticket}\n" for arm, rank, id_, ticket in drawn), sep="", end="")
    print("draw_sha256", digest("".join(f"{arm},{rank},{id_}\n" for arm, rank, id_, _ in drawn)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        sys.exit(f"not a valid draw: {error!r}\n{__doc__}")
