# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A backup under way is left alone, found again from elsewhere, waited for, and cancelled.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve weaviate "$work/weaviate"
# A backup of so much takes seconds on any machine: it runs when the commands below come for it.
weaviate_data load "$URL" Big 2000 --dims 8 --ballast 60000

step "--no-wait returns with the job under way; wait sees it through"
expect_exit 0 "$vbackup" create "$URL" --id first -o backend=filesystem --no-wait
expect_out first
expect_exit 0\|4 "$vbackup" status "$URL" first -o backend=filesystem
expect_exit 0 "$vbackup" wait "$URL" first -o backend=filesystem
expect_exit 0 "$vbackup" status "$URL" first -o backend=filesystem

step "the deadline ends the wait, not the job"
expect_exit 4 "$vbackup" create "$URL" --id second -o backend=filesystem --timeout 1s
expect_err second
expect_exit 0 "$vbackup" wait "$URL" second -o backend=filesystem

step "Ctrl-C ends the wait at once; the job goes on"
started() { grep -q '"status"' < <(python3 "$e2e/backup_status.py" "$URL" filesystem "$1"); }
set -m  # without it the shell would start the command deaf to SIGINT
"$vbackup" create "$URL" --id third -o backend=filesystem >"$work/out" 2>"$work/err" </dev/null &
waiting=$!
set +m
within 20 started third
before=$(date +%s%N)
kill -INT "$waiting"
code=0
wait "$waiting" || code=$?
took=$((($(date +%s%N) - before) / 1000000))
sed 's/^/    /' "$work/err"
((code == 130)) || fail "exit $code after SIGINT, expected 130"
((took < 2000)) || fail "SIGINT took $took ms"
expect_err third
expect_exit 0 "$vbackup" wait "$URL" third -o backend=filesystem

step "cancel: both the canceller and the one who waits see it"
"$vbackup" create "$URL" --id fourth -o backend=filesystem >"$work/waiting" 2>&1 </dev/null &
waiting=$!
within 20 started fourth
expect_exit 0 "$vbackup" cancel "$URL" fourth -o backend=filesystem
code=0
wait "$waiting" || code=$?
sed 's/^/    /' "$work/waiting"
((code == 10)) || fail "the waiting create ended with $code, expected 10"
expect_exit 10\|11 "$vbackup" status "$URL" fourth -o backend=filesystem
expect_exit 7 "$vbackup" cancel "$URL" never -o backend=filesystem

step "a cancelled id cannot be used again; a new one works"
expect_exit 8 "$vbackup" create "$URL" --id fourth -o backend=filesystem
expect_exit 0 "$vbackup" create "$URL" --id fifth -o backend=filesystem
