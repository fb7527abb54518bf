# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Three Qdrant nodes while things go wrong: kill -9 of a node in every phase, writes, a transfer, full disks. Whatever happens
# ends with a code that is true, nothing good is touched, and the same command given again finishes.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve qdrant-cluster "$work/three" --disk 1=120m --disk 2=120m --disk 3=120m
three=$URL1,$URL2,$URL3
cluster() { "$servers/qdrant-cluster" "$1" "$work/three" "${@:2}"; }
store=$work/store
mkdir "$store"
# Made, sent and read in seconds, at that rate: under way for long enough to be hit.
qdrant_data load "$URL1" big 4000 --dims 8 --ballast 20000 --shards 3 --replicas 2 --alias huge --segments 1
qdrant_data load "$URL1" small 500 --shards 3 --replicas 3 --segments 1
slowly=(--limit-rate 6M --stall 20s --timeout 150s)
qdrant_data settle "$three" big small
before=$(qdrant_data fingerprint "$three" big small)
every_file() { find "$SNAPSHOTS1" "$SNAPSHOTS2" "$SNAPSHOTS3" -type f; }

# begin COMMAND…: beside this.
begin() {
    printf '$ %s &\n' "${*/#$vbackup/vbackup}"
    "$@" >"$work/out" 2>"$work/err" </dev/null &
    waiting=$!
    SECONDS=0
}

# ended CODES: what `begin` began.
ended() {
    local code=0
    wait "$waiting" 2>/dev/null || code=$?
    sed 's/^/    /' "$work/out" "$work/err"
    printf 'exit %d after %d s\n' "$code" "$SECONDS"
    [[ "|$1|" == *"|$code|"* ]] || fail "exit $code, expected $1"
}

# appears PATTERN FOLDER…: waits until a file whose path matches is there, looking as fast as can be while what `begin` began
# is running; prints the number of its folder.
appears() {
    python3 - "$waiting" "$@" <<'PYTHON' || fail "no $1 appeared in time: $(cat "$work/out" "$work/err")" >&2
import os, re, sys, time
process, pattern, folders = sys.argv[1], sys.argv[2], sys.argv[3:]
end = time.monotonic() + 60
while time.monotonic() < end and os.path.exists(f"/proc/{process}/exe"):
    for number, folder in enumerate(folders, 1):
        for path, _, files in os.walk(folder):
            if any(re.search(pattern, os.path.join(path, one)) for one in files):
                print(number)
                sys.exit(0)
    time.sleep(0.002)
sys.exit(1)
PYTHON
}

# The collection `big` is made: its shards are sent next.
sending() { grep -q "shard 0" < <(qdrant_data replicas "$three" big --factor 99 2>&1); }

# The node comes back, and with it all that was there.
back() {
    cluster up "$1"
    cluster wait-ready
    qdrant_data settle "$three" big small --within 90
    equal "$before" "$(qdrant_data fingerprint "$three" big small)" "fingerprints after node $1 came back"
}



step "a node is killed while it makes its snapshots"
begin "$vbackup" create "$URL1" --id made --to "$store/" "${slowly[@]}"
node=$(($(appears . "$SNAPSHOTS2" "$SNAPSHOTS3") + 1))
cluster kill "$node"
ended "3|5|11|15"
[[ ! -e $store/made/manifest.json ]] || fail "there is a manifest of what was not finished"
back "$node"
expect_exit 0 "$vbackup" create "$URL1" --id made --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" made
equal "" "$(every_file)" "files left on the nodes"

step "a node is killed while it is read from"
begin "$vbackup" create "$URL1" --id fetched --to "$store/" "${slowly[@]}"
appears data/ "$store/fetched" >/dev/null
sleep 1
cluster kill 3
ended "3|5|11|15"
[[ ! -e $store/fetched/manifest.json ]] || fail "there is a manifest of what was not finished"
back 3
expect_exit 0 "$vbackup" create "$URL1" --id fetched --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" fetched
equal "" "$(every_file)" "files left on the nodes"

step "a node is killed while a restore sends to it"
qdrant_data delete "$URL1" big
begin "$vbackup" restore "$URL1" made --from "$store/" --collection big "${slowly[@]}"
within 60 sending
sleep 2
cluster kill 2
ended "3|4|5|11|15"
equal "$(grep ^small <<<"$before")" "$(qdrant_data fingerprint "$URL1,$URL3" small)" "fingerprints of what is not restored"
cluster up 2
cluster wait-ready
expect_exit 0 "$vbackup" restore "$URL1" made --from "$store/" --collection big
qdrant_data replicas "$three" big
equal "$before" "$(qdrant_data fingerprint "$three" big small)" "fingerprints after the second try"
equal "" "$(every_file)" "files left on the nodes"

step "vbackup itself is killed while it reads, and while it sends"
begin "$vbackup" create "$URL1" --id cut --to "$store/" "${slowly[@]}"
appears data/ "$store/cut" >/dev/null
sleep 1
kill -KILL "$waiting"
ended 137
expect_exit 0 "$vbackup" create "$URL2" --id cut --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" cut
qdrant_data delete "$URL1" big
begin "$vbackup" restore "$URL1" cut --from "$store/" --collection big "${slowly[@]}"
within 60 sending
sleep 2
kill -KILL "$waiting"
ended 137
expect_exit 0 "$vbackup" restore "$URL1" cut --from "$store/" --collection big
qdrant_data replicas "$three" big
equal "$before" "$(qdrant_data fingerprint "$three" big small)" "fingerprints after the second try"
equal "" "$(every_file)" "files left on the nodes"

step "writes go on: the manifest says between which counts"
python3 "$e2e/qdrant_data.py" write "$URL1" small 1000000 >"$work/written" &
writer=$!
kill_at_end+=("$writer")
expect_exit 0 "$vbackup" create "$URL1" --id moving --to "$store/" "${slowly[@]}"
kill "$writer"
wait "$writer"
printf 'acknowledged: %d\n' "$(cat "$work/written")"
python3 - "$store/moving/manifest.json" "$(cat "$work/written")" <<'PYTHON'
import json, sys
counts = {one["name"]: (one["count_before"], one["count_after"]) for one in json.load(open(sys.argv[1]))["collections"]}
print(counts)
low, high = counts["small"]
assert counts["big"] == (4000, 4000), counts
assert 500 <= low < high <= 500 + int(sys.argv[2]) + 1, counts
PYTHON
qdrant_data delete "$URL1" small
expect_exit 0 "$vbackup" restore "$URL2" moving --from "$store/" --collection small
qdrant_data replicas "$three" small
qdrant_data fingerprint "$three" small
qdrant_data delete "$URL1" small
expect_exit 0 "$vbackup" restore "$URL2" made --from "$store/" --collection small
equal "$before" "$(qdrant_data fingerprint "$three" big small)" "fingerprints"

step "a shard is on its way to another node"
qdrant_data load "$URL1" travelling 150000 --dims 4 --segments 1
qdrant_data transfer "$URL1" travelling
expect_exit 12 "$vbackup" create "$URL2" --id late --to "$store/" --collection travelling
[[ $(qdrant_data transfers "$URL1" travelling) == 1 ]] || fail "the transfer was over too soon to show anything"
expect_err 'travelling'
expect_exit 0 "$vbackup" create "$URL2" --id late --to "$store/" --collection travelling --wait-settled
equal 0 "$(qdrant_data transfers "$URL1" travelling)" "transfers after the wait"
expect_exit 0 "$vbackup" verify "$store/" late
qdrant_data delete "$URL1" travelling

step "no room for a node's snapshots"
fill() { ! dd if=/dev/zero of="$1/filling" bs=1M 2>/dev/null || fail "$1 could not be filled"; }
fill "$SNAPSHOTS2"
expect_exit "3|11|12" "$vbackup" create "$URL1" --id full --to "$store/" --stall 20s
[[ ! -e $store/full/manifest.json ]] || fail "there is a manifest of what was not finished"
rm "$SNAPSHOTS2/filling"
expect_exit 0 "$vbackup" create "$URL1" --id full --to "$store/"
expect_exit 0 "$vbackup" verify "$store/" full
equal "" "$(every_file)" "files left on the nodes"

step "no room for what a restore sends"
qdrant_data delete "$URL1" big
for folder in "$SNAPSHOTS1" "$SNAPSHOTS2" "$SNAPSHOTS3"; do fill "$folder"; done
expect_exit 18 "$vbackup" restore "$URL2" full --from "$store/" --collection big --stall 20s
rm "$SNAPSHOTS1/filling" "$SNAPSHOTS2/filling" "$SNAPSHOTS3/filling"
expect_exit 0 "$vbackup" restore "$URL2" full --from "$store/" --collection big
qdrant_data replicas "$three" big
equal "$before" "$(qdrant_data fingerprint "$three" big small)" "fingerprints after the second try"
equal "" "$(every_file)" "files left on the nodes"
