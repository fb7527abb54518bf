// SPDX-License-Identifier: Apache-2.0
#include "sample.hpp"

namespace vbackup::test {

namespace {

Moment at(int seconds) {
    return Moment{} + Seconds(1'795'247'220 + seconds);
}

model::JobRef job() {
    return {"b1", {"node1", "0", "Article"}, R"({"backend":"s3","list":[1,null]})"};
}

}  // namespace

model::Manifest full_manifest() {
    model::Manifest m;
    m.id = "prod-20261121t074700z";
    m.created = at(0);
    m.completed = at(60);
    m.vbackup_version = "0.1.0";
    m.driver = "qdrant";
    m.target = "prod";
    m.target_url = "https://node-0.example:6333";
    m.product = "Qdrant";
    m.server_version = "1.19.0";
    m.unit = "shard";
    m.nodes = {{"node1", "https://node-0.example:6333", "1.19.0", true, "HEALTHY"}, {"node2", "", "", false, ""}};
    model::CollectionEntry article;
    article.before = {"Article", 1000, 2, 3, {"news", "ärticles"}, R"({"params":{"size":128}})", R"([1.5,"two"])"};
    article.count_after = 1001;
    article.details_after = R"([2.5])";
    model::CollectionEntry bare;
    bare.before.name = "Bare";
    m.collections = {article, bare};
    model::File kept;
    kept.name = "data/Article/shard-0.snapshot";
    kept.part = {"node1", "0", "Article"};
    kept.server_name = "Article-0.snapshot";
    kept.size = std::uint64_t{18'446'744'073'709'551'615U};
    kept.sha256 = std::string(64, 'a');
    kept.server_sha256 = std::string(64, 'b');
    kept.format = model::Format::tar;
    kept.base = "prod-20261120t074700z";
    kept.kept = true;
    kept.details = R"({"etag":"x"})";
    model::File left;
    left.name = "data/Bare.snapshot";
    m.files = {kept, left};
    m.bases = {"prod-20261120t074700z"};
    m.jobs = {job(), {}};
    m.location = "s3://bucket/prefix/b1";
    m.kept = true;
    m.state = "unproven";
    m.notes = {"3 inactive tenants were left out"};
    m.retention = std::chrono::hours(72);
    m.description = "before the upgrade";
    m.driver_data = R"({"big":18446744073709551615,"small":-1,"real":0.1})";
    return m;
}

model::Intent full_intent() {
    model::Intent intent;
    intent.id = "prod-20261121t074700z";
    intent.verb = "create";
    intent.begun = at(1);
    model::Step full;
    full.id = "fetch:Article:0";
    full.kind = model::StepKind::fetch;
    full.part = {"node1", "0", "Article"};
    full.what = "bring home one file";
    full.after = {"create", "settle"};
    full.of = "create";
    full.job = job();
    full.file = "data/Article/shard-0.snapshot";
    full.location = model::Location{"s3://bucket/prefix/b1", "backup_config.json"};
    full.destroys = true;
    full.reveals = "the password of the new cluster";
    full.tidy = true;
    full.details = "[]";
    model::Step bare;
    bare.id = "create";
    intent.plan = {{full, bare}, {"it costs room"}, {"b0"}, R"({"x":1})"};
    intent.records = {{"create", true, true, "", job()}, {"fetch:Article:0", true, false, "job_failed", std::nullopt}};
    intent.draft = full_manifest();
    intent.request = R"({"verb":"create"})";
    intent.target_url = "https://node-9.example:6333";
    return intent;
}

}  // namespace vbackup::test
