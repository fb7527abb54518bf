# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The main job on one Weaviate node whose backups lie in a folder of this machine.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve weaviate "$work/weaviate"
store=$work/store
mkdir "$store"
weaviate_data load "$URL" Article 3000
weaviate_data load "$URL" Author 500
weaviate_data load "$URL" Archive 200 --tenants a,b
before=$(weaviate_data fingerprint "$URL" Article Author)
before_tenants=$(weaviate_data fingerprint "$URL" Archive --tenants a,b)

step "check, and a plan that changes nothing"
expect_exit 0 "$vbackup" check "$URL" -o backend=filesystem
expect_exit 0 "$vbackup" create "$URL" --id plan -o backend=filesystem --dry-run
expect_exit 7 "$vbackup" status "$URL" plan -o backend=filesystem

step "create"
expect_exit 0 "$vbackup" create "$URL" --id first -o backend=filesystem
expect_out first
expect_exit 8 "$vbackup" create "$URL" --id first -o backend=filesystem
expect_exit 7 "$vbackup" create "$URL" --id other -o backend=filesystem --collection NoSuchClass

step "list and status"
expect_exit 0 "$vbackup" list "$URL" -o backend=filesystem
expect_out first
expect_exit 0 "$vbackup" list "$URL" -o backend=filesystem --output json
json 'd' >/dev/null || fail "no JSON of version 1"
expect_exit 0 "$vbackup" status "$URL" first -o backend=filesystem
expect_exit 7 "$vbackup" status "$URL" nothing -o backend=filesystem

step "download and verify"
expect_exit 0 "$vbackup" download "$URL" first --to "$store/" -o backend=filesystem
[[ -s $store/first/manifest.json ]] || fail "no manifest in the store"
expect_exit 0 "$vbackup" verify "$store/" first
expect_exit 0 "$vbackup" list "$store/"
expect_out first

step "verify finds one changed byte"
cp -a "$store" "$work/bent"
chunk=$(find "$work/bent/first/data" -type f -size +4k | sort | head -n 1)
python3 - "$chunk" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(2048)
    byte = file.read(1)[0]
    file.seek(2048)
    file.write(bytes([byte ^ 1]))
PYTHON
expect_exit 6 "$vbackup" verify "$work/bent/" first

step "restore over what exists is refused and changes nothing"
expect_exit 8 "$vbackup" restore "$URL" first -o backend=filesystem
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the refused restore"

step "one collection destroyed and restored"
weaviate_data delete "$URL" Article
expect_exit 0 "$vbackup" restore "$URL" first -o backend=filesystem --collection Article
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the restore"

step "everything destroyed, the server's copy too; restored from the store"
for one in Article Author Archive; do weaviate_data delete "$URL" "$one"; done
rm -r "$BACKUPS/first"
expect_exit 0 "$vbackup" restore "$URL" first --from "$store/" -o backend=filesystem
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the restore from the store"
equal "$before_tenants" "$(weaviate_data fingerprint "$URL" Archive --tenants a,b)" "fingerprints of the tenants"

step "create straight to the store"
expect_exit 0 "$vbackup" create "$URL" --id second --to "$store/" -o backend=filesystem
expect_exit 0 "$vbackup" verify "$store/" second

step "a stranger's folder is not touched; ours is deleted only with --yes"
expect_exit 0 "$vbackup" create "$URL" --id third -o backend=filesystem
expect_exit 2\|12 "$vbackup" delete "$URL" third -o backend=filesystem
[[ -d $BACKUPS/third ]] || fail "deleted without --yes"
expect_exit 0 "$vbackup" delete "$URL" third -o backend=filesystem --yes
[[ ! -e $BACKUPS/third ]] || fail "the server's copy is still there"
expect_exit 7 "$vbackup" delete "$URL" third -o backend=filesystem --yes
expect_exit 0 "$vbackup" delete "$store/" second --yes
[[ ! -e $store/second ]] || fail "the store's copy is still there"
expect_exit 0 "$vbackup" verify "$store/" first

step "nobody answers, and nobody understands"
expect_exit 15 "$vbackup" check http://127.0.0.1:1
expect_exit 19 "$vbackup" check nosuchname
