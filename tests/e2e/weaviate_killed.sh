# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# kill -9 of the server while a backup runs: the wait ends within its limits, and never with success.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve weaviate "$work/weaviate"
# A backup of so much takes seconds on any machine: it runs when the server is killed.
weaviate_data load "$URL" Big 2000 --dims 8 --ballast 60000
started() { grep -q '"status"' < <(python3 "$e2e/backup_status.py" "$URL" filesystem "$1"); }

# create_and_kill ID: begins a backup with short limits and kills the server once it knows the job.
create_and_kill() {
    "$vbackup" create "$URL" --id "$1" -o backend=filesystem --stall 10s --timeout 60s >"$work/out" 2>"$work/err" </dev/null &
    waiting=$!
    within 20 started "$1"
    "$servers/weaviate" kill "$work/weaviate"
    SECONDS=0
}

ended_honestly() {
    local code=0
    wait "$waiting" || code=$?
    sed 's/^/    /' "$work/out" "$work/err"
    ((code == 5 || code == 11 || code == 15)) || fail "exit $code, expected 5, 11 or 15"
    ((SECONDS <= 70)) || fail "it took $SECONDS s"
    printf 'exit %d after %d s\n' "$code" "$SECONDS"
    expect_err "$1"
}

step "killed, and it stays away"
create_and_kill first
ended_honestly first

step "killed, and it comes back: the job stays STARTED for good on this server"
"$servers/weaviate" start "$work/weaviate" >/dev/null
create_and_kill second
"$servers/weaviate" start "$work/weaviate" >/dev/null
ended_honestly second
expect_exit 4\|5\|10\|11 "$vbackup" status "$URL" second -o backend=filesystem

step "the next backup is good"
expect_exit 0 "$vbackup" create "$URL" --id third -o backend=filesystem
