# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Qdrant's own engine judges what vbackup brought home: a recorded collection snapshot of 50 points.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

edge=${VBACKUP_SERVER_CACHE:-$HOME/.cache/vbackup-servers}/bin/qdrant-edge
if [[ ! -x $edge ]]; then
    if [[ -n ${CI:-} ]]; then fail "qdrant-edge is missing; tests/servers/build qdrant-edge gets it"; fi
    printf 'SKIPPED: no qdrant-edge on this machine\n'
    exit 77
fi

exec {server}< <(exec python3 "$e2e/snapshot_server.py" "$e2e/../data/qdrant/tiny.snapshot")
kill_at_end+=("$!")
read -r url name <&"$server"
mkdir "$work/store"

step "download and verify"
expect_exit 0 "$vbackup" download "$url" "$name" --to "$work/store/"
kept=$(find "$work/store" -path '*/data/*' -type f)
id=$(basename "$(dirname "$(find "$work/store" -name manifest.json)")")
expect_exit 0 "$vbackup" verify "$work/store/" "$id"
cmp "$e2e/../data/qdrant/tiny.snapshot" "$kept"

step "the engine opens it and counts"
expect_exit 0 "$edge" "$e2e/qdrant_edge.py" "$kept"
equal "$(cat "$work/out")" '{"shards": {"0": 50}, "points": 50}' "counts"

step "a truncated one is refused by both"
truncate -s -20000 "$kept"
expect_exit 6 "$vbackup" verify "$work/store/" "$id"
expect_exit 1 "$edge" "$e2e/qdrant_edge.py" "$kept"
