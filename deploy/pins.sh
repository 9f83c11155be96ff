#!/bin/sh
# Writes constraints.txt and deploy/supply.txt: versions and digests of every package, and no address to load it from.
set -eu
pin() {
    uv pip compile pyproject.toml "$@" --quiet --generate-hashes --universal --python-version 3.11 \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links
}
pin --extra dev --output-file constraints.txt "$@"
# the tools of the supply chain live in an environment of their own
sed -n '/^supply = \[/,/^]/p' pyproject.toml | grep -o '"[^"]*"' | tr -d '"' >deploy/supply.in
uv pip compile deploy/supply.in "$@" --quiet --generate-hashes --universal --python-version 3.11 \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file deploy/supply.txt
rm deploy/supply.in
