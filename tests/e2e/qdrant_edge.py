#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent judge of a Qdrant snapshot: Qdrant's own engine opens it and counts its points.

    qdrant_edge.py FILE        prints {"shards": {"0": 50}, "points": 50}

FILE is a shard's or a collection's snapshot. Needs `pip install qdrant-edge-py==0.9.0` in a virtual environment. Ends with 1 and
one line when the engine cannot open it.
"""
import json
import os
import sys
import tarfile
import tempfile

# This file is called like the engine's module, which would find it first.
sys.path = [place for place in sys.path if os.path.realpath(place or ".") != os.path.dirname(os.path.realpath(__file__))]
from qdrant_edge import CountRequest, EdgeShard  # noqa: E402


def count(snapshot, folder):
    os.mkdir(folder)
    EdgeShard.unpack_snapshot(snapshot, folder)
    return EdgeShard.load(folder).count(CountRequest(exact=True))


def shard_archives(snapshot, folder):
    """A shard's snapshot is itself; a collection's holds a folder per shard, each packed again for the engine."""
    with tarfile.open(snapshot) as archive:
        names = archive.getnames()
        if "config.json" not in names:
            return {"0": snapshot}
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    packed = {}
    for shard in sorted({name.split("/")[0] for name in names if name.split("/")[0].isdigit()}):
        packed[shard] = os.path.join(folder, shard + ".tar")
        with tarfile.open(packed[shard], "w", format=tarfile.GNU_FORMAT) as archive:
            for name in sorted(os.listdir(os.path.join(folder, shard))):
                archive.add(os.path.join(folder, shard, name), arcname=name)
    return packed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        try:
            archives = shard_archives(sys.argv[1], os.path.join(folder, "collection"))
            shards = {shard: count(file, os.path.join(folder, "shard-" + shard)) for shard, file in archives.items()}
        except Exception as error:  # the engine's exceptions have no common base
            sys.exit("%s: %s" % (sys.argv[1], str(error).splitlines()[0]))
    print(json.dumps({"shards": shards, "points": sum(shards.values())}))


if __name__ == "__main__":
    main()
