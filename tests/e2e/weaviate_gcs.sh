# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One Weaviate node whose backups lie in a bucket of fake-gcs-server.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREFIX=GCS_ serve fake-gcs "$work/gcs" backups others
serve weaviate "$work/weaviate" ENABLE_MODULES=backup-filesystem,backup-gcs BACKUP_GCS_BUCKET=backups \
    BACKUP_GCS_USE_AUTH=false STORAGE_EMULATOR_HOST="$GCS_ENDPOINT"
weaviate_data load "$URL" Article 3000
weaviate_data load "$URL" Author 500
before=$(weaviate_data fingerprint "$URL" Article Author)

step "create in the default bucket"
expect_exit 0 "$vbackup" check "$URL" -o backend=gcs
expect_exit 0 "$vbackup" create "$URL" --id first -o backend=gcs
[[ -s $GCS_DATA/backups/first/backup_config.json ]] || fail "no descriptor of first in the bucket"
expect_exit 0 "$vbackup" list "$URL" -o backend=gcs
expect_out first
expect_exit 0 "$vbackup" status "$URL" first -o backend=gcs
expect_exit 8 "$vbackup" create "$URL" --id first -o backend=gcs
expect_exit 7 "$vbackup" status "$URL" nothing -o backend=gcs

step "destroy one collection and restore it"
weaviate_data delete "$URL" Article
expect_exit 0 "$vbackup" restore "$URL" first -o backend=gcs --collection Article
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the restore"

step "another bucket and path are remembered: status and restore need not repeat them"
expect_exit 0 "$vbackup" create "$URL" --id second -o backend=gcs -o bucket=others -o path=prod/nightly --collection Author
[[ -s $GCS_DATA/others/prod/nightly/second/backup_config.json ]] || fail "no descriptor of second at others/prod/nightly"
expect_exit 0 "$vbackup" status "$URL" second
weaviate_data delete "$URL" Author
expect_exit 0 "$vbackup" restore "$URL" second
equal "$before" "$(weaviate_data fingerprint "$URL" Article Author)" "fingerprints after the second restore"

step "a bucket that is not there"
expect_exit 1\|7\|11\|12 "$vbackup" create "$URL" --id third -o backend=gcs -o bucket=nowhere

step "the bucket is out of vbackup's reach: said, not done by halves"
mkdir "$work/store"
expect_exit 14 "$vbackup" delete "$URL" first -o backend=gcs --yes
expect_err "does not reach gs://backups/first"
expect_exit 14 "$vbackup" download "$URL" first --to "$work/store/" -o backend=gcs
expect_err "does not reach gs://backups/first"
[[ -z $(find "$work/store" -type f) ]] || fail "something lies in the store"
expect_exit 0 "$vbackup" status "$URL" first -o backend=gcs
