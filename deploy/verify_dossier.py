#!/usr/bin/env python3
"""Check a dossier of an appraisal cycle from its own files: that none was changed, added or lost, and the trail whole.

usage: verify_dossier.py DOSSIER.zip|FOLDER [DIGEST]

Needs Python 3.8 or newer and nothing else. DIGEST is what was written down when the dossier was made: without it only
its inner truth is checked. For each draw of the audit it says how to do it again. Exit 1: not as it was made.
"""

import json
import os
import sys
import zipfile
from hashlib import sha256

ZERO = "0" * 64


def canonical(what):
    return json.dumps(what, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def files_of(place):
    if os.path.isdir(place):
        found = {}
        for folder, _, names in os.walk(place):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, place).replace(os.sep, "/")] = file.read()
        return found
    with zipfile.ZipFile(place) as archive:
        names = archive.namelist()
        if len(names) != len(set(names)):
            raise ValueError("a file stands in it twice")
        return {name: archive.read(name) for name in names if not name.endswith("/")}


def check_files(files, manifest):
    listed = manifest["files"]
    for name in sorted(set(listed) | set(files)):
        if name == "manifest.json":
            continue
        if name not in listed:
            yield name + ": was added"
        elif name not in files:
            yield name + ": is missing"
        elif sha256(files[name]).hexdigest() != listed[name]:
            yield name + ": was changed"


def check_trail(files, manifest):
    head, length, heads = ZERO, 0, {0: ZERO}
    for line in files.get("trail.jsonl", b"").decode("utf-8").splitlines():
        length += 1
        entry = json.loads(line)
        event = entry["event"]
        if event["seq"] != length:
            yield f"trail: entry {event['seq']} stands where {length} belongs"
        if sha256(head.encode("ascii") + b"\n" + canonical(event)).hexdigest() != entry["hash"]:
            yield f"trail: entry {length} does not follow the one before it, or was changed"
        if "content" in entry:
            said = b"appraisal-commit/1\n" + bytes.fromhex(entry["salt"]) + b"\n" + canonical(entry["content"])
            if sha256(said).hexdigest() != event["commitment"]:
                yield f"trail: what entry {length} says was changed"
        head = heads[length] = entry["hash"]
    if {"length": length, "head": head} != manifest["trail"]:
        yield f"trail: it ends at {length}, {head}; the manifest says otherwise"
    for kept in json.loads(files.get("checkpoints.json", b"[]")):
        if heads.get(kept["length"]) != kept["head"]:
            yield f"checkpoint {kept['occasion']}: does not fit the trail"


def main(place, digest=""):
    files = files_of(place)
    if "manifest.json" not in files:
        raise ValueError("there is no manifest.json: not a dossier")
    manifest = json.loads(files["manifest.json"].decode("utf-8"))
    own = sha256(files["manifest.json"]).hexdigest()
    wrong = [] if digest in ("", own) else ["manifest.json: is not the one whose digest was written down"]
    wrong += [*check_files(files, manifest), *check_trail(files, manifest)]
    print(manifest["agency"], manifest["year"], "dossier", own)
    print("files", len(manifest["files"]), "trail entries", manifest["trail"]["length"])
    for draw in manifest["draws"]:
        print("draw again: python3 verify_draw.py", *draw["arguments"], "-> draw_sha256", draw["draw_sha256"])
    for one in wrong:
        print("WRONG", one)
    print("not as it was made" if wrong else "as it was made")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        sys.exit(f"not a dossier: {error!r}\n{__doc__}")
