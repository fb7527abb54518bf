# SPDX-License-Identifier: Apache-2.0
"""Loads, fingerprints and deletes objects of a Weaviate by its REST interface. Python's standard library only.

  load URL CLASS COUNT [--dims N] [--seed N] [--tenants A,B] [--replicas N] [--shards N] [--description TEXT]
       [--ballast BYTES]                 text that hardly compresses in each object, so that a backup takes long
  fingerprint URL CLASS… [--tenants A,B]   one line each: CLASS [TENANT] COUNT SHA-256 of ids, vectors and properties
  count URL CLASS…                         one line each: CLASS COUNT, as the server's aggregate says
  tenant URL CLASS TENANT STATUS           such as COLD
  delete URL CLASS                         and waits until it is gone
  classes URL                              one line each: CLASS DESCRIPTION
  backends URL                             the backup backends that are switched on, one a line
  viewer URL USER                          gives USER the role that may only read

The key, where one is needed, is in the environment as WEAVIATE_KEY.
"""
import argparse
import base64
import hashlib
import json
import os
import random
import struct
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def ask(base, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if "WEAVIATE_KEY" in os.environ:
        headers["Authorization"] = "Bearer " + os.environ["WEAVIATE_KEY"]
    request = urllib.request.Request(base.rstrip("/") + "/v1" + path, data, headers, method=method)
    try:
        with open_url(request, timeout=120) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: HTTP {error.code}: {error.read().decode(errors='replace')}")
    return json.loads(text) if text else None


def schema(args):
    wanted = {
        "class": args.name,
        "vectorizer": "none",
        "properties": [{"name": "title", "dataType": ["text"]}, {"name": "number", "dataType": ["int"]}],
    }
    if args.ballast:
        wanted["properties"].append(
            {"name": "ballast", "dataType": ["text"], "indexFilterable": False, "indexSearchable": False})
    if args.description:
        wanted["description"] = args.description
    if args.tenants:
        wanted["multiTenancyConfig"] = {"enabled": True}
    if args.replicas > 1:
        wanted["replicationConfig"] = {"factor": args.replicas}
    if args.shards:
        wanted["shardingConfig"] = {"desiredCount": args.shards}
    return wanted


def objects(args, tenant):
    """The same objects for the same name, tenant and seed, on every machine."""
    numbers = random.Random(f"{args.name}/{tenant}/{args.seed}")
    for n in range(args.count):
        one = {
            "class": args.name,
            "id": str(uuid.UUID(int=numbers.getrandbits(128), version=4)),
            "properties": {"title": f"{args.name} {n} \u00e9\u4e16", "number": n},
            # Multiples of 1/1024: exact as 32-bit floats, and short in JSON.
            "vector": [numbers.randrange(-1024, 1024) / 1024 for _ in range(args.dims)],
        }
        if args.ballast:
            one["properties"]["ballast"] = base64.b64encode(numbers.randbytes(args.ballast * 3 // 4)).decode()
        if tenant:
            one["tenant"] = tenant
        yield one


def send(args, batch):
    level = "?consistency_level=ALL" if args.replicas > 1 else ""
    for one in ask(args.url, "POST", "/batch/objects" + level, {"objects": batch}):
        if one["result"].get("status") != "SUCCESS":
            sys.exit(f"object {one['id']}: {one['result']}")


def load(args):
    ask(args.url, "POST", "/schema", schema(args))
    tenants = args.tenants.split(",") if args.tenants else [None]
    if args.tenants:
        ask(args.url, "POST", f"/schema/{args.name}/tenants", [{"name": tenant} for tenant in tenants])
    for tenant in tenants:
        batch = []
        for one in objects(args, tenant):
            batch.append(one)
            if len(batch) == (100 if args.ballast else 1000):
                send(args, batch)
                batch = []
        if batch:
            send(args, batch)


def fingerprint_of(url, name, tenant):
    """Pages by id. Objects come in an order that is the server's, so the digest is over the sorted ones."""
    digests, after = [], ""
    while True:
        query = {"class": name, "limit": 1000, "include": "vector", "after": after}
        if tenant:
            query["tenant"] = tenant
        page = ask(url, "GET", "/objects?" + urllib.parse.urlencode(query))["objects"]
        if not page:
            break
        for one in page:
            vector = struct.pack(f"<{len(one['vector'])}f", *one["vector"])
            properties = json.dumps(one["properties"], sort_keys=True).encode()
            digests.append(one["id"].encode() + hashlib.sha256(vector + properties).digest())
        after = page[-1]["id"]
    return len(digests), hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def fingerprint(args):
    for name in args.names:
        for tenant in args.tenants.split(",") if args.tenants else [None]:
            count, digest = fingerprint_of(args.url, name, tenant)
            print(*([name, tenant] if tenant else [name]), count, digest)


def count(args):
    for name in args.names:
        query = {"query": f"{{ Aggregate {{ {name} {{ meta {{ count }} }} }} }}"}
        print(name, ask(args.url, "POST", "/graphql", query)["data"]["Aggregate"][name][0]["meta"]["count"])


def schema_of(url):
    return {one["class"]: one.get("description", "") for one in ask(url, "GET", "/schema")["classes"]}


def classes(args):
    for name, description in schema_of(args.url).items():
        print(name, description)


def backends(args):
    modules = ask(args.url, "GET", "/meta").get("modules") or {}
    for name in ("filesystem", "s3", "gcs", "azure"):
        if "backup-" + name in modules:
            print(name)


def delete(args):
    ask(args.url, "DELETE", f"/schema/{args.name}")
    end = time.monotonic() + 30
    while args.name in schema_of(args.url):
        if time.monotonic() > end:
            sys.exit(f"{args.name} is still there")
        time.sleep(0.05)


def tenant(args):
    ask(args.url, "PUT", f"/schema/{args.name}/tenants", [{"name": args.tenant, "activityStatus": args.status}])


def viewer(args):
    ask(args.url, "POST", f"/authz/users/{args.user}/assign", {"roles": ["viewer"], "userType": "db"})


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)

    def verb(function, *names, **options):
        one = verbs.add_parser(function.__name__)
        one.set_defaults(run=function)
        one.add_argument("url")
        for name in names:
            one.add_argument(name, nargs="+" if name == "names" else None, type=int if name == "count" else str)
        for name, default in options.items():
            one.add_argument("--" + name, default=default, type=type(default))

    verb(load, "name", "count", dims=64, seed=1, tenants="", replicas=1, shards=0, description="",
         ballast=0)
    verb(fingerprint, "names", tenants="")
    verb(count, "names")
    verb(tenant, "name", "tenant", "status")
    verb(delete, "name")
    verb(classes)
    verb(backends)
    verb(viewer, "user")
    return parser.parse_args()


arguments = parse()
arguments.run(arguments)
