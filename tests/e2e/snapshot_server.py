# SPDX-License-Identifier: Apache-2.0
"""snapshot_server.py FILE: as much of a Qdrant with one collection snapshot, FILE, as a download needs; the bytes go by
sendfile, so that this side costs next to nothing. Prints its address, then serves until it is ended."""
import hashlib
import http.server
import json
import os
import re
import sys

PEER = 8606914413529485
NAME = f"bench-{PEER}-2026-11-21-07-36-33.snapshot"
CONFIG = {
    "params": {"vectors": {"size": 4, "distance": "Dot"}, "shard_number": 1, "replication_factor": 1,
               "write_consistency_factor": 1, "on_disk_payload": True},
    "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
}
SHARDS = [{"shard_id": 0, "points_count": 1000, "state": "Active"}]

path = sys.argv[1]
size = os.path.getsize(path)


def sha256():
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


SNAPSHOT = {"name": NAME, "creation_time": "2026-11-21T07:36:33", "size": size, "checksum": sha256()}
ANSWERS = {
    "/collections": {"collections": [{"name": "bench"}]},
    "/collections/bench": {"status": "green", "optimizer_status": "ok", "points_count": 1000, "segments_count": 1,
                           "config": CONFIG, "payload_schema": {}},
    "/collections/bench/cluster": {"peer_id": PEER, "shard_count": 1, "local_shards": SHARDS, "remote_shards": [],
                                   "shard_transfers": []},
    "/collections/bench/aliases": {"aliases": []},
    "/collections/bench/snapshots": [SNAPSHOT],
    "/collections/bench/shards/0/snapshots": [],
    "/collections/bench/points/count": {"count": 1000},
    "/aliases": {"aliases": []},
    "/cluster": {"status": "disabled"},
    "/snapshots": [],
    "/telemetry": {"id": "bench", "app": {"name": "qdrant", "version": "1.19.0"}, "collections": {}},
}


class Qdrant(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        where = self.path.split("?")[0]
        if where == "/collections/bench/snapshots/" + NAME:
            self.send_file()
        elif where == "/":
            self.send_json({"title": "qdrant - vector search engine", "version": "1.19.0", "commit": "74f3e85"})
        elif where in ANSWERS:
            self.send_json({"result": ANSWERS[where], "status": "ok", "time": 0.0001})
        else:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def send_json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first = int(asked[1]) if asked else 0
        end = min(size, int(asked[2]) + 1) if asked and asked[2] else size
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - first))
        self.send_header("ETag", '"51096d:1c58e00:6b014a01:1f310534"')
        self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{size}")
        self.end_headers()
        self.wfile.flush()
        with open(path, "rb") as file:
            while first < end:
                first += os.sendfile(self.connection.fileno(), file.fileno(), first, end - first)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Qdrant)
print(f"http://127.0.0.1:{server.server_port} {NAME}", flush=True)
server.serve_forever()
