# SPDX-License-Identifier: Apache-2.0
"""Keys for a Redis, and what they are afterwards. Python's standard library only: RESP is written by hand.

  load PORT COUNT [--databases N,N…] [--cluster]   COUNT keys of all types in the first database, a tenth in the others
  large PORT MEGABYTES          a string, a hash, a list, a set and a sorted set of so many MB each, and a stream of 2;
                                four of the types again with one element of that size
  churn PORT SECONDS            writes, deletes and renames volatile keys all the time, none of the loaded ones
  fingerprint PORT [--databases N,N…] [--cluster]  one line a database: its number, keys, and a digest of all of them:
                                name, type, expiry and content, whatever their order and the server they lie on

A cluster is asked through any of its ports; its keys are spread by slot."""
import argparse
import hashlib
import random
import socket
import struct
import sys
import time


def encode(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


class Failed(Exception):
    pass


class Wire:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.file = self.socket.makefile("rb", 1 << 20)

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        line = self.file.readline()
        if not line:
            raise Failed("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Failed(rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"$":
            return self.file.read(size + 2)[:-2]
        return [self.read() for _ in range(size)]

    def ask(self, *words):
        self.send(encode(*words))
        return self.read()

    def pipe(self, commands, many=2000):
        for start in range(0, len(commands), many):
            some = commands[start : start + many]
            self.send(b"".join(encode(*one) for one in some))
            for _ in some:
                yield self.read()


def crc16(data):
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def masters(port):
    """Wires of a cluster's masters, and whose each slot is."""
    wires, owner = {}, [None] * 16384
    for line in Wire(port).ask("CLUSTER", "NODES").decode().splitlines():
        words = line.split()
        if "master" not in words[2] or len(words) < 9:
            continue
        at = int(words[1].split("@")[0].rsplit(":", 1)[1])
        wires[at] = Wire(at)
        for part in words[8:]:
            first, _, last = part.partition("-")
            for slot in range(int(first), int(last or first) + 1):
                owner[slot] = at
    return wires, owner


def keys_of_all_types(count, seed):
    rnd = random.Random(seed)
    for n in range(count):
        name = b"k:%d" % n
        if n % 97 == 0:
            name = b"bin\x00\r\n\xff " + name
        kind = n % 9
        if kind == 0:
            yield ("SET", name, '{"id":%d,"name":"näme %d","tags":["a","b"]}' % (n, n))
        elif kind == 1:
            vector = struct.pack("<32f", *(rnd.random() for _ in range(32)))
            yield ("HSET", name, "vector", vector, "title", "title %d" % n)
        elif kind == 2:
            yield ("RPUSH", name, *("e%d" % k for k in range(n % 20 + 1)))
        elif kind == 3:
            yield ("SADD", name, *("m%d" % k for k in range(n % 30 + 1)))
        elif kind == 4:
            pairs = [word for k in range(n % 10 + 1) for word in (k * 1.1, "z%d" % k)]
            yield ("ZADD", name, *pairs)
        elif kind == 5:
            yield ("XADD", name, "1-%d" % (n + 1), "field", "value %d" % n)
        elif kind == 6:
            yield ("SET", name, n, "PX", 36_000_000 + n)
        elif kind == 7:
            yield ("SET", name, b"x" * (n % 300 + 1), "EX", 100_000)
        else:
            yield ("SADD", name, *range(n % 50 + 1))


def load(given):
    if given.cluster:
        wires, owner = masters(given.port)
        shares = {at: [] for at in wires}
        for command in keys_of_all_types(given.count, 0):
            shares[owner[crc16(command[1]) % 16384]].append(command)
        for at, commands in shares.items():
            for _ in wires[at].pipe(commands):
                pass
        return
    wire = Wire(given.port)
    for place, database in enumerate(given.databases):
        wire.ask("SELECT", database)
        some = []
        for command in keys_of_all_types(given.count // (10 if place else 1), database):
            some.append(command)
            if len(some) == 4000:
                for _ in wire.pipe(some):
                    pass
                some = []
        for _ in wire.pipe(some):
            pass


def large(given):
    wire, size = Wire(given.port), given.megabytes << 20
    data = random.Random(1).randbytes(size)
    wire.ask("SET", "large:string", data)
    step = 1000 * 1024
    for start in range(0, size, step):
        elements = [data[at : at + 1024] for at in range(start, min(start + step, size), 1024)]
        numbers = range(start // 1024, start // 1024 + len(elements))
        wire.ask("HSET", "large:hash", *(word for n, one in zip(numbers, elements) for word in ("f%d" % n, one)))
        wire.ask("RPUSH", "large:list", *elements)
        wire.ask("SADD", "large:set", *elements)
        wire.ask("ZADD", "large:sorted", *(word for n, one in zip(numbers, elements) for word in (n / 7, one)))
    wire.ask("ZADD", "large:sorted", "inf", "most", "-inf", "least", "1e300", "much", "-0.1", "little")
    wire.ask("PEXPIRE", "large:hash", 36_000_000)
    # One element of that size: it cannot be read piece by piece.
    wire.ask("HSET", "single:hash", "field", data, "other", "x")
    wire.ask("RPUSH", "single:list", data, "x")
    wire.ask("SADD", "single:set", data)
    wire.ask("ZADD", "single:sorted", 1, data, 2, "x")
    for n in range(2048):
        wire.ask("XADD", "large:stream", "1-%d" % (n + 1), "field", data[n * 1024 : (n + 1) * 1024])


def churn(given):
    wire, rnd, end = Wire(given.port), random.Random(2), time.time() + given.seconds
    while time.time() < end:
        commands = []
        for _ in range(200):
            name = "churn:%d" % rnd.randrange(20_000)
            what = rnd.randrange(5)
            if what == 0:
                commands.append(("DEL", name))
            elif what == 1:
                commands.append(("SET", name, "v", "PX", rnd.randrange(1, 50)))
            else:
                commands.append(("SET", name, "v" * rnd.randrange(1, 500)))
        for _ in wire.pipe(commands):
            pass


CONTENT = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    b"stream": ("XRANGE", "-", "+"),
}


def flat(value):
    if isinstance(value, list):
        for one in value:
            yield from flat(one)
    else:
        yield value if isinstance(value, bytes) else str(value).encode()


def digest_of(name, kind, expiry, content):
    if kind == b"hash":
        content = sorted(zip(content[::2], content[1::2]))
        content = [word for pair in content for word in pair]
    elif kind == b"set":
        content = sorted(content)
    digest = hashlib.blake2b(digest_size=16)
    for word in flat([name, kind, expiry, content]):
        digest.update(b"%d:" % len(word) + word)
    return int.from_bytes(digest.digest(), "big")


def fingerprint(given):
    wires = list(masters(given.port)[0].values()) if given.cluster else [Wire(given.port)]
    for database in given.databases:
        count, total = 0, 0
        for wire in wires:
            if not given.cluster:
                wire.ask("SELECT", database)
            cursor, seen = b"0", set()
            while True:
                cursor, names = wire.ask("SCAN", cursor, "COUNT", 2000)
                names = [one for one in dict.fromkeys(names) if one not in seen and not one.startswith(b"churn:")]
                seen.update(names)
                kinds = list(wire.pipe([("TYPE", one) for one in names]))
                expiries = list(wire.pipe([("PEXPIRETIME", one) for one in names]))
                asked = [(CONTENT[kind][0], one, *CONTENT[kind][1:]) for one, kind in zip(names, kinds)]
                for one, kind, expiry, content in zip(names, kinds, expiries, wire.pipe(asked, 200)):
                    count += 1
                    total = (total + digest_of(one, kind, expiry, content)) % (1 << 128)
                if cursor == b"0":
                    break
        print(database, count, "%032x" % total)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for name, work in (("load", load), ("large", large), ("churn", churn), ("fingerprint", fingerprint)):
        verb = verbs.add_parser(name)
        verb.set_defaults(work=work)
        verb.add_argument("port", type=int)
        if name == "load":
            verb.add_argument("count", type=int)
        if name == "large":
            verb.add_argument("megabytes", type=int)
        if name == "churn":
            verb.add_argument("seconds", type=float)
        verb.add_argument("--databases", type=lambda text: [int(one) for one in text.split(",")], default=[0])
        verb.add_argument("--cluster", action="store_true")
    given = parser.parse_args()
    try:
        given.work(given)
    except (Failed, OSError) as error:
        sys.exit("redis_data: %s" % error)


main()
