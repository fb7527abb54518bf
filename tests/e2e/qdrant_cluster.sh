# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Three Qdrant nodes as one target: every kind of vector, shard keys, replicas; to one node and from one node.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve qdrant-cluster "$work/three"
three=$URL1,$URL2,$URL3
store=$work/store
mkdir "$store"
qdrant_data load "$URL1" plain 1000 --shards 6 --replicas 2 --alias current --segments 1
qdrant_data load "$URL2" rich 400 --rich --dims 16 --replicas 3 --alias best --segments 1
qdrant_data load "$URL3" keyed 300 --dims 8 --keys red,7,blue --shards 2 --segments 1
every=(plain rich keyed)
qdrant_data settle "$three" "${every[@]}"
before=$(qdrant_data fingerprint "$three" "${every[@]}")
configs=$(qdrant_data config "$URL1" "${every[@]}")
places=$(qdrant_data replicas "$three" "${every[@]}")

# nothing_left: no snapshot is listed by any node, and none lies on its disk.
nothing_left() {
    equal "" "$(qdrant_data snapshots "$three")" "snapshots left on the nodes"
    equal "" "$(find "$SNAPSHOTS1" "$SNAPSHOTS2" "$SNAPSHOTS3" -type f)" "files left on the nodes"
}

# lines TEXT NAME…: those of TEXT that speak of these collections.
lines() {
    local text=$1 name
    shift
    for name in "$@"; do grep "^${name}[: ]" <<<"$text"; done
}

# same_on URLS COLLECTION…: content, configuration, aliases, and every replica Active.
same_on() {
    local urls=$1 now
    shift
    now=$(qdrant_data replicas "$urls" "$@")
    [[ $urls != "$three" ]] || equal "$(lines "$places" "$@")" "$now" "replicas"
    equal "$(lines "$before" "$@")" "$(qdrant_data fingerprint "$urls" "$@")" "fingerprints"
    equal "$(lines "$configs" "$@")" "$(qdrant_data config "${urls%%,*}" "$@")" "configurations"
}

step "check shows every node"
expect_exit 0 "$vbackup" check "$URL1"
for peer in $(qdrant_data peers "$three"); do expect_out "$peer"; done

step "create by one node, destroyed, restored by another"
expect_exit 0 "$vbackup" create "$URL1" --id first --to "$store/"
nothing_left
expect_exit 0 "$vbackup" verify "$store/" first
expect_exit 8 "$vbackup" restore "$URL2" first --from "$store/"
same_on "$three" "${every[@]}"
qdrant_data delete "$URL3" "${every[@]}"
expect_exit 0 "$vbackup" restore "$URL2" first --from "$store/"
same_on "$three" "${every[@]}"
nothing_left

step "over what has changed since"
qdrant_data delete "$URL1" rich
qdrant_data load "$URL1" rich 50 --shards 3 --segments 1
expect_exit 0 "$vbackup" restore "$URL3" first --from "$store/" --collection rich --overwrite --yes
same_on "$three" rich
nothing_left

step "left with the nodes: one backup by each of them"
expect_exit 0 "$vbackup" create "$URL1" --id left
[[ $(qdrant_data snapshots "$three" | wc -l) == 13 ]] || fail "not one snapshot a shard: $(qdrant_data snapshots "$three")"
[[ $(qdrant_data snapshots "$three" | cut -d ' ' -f 1 | sort -u | wc -l) == 3 ]] || fail "the load is not spread over the nodes"
for url in "$URL1" "$URL2" "$URL3"; do
    expect_exit 0 "$vbackup" list "$url" --output json
    equal "['left']" "$(json '[one["id"] for one in d["backups"]]')" "backups listed"
done
expect_exit 0 "$vbackup" status "$URL3" left
expect_exit 0 "$vbackup" download "$URL2" left --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" left
expect_exit 0 "$vbackup" delete "$URL1" left --yes
nothing_left

step "the vendor's way: a snapshot of each collection on each node"
expect_exit 0 "$vbackup" create "$URL1" --id whole --to "$store/" -o unit=collection
nothing_left
qdrant_data delete "$URL3" "${every[@]}"
expect_exit 0 "$vbackup" restore "$URL2" whole --from "$store/"
same_on "$three" "${every[@]}"
nothing_left

step "what somebody else made on one node is seen, taken and deleted through another"
foreign=$(python3 -c 'import json, sys, urllib.request as u
print(json.load(u.urlopen(u.Request(sys.argv[1], method="POST")))["result"]["name"])' "$URL3/collections/plain/snapshots")
expect_exit 0 "$vbackup" list "$URL1"
expect_out "$foreign"
expect_exit 0 "$vbackup" download "$URL2" "$foreign" --to "$store/"
expect_exit 0 "$vbackup" delete "$URL1" "$foreign" --yes
nothing_left

step "onto one node"
NODES=1 PREFIX=ONE_ serve qdrant-cluster "$work/one"
expect_exit 0 "$vbackup" restore "$ONE_URL" first --from "$store/"
same_on "$ONE_URL" "${every[@]}"

step "from one node to three that do not say where they are"
expect_exit 0 "$vbackup" create "$ONE_URL" --id single --to "$store/"
ADDRESSES=one PREFIX=NEW_ serve qdrant-cluster "$work/new"
expect_exit 12 "$vbackup" restore "$NEW_URL" single --from "$store/"
expect_err '--node'
expect_exit 0 "$vbackup" restore "$NEW_URL" single --from "$store/" --node "$NEW_URL2" --node "$NEW_URL3"
same_on "$NEW_URL1,$NEW_URL2,$NEW_URL3" "${every[@]}"
"$servers/qdrant-cluster" stop "$work/new"
"$servers/qdrant-cluster" stop "$work/one"

step "beside the original with more replicas, and the alias moves to it"
expect_exit 0 "$vbackup" restore "$URL1" first --from "$store/" --collection plain --rename plain plainer --switch-alias \
    -o replication-factor=3
equal "plainer: 6 shards, 1 keys, 3 replicas each, all Active" "$(qdrant_data replicas "$three" plainer)" "replicas"
equal "$(lines "$before" plain | cut -d ' ' -f 2-)" "$(qdrant_data fingerprint "$three" plainer | cut -d ' ' -f 2-)" \
    "fingerprints of the renamed collection"
equal $'best rich\ncurrent plainer' "$(qdrant_data aliases "$URL2")" "aliases"

step "with a node down nothing is begun, and it is named"
lost=$(qdrant_data peers "$URL3")
"$servers/qdrant-cluster" kill "$work/three" 3
expect_exit 12 "$vbackup" create "$URL1" --id never --to "$store/"
expect_err "$lost|${URL3#http://}"
expect_exit 7 "$vbackup" status "$store/" never
equal "" "$(qdrant_data snapshots "$URL1,$URL2")" "snapshots left on the nodes"
