# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One Weaviate node whose backups lie in a bucket of MinIO.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREFIX=S3_ serve minio "$work/minio" backups others
serve weaviate "$work/weaviate" ENABLE_MODULES=backup-filesystem,backup-s3 BACKUP_S3_BUCKET=backups \
    BACKUP_S3_ENDPOINT="$S3_ENDPOINT" BACKUP_S3_USE_SSL=false AWS_ACCESS_KEY_ID="$S3_ACCESS_KEY" \
    AWS_SECRET_ACCESS_KEY="$S3_SECRET_KEY" AWS_REGION=us-east-1
weaviate_data load "$URL" Article 3000
weaviate_data load "$URL" Author 500
before=$(weaviate_data fingerprint "$URL" Article Author)

step "create in the default bucket"
expect_exit 0 "$vbackup" check "$URL" -o backend=s3
expect_exit 0 "$vbackup" create "$URL" --id first -o backend=s3 -o compression=BestSpeed
expect_exit 0 "$vbackup" list "$URL" -o backend=s3
expect_out first
expect_exit 0 "$vbackup" status "$URL" first -o backend=s3
expect_exit 8 "$vbackup" create "$URL" --id first -o backend=s3

step "destroy and restore"
weaviate_data delete "$URL" Article
weaviate_data delete "$URL" Author
expect_exit 0 "$vbackup" restore "$URL" first -o backend=s3
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the restore"

step "another bucket and path are remembered: status and restore need not repeat them"
expect_exit 0 "$vbackup" create "$URL" --id second -o backend=s3 -o bucket=others -o path=prod/nightly --collection Author
[[ -d $S3_DATA/others/prod/nightly/second ]] || fail "nothing at others/prod/nightly/second"
expect_exit 0 "$vbackup" status "$URL" second
weaviate_data delete "$URL" Author
expect_exit 0 "$vbackup" restore "$URL" second
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the second restore"

step "a bucket that is not there"
expect_exit 1\|7\|11\|12 "$vbackup" create "$URL" --id third -o backend=s3 -o bucket=nowhere

step "the bucket is out of vbackup's reach: said, not done by halves"
expect_exit 14 "$vbackup" delete "$URL" first -o backend=s3 --yes
expect_exit 0 "$vbackup" status "$URL" first -o backend=s3

step "one increment upon the first"
expect_exit 0 "$vbackup" create "$URL" --id fourth -o backend=s3 -o base=first
weaviate_data delete "$URL" Article
weaviate_data delete "$URL" Author
expect_exit 0 "$vbackup" restore "$URL" fourth -o backend=s3
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the increment's restore"

step "a store of the configuration in the same bucket brings it within reach: download, verify, delete"
mkdir -p "$XDG_CONFIG_HOME/vbackup"
printf '[stores.weaviate]\nurl = "s3://backups"\nendpoint = "%s"\nregion = "us-east-1"\n' "$S3_URL" >"$XDG_CONFIG_HOME/vbackup/vbackup.toml"
export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
expect_exit 0 "$vbackup" download "$URL" first -o backend=s3 --to "$work/home/"
expect_exit 0 "$vbackup" verify "$work/home/" first
expect_exit 12 "$vbackup" delete "$URL" first -o backend=s3 --yes
expect_exit 0 "$vbackup" delete "$URL" fourth -o backend=s3 --yes
[[ ! -e $S3_DATA/backups/fourth ]] || fail "something is left of fourth"
[[ -e $S3_DATA/backups/first ]] || fail "first is gone"
AWS_SECRET_ACCESS_KEY=wrong expect_exit 16 "$vbackup" delete "$URL" first -o backend=s3 --yes
expect_exit 0 "$vbackup" delete "$URL" first -o backend=s3 --yes
[[ ! -e $S3_DATA/backups/first ]] || fail "something is left of first"
