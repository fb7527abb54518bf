# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The store contract, and a backup of a real Redis, in a bucket of Versity's gateway.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREFIX=S3_ serve versitygw "$work/versitygw" bucket.with.dots
serve redis "$work/redis"
export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY AWS_ENDPOINT_URL=$S3_URL
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL_S3

step "the store contract"
VBACKUP_TEST_BUCKET=s3://bucket.with.dots/contract "$CONTRACT_STORE" --source-file='*contract_test.cpp' || fail "the contract does not hold"

step "create, verify, restore, delete"
python3 "$e2e/redis_data.py" load "$PORT1" 10000
python3 "$e2e/redis_data.py" large "$PORT1" 20
digest=$(redis-cli -p "$PORT1" DEBUG DIGEST)
expect_exit 0 "$vbackup" create "$URL" --id first --to s3://bucket.with.dots -o compress=none
expect_exit 0 "$vbackup" verify s3://bucket.with.dots first
redis-cli -p "$PORT1" FLUSHALL >/dev/null
expect_exit 0 "$vbackup" restore "$URL" first --from s3://bucket.with.dots
equal "$digest" "$(redis-cli -p "$PORT1" DEBUG DIGEST)" "digests after the restore"
expect_exit 0 "$vbackup" delete s3://bucket.with.dots first --yes
expect_exit 0 "$vbackup" list s3://bucket.with.dots
expect_out 'no backups'
