# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Backups of a real Redis in buckets of a real MinIO, one of them with dots in its name.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

keys=${VBACKUP_E2E_KEYS:-100000}
PREFIX=S3_ serve minio "$work/minio" bucket.with.dots plain
serve redis "$work/redis"
redis() { redis-cli -p "$PORT1" "$@"; }
redis_data() { python3 "$e2e/redis_data.py" "$@"; }
export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY AWS_ENDPOINT_URL=$S3_URL
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL_S3
store=s3://bucket.with.dots/pre/fix
data=$S3_DATA/bucket.with.dots/pre/fix

step "the store contract"
for bucket in bucket.with.dots plain; do
    VBACKUP_TEST_BUCKET=s3://$bucket/contract "$CONTRACT_STORE" --source-file='*contract_test.cpp' || fail "the contract does not hold in $bucket"
done

step "a store that cannot be used is said before anything is changed"
expect_exit 12 "$vbackup" check "$URL" --to s3://nowhere/x
expect_err "no bucket nowhere"
AWS_SECRET_ACCESS_KEY=wrong expect_exit 16 "$vbackup" create "$URL" --id denied --to "$store"

step "$keys keys: create with little memory, list, status, verify"
redis_data load "$PORT1" "$keys"
redis_data large "$PORT1" 40
digest=$(redis DEBUG DIGEST)
expect_exit 0 python3 "$e2e/peaks.py" "$PID1" "$vbackup" create "$URL" --id full --to "$store" -o compress=none
own=$(sed -n 's/^PEAKS .* own \([0-9]*\)$/\1/p' "$work/err")
((own <= 164)) || fail "vbackup took $own MiB"
expect_exit 0 "$vbackup" list "$store"
expect_out full
expect_exit 0 "$vbackup" status "$store" --max-age 1h
expect_exit 0 "$vbackup" verify "$store" full
expect_exit 8 "$vbackup" create "$URL" --id full --to "$store"
[[ ! -e $data/.locks ]] || fail "a lock was left"

step "restore"
redis FLUSHALL >/dev/null
expect_exit 0 "$vbackup" restore "$URL" full --from "$store"
equal "$digest" "$(redis DEBUG DIGEST)" "digests after the restore"

step "a store of the configuration, with keys of a profile"
mkdir -p "$work/home/.aws" "$XDG_CONFIG_HOME/vbackup"
printf '[backup]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY" >"$work/home/.aws/credentials"
cat >"$XDG_CONFIG_HOME/vbackup/vbackup.toml" <<TOML
[stores.nightly]
url = "s3://plain"
endpoint = "$S3_URL"
profile = "backup"
region = "us-east-1"
TOML
named() { env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_ENDPOINT_URL HOME="$work/home" "$vbackup" "$@"; }
expect_exit 0 named create "$URL" --id named --to @nightly
expect_exit 0 named list @nightly
expect_out named
expect_exit 0 named delete @nightly named --yes
[[ -z $(ls -A "$S3_DATA/plain") ]] || fail "something was left in the bucket: $(ls -A "$S3_DATA/plain")"

# unfinished: how many uploads MinIO has that nobody ended.
unfinished() { find "$S3_DATA/.minio.sys/multipart" -mindepth 2 -maxdepth 2 -type d 2>/dev/null | wc -l; }

step "kill -9 in the middle of the upload, and the same command again finishes"
"$vbackup" create "$URL" --id killed --to "$store" -o compress=none --limit-rate 20M --quiet >"$work/killed.log" 2>&1 &
run=$!
kill_at_end+=("$run")
upload_is_begun() { (($(unfinished) > 0)); }
within 60 upload_is_begun
kill -9 "$run"
wait "$run" 2>/dev/null || true
(($(unfinished) == 1)) || fail "there is no unfinished upload"
expect_exit 0 "$vbackup" list "$store"
expect_exit 0 "$vbackup" create "$URL" --id killed --to "$store" -o compress=none
(($(unfinished) == 0)) || fail "the killed run's upload was left"
expect_exit 0 "$vbackup" verify "$store" killed

step "two runs for one id: one works on it"
"$vbackup" create "$URL" --id both --to "$store" -o compress=none --limit-rate 20M --quiet >"$work/both.log" 2>&1 &
run=$!
kill_at_end+=("$run")
lock_is_held() { [[ -e $data/.locks/both ]]; }
within 60 lock_is_held
XDG_STATE_HOME=$work/elsewhere expect_exit 9 "$vbackup" create "$URL" --id both --to "$store"
wait "$run" || fail "the first run failed: $(cat "$work/both.log")"

step "an interrupted run leaves nothing on its way"
"$vbackup" create "$URL" --id stopped --to "$store" -o compress=none --limit-rate 20M --quiet >"$work/stopped.log" 2>&1 &
run=$!
kill_at_end+=("$run")
within 60 upload_is_begun
kill -TERM "$run"
wait "$run" && fail "an interrupted run is no success"
(($(unfinished) == 0)) || fail "its upload was left"
[[ ! -e $data/.locks ]] || fail "its lock was left"

step "prune and delete"
expect_exit 0 "$vbackup" prune "$store" --keep-last 1 --yes
expect_exit 0 "$vbackup" delete "$store" stopped --yes
expect_exit 0 "$vbackup" delete "$store" both --yes
expect_exit 0 "$vbackup" list "$store"
[[ ! -e $data ]] || fail "something was left: $(find "$data")"
! grep -rFq "$S3_SECRET_KEY" "$work/out" "$work/err" "$XDG_STATE_HOME" || fail "the secret key shows"
