# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A Redis or vbackup itself ends in the middle of a backup or a restore; the same command then finishes it.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve redis "$work/redis" --appendonly yes
redis() { redis-cli -p "$PORT1" "$@"; }
redis_data() { python3 "$e2e/redis_data.py" "$@"; }
store=$work/store
mkdir "$store"
redis_data load "$PORT1" 200000 --databases 0,3
digest=$(redis DEBUG DIGEST)

# begin COMMAND…: starts it; $begun is its process.
begin() {
    "$@" >"$work/begun.out" 2>"$work/begun.err" </dev/null &
    begun=$!
    kill_at_end+=("$begun")
}
some_bytes() { [[ -n $(find "$store" -name '*.part' -size +100k 2>/dev/null) ]]; }
some_keys() { (($(redis DBSIZE) > 5000)); }
few_keys() { ! some_keys; }
answers() { [[ $(redis PING) == PONG ]]; }

step "the server is killed while it is read: 15, and no backup"
begin "$vbackup" create "$URL" --id killed --to "$store/" --limit-rate 2M
within 30 some_bytes
"$servers/redis" kill "$work/redis" 1
code=0
wait "$begun" || code=$?
sed 's/^/    /' "$work/begun.err"
((code == 15)) || fail "exit $code, expected 15"
[[ ! -e $store/killed/manifest.json ]] || fail "there is a manifest"
expect_exit 0\|3\|11 "$vbackup" list "$store/"

step "it is back: the same command finishes"
"$servers/redis" up "$work/redis" 1
within 60 answers
expect_exit 0 "$vbackup" create "$URL" --id killed --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" killed

step "vbackup is killed while it reads: the same command finishes"
begin "$vbackup" create "$URL" --id again --to "$store/" --limit-rate 2M
within 30 some_bytes
kill -KILL "$begun"
wait "$begun" 2>/dev/null || true
expect_exit 0 "$vbackup" create "$URL" --id again --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" again

step "vbackup is killed while it restores: the same command finishes, without asking twice"
begin "$vbackup" restore "$URL" again --from "$store/" --overwrite --yes --limit-rate 4M
within 30 few_keys
within 30 some_keys
kill -KILL "$begun"
wait "$begun" 2>/dev/null || true
(($(redis DBSIZE) < 200000)) || fail "it was done already"
expect_exit 0 "$vbackup" restore "$URL" again --from "$store/" --overwrite --yes
equal "$digest" "$(redis DEBUG DIGEST)" "digests"

step "the server is killed while it is restored: 15, and the same command finishes"
redis FLUSHALL >/dev/null
begin "$vbackup" restore "$URL" again --from "$store/" --limit-rate 4M
within 30 some_keys
"$servers/redis" kill "$work/redis" 1
code=0
wait "$begun" || code=$?
sed 's/^/    /' "$work/begun.err"
((code == 15)) || fail "exit $code, expected 15"
"$servers/redis" up "$work/redis" 1
within 60 answers
expect_exit 0 "$vbackup" restore "$URL" again --from "$store/"
equal "$digest" "$(redis DEBUG DIGEST)" "digests"

step "a server that keeps nothing is started anew while it is read: 3, and no backup of what is left"
NODES=0 PREFIX=BARE_ serve redis "$work/bare"
redis_data load "$BARE_PORT1" 200000
begin "$vbackup" create "$BARE_URL" --id bare --to "$store/" --limit-rate 2M
within 30 some_bytes
"$servers/redis" kill "$work/bare" 1
"$servers/redis" up "$work/bare" 1
code=0
wait "$begun" || code=$?
sed 's/^/    /' "$work/begun.err"
((code == 3)) || fail "exit $code, expected 3"
grep -q 'started anew' "$work/begun.err" || fail "it does not say why"
[[ ! -e $store/bare/manifest.json ]] || fail "there is a manifest"
expect_exit 0 "$vbackup" delete "$store/" bare --yes
