# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Qdrant's Kubernetes objects on a real API server with etcd; a small operator plays Qdrant's.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve kubernetes "$work/kube"
group=/apis/qdrant.io/v1/namespaces/vectors
id=3f0b8a4e-1111-4c6e-9d2f-0a1b2c3d4e5f
target=qdrant-k8s://vectors/$id
mkdir -p "$work/operator" "$work/door"
export VBACKUP_SERVER_CACHE=${VBACKUP_SERVER_CACHE:-$HOME/.cache/vbackup-servers}
export HOME=$work/home KUBECONFIG=$work/kubeconfig
mkdir -p "$HOME"

kube() { python3 "$servers/kube.py" "$URL" "$CA" "$ADMIN_TOKEN" "$@"; }
# behave HOW [SECONDS]: the operator from now on. It may read at any moment, so each file is there entirely or not at all.
behave() {
    printf '%s\n' "${2:-0.5}" >"$work/operator/new"
    mv "$work/operator/new" "$work/operator/seconds"
    printf '%s\n' "$1" >"$work/operator/new"
    mv "$work/operator/new" "$work/operator/behave"
}

# begin ID OPTION…: a create in the background, and `ended ID CODE`: how it must end.
begin() {
    "$vbackup" create "$target" --id "$@" >"$work/$1" 2>&1 </dev/null &
    waiting=$!
}
ended() {
    local code=0
    wait "$waiting" || code=$?
    sed 's/^/    /' "$work/$1"
    equal "$code" "$2" "the exit code and $2"
}

# config USER [SERVER [CLUSTER-FIELDS]]: a kubeconfig whose user has these fields.
config() {
    cat <<YAML
clusters: [{name: c, cluster: {server: '${2:-$URL}', ${3-certificate-authority: $CA}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
users: [{name: u, user: {$1}}]
YAML
}

# make_cluster NAMESPACE ID
make_cluster() {
    kube POST "/apis/qdrant.io/v1/namespaces/$1/qdrantclusters" '{"apiVersion":"qdrant.io/v1","kind":"QdrantCluster","metadata":{
        "name":"qdrant-'"$2"'","labels":{"cluster-id":"'"$2"'","customer-id":"team-blue"}},
        "spec":{"id":"'"$2"'","size":3,"version":"v1.15.4"}}' >/dev/null
    kube PATCH "/apis/qdrant.io/v1/namespaces/$1/qdrantclusters/qdrant-$2/status" \
        '{"status":{"phase":"Healthy","availableNodes":3,"availableNodeIndexes":[0,1,2]}}' >/dev/null
}

# apply FILE: every document of it, as the administrator.
apply() {
    python3 - "$1" "$servers" "$URL" "$CA" "$ADMIN_TOKEN" <<'PYTHON'
import re, sys
sys.path.insert(0, sys.argv[2])
from kube import Kube
kube = Kube(*sys.argv[3:])
paths = {"ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts", "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs"}
for text in open(sys.argv[1]).read().split("\n---\n"):
    kind = re.search(r"^kind: (\w+)", text, re.M)[1]
    space = re.search(r"^  namespace: (\S+)", text, re.M)[1]
    group = "qdrant.io/v1" if kind.startswith("Qdrant") else "rbac.authorization.k8s.io/v1"
    path = paths.get(kind, "/apis/" + group + "/namespaces/{}/" + kind.lower() + "s").format(space)
    status, answer = kube.ask("POST", path + "?fieldValidation=Strict", text, "application/yaml")
    assert status == 201, answer
PYTHON
}

behave succeed
for name in vectors elsewhere; do
    kube POST /api/v1/namespaces '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"'$name'"}}' >/dev/null
done
make_cluster vectors "$id"
python3 "$e2e/qdrant_operator.py" "$URL" "$CA" "$ADMIN_TOKEN" "$work/operator" >"$work/operator/log" 2>&1 &
kill_at_end+=("$!")

step "403: a role that may nothing is told what it lacks"
config "token: $TOKEN" >"$KUBECONFIG"
expect_exit 16 "$vbackup" list qdrant-k8s://vectors
expect_err 'verb list on qdrantclustersnapshots of qdrant.io in the namespace vectors'
expect_exit 16 "$vbackup" create "$target"
expect_err 'verb get on qdrantclusters'

printf 'no\n' >"$work/door/spoil"
python3 "$e2e/kube_proxy.py" "$URL" "$CA" "$work/door" &
kill_at_end+=("$!")
within 60 test -s "$work/door/port"
door=http://127.0.0.1:$(cat "$work/door/port")

step "the CronJob's role alone makes a backup, also when the answer to its POST is lost (the line, then 503)"
apply "$e2e/../../examples/kubernetes/cronjob.yaml"
token_for() {
    kube POST /api/v1/namespaces/vectors/serviceaccounts/vbackup/token '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":600}}' |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["status"]["token"])'
}
account=$(token_for)
config "token: $account" "$door" "" >"$work/by-account"
ours() { kube GET "$group/qdrantclustersnapshots" | python3 -c 'import json, sys
print(sum(one["metadata"]["annotations"].get("vbackup/id") == sys.argv[1] for one in json.load(sys.stdin)["items"]))' "$1"; }
for spoil in no lose gave-up; do
    printf '%s\n' "$spoil" >"$work/door/spoil"
    expect_exit 0 "$vbackup" create "$target" --id "small-$spoil" -o kubeconfig="$work/by-account"
    equal "$(cat "$work/door/spoil")" no "what is left to be spoilt and nothing"
    equal "$(ours "small-$spoil")" 1 "the objects made and 1"
done
expect_exit 16 "$vbackup" list "$target" -o kubeconfig="$work/by-account"
expect_err 'verb list on qdrantclustersnapshots'

step "the role of examples/kubernetes is what a person needs, and a real API server takes it"
apply "$e2e/../../examples/kubernetes/role.yaml"
kube POST /apis/rbac.authorization.k8s.io/v1/namespaces/vectors/rolebindings '{"apiVersion":"rbac.authorization.k8s.io/v1",
    "kind":"RoleBinding","metadata":{"name":"vbackup"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"vbackup"},
    "subjects":[{"kind":"User","name":"vbackup","apiGroup":"rbac.authorization.k8s.io"}]}' >/dev/null

step "create: Running, Succeeded; by token, proven, listed"
expect_exit 0 "$vbackup" check "$target"
expect_out 'qdrant-.*-2 .*available'
expect_exit 0 "$vbackup" create "$target" --id first --retention 3d --description 'the first one'
expect_out 'first: complete'
expect_exit 0 "$vbackup" list "$target" --output json
equal "$(json 'd["backups"][0]["id"], d["backups"][0]["phase"], d["backups"][0]["expires"] is not None')" "('first', 'succeeded', True)" "what is listed"
expect_exit 0 "$vbackup" list qdrant-k8s://vectors
expect_out 'first +succeeded'
first=$(kube GET "$group/qdrantclustersnapshots" | python3 -c 'import json, sys
print(*(one["metadata"]["name"] for one in json.load(sys.stdin)["items"] if one["metadata"]["annotations"]["vbackup/id"] == "first"))')
kube GET "$group/qdrantclustersnapshots/$first" >"$work/object"
python3 - "$work/object" "$id" <<'PYTHON'
import json, re, sys
thing, cluster = json.load(open(sys.argv[1])), sys.argv[2]
assert re.fullmatch(f"qdrant-{cluster}-snapshot-\\d+", thing["metadata"]["name"])
assert thing["metadata"]["labels"] == {"cluster-id": cluster, "customer-id": "team-blue"}
assert thing["spec"] == {"cluster-id": cluster, "creation-timestamp": int(thing["metadata"]["name"].rsplit("-", 1)[1]), "retention": "72h"}
PYTHON

step "another machine finds it, by our name and by the object's"
export XDG_STATE_HOME=$work/other
expect_exit 0 "$vbackup" status "$target" first
expect_out 'first: succeeded'
expect_exit 0 "$vbackup" status "$target" "$first"
expect_out '1m4s'
expect_exit 7 "$vbackup" status "$target" never-made
export XDG_STATE_HOME=$work/state

step "a create that goes on is found and waited for from another machine, and by the cluster's other name"
behave work
expect_exit 0 "$vbackup" create "$target" --id abroad --no-wait
export XDG_STATE_HOME=$work/other
expect_exit 4 "$vbackup" status "$target" abroad
behave succeed 3
expect_exit 0 "$vbackup" wait "qdrant-k8s://vectors/qdrant-$id" abroad
expect_exit 0 "$vbackup" status "$target" abroad
expect_out 'abroad: succeeded'
export XDG_STATE_HOME=$work/state
behave succeed

step "what cannot be: bytes (14), half hours, parts of a cluster"
expect_exit 14 "$vbackup" download "$target" first --to "$work/store/"
expect_err 'CSI snapshots'
expect_exit 14 "$vbackup" verify "$target" first
expect_exit 14 "$vbackup" create "$target" --to "$work/store/"
expect_exit 2 "$vbackup" create "$target" --retention 90m
expect_err 'whole hours'
expect_exit 14 "$vbackup" create "$target" --collection A

step "the plan is YAML that the API server takes"
expect_exit 0 "$vbackup" create "$target" --dry-run --id planned --retention 48h
cp "$work/out" "$work/planned.yaml"
apply "$work/planned.yaml"
within 60 "$vbackup" wait "$target" planned >/dev/null 2>&1

step "Failed, with what the volumes and events say; Skipped is no success"
behave fail
expect_exit 11 "$vbackup" create "$target" --id failing
expect_err 'snap-0: driver quota reached; SnapshotContentCreationFailed: quota \(3 times\)'
behave succeed
# The object of the first try is still there: the second gets a name of its own.
sleep 1
expect_exit 0 "$vbackup" create "$target" --id failing
behave skip
expect_exit 11 "$vbackup" create "$target" --id skipped
expect_err 'Skipped'

step "Succeeded with a volume snapshot for one of three nodes is no success"
behave half
sleep 1
expect_exit 17 "$vbackup" create "$target" --id half --stall 15s
expect_err 'Succeeded with 1 volume snapshot for 3 nodes'

step "an operator that never acts (5), and a deadline (4)"
behave never
sleep 1
expect_exit 5 "$vbackup" create "$target" --id ignored --stall 3s
expect_err 'no phase yet'
expect_exit 4 "$vbackup" create "$target" --id late --timeout 10s

step "deleted while it is waited for"
behave work
begin stolen
stolen() { kube GET "$group/qdrantclustersnapshots" | python3 -c 'import json, sys
for one in json.load(sys.stdin)["items"]:
    if one["metadata"]["annotations"].get("vbackup/id") == sys.argv[1] and one.get("status", {}).get("phase") == "Running": print(one["metadata"]["name"])' "$1"; }
running() { [[ -n $(stolen "$1") ]]; }
within 60 running stolen
kube DELETE "$group/qdrantclustersnapshots/$(stolen stolen)" >/dev/null
ended stolen 10
grep -q 'is not there any more' "$work/stolen" || fail "it does not say that the object is gone"

step "deleted, held back by a finalizer and Succeeded all the same: no success"
begin held
within 60 running held
held=$group/qdrantclustersnapshots/$(stolen held)
kube PATCH "$held" '{"metadata":{"finalizers":["vbackup.test/hold"]}}' >/dev/null
kube DELETE "$held" >/dev/null
behave succeed 0
succeeded() { kube GET "$held" | grep -q '"phase":"Succeeded"'; }
within 60 succeeded
sleep 1
kill -0 "$waiting" || fail "it did not wait for the end of what is being deleted"
kube PATCH "$held" '{"metadata":{"finalizers":[]}}' >/dev/null
ended held 10
behave work

step "cancel deletes the object, and asks first"
expect_exit 0 "$vbackup" create "$target" --id unwanted --no-wait
within 60 running unwanted
expect_exit 12 "$vbackup" cancel "$target" unwanted
expect_err 'no other way to end it'
expect_exit 0 "$vbackup" cancel "$target" unwanted --yes
running unwanted && fail "it is still there"

step "the API server is started again during the watch"
begin restarted
within 60 running restarted
"$servers/kubernetes" stop-api "$work/kube"
"$servers/kubernetes" start-api "$work/kube" >/dev/null
behave succeed 0
ended restarted 0

step "watches that end each second, that are asked from too old a version (410), whose line breaks"
config "token: $TOKEN" "$door" "" >"$work/door/kubeconfig"
watched() { (($(grep -c -- "$1" "$work/door/watches") >= $2)); }
for spoil in short old cut; do
    behave work
    printf '%s\n' "$spoil" >"$work/door/spoil"
    : >"$work/door/watches"
    begin "spoilt-$spoil" -o kubeconfig="$work/door/kubeconfig"
    case $spoil in
        short) within 60 watched ended 2 ;;
        old) within 60 watched '"code":410' 1 ;;
        # Its first event is that it runs, or that it succeeded.
        cut) within 60 watched begun 1 ;;
    esac
    behave succeed 0
    ended "spoilt-$spoil" 0
done
watched MODIFIED 1 || fail "no line was broken"

behave succeed
config "token: $ADMIN_TOKEN" >"$work/admin"

step "two hundred backups, in pages"
python3 - "$servers" "$URL" "$CA" "$ADMIN_TOKEN" <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
from kube import Kube
kube = Kube(*sys.argv[2:])
for n in range(200):
    kube.change("POST", "/apis/qdrant.io/v1/namespaces/elsewhere/qdrantclustersnapshots", {"apiVersion": "qdrant.io/v1",
        "kind": "QdrantClusterSnapshot", "metadata": {"name": f"many-{n:03}", "labels": {"cluster-id": "many", "customer-id": "team-blue"}},
        "spec": {"cluster-id": "many", "scheduleShortId": "nightly1"}})
PYTHON
within 120 bash -c "! '$vbackup' list qdrant-k8s://elsewhere -o kubeconfig='$work/admin' | grep -Eq 'running|queued'"
expect_exit 0 "$vbackup" list qdrant-k8s://elsewhere -o kubeconfig="$work/admin" --output json --verbose
equal "$(json 'len({one["name"] for one in d["backups"]}), {one["schedule"] for one in d["backups"]}')" "(200, {'nightly1'})" "what is listed and 200"
equal "$(grep -c 'limit=100.*-> 200' "$work/err")" 2 "the pages and 2"

step "429 with Retry-After: waited for"
# One request of this user at a time, and others are sent away; the list of another namespace is asked for all the while.
kube POST /apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations '{"apiVersion":"flowcontrol.apiserver.k8s.io/v1",
    "kind":"PriorityLevelConfiguration","metadata":{"name":"one"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":0,
    "lendablePercent":0,"limitResponse":{"type":"Reject"}}}}' >/dev/null
kube POST /apis/flowcontrol.apiserver.k8s.io/v1/flowschemas '{"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema",
    "metadata":{"name":"one"},"spec":{"matchingPrecedence":2,"priorityLevelConfiguration":{"name":"one"},"rules":[{"subjects":[
    {"kind":"User","user":{"name":"vbackup"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"namespaces":["*"]}]}]}}' >/dev/null
kube POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding",
    "metadata":{"name":"flood"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},
    "subjects":[{"kind":"User","name":"vbackup","apiGroup":"rbac.authorization.k8s.io"}]}' >/dev/null
# For 4 s from when it was sent away itself, which makes the file.
flood() {
    python3 - "$servers" "$work/flooded" "$URL" "$CA" "$TOKEN" <<'PYTHON'
import pathlib, sys, threading, time
sys.path.insert(0, sys.argv[1])
from kube import Kube
flooded, end = pathlib.Path(sys.argv[2]), time.monotonic() + 60
def ask():
    global end
    while time.monotonic() < end:
        status, _ = Kube(*sys.argv[3:]).ask("GET", "/apis/qdrant.io/v1/namespaces/elsewhere/qdrantclustersnapshots")
        if status == 429 and not flooded.exists():
            end = time.monotonic() + 4
            flooded.touch()
for _ in range(8):
    threading.Thread(target=ask).start()
PYTHON
}
for ((n = 1; n <= 5; ++n)); do
    rm -f "$work/flooded"
    flood &
    within 60 test -e "$work/flooded"
    expect_exit 0 "$vbackup" create "$target" --id "patient-$n" --verbose
    wait $!
    ! grep -q -- '-> 429' "$work/err" || break
done
expect_err '-> 429'
kube DELETE /apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/one >/dev/null
kube DELETE /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/flood >/dev/null

step "409: objects of the names to come are there already"
# names_to_come METHOD NOW: makes or deletes the objects of a minute's names, by one process since the minute runs.
names_to_come() {
    python3 - "$servers" "$@" "$group/qdrantclustersnapshots" "$id" "$URL" "$CA" "$ADMIN_TOKEN" <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
from kube import Kube
method, now, path, cluster, kube = sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5], Kube(*sys.argv[6:])
for second in range(now, now + 60):
    name = f"qdrant-{cluster}-snapshot-{second}"
    if method == "DELETE":
        kube.change(method, f"{path}/{name}")
        continue
    status, answer = kube.ask(method, path, {"apiVersion": "qdrant.io/v1", "kind": "QdrantClusterSnapshot",
        "metadata": {"name": name, "labels": {"cluster-id": "another"}}, "spec": {"cluster-id": cluster}})
    # The step before may have one of these names.
    assert status in (201, 409), answer
PYTHON
}
now=$(date +%s)
names_to_come POST "$now"
expect_exit 8 "$vbackup" create "$target" --id doubled
expect_err 'already exists'
names_to_come DELETE "$now"

step "422: the kinds that are installed want something that is not there"
crd=/apis/apiextensions.k8s.io/v1/customresourcedefinitions/qdrantclustersnapshots.qdrant.io
wants() {
    kube GET $crd | python3 -c 'import json, sys
d = json.load(sys.stdin); del d["metadata"]["managedFields"]
d["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["required"] = sys.argv[1].split()
d["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["owner"] = {"type": "string"}
print(json.dumps(d))' "$1" >"$work/crd"
    kube PUT $crd "$(cat "$work/crd")" >/dev/null
}
refused() {
    "$vbackup" create "$target" --timeout 5s --id "refused-$RANDOM" >"$work/err" 2>&1 || true
    grep -q 'HTTP 422' "$work/err"
}
wants "cluster-id owner"
within 60 refused
grep -q 'spec.owner: Required value' "$work/err" || fail "the field is not named"
wants cluster-id

step "credentials: certificate, command, expired token, a pod's; another authority"
kube POST /apis/rbac.authorization.k8s.io/v1/namespaces/vectors/rolebindings '{"apiVersion":"rbac.authorization.k8s.io/v1",
    "kind":"RoleBinding","metadata":{"name":"account"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"vbackup"},
    "subjects":[{"kind":"ServiceAccount","name":"vbackup","namespace":"vectors"}]}' >/dev/null
config "client-certificate: $CERT, client-key: $KEY" >"$work/by-certificate"
expect_exit 0 "$vbackup" list "$target" -o kubeconfig="$work/by-certificate"
config "token: $TOKEN" "$URL" "certificate-authority: $OTHER_CA" >"$work/other-authority"
expect_exit 16 "$vbackup" list "$target" -o kubeconfig="$work/other-authority"
expect_err "$OTHER_CA"
config "token: $TOKEN" "$URL" "certificate-authority: $CA, tls-server-name: kubernetes" >"$work/named"
expect_exit 0 "$vbackup" check "$target" -o kubeconfig="$work/named"
config "token: $TOKEN" "$URL" "certificate-authority: $CA, tls-server-name: elsewhere" >"$work/misnamed"
expect_exit 16 "$vbackup" check "$target" -o kubeconfig="$work/misnamed"
config "token: $TOKEN" "$URL" "insecure-skip-tls-verify: true" >"$work/insecure"
expect_exit 0 "$vbackup" check "$target" -o kubeconfig="$work/insecure"
expect_err 'insecure-skip-tls-verify'
expect_exit 0 env KUBECONFIG="$work/missing:$work/by-certificate:$work/other-authority" "$vbackup" check "$target"
expect_exit 19 "$vbackup" check "$target" -o context=y
expect_err "no context 'y'"
config "token: wrong" >"$work/wrong"
expect_exit 16 "$vbackup" list "$target" -o kubeconfig="$work/wrong"
expect_err 'Unauthorized'
good=$(token_for)
# The same claims, but over since a minute, and signed by the server's own key.
expired=$(python3 - "$good" "$SIGNING_KEY" <<'PYTHON'
import base64, json, subprocess, sys, time
def raw(data): return base64.urlsafe_b64encode(data).rstrip(b"=")
def part(text): return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
head, claims = map(part, sys.argv[1].split(".")[:2])
claims.update(iat=int(time.time()) - 600, nbf=int(time.time()) - 600, exp=int(time.time()) - 60)
text = raw(json.dumps(head).encode()) + b"." + raw(json.dumps(claims).encode())
sign = subprocess.run(["openssl", "dgst", "-sha256", "-sign", sys.argv[2]], input=text, stdout=subprocess.PIPE, check=True).stdout
print((text + b"." + raw(sign)).decode())
PYTHON
)
config "token: $expired" >"$work/expired"
expect_exit 16 "$vbackup" list "$target" -o kubeconfig="$work/expired"
cat >"$work/login" <<SCRIPT
#!/bin/sh
token='$expired'
[ ! -e '$work/logged-in' ] || token='$good'
: >'$work/logged-in'
echo run >>'$work/logins'
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s"}}' "\$token"
SCRIPT
chmod +x "$work/login"
config "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: Never}" >"$work/by-command"
expect_exit 0 "$vbackup" create "$target" --id by-command -o kubeconfig="$work/by-command"
equal "$(wc -l <"$work/logins")" 2 "the runs of the credential command and 2"
pod=$work/pod
mkdir -p "$pod"
printf '%s' "$good" >"$pod/token"
cp "$CA" "$pod/ca.crt"
# shellcheck disable=SC2016  # expanded by the inner shell
in_pod=(env -u KUBECONFIG KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT="$PORT" unshare --mount bash -c
    'mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io && cp -r "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"' "$pod")
if unshare --mount true 2>/dev/null; then
    expect_exit 0 "${in_pod[@]}" "$vbackup" create "$target" --id in-pod
else
    [[ -z ${CI:-} ]] || fail "no mount namespace here: the service account of a pod cannot be tried"
    printf 'SKIPPED: the service account of a pod is not tried, since there is no mount namespace here\n'
fi

step "restore in place asks; the cluster is healthy again at its end"
expect_exit 12 "$vbackup" restore "$target" first
expect_err 'not available meanwhile'
expect_exit 0 "$vbackup" restore "$target" first --yes
expect_out 'Healthy, 3 of 3 nodes'
expect_out 'version v1.15.4, as in the backup'
behave fail
expect_exit 11 "$vbackup" restore "$target" first --yes
expect_err 'snapshot is not ready'
behave succeed

step "restore to a new cluster, also from another namespace and where no cluster is left"
expect_exit 0 "$vbackup" restore "$target" first -o new-cluster=qdrant-second
expect_out 'vectors/qdrant-second: Healthy, 3 of 3 nodes'
expect_exit 8 "$vbackup" restore "$target" first -o new-cluster=qdrant-second
expect_exit 0 "$vbackup" restore qdrant-k8s://vectors many-007 -o kubeconfig="$work/admin" -o from-namespace=elsewhere -o new-cluster=qdrant-third
expect_out 'vectors/qdrant-third: Healthy'
expect_exit 0 "$vbackup" restore qdrant-k8s://vectors many-007 -o kubeconfig="$work/admin" -o from-namespace=elsewhere -o new-cluster=qdrant-fourth --dry-run
expect_out 'namespace: elsewhere'
expect_out 'create: true'

step "schedules: set, listed with the next run, changed, removed; what Qdrant cannot hold is refused"
expect_exit 0 "$vbackup" schedule set "$target" --name nightly --cron '0 2 * * mon-fri' --retention 7d
active() { "$vbackup" schedule list "$target" | grep -Eq 'nightly.*0 2 \* \* 1-5.*T.*Active'; }
within 60 active
expect_exit 0 "$vbackup" schedule set "$target" --name nightly --cron @daily --retention 48h
expect_exit 0 "$vbackup" schedule show "$target" --output json
equal "$(kube GET "$group/qdrantclusterscheduledsnapshots" | python3 -c 'import json, sys
for one in json.load(sys.stdin)["items"]: print(one["metadata"]["labels"]["customer-id"], one["spec"]["scheduleShortId"], one["spec"]["schedule"], one["spec"]["retention"])')" \
    "team-blue nightly @daily 48h" "the schedule"
expect_exit 2 "$vbackup" schedule set "$target" --name nightly --cron '0 25 * * *' --retention 7d
expect_err 'the hour'
expect_exit 2 "$vbackup" schedule set "$target" --name nightly --cron @daily
expect_exit 14 "$vbackup" schedule set "$target" --weekdays mon --hours 2 --retention 7d
expect_err "--cron '0 2 \* \* 1'"
expect_exit 7 "$vbackup" schedule remove "$target" --name weekly --yes
expect_exit 0 "$vbackup" schedule remove "$target" --name nightly --yes
expect_exit 0 "$vbackup" schedule list "$target"
! grep -q nightly "$work/out" || fail "it is still there"

step "delete: the object is gone"
expect_exit 12 "$vbackup" delete "$target" first
expect_exit 0 "$vbackup" delete "$target" first --yes
kube GET "$group/qdrantclustersnapshots/$first" >/dev/null 2>&1 && fail "it is still there"
expect_exit 7 "$vbackup" status "$target" first

step "what is not there: a namespace, a cluster, Qdrant's kinds"
expect_exit 7 "$vbackup" create qdrant-k8s://vectors/no-such-cluster
expect_exit 7 "$vbackup" create qdrant-k8s://vectors/no-such-cluster -o kubeconfig="$work/admin"
kube DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/qdrantclustersnapshots.qdrant.io >/dev/null
no_kind() { "$vbackup" list "$target" 2>"$work/err" >/dev/null || (($? == 14)); }
within 60 no_kind
