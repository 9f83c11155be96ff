"""`python -m flows`: one tick for each line on standard input, for a clock that runs faster than any schedule."""

import sys

from flows.tick import tick


def main() -> None:
    """Answer each line with the name of the state in which its tick ended."""
    for _ in sys.stdin:
        state = tick(return_state=True)
        sys.stdout.write(f"{state.name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
