# SPDX-License-Identifier: Apache-2.0
"""probe.py PID SECONDS URL [NODES]: waits until URL answers 200 and, for Weaviate's /v1/nodes, until that many nodes are
healthy, for Qdrant's /cluster, until it sees that many peers, votes and knows a leader. Exit 1 when the process ends or the
time is over."""
import json
import os
import sys
import time
import urllib.error
import urllib.request

pid, seconds, url = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
wanted = int(sys.argv[4]) if len(sys.argv) > 4 else 0
open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
end = time.monotonic() + seconds


def ready():
    try:
        with open_url(url, timeout=2) as answer:
            if not wanted:
                return True
            document = json.load(answer)
            if "result" in document:
                raft = document["result"]["raft_info"]
                return len(document["result"]["peers"]) == wanted and raft["is_voter"] and raft["leader"] is not None
            return sum(node["status"] == "HEALTHY" for node in document["nodes"]) == wanted
    except (OSError, ValueError, KeyError, TypeError):
        return False


def alive():
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


while not ready():
    if time.monotonic() > end or not alive():
        sys.exit(1)
    time.sleep(0.1)
