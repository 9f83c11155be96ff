"""Where it was; see simulation/sink.py."""

from simulation.sink import NOTHING, Arrival, Do, Sink

__all__ = ["NOTHING", "Arrival", "Do", "Sink"]
