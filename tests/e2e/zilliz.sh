# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A day in the life of a cluster at Zilliz Cloud, with the built program. No server of it can be had, so the scripted control
# plane of tests/support plays it (zilliz_server.cpp), with its own rules: one backup at a time, 20 requests a second.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

program=${ZILLIZ_SERVER:-$(dirname "$vbackup")/tests/zilliz_server}
if [[ ! -x $program ]]; then
    [[ -z ${CI:-} ]] || fail "$program is not there"
    printf 'SKIPPED: %s is not built\n' "$program"
    exit 77
fi

# start_service LOOKS: begins the control plane, and configures the target prod to be its cluster.
start_service() {
    local name value
    mkfifo "$work/in.$1"
    "$program" "$1" <"$work/in.$1" >"$work/service.$1" &
    kill_at_end+=("$!")
    exec {input}>"$work/in.$1"
    within 10 grep -q '^KEY=' "$work/service.$1"
    while IFS='=' read -r name value; do
        [[ -z $name ]] || printf -v "$name" '%s' "$value"
    done <"$work/service.$1"
    printf '%s\n' "$KEY" >"$work/key"
    chmod 600 "$work/key"
    cat >"$work/vbackup.toml" <<TOML
[targets.prod]
url = "zilliz://$CLUSTER"
base_url = "$URL"
api_key_file = "$work/key"
TOML
    export VBACKUP_CONFIG=$work/vbackup.toml
}

# state EXPRESSION: what Python makes of the service's state `d`.
state() {
    python3 -c 'import json, sys, urllib.request
d = json.load(urllib.request.urlopen(sys.argv[1] + "/state"))
print(eval(sys.argv[2]))' "$URL" "$1"
}

start_service 3

step "check: token, cluster, tier, status, region"
expect_exit 0 "$vbackup" check prod
expect_out 'RUNNING, Dedicated Enterprise, 4 CU, aws-us-west-2'
printf 'wrong\n' >"$work/wrong-key"
chmod 600 "$work/wrong-key"
sed "s|$work/key|$work/wrong-key|" "$work/vbackup.toml" >"$work/wrong.toml"
expect_exit 16 "$vbackup" check prod --config "$work/wrong.toml"
expect_err 'requestid'

step "the policy is set, and shown with its next run"
expect_exit 14 "$vbackup" schedule set prod --cron '0 2 * * *'
expect_exit 0 "$vbackup" schedule set prod --weekdays mon,wed,fri --hours 2 --retention 14d
expect_exit 0 "$vbackup" schedule show prod --output json
equal "$(json '[d["schedules"][0]["enabled"], [w["weekday"] for w in d["schedules"][0]["weekdays"]]]')" "[True, [1, 3, 5]]" "the policies"
[[ $(json 'd["schedules"][0]["next"]') == *T02:00:00Z ]] || fail "no next run"
equal "$(state 'json.loads(d["policy"])["startTime"]')" 02:00-04:00 "the windows"

step "nightly, as cron runs it: no terminal, next to no environment, silent"
for night in 1 2 3; do
    code=0
    env -i HOME="$work" XDG_STATE_HOME="$XDG_STATE_HOME" VBACKUP_CONFIG="$VBACKUP_CONFIG" setsid "$vbackup" create prod \
        --id "nightly-$night" --quiet </dev/null >"$work/out" 2>"$work/err" || code=$?
    ((code == 0)) || fail "night $night ended with $code: $(cat "$work/err")"
    [[ ! -s $work/out && ! -s $work/err ]] || fail "cron would send mail: $(cat "$work/out" "$work/err")"
    sleep 1 # the manifests tell the nights apart by the second
done
equal "$(state '[b["status"] for b in d["backups"]]')" "['AVAILABLE', 'AVAILABLE', 'AVAILABLE', 'AVAILABLE']" "the backups"

step "list: ours, and the policy's"
expect_exit 0 "$vbackup" list prod
expect_out 'nightly-3 .*succeeded .*left'
expect_out 'unmanaged .*by the policy, until 2099'
expect_exit 0 "$vbackup" list prod -o method=AUTO --output json
equal "$(json '[b["managed"] for b in d["backups"]]')" "[False]" "those of the policy"

step "one collection comes back under another name"
expect_exit 0 "$vbackup" restore prod nightly-2 --collection articles --rename articles articles_then
expect_out 'proven: collection articles as articles_then'
equal "$(state 'sorted(d["clusters"]["'"$CLUSTER"'"]["collections"]["default"])')" "['articles', 'articles_then', 'images']" "the collections"
expect_exit 8 "$vbackup" restore prod nightly-2 --collection articles

step "the whole backup as a new cluster; its password goes to one file"
expect_exit 2 "$vbackup" restore prod nightly-3 -o new-cluster=Restored-01
expect_exit 0 "$vbackup" restore prod nightly-3 -o new-cluster=Restored-01 -o password-file="$work/password" --verbose
equal "$(cat "$work/password")" s3cr3t-once "the passwords"
equal "$(stat -c %a "$work/password")" 600 "the modes"
if grep -rq s3cr3t "$work/out" "$work/err" "$XDG_STATE_HOME"; then fail "the password was shown or kept"; fi
equal "$(state '[c["status"] for c in d["clusters"].values() if c["name"] == "Restored-01"]')" "['RUNNING']" "the clusters"

step "prune: the oldest of ours goes, the policy's stay"
expect_exit 12 "$vbackup" prune prod --keep-last 2
expect_exit 0 "$vbackup" prune prod --keep-last 2 --yes
equal "$(state '[b["method"] for b in d["backups"]]')" "['AUTO', 'MANUAL', 'MANUAL']" "the backups"
expect_exit 7 "$vbackup" status prod nightly-1
expect_exit 0 "$vbackup" status prod nightly-2

step "delete, and the policy is switched off"
expect_exit 0 "$vbackup" delete prod nightly-2 nightly-3 --yes
equal "$(state '[b["method"] for b in d["backups"]]')" "['AUTO']" "the backups"
expect_exit 0 "$vbackup" schedule remove prod
equal "$(state 'json.loads(d["policy"])["enabled"]')" False "the policies"

exec {input}>&-
start_service 16

step "kill -9 while the service works: the same command finishes it, and begins no second backup"
"$vbackup" create prod --id killed </dev/null >/dev/null 2>&1 &
killed=$!
began() { [[ $(state 'd["creates"]') == 1 ]]; }
within 20 began
kill -KILL "$killed"
wait "$killed" 2>/dev/null || true
expect_exit 4 "$vbackup" status prod killed
expect_exit 9 "$vbackup" create prod --id another
expect_err 'another backup of .* is under way: backup'
expect_exit 0 "$vbackup" create prod --id killed
equal "$(state 'd["creates"]')" 1 "the numbers of requests"

step "the second waits for the slot, a deadline leaves it under way, wait finishes it"
expect_exit 4 "$vbackup" create prod --id late --timeout 1s
expect_exit 0 "$vbackup" create prod --id waiting -o wait-for-slot=true
expect_exit 0 "$vbackup" wait prod late
equal "$(state '[b["method"] for b in d["backups"]]')" "['AUTO', 'MANUAL', 'MANUAL', 'MANUAL']" "the backups"
