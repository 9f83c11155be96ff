"""The order of things, nothing else; one file per flow, named as in the Prefect UI."""
