# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Increments on one real Qdrant and on three: every link brings back what was there when it was made, whatever happened between.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

store=$work/store
mkdir "$store"

# base_of ID: what a backup in the store builds on, separated by commas.
base_of() { python3 -c 'import json, sys; print(",".join(json.load(open(sys.argv[1]))["bases"] or []))' "$store/$1/manifest.json"; }

# increment URLS ID BASE COLLECTION…: makes one by the first URL, and keeps what was there in expected_ID.
increment() {
    local urls=$1 id=$2 base=$3
    shift 3
    qdrant_data green "$urls" "$@"
    expect_exit 0 "$vbackup" create "${urls%%,*}" --id "$id" --to "$store/" --incremental
    equal "$base" "$(base_of "$id")" "the base of $id"
    printf -v "expected_$id" '%s' "$(qdrant_data fingerprint "$urls" "$@")"
}

# brings_back URLS ID COLLECTION…: restored over what is there.
brings_back() {
    local urls=$1 id=$2 expected=expected_$2
    shift 2
    expect_exit 0 "$vbackup" restore "${urls%%,*}" "$id" --from "$store/" --overwrite --yes
    equal "${!expected}" "$(qdrant_data fingerprint "$urls" "$@")" "fingerprints after the restore of $id"
}

serve qdrant "$work/qdrant"
every=(articles rich)
qdrant_data load "$URL" articles 2000 --dims 64 --shards 2 --segments 2 --optimized --alias current
qdrant_data load "$URL" rich 600 --rich --dims 64 --segments 2 --optimized

step "one node: a whole backup and four increments, with changes of every kind between"
increment "$URL" a "" "${every[@]}"
size=$(du -sb "$store/a/data" | cut -f 1)
qdrant_data change "$URL" articles --delete 40 --update 20 --payload 20 --insert 40
increment "$URL" b a "${every[@]}"
(($(du -sb "$store/b/data" | cut -f 1) < size * 9 / 10)) || fail "the increment is as large as what it builds on"
qdrant_data change "$URL" rich --delete 10 --update 10 --payload 10 --insert 10 --index extra
increment "$URL" c b "${every[@]}"

step "the server is begun anew"
"$servers/qdrant" stop "$work/qdrant"
serve qdrant "$work/qdrant"
qdrant_data change "$URL" articles --delete 10 --update 20 --insert 20
increment "$URL" d c "${every[@]}"

step "segments are put together anew"
qdrant_data change "$URL" articles --insert 2000
increment "$URL" e d "${every[@]}"
expect_exit 0 "$vbackup" verify "$store/" e

step "every link, in no order"
for id in c a d b e; do brings_back "$URL" "$id" "${every[@]}"; done

step "after a restore onto it the server's numbers were wound back: the next increment is right all the same"
qdrant_data change "$URL" articles --delete 70 --update 70 --insert 70
increment "$URL" f e "${every[@]}"
qdrant_data change "$URL" rich --delete 30
brings_back "$URL" f "${every[@]}"

step "a collection that was dropped and made again is backed up whole"
qdrant_data delete "$URL" articles
qdrant_data load "$URL" articles 1500 --dims 64 --shards 2 --segments 2 --optimized --alias current
increment "$URL" g f "${every[@]}"
expect_err 'collection articles.* backed up whole'
brings_back "$URL" g "${every[@]}"

step "what others build on stays"
expect_exit 12 "$vbackup" delete "$store/" a --yes
expect_exit 0 "$vbackup" prune "$store/" --keep-last 1 --yes
brings_back "$URL" b "${every[@]}"

step "after six in a row one is whole"
increment "$URL" h "" "${every[@]}"
"$servers/qdrant" stop "$work/qdrant"

step "three nodes, with replicas and shard keys"
PREFIX=C_ serve qdrant-cluster "$work/three"
three=$C_URL1,$C_URL2,$C_URL3
every=(plain keyed)
qdrant_data load "$C_URL1" plain 2400 --dims 64 --shards 3 --replicas 2 --segments 1 --optimized
qdrant_data load "$C_URL2" keyed 900 --dims 64 --keys red,7 --segments 1 --optimized
qdrant_data settle "$three" "${every[@]}"
increment "$three" r "" "${every[@]}"
qdrant_data change "$C_URL2" plain --delete 30 --update 30 --payload 30 --insert 30 --index extra
increment "$three" s r "${every[@]}"
step "a node is begun anew, and another one is asked"
"$servers/qdrant-cluster" kill "$work/three" 3
"$servers/qdrant-cluster" up "$work/three" 3
qdrant_data settle "$three" "${every[@]}"
qdrant_data change "$C_URL3" plain --update 20 --insert 40
increment "$C_URL2,$C_URL3,$C_URL1" t s "${every[@]}"
for id in s r t; do
    brings_back "$three" "$id" "${every[@]}"
    qdrant_data replicas "$three" "${every[@]}"
done
step "onto one node"
PREFIX=ONE_ NODES=1 serve qdrant-cluster "$work/one"
expect_exit 0 "$vbackup" restore "$ONE_URL" t --from "$store/"
last=expected_t
equal "${!last}" "$(qdrant_data fingerprint "$ONE_URL" "${every[@]}")" "fingerprints on one node"
