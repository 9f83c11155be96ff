"""One dispatcher process of the mail benchmark: prepares, waits for `go`, sends its share, tells what it cost."""

import json
import sys

from benchmarks.measure import await_go, costs


def main(url: str, limit: int, connections: int) -> None:
    import database
    from actions.mail import dispatcher
    from benchmarks import world
    from rules.terms import Lane

    db = database.Database(url)
    database.use(db)
    with db.reading() as session:
        session.connection()
    await_go()
    with costs() as cost:
        counts = dispatcher.deliver_batch(
            db, lanes=[Lane.INVITATION], limit=limit, now=lambda: world.OPENING, connections=connections
        )
    print(json.dumps({"counts": dict(counts), "cpu": cost.cpu, "memory": cost.memory}))
    db.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
