# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The main job on one real Qdrant node, where this machine has one.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve qdrant "$work/qdrant"
store=$work/store
mkdir "$store"
qdrant_data load "$URL" articles 3000 --shards 2 --alias current
qdrant_data load "$URL" authors 500
before=$(qdrant_data fingerprint "$URL" articles authors)

for unit in shard collection; do
    step "unit $unit: create, list, status, verify"
    expect_exit 0 "$vbackup" check "$URL"
    expect_exit 0 "$vbackup" create "$URL" --id "$unit" --to "$store/" -o unit=$unit
    expect_exit 0 "$vbackup" list "$URL"
    expect_exit 0 "$vbackup" status "$store/" "$unit"
    expect_exit 0 "$vbackup" verify "$store/" "$unit" --structure
    expect_exit 8 "$vbackup" create "$URL" --id "$unit" --to "$store/" -o unit=$unit

    step "unit $unit: destroy one collection, restore"
    expect_exit 8 "$vbackup" restore "$URL" "$unit" --from "$store/"
    qdrant_data delete "$URL" articles
    expect_exit 0 "$vbackup" restore "$URL" "$unit" --from "$store/" --collection articles
    equal "$before" "$(qdrant_data fingerprint "$URL" articles authors)" "fingerprints after the restore of unit $unit"

    step "unit $unit: a drill beside the originals, twice, as nothing of the first is left"
    expect_exit 0 "$vbackup" verify "$store/" "$unit" --drill "$URL"
    expect_exit 0 "$vbackup" verify "$store/" "$unit" --drill "$URL"
    equal "$before" "$(qdrant_data fingerprint "$URL" articles authors)" "fingerprints after drills of unit $unit"
    qdrant_data load "$URL" authors--vbackup-drill 5
    expect_exit 8 "$vbackup" verify "$store/" "$unit" --drill "$URL"
    qdrant_data delete "$URL" authors--vbackup-drill
done

step "left with the server, then downloaded"
expect_exit 0 "$vbackup" create "$URL" --id left -o unit=shard
expect_exit 0 "$vbackup" download "$URL" left --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" left

step "restored under another name"
expect_exit 0 "$vbackup" restore "$URL" left --from "$store/" --collection authors --rename authors writers
equal "$(qdrant_data fingerprint "$URL" authors | cut -d ' ' -f 2-)" "$(qdrant_data fingerprint "$URL" writers | cut -d ' ' -f 2-)" \
    "fingerprints of the renamed collection"

step "storage: the whole server; its restore is a command to type"
expect_exit 0 "$vbackup" create "$URL" --id whole --to "$store/" -o unit=storage
expect_exit 0\|14 "$vbackup" restore "$URL" whole --from "$store/"
grep -q -- --storage-snapshot "$work/out" "$work/err" || fail "the start command is not printed"
everything=$(qdrant_data fingerprint "$URL" articles authors writers)
PREFIX=NEW_ serve qdrant "$work/qdrant-new" -- --storage-snapshot "$store/whole/data/storage.snapshot"
equal "$everything" "$(qdrant_data fingerprint "$NEW_URL" articles authors writers)" "fingerprints of the server begun anew"

step "cancel is not to be had; delete is"
expect_exit 14 "$vbackup" cancel "$URL" left
expect_exit 0 "$vbackup" delete "$URL" left --yes
expect_exit 0 "$vbackup" verify "$store/" shard
