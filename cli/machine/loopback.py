"""What this machine says to itself goes through no proxy of the installation: it would see secrets, or refuse them."""

import os
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec

NAMES = ("localhost", "127.0.0.1", "::1")


def spare(environment: MutableMapping[str, str]) -> None:
    """Let no proxy carry traffic to this machine; what goes elsewhere keeps its proxy.

    One that speaks SOCKS is taken out where nothing here can speak it: every HTTP client would refuse to start, even
    for this machine.
    """
    said = [name.strip() for given in ("no_proxy", "NO_PROXY") for name in environment.get(given, "").split(",")]
    spared = dict.fromkeys([*filter(None, said), *NAMES])
    environment["no_proxy"] = environment["NO_PROXY"] = "*" if "*" in spared else ",".join(spared)
    for name in [name for name in environment if name.lower().endswith("_proxy")]:
        if environment[name].lower().startswith("socks") and find_spec("socksio") is None:
            del environment[name]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: ours and `more`."""
    whole = {**os.environ, **more}
    spare(whole)
    return whole
