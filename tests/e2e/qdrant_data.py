# SPDX-License-Identifier: Apache-2.0
"""Loads, fingerprints and deletes points of a Qdrant by its REST interface. Python's standard library only.

  load URL COLLECTION COUNT [--dims N] [--shards N] [--alias NAME]   with a payload index on `number`
  fingerprint URL COLLECTION…   one line each: NAME COUNT SHA-256 of ids, vectors and payloads, INDEXES, ALIASES
  delete URL COLLECTION
"""
import argparse
import hashlib
import json
import random
import struct
import sys
import urllib.error
import urllib.request

open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def ask(base, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base.rstrip("/") + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with open_url(request, timeout=120) as answer:
            return json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: HTTP {error.code}: {error.read().decode(errors='replace')}")


def load(args):
    where = f"/collections/{args.name}"
    ask(args.url, "PUT", where, {"vectors": {"size": args.dims, "distance": "Dot"}, "shard_number": args.shards})
    ask(args.url, "PUT", where + "/index?wait=true", {"field_name": "number", "field_schema": "integer"})
    if args.alias:
        action = {"create_alias": {"collection_name": args.name, "alias_name": args.alias}}
        ask(args.url, "POST", "/collections/aliases", {"actions": [action]})
    numbers = random.Random(args.name)
    for first in range(0, args.count, 1000):
        points = [
            {
                "id": n + 1,
                "payload": {"title": f"{args.name} {n} \u00e9\u4e16", "number": n},
                "vector": [numbers.randrange(-1024, 1024) / 1024 for _ in range(args.dims)],
            }
            for n in range(first, min(first + 1000, args.count))
        ]
        ask(args.url, "PUT", where + "/points?wait=true", {"points": points})


def fingerprint(args):
    for name in args.names:
        digest, count, offset = hashlib.sha256(), 0, None
        while True:
            body = {"limit": 1000, "with_payload": True, "with_vector": True, "offset": offset}
            page = ask(args.url, "POST", f"/collections/{name}/points/scroll", body)
            for point in page["points"]:
                digest.update(json.dumps([point["id"], point["payload"]], sort_keys=True).encode())
                digest.update(struct.pack(f"<{len(point['vector'])}f", *point["vector"]))
            count += len(page["points"])
            offset = page["next_page_offset"]
            if offset is None:
                break
        indexes = sorted(ask(args.url, "GET", f"/collections/{name}")["payload_schema"])
        aliases = sorted(one["alias_name"] for one in ask(args.url, "GET", f"/collections/{name}/aliases")["aliases"])
        print(name, count, digest.hexdigest(), ",".join(indexes), ",".join(aliases))


def delete(args):
    ask(args.url, "DELETE", f"/collections/{args.name}?timeout=60")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    loading = verbs.add_parser("load")
    loading.set_defaults(run=load)
    loading.add_argument("url")
    loading.add_argument("name")
    loading.add_argument("count", type=int)
    loading.add_argument("--dims", type=int, default=64)
    loading.add_argument("--shards", type=int, default=1)
    loading.add_argument("--alias")
    fingerprints = verbs.add_parser("fingerprint")
    fingerprints.set_defaults(run=fingerprint)
    fingerprints.add_argument("url")
    fingerprints.add_argument("names", nargs="+")
    deleting = verbs.add_parser("delete")
    deleting.set_defaults(run=delete)
    deleting.add_argument("url")
    deleting.add_argument("name")
    return parser.parse_args()


arguments = parse()
arguments.run(arguments)
