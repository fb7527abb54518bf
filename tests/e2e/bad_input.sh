# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The table "bad input and bad servers" of tests/README.md with the built program: the exit code, one sentence, nothing changed.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

serve weaviate "$work/weaviate"
store=$work/store
mkdir "$store"
weaviate_data load "$URL" Article 1500 --dims 256
before=$(weaviate_data fingerprint "$URL" Article)

# refused CODES COMMAND…: as expect_exit; the last line on stderr is one sentence, and no stack or traceback is shown.
refused() {
    expect_exit "$@"
    grep -q '^vbackup: ' "$work/err" || fail "no sentence that begins with vbackup:"
    (($(grep -c '^vbackup: ' "$work/err") == 1)) || fail "more than one sentence"
}

# worse MODE: a misbehaving server before the real one; BAD is its address.
worse() {
    exec {bad_out}< <(exec python3 "$e2e/bad_proxy.py" "$1" "$URL")
    kill_at_end+=("$!")
    read -r BAD <&"$bad_out"
    printf 'between: %s\n' "$1"
}

step "targets and URLs"
refused 19 "$vbackup" check nosuchtarget
refused 15 "$vbackup" check http://127.0.0.1:1
refused 15 "$vbackup" check http://no-such-host.invalid:8080
refused 2 "$vbackup" check http://
refused 2 "$vbackup" check 'http://127.0.0.1:notaport'
refused 2 "$vbackup" check 'http://user:hunter2@127.0.0.1:8080'
if grep -rq hunter2 "$work/out" "$work/err" "$XDG_STATE_HOME"; then fail "the secret is shown"; fi
refused 2 "$vbackup" create
refused 2 "$vbackup" nosuchverb

step "names"
for id in 'with space' 'with/slash' '..' 'grün' 'UPPER' "$(printf 'x%.0s' {1..300})" ''; do
    refused 2 "$vbackup" create "$URL" --id "$id" -o backend=filesystem
done
refused 7 "$vbackup" create "$URL" --id a -o backend=filesystem --collection 'No Such/Class'
refused 2 "$vbackup" create "$URL" --id a -o backend=filesystem --collection Article --exclude Article
refused 2 "$vbackup" create "$URL" --id a -o backend=tape
refused 2 "$vbackup" create "$URL" --id a -o nosuchoption=1
refused 2 "$vbackup" create "$URL" --id a -o backend=filesystem -o cpu-percentage=81
mkdir "$work/a store, grün"
expect_exit 0 "$vbackup" create "$URL" --id first --to "$work/a store, grün/" -o backend=filesystem --keep-on-server
expect_exit 0 "$vbackup" verify "$work/a store, grün/" first
equal "$(ls "$BACKUPS")" first "what lies with the server after all that was refused"

step "in use, in the way, not there"
refused 8 "$vbackup" create "$URL" --id first -o backend=filesystem
refused 8 "$vbackup" restore "$URL" first --from "$work/a store, grün/" -o backend=filesystem
refused 7 "$vbackup" restore "$URL" nothing -o backend=filesystem
refused 7 "$vbackup" verify "$store/" nothing
refused 12 "$vbackup" delete "$URL" first -o backend=filesystem

step "stores that cannot be written"
: >"$work/file"
refused 18 "$vbackup" create "$URL" --id second --to "$work/file/" -o backend=filesystem
if mkdir "$work/small" && mount -t tmpfs -o size=256k tmpfs "$work/small" 2>/dev/null; then
    refused 18 "$vbackup" download "$URL" first --to "$work/small/" -o backend=filesystem
    [[ ! -e $work/small/first/manifest.json ]] || fail "a manifest for a backup that did not fit"
    umount "$work/small"
fi

step "a download that was killed is carried on"
# Killed once it has begun; where it was done before the signal came, once more.
killed=false
for _ in 1 2 3 4 5 6 7 8; do
    "$vbackup" download "$URL" first --to "$store/" -o backend=filesystem >/dev/null 2>&1 &
    downloading=$!
    until [[ -e $store/first/intent.json ]] || ! kill -0 "$downloading" 2>/dev/null; do :; done
    kill -9 "$downloading" 2>/dev/null || true
    wait "$downloading" 2>/dev/null || true
    if [[ ! -e $store/first/manifest.json ]]; then
        killed=true
        break
    fi
    rm -rf "${store:?}/first"
done
[[ $killed == true ]] || fail "no download could be killed half-way"
expect_exit 0 "$vbackup" download "$URL" first --to "$store/" -o backend=filesystem
expect_exit 0 "$vbackup" verify "$store/" first

step "manifests cut short, and of a newer format"
cp -a "$store" "$work/cut"
truncate -s 200 "$work/cut/first/manifest.json"
refused 6 "$vbackup" verify "$work/cut/" first
refused 6 "$vbackup" restore "$URL" first --from "$work/cut/" -o backend=filesystem --overwrite --yes
cp -a "$store" "$work/newer"
python3 - "$work/newer/first/manifest.json" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as file:
    manifest = json.load(file)
key = next(name for name in ("format", "version") if manifest.get(name) == 1)
manifest[key] = 99
with open(sys.argv[1], "w") as file:
    json.dump(manifest, file)
PYTHON
refused 12 "$vbackup" verify "$work/newer/" first

step "two runs at once"
weaviate_data load "$URL" Big 8000 --dims 256
"$vbackup" create "$URL" --id one -o backend=filesystem >"$work/one" 2>&1 &
one=$!
started() { grep -q '"status"' < <(python3 "$e2e/backup_status.py" "$URL" filesystem one); }
within 20 started
refused 9 "$vbackup" create "$URL" --id two -o backend=filesystem
wait "$one" || fail "the first of the two failed: $(cat "$work/one")"
weaviate_data delete "$URL" Big

step "servers that misbehave"
worse html
refused 17 "$vbackup" check "$BAD"
refused 17 "$vbackup" create "weaviate+$BAD" --id bad -o backend=filesystem
worse silent
refused 4\|5\|15 "$vbackup" check "$BAD" --timeout 3s
worse cut
refused 15 "$vbackup" check "$BAD" --timeout 20s
worse inside
refused 1\|11\|17 "$vbackup" create "$BAD" --id inside -o backend=filesystem
worse word
refused 17 "$vbackup" create "$BAD" --id word -o backend=filesystem --stall 3s --timeout 20s
equal "$before" "$(weaviate_data fingerprint "$URL" Article)" "fingerprints after all of this"

step "keys"
serve weaviate "$work/guarded" AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=false AUTHENTICATION_APIKEY_ENABLED=true \
    AUTHENTICATION_APIKEY_ALLOWED_KEYS=root-key,view-key AUTHENTICATION_APIKEY_USERS=root,viewer \
    AUTHORIZATION_RBAC_ENABLED=true AUTHORIZATION_RBAC_ROOT_USERS=root AUTHENTICATION_DB_USERS_ENABLED=true
WEAVIATE_KEY=root-key weaviate_data load "$URL" Article 100
WEAVIATE_KEY=root-key weaviate_data viewer "$URL" viewer
refused 16 "$vbackup" check "$URL"
refused 16 env VBACKUP_API_KEY=wrong-key "$vbackup" check "$URL"
refused 16 env VBACKUP_API_KEY=view-key "$vbackup" create "$URL" --id denied -o backend=filesystem
if grep -q 'view-key\|wrong-key' "$work/out" "$work/err"; then fail "the key is shown"; fi
expect_exit 0 env VBACKUP_API_KEY=root-key "$vbackup" check "$URL"
