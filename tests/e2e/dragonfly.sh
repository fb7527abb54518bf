# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The main job of the driver dragonfly, on a real Redis: no Dragonfly can be had here.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

keys=${VBACKUP_E2E_KEYS:-100000}
databases=0,3,15
serve redis "$work/redis"
redis() { redis-cli -p "$PORT1" "$@"; }
redis_data() { python3 "$e2e/redis_data.py" "$@"; }
fingerprint() { redis_data fingerprint "$PORT1" --databases "$databases"; }
store=$work/store
mkdir "$store"

# peaks SERVER OWN: what peaks.py said on stderr must not be more, in MiB.
peaks() {
    local server own
    read -r server own < <(sed -n 's/^PEAKS server +\([0-9]*\) own \([0-9]*\)$/\1 \2/p' "$work/err")
    ((server <= $1 && own <= $2)) || fail "memory: the server grew by $server MiB (at most $1), vbackup took $own MiB (at most $2)"
}

step "$keys keys of all types, binary names, expiries, three databases, large values, a function"
redis_data load "$PORT1" "$keys" --databases "$databases"
redis_data large "$PORT1" 100
redis FUNCTION LOAD "#!lua name=mylib
redis.register_function('answer', function() return 42 end)" >/dev/null
digest=$(redis DEBUG DIGEST)
before=$(fingerprint)

step "create: memory of both sides, list, status, verify"
expect_exit 0 "$vbackup" check "$URL"
expect_exit 0 "$vbackup" create "$URL" --to "$store/" --dry-run
expect_exit 0 python3 "$e2e/peaks.py" "$PID1" "$vbackup" create "$URL" --id full --to "$store/"
peaks 128 164
expect_exit 0 "$vbackup" list "$store/"
expect_exit 0 "$vbackup" verify "$store/" full
expect_exit 8 "$vbackup" create "$URL" --id full --to "$store/"

step "restore: not over what is there, and then everything equal"
expect_exit 8 "$vbackup" restore "$URL" full --from "$store/"
expect_exit 12 "$vbackup" restore "$URL" full --from "$store/" --overwrite
equal "$digest" "$(redis DEBUG DIGEST)" "digests after restores that were refused"
redis FLUSHALL >/dev/null
redis FUNCTION FLUSH >/dev/null
expect_exit 0 python3 "$e2e/peaks.py" "$PID1" "$vbackup" restore "$URL" full --from "$store/"
peaks 100000 164
equal "$digest" "$(redis DEBUG DIGEST)" "digests after the restore"
equal "$before" "$(fingerprint)" "fingerprints after the restore"
equal 42 "$(redis FCALL answer 0)" "answers of the function"
redis SET one-more 1 >/dev/null
expect_exit 0 "$vbackup" restore "$URL" full --from "$store/" --overwrite --yes
equal "$digest" "$(redis DEBUG DIGEST)" "digests after the restore over what was there"

step "one database under another number; chosen keys; without compression"
expect_exit 0 "$vbackup" create "$URL" --id part --to "$store/" --collection db3 -o compress=none
expect_exit 0 "$vbackup" verify "$store/" part
expect_exit 0 "$vbackup" restore "$URL" part --from "$store/" --rename db3 db7
three=$(redis_data fingerprint "$PORT1" --databases 3)
equal "${three#3 }" "$(redis_data fingerprint "$PORT1" --databases 7 | cut -d ' ' -f 2-)" "fingerprints of db3 and db7"
redis -n 3 FLUSHDB >/dev/null
expect_exit 0 "$vbackup" restore "$URL" part --from "$store/" -o 'match=k:1[0-4]'
equal 5 "$(redis -n 3 DBSIZE)" "numbers of chosen keys"
expect_exit 7 "$vbackup" create "$URL" --id none --to "$store/" --collection db9
expect_exit 2 "$vbackup" create "$URL" --id none --to "$store/" -o matsch=x

step "a byte of the file is changed, and half of it is missing"
mkdir "$work/bad"
cp -r "$store/part" "$work/bad/"
printf 'X' | dd of="$work/bad/part/data/keys" bs=1 seek=2000 conv=notrunc status=none
expect_exit 6 "$vbackup" verify "$work/bad/" part
truncate -s -1000 "$work/bad/part/data/keys"
expect_exit 6 "$vbackup" verify "$work/bad/" part
expect_exit 6 "$vbackup" restore "$URL" part --from "$work/bad/" --overwrite --yes

step "writes go on during the backup: what nobody writes to is whole"
redis -n 0 FLUSHALL >/dev/null
redis_data load "$PORT1" "$keys" --databases "$databases"
before=$(fingerprint)
python3 "$e2e/redis_data.py" churn "$PORT1" 60 &
kill_at_end+=($!)
sleep 1
expect_exit 0 "$vbackup" create "$URL" --id busy --to "$store/"
kill "$!" 2>/dev/null || true
wait "$!" 2>/dev/null || true
expect_exit 0 "$vbackup" verify "$store/" busy
redis FLUSHALL >/dev/null
expect_exit 0 "$vbackup" restore "$URL" busy --from "$store/"
equal "$before" "$(fingerprint)" "fingerprints of what nobody wrote to"

step "left with the server"
expect_exit 0 "$vbackup" create "$URL" --id left
expect_exit 0 "$vbackup" status "$URL" left
[[ -s $DIR1/dump.rdb ]] || fail "the server saved nothing"
expect_exit 14 "$vbackup" create "$URL" --id left2 -o format=df
expect_exit 14 "$vbackup" restore "$URL" left --overwrite --yes
expect_exit 14 "$vbackup" download "$URL" left --to "$store/"
expect_exit 14 "$vbackup" delete "$URL" left --yes
expect_exit 0 "$vbackup" delete "$URL" left --yes -o forget=true
expect_exit 7 "$vbackup" status "$URL" left

step "passwords and rights"
redis CONFIG SET requirepass 'se cret"1' >/dev/null
expect_exit 16 "$vbackup" check "$URL"
VBACKUP_API_KEY=wrong expect_exit 16 "$vbackup" check "$URL"
VBACKUP_API_KEY='se cret"1' expect_exit 0 "$vbackup" create "$URL" --id locked --to "$store/" --verbose
! grep -rFq 'se cret' "$work/out" "$work/err" "$store/locked/manifest.json" || fail "the password shows"
