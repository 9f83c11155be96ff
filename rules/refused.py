"""What all refusals have in common: they are answers to whoever asks, not bugs."""


class Refused(Exception):
    """Something cannot be done, and the message says who mends what; it is shown without a traceback."""
