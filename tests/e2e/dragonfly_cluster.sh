# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A Redis cluster of three masters: one command covers it; its slots lie elsewhere when it is restored.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

NODES=3 serve redis "$work/cluster"
NODES=0 PREFIX=ONE_ serve redis "$work/one"
redis_data() { python3 "$e2e/redis_data.py" "$@"; }
node() { redis-cli -p "$@"; }
fingerprint() { redis_data fingerprint "$PORT1" --cluster; }
store=$work/store
mkdir "$store"
redis_data load "$PORT1" 60000 --cluster
before=$(fingerprint)
equal 60000 "$(cut -d ' ' -f 2 <<<"$before")" "numbers of loaded keys"

step "create by any node covers all"
expect_exit 0 "$vbackup" check "$URL2"
expect_exit 0 "$vbackup" create "$URL2" --id whole --to "$store/"
equal 3 "$(find "$store/whole/data" -type f | wc -l)" "numbers of files"
expect_exit 0 "$vbackup" verify "$store/" whole

step "slots are moved, the keys destroyed, and restored to where they belong now"
first=$(node "$PORT1" CLUSTER MYID)
second=$(node "$PORT2" CLUSTER MYID)
redis-cli --cluster reshard "127.0.0.1:$PORT1" --cluster-from "$first" --cluster-to "$second" --cluster-slots 3000 --cluster-yes \
    >"$work/reshard.log" || fail "no resharding: $(tail -n 3 "$work/reshard.log")"
"$servers/redis" wait-ready "$work/cluster"
for port in "$PORT1" "$PORT2" "$PORT3"; do node "$port" FLUSHALL >/dev/null; done
expect_exit 0 "$vbackup" restore "$URL3" whole --from "$store/"
equal "$before" "$(fingerprint)" "fingerprints after the restore"

step "over what is there"
expect_exit 8 "$vbackup" restore "$URL" whole --from "$store/"
redis-cli -c -p "$PORT1" SET one-more 1 >/dev/null
expect_exit 0 "$vbackup" restore "$URL" whole --from "$store/" --overwrite --yes
equal "$before" "$(fingerprint)" "fingerprints after the restore over what was there"

step "to a single server and back"
expect_exit 0 "$vbackup" restore "$ONE_URL" whole --from "$store/"
equal "$before" "$(redis_data fingerprint "$ONE_PORT1")" "fingerprints on one server"
expect_exit 0 "$vbackup" create "$ONE_URL" --id one --to "$store/"
for port in "$PORT1" "$PORT2" "$PORT3"; do node "$port" FLUSHALL >/dev/null; done
expect_exit 0 "$vbackup" restore "$URL" one --from "$store/"
equal "$before" "$(fingerprint)" "fingerprints after the way back"

step "a slot on its way: nothing is made that may miss its keys"
slot=$(node "$PORT2" CLUSTER SLOTS | sed -n 1p)
node "$PORT3" CLUSTER SETSLOT "$slot" IMPORTING "$(node "$PORT3" CLUSTER NODES | awk -v slot="$slot" '
    { for (n = 9; n <= NF; ++n) { split($n, ends, "-"); if (slot >= ends[1] && slot <= (ends[2] == "" ? ends[1] : ends[2])) print $1 } }')" >/dev/null ||
    true
expect_exit 12 "$vbackup" create "$URL" --id moving --to "$store/"
node "$PORT3" CLUSTER SETSLOT "$slot" STABLE >/dev/null

step "a master is down: refused, nothing made"
"$servers/redis" kill "$work/cluster" 3
expect_exit 12\|15 "$vbackup" create "$URL" --id down --to "$store/"
[[ ! -e $store/down/manifest.json ]] || fail "there is a manifest"
