# SPDX-License-Identifier: Apache-2.0
"""Loads, changes, fingerprints and deletes what a Qdrant holds, by its REST interface. Python's standard library only.

  load URL COLLECTION COUNT [--dims N] [--shards N] [--replicas N] [--alias NAME] [--ballast BYTES] [--rich] [--keys A,B]
          [--segments N] [--optimized]   with a payload index on `number`. --ballast: text that hardly compresses in each point. --rich: named,
          quantized, multi and sparse vectors, an index of every common kind, ids of both kinds. --keys: custom sharding, with
          `--shards` for each key and the same ids under every key. --segments: of a shard; each takes 70 MB of disk once it was
          restored (rich ones 200), as the holes of its files are written out then. --optimized: optimizers make segments that
          take no more writes already of little
  change URL COLLECTION [--delete N] [--update N] [--payload N] [--insert N] [--index FIELD]   to so many of its points
  green URLS COLLECTION…         waits until no optimizer has anything left to do
  fingerprint URLS COLLECTION…   one line each: NAME COUNT SHA-256 of ids, shard keys, vectors and payloads of all points,
          INDEXES, ALIASES. Every one of the URLs, joined by commas, is asked; where their answers differ it fails
  config URL COLLECTION…         one line each: its configuration without the number of replicas
  replicas URLS COLLECTION… [--factor N]   one line each; fails unless every node sees every replica Active, no transfers, and
          as many replicas of each shard as the factor says (that of the collection; no more than there are nodes)
  settle URLS COLLECTION… [--within SECONDS]   waits until `replicas` would be content
  write URL COLLECTION FIRST     adds points without end until TERM comes, then prints how many were acknowledged
  transfer URL COLLECTION        sends replicas of its first shard to a node that has none: prints SHARD FROM TO
  transfers URL COLLECTION       how many transfers are under way
  peers URLS                     their peer ids, one a line
  snapshots URLS                 every snapshot on every node, one a line: URL KIND NAME
  aliases URL                    one a line: ALIAS COLLECTION
  delete URL COLLECTION…

The key, where one is needed, is in the environment as QDRANT_KEY.
"""
import argparse
import base64
import hashlib
import json
import os
import random
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid

open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
INDEXES = {"number": "integer", "kind": "keyword", "price": "float", "made": "datetime", "title": "text", "fresh": "bool"}


class Refused(Exception):
    """The server's answer, or that there was none."""


def ask(base, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if "QDRANT_KEY" in os.environ:
        headers["api-key"] = os.environ["QDRANT_KEY"]
    asked = urllib.request.Request(base.rstrip("/") + path, data, headers, method=method)
    try:
        with open_url(asked, timeout=120) as answer:
            return json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        raise Refused(f"{method} {base}{path}: HTTP {error.code}: {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise Refused(f"{method} {base}{path}: {error}") from None


# ---- points ---------------------------------------------------------------------------------------------------------------


def vectors_config(args):
    if not args.rich:
        return {"vectors": {"size": args.dims, "distance": "Dot"}}
    scalar = {"scalar": {"type": "int8", "always_ram": True}}
    return {
        "vectors": {
            "plain": {"size": args.dims, "distance": "Dot"},
            "quantized": {"size": args.dims, "distance": "Dot", "quantization_config": scalar},
            "multi": {"size": 4, "distance": "Dot", "multivector_config": {"comparator": "max_sim"}},
        },
        "sparse_vectors": {"words": {}},
    }


def keys_of(args):
    return [int(key) if key.isdigit() else key for key in args.keys.split(",")] if args.keys else []


def numbers_of(numbers, count):
    """Multiples of 1/1024: exact as 32-bit floats, and short in JSON."""
    return [numbers.randrange(-1024, 1024) / 1024 for _ in range(count)]


def point(args, numbers, n):
    one = {"id": n // max(1, len(keys_of(args))) + 1, "payload": {"title": f"{args.name} {n} \u00e9\u4e16", "number": n}}
    if not args.rich:
        one["vector"] = numbers_of(numbers, args.dims)
    else:
        if n % 5 == 0:
            one["id"] = str(uuid.UUID(int=numbers.getrandbits(128), version=4))
        more = {"kind": "abc"[n % 3], "price": n / 8, "made": f"2026-11-{n % 28 + 1:02d}T00:00:00Z", "fresh": n % 2 == 0}
        one["payload"].update(more, deep={"list": [n, None, {"x": "\u00fc"}]})
        indices = sorted(numbers.sample(range(10000), 5))
        one["vector"] = {
            "plain": numbers_of(numbers, args.dims),
            "quantized": numbers_of(numbers, args.dims),
            "multi": [numbers_of(numbers, 4) for _ in range(n % 3 + 1)],
            "words": {"indices": indices, "values": numbers_of(numbers, 5)},
        }
        # Not every point has every vector.
        if n % 7 == 0:
            del one["vector"]["quantized"]
    if args.ballast:
        one["payload"]["ballast"] = base64.b64encode(numbers.randbytes(args.ballast * 3 // 4)).decode()
    return one


def create(args):
    where = f"/collections/{args.name}"
    wanted = {**vectors_config(args), "shard_number": args.shards, "replication_factor": args.replicas}
    if args.keys:
        wanted["sharding_method"] = "custom"
    optimizers = {"default_segment_number": args.segments} if args.segments else {}
    if args.optimized:
        optimizers["indexing_threshold"] = 50
    if optimizers:
        wanted["optimizers_config"] = optimizers
    ask(args.url, "PUT", where + "?timeout=60", wanted)
    for key in keys_of(args):
        ask(args.url, "PUT", where + "/shards?timeout=60", {"shard_key": key})
    for field, kind in INDEXES.items() if args.rich else [("number", "integer")]:
        ask(args.url, "PUT", where + "/index?wait=true&timeout=60", {"field_name": field, "field_schema": kind})
    if args.alias:
        action = {"create_alias": {"collection_name": args.name, "alias_name": args.alias}}
        ask(args.url, "POST", "/collections/aliases?timeout=60", {"actions": [action]})


def load(args):
    """The same points for the same name on every machine."""
    create(args)
    keys = keys_of(args) or [None]
    numbers = random.Random(args.name)
    most = max(1, min(1000, 2_000_000 // (args.ballast + 1)))
    batches = {key: [] for key in keys}

    def send(key):
        body = {"points": batches[key], **({"shard_key": key} if key is not None else {})}
        ask(args.url, "PUT", f"/collections/{args.name}/points?wait=true", body)
        batches[key] = []

    for n in range(args.count):
        key = keys[n % len(keys)]
        batches[key].append(point(args, numbers, n))
        if len(batches[key]) == most:
            send(key)
    for key in keys:
        if batches[key]:
            send(key)


def change(args):
    """Other points each time, and what they are told lies in their own payloads."""
    where = f"/collections/{args.name}"
    numbers = random.Random()
    every = [one["id"] for one in points_of(args.url, args.name, None)]
    numbers.shuffle(every)
    vectors = ask(args.url, "GET", where)["config"]["params"]["vectors"]
    args.rich, args.dims = "size" not in vectors, vectors.get("size", vectors.get("plain", {}).get("size"))
    args.keys, args.ballast = "", 0
    if args.delete:
        ask(args.url, "POST", where + "/points/delete?wait=true", {"points": every[: args.delete]})
        every = every[args.delete :]
    again = [{**point(args, numbers, n), "id": one} for n, one in enumerate(every[: args.update])]
    most = 1_000_000 + numbers.randrange(1_000_000_000)
    fresh = [{**point(args, numbers, n), "id": most + n} for n in range(args.insert)]
    for batch in (again, *(fresh[n : n + 500] for n in range(0, len(fresh), 500))):
        if batch:
            ask(args.url, "PUT", where + "/points?wait=true", {"points": batch})
    if args.payload:
        told = {"payload": {"extra": f"x{most}"}, "points": every[-args.payload :]}
        ask(args.url, "POST", where + "/points/payload?wait=true", told)
    if args.index:
        made = {"field_name": args.index, "field_schema": "keyword"}
        ask(args.url, "PUT", where + "/index?wait=true&timeout=60", made)


def green(args):
    end = time.monotonic() + args.within
    for url in args.url.split(","):
        for name in args.names:
            while ask(url, "GET", f"/collections/{name}")["status"] != "green":
                if time.monotonic() > end:
                    sys.exit(f"{name}: the optimizers do not come to rest")
                time.sleep(0.2)


def write(args):
    """Each point is counted once it was acknowledged."""
    config = ask(args.url, "GET", f"/collections/{args.name}")["config"]["params"]["vectors"]
    done, going = 0, [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    while going:
        one = {"id": args.first + done, "payload": {"number": done, "late": True}, "vector": [0.5] * config["size"]}
        ask(args.url, "PUT", f"/collections/{args.name}/points?wait=true", {"points": [one]})
        done += 1
    print(done)


# ---- fingerprints ---------------------------------------------------------------------------------------------------------


def canonical(value):
    return json.dumps(value, sort_keys=True).encode()


def points_of(url, name, key):
    """One key at a time: of equal ids under several keys the server shows only one otherwise."""
    offset = None
    while True:
        body = {"limit": 1000, "with_payload": True, "with_vector": True, "offset": offset}
        if key is not None:
            body["shard_key"] = key
        page = ask(url, "POST", f"/collections/{name}/points/scroll", body)
        yield from page["points"]
        offset = page["next_page_offset"]
        if offset is None:
            return


def sorted_words(vector):
    """What a sparse vector holds has no order."""
    if isinstance(vector, dict):
        if set(vector) == {"indices", "values"}:
            return sorted(zip(vector["indices"], vector["values"]))
        return {name: sorted_words(one) for name, one in vector.items()}
    return vector


def is_cluster(url):
    return ask(url, "GET", "/cluster")["status"] == "enabled"


def fingerprint_of(url, name):
    digest, count = hashlib.sha256(), 0
    keys = {key for _, key in replicas_seen(url, name)[0]} if is_cluster(url) else {None}
    for key in sorted(keys, key=str):
        for one in points_of(url, name, key):
            digest.update(canonical([one["id"], one.get("shard_key"), one["payload"], sorted_words(one["vector"])]))
            count += 1
    schema = ask(url, "GET", f"/collections/{name}")["payload_schema"]
    indexes = ",".join(sorted(f"{field}:{one['data_type']}" for field, one in schema.items()))
    aliases = sorted(one["alias_name"] for one in ask(url, "GET", f"/collections/{name}/aliases")["aliases"])
    exact = ask(url, "POST", f"/collections/{name}/points/count", {"exact": True})["count"]
    if exact != count:
        sys.exit(f"{name}: {url} counts {exact} points and shows {count}")
    return f"{name} {count} {digest.hexdigest()} {indexes} {','.join(aliases)}"


def fingerprint(args):
    for name in args.names:
        lines = {url: fingerprint_of(url, name) for url in args.url.split(",")}
        if len(set(lines.values())) > 1:
            sys.exit("the nodes differ:\n" + "\n".join(f"{url} {line}" for url, line in lines.items()))
        print(*set(lines.values()))


def config(args):
    for name in args.names:
        said = ask(args.url, "GET", f"/collections/{name}")["config"]
        said["params"].pop("replication_factor", None)
        print(name, canonical(said).decode())


def aliases(args):
    for one in sorted(ask(args.url, "GET", "/aliases")["aliases"], key=lambda one: one["alias_name"]):
        print(one["alias_name"], one["collection_name"])


# ---- replicas -------------------------------------------------------------------------------------------------------------


def replicas_seen(url, name):
    """What one node says: {(shard, key): {peer: state}}, transfers and reshardings."""
    said, shards = ask(url, "GET", f"/collections/{name}/cluster"), {}
    for one in said["local_shards"] + said["remote_shards"]:
        peers = shards.setdefault((one["shard_id"], one.get("shard_key")), {})
        peers[one.get("peer_id", said["peer_id"])] = one["state"]
    return shards, said["shard_transfers"] + (said.get("resharding_operations") or [])


def complaints(urls, name, factor):
    views = {url: replicas_seen(url, name) for url in urls}
    first, _ = views[urls[0]]
    if not factor:
        factor = ask(urls[0], "GET", f"/collections/{name}")["config"]["params"].get("replication_factor", 1)
    factor = min(factor, len(urls))
    found = []
    for url, (shards, busy) in views.items():
        if busy:
            found.append(f"{url}: under way: {busy}")
        if shards != first:
            found.append(f"{url} and {urls[0]} see different replicas: {shards} {first}")
    for (shard, key), peers in first.items():
        if len(peers) != factor:
            found.append(f"shard {shard} {key or ''}: {len(peers)} replicas instead of {factor}: {peers}")
        if set(peers.values()) != {"Active"}:
            found.append(f"shard {shard} {key or ''}: {peers}")
    if not first:
        found.append("no shards")
    keys = len({key for _, key in first})
    return found, f"{name}: {len(first)} shards, {keys} keys, {factor} replicas each, all Active"


def replicas(args):
    for name in args.names:
        try:
            found, summary = complaints(args.url.split(","), name, args.factor)
        except Refused as error:
            found, summary = [str(error)], ""
        if found:
            sys.exit(f"{name}: " + "\n".join(found))
        print(summary)


def settle(args):
    end = time.monotonic() + args.within
    for name in args.names:
        while True:
            try:
                found = complaints(args.url.split(","), name, 0)[0]
            except Refused as error:
                found = [str(error)]
            if not found:
                break
            if time.monotonic() > end:
                sys.exit(f"{name} does not settle: " + "\n".join(found))
            time.sleep(0.2)


def transfer(args):
    shards, _ = replicas_seen(args.url, args.name)
    every = [int(peer) for peer in ask(args.url, "GET", "/cluster")["peers"]]
    (shard, _), peers = min(shards.items(), key=lambda one: one[0][0])
    source, target = min(peers), min(peer for peer in every if peer not in peers)
    order = {"shard_id": shard, "from_peer_id": source, "to_peer_id": target, "method": "stream_records"}
    ask(args.url, "POST", f"/collections/{args.name}/cluster", {"replicate_shard": order})
    print(shard, source, target)


def transfers(args):
    print(len(ask(args.url, "GET", f"/collections/{args.name}/cluster")["shard_transfers"]))


def peers(args):
    for url in args.url.split(","):
        print(ask(url, "GET", "/cluster")["peer_id"])


# ---- the rest -------------------------------------------------------------------------------------------------------------


def snapshots_of(url):
    for one in ask(url, "GET", "/snapshots"):
        yield "storage", one["name"]
    for name in sorted(one["name"] for one in ask(url, "GET", "/collections")["collections"]):
        for one in ask(url, "GET", f"/collections/{name}/snapshots"):
            yield "collection", one["name"]
        try:
            local = ask(url, "GET", f"/collections/{name}/cluster")["local_shards"]
        except Refused:
            local = []
        for shard in local:
            for one in ask(url, "GET", f"/collections/{name}/shards/{shard['shard_id']}/snapshots"):
                yield "shard", one["name"]


def snapshots(args):
    for url in args.url.split(","):
        for kind, name in snapshots_of(url):
            print(url, kind, name)


def delete(args):
    for name in args.names:
        ask(args.url, "DELETE", f"/collections/{name}?timeout=60")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)

    def verb(function, *names, **options):
        one = verbs.add_parser(function.__name__)
        one.set_defaults(run=function)
        one.add_argument("url")
        for name in names:
            kind = int if name in ("count", "first") else str
            one.add_argument(name, nargs="+" if name == "names" else None, type=kind)
        for name, default in options.items():
            switch = {"action": "store_true"} if default is False else {"default": default, "type": type(default)}
            one.add_argument("--" + name, **switch)

    verb(load, "name", "count", dims=64, shards=1, replicas=1, alias="", ballast=0, rich=False, keys="",
         segments=0, optimized=False)
    verb(change, "name", delete=0, update=0, payload=0, insert=0, index="")
    verb(green, "names", within=60)
    verb(fingerprint, "names")
    verb(config, "names")
    verb(replicas, "names", factor=0)
    verb(settle, "names", within=60)
    verb(write, "name", "first")
    verb(transfer, "name")
    verb(transfers, "name")
    verb(peers)
    verb(snapshots)
    verb(aliases)
    verb(delete, "names")
    return parser.parse_args()


arguments = parse()
try:
    arguments.run(arguments)
except Refused as refused:
    sys.exit(str(refused))
