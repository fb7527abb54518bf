// SPDX-License-Identifier: Apache-2.0
#include "cli/output/answer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "golden.hpp"
#include "program.hpp"

using namespace vbackup;
using namespace vbackup::cli;

namespace {

Moment at(std::string_view text) {
    return *parse_time(text);
}

model::Found kept() {
    model::Found found;
    found.id = found.name = "prod-20261121t074700z";
    found.managed = found.kept = true;
    found.phase = model::Phase::succeeded;
    found.said = "complete";
    found.started = at("2026-11-21T07:47:00Z");
    found.completed = at("2026-11-21T07:48:30Z");
    found.size = 20'000'000;
    found.collections = {"Author", "Docs", "Größe", "日本語"};
    found.where = "/var/backups/vbackup";
    found.driver = "weaviate";
    return found;
}

model::Found strange() {
    model::Found found;
    found.name = "nightly \x1b[31m\xFF";
    found.phase = model::Phase::unknown;
    found.said = "HALF_DONE";
    found.why = "nobody knows";
    return found;
}

model::Manifest manifest() {
    model::Manifest made;
    made.id = "prod-20261121t074700z";
    made.created = at("2026-11-21T07:47:00Z");
    made.completed = at("2026-11-21T07:48:30Z");
    made.driver = "qdrant";
    made.product = "Qdrant";
    made.server_version = "1.16.0";
    made.target_url = "http://db.example:6333";
    made.kept = true;
    made.nodes = {{.name = "node1"}, {.name = "node2"}};
    model::Collection quiet{.name = "Author", .count = 20}, busy{.name = "Docs", .count = 1000},
        uncounted{.name = "Raw"};
    made.collections = {{quiet, 20}, {busy, 1010}, {uncounted, std::nullopt}};
    model::File file{.name = "data/Docs/shard-0.snapshot"};
    file.size = 3'145'728;
    file.sha256 = std::string(64, 'a');
    file.kept = true;
    made.files = {file};
    made.notes = {"2 tenants were left out"};
    return made;
}

Deed created() {
    return {.verb = "create",
            .target = "prod",
            .id = "prod-20261121t074700z",
            .result = {.manifest = manifest()},
            .store = "/var/backups/vbackup",
            .took = Seconds(90)};
}

model::Plan plan() {
    model::Plan made;
    model::Step clear{.id = "clear", .what = "delete the collection Docs"};
    clear.part.collection = "Docs";
    clear.destroys = true;
    made.steps = {clear, {.id = "send", .what = "send data/Docs/shard-0.snapshot", .after = {"clear"}}};
    made.notes = {"roles are not restored"};
    return made;
}

std::string verb_of(const std::string& name) {
    if (name == "under-way") return "create";
    return name == "dry-run" ? "restore" : name.substr(0, name.find('-'));
}

// Text and JSON of a value, and that the JSON fits its schema and says its version.
void hold(const std::string& name, const Value& value) {
    test::require_golden("answer-" + name + ".txt", render_text(value, {}));
    const auto json = render_json(value, {"be careful"});
    test::require_golden("answer-" + name + ".json", json);
    CHECK(nlohmann::json::parse(json).at("version") == 1);
    test::check_fits(verb_of(name), json);
    CHECK(std::count(json.begin(), json.end(), '\n') == 1);
}

}  // namespace

TEST_CASE("a list, also an empty one") {
    hold("list", Listing{{kept(), strange()}});
    hold("list-empty", Listing{});
}

TEST_CASE("a status") {
    hold("status", StatusReport{kept(), std::nullopt, true});
    hold("status-newest", StatusReport{strange(), kept(), false});
    hold("status-none", StatusReport{std::nullopt, std::nullopt, false});
}

TEST_CASE("what a create, a restore and a wait did") {
    hold("create", created());
    auto left = created();
    left.result.manifest->kept = false;
    left.result.manifest->location = "s3://bucket/prefix/b1";
    hold("create-left", left);
    auto restored = created();
    restored.verb = "restore";
    restored.result.proof.findings = {{"collection Docs: 1000 objects, as in the backup", true},
                                      {"alias d is missing", false}};
    hold("restore", restored);
    Deed begun{.verb = "create", .target = "prod", .id = "b1", .result = {.under_way = strange()}};
    hold("under-way", begun);
    Deed planned{.verb = "restore", .target = "prod", .id = "b1", .result = {.plan = plan(), .dry_run = true}};
    hold("dry-run", planned);
}

TEST_CASE("what a delete did, in part") {
    hold("delete",
         Removals{
             "prod", {{"b1", plan(), {}}, {"b2", {}, Error(ErrorKind::not_found, "there is no backup b2")}}, false});
    hold("delete-dry-run", Removals{"prod", {{"b1", plan(), {}}}, true});
}

TEST_CASE("a verification, good and bad") {
    const auto id = manifest().id;
    const Verified::Item good{id, {manifest(), {{.name = "data/a", .problem = {}, .size = 1024}}}, {}};
    hold("verify", Verified{"/x", {good}});
    const Verified::Item bad{id, {manifest(), {{"data/a", "", 1024}, {"data/b", "its SHA-256 differs", 10}}}, {}};
    hold("verify-bad", Verified{"/x", {bad}});
    const Verified::Item slice{
        "b2", {manifest(), {{"data/a", "", 1024}, {"data/b", "", 10, false}}, {.number = 1, .of = 2}}, {}};
    hold("verify-several",
         Verified{"/x", {good, slice, {"b3", {}, Error(ErrorKind::not_found, "there is no backup b3")}}});
}

TEST_CASE("backups on their way, and pins") {
    const auto id = manifest().id;
    Transfer copied{.verb = "copy", .from = "/x", .to = "/y", .store = "/y", .took = Milliseconds(1500)};
    copied.items = {{id, manifest(), false, {}},
                    {"b0", manifest(), true, {}},
                    {"b2", {}, false, Error(ErrorKind::not_found, "there is no backup b2")}};
    hold("copy", copied);
    Transfer exported{.verb = "export", .from = "/x", .to = "b.tar.zst", .store = "/x", .dry_run = true};
    exported.items = {{id, manifest(), false, {}}};
    hold("export-dry-run", exported);
    hold("pin", Pins{true, {{"b1", true, {}}, {"b2", false, {}}, {"b3", false, Error(ErrorKind::busy, "busy")}}});
    hold("unpin", Pins{false, {{"b1", true, {}}, {"b2", false, {}}}});
}

TEST_CASE("a check") {
    CheckReport report{.target = "prod",
                       .url = "http://db.example:6333",
                       .driver = "qdrant",
                       .inspection = {},
                       .store = "/b",
                       .store_free = 1'000'000'000};
    report.inspection.product = "Qdrant";
    report.inspection.version = "1.16.0";
    report.inspection.ready = true;
    report.inspection.nodes = {
        {.name = "node1", .address = "http://a:1", .version = "1.16.0", .healthy = false, .state = "DEAD"}};
    report.inspection.collections = {{.name = "Docs", .count = 1000, .shards = 2, .replicas = 1, .aliases = {"d"}}};
    hold("check", report);
    report.inspection.obstacles = {"node1 is not healthy"};
    report.inspection.warnings = {"the disk is nearly full"};
    report.store.clear();
    report.store_free.reset();
    hold("check-obstacles", report);
}

TEST_CASE("schedules: a list, none, one in full, what was set") {
    model::Schedule nightly;
    nightly.name = "nightly";
    nightly.cron = "0 2 * * *";
    nightly.retention = std::chrono::hours(7 * 24);
    nightly.next = at("2026-11-22T02:00:00Z");
    nightly.said = "Active";
    model::Schedule policy;
    policy.name = "policy";
    policy.enabled = false;
    policy.weekdays = {1, 3};
    policy.hours = {2, 14};
    policy.said = "FAILING \x1b[31m";
    policy.why = "quota";
    policy.details = {"copies to aws-us-east-2, kept 3 days"};
    model::Schedule bare;
    hold("schedule-list", ScheduleListing{"prod", {nightly, policy, bare}, false});
    hold("schedule-none", ScheduleListing{"prod", {}, true});
    hold("schedule-show", ScheduleListing{"prod", {nightly, policy, bare}, true});
    hold("schedule-set", ScheduleDeed{"set", "prod", {.plan = plan(), .dry_run = false, .schedules = {nightly}}});
    hold("schedule-dry-run", ScheduleDeed{"set", "prod", {.plan = plan(), .dry_run = true, .schedules = {nightly}}});
}

TEST_CASE("what ends a command decides its exit code") {
    CHECK(Answer{.value = Listing{}, .problem = {}}.exit_code() == 0);
    CHECK(Answer{.value = Listing{}, .problem = {}, .runs = true}.exit_code() == 4);
    CHECK(Answer{.value = Listing{}, .problem = Error(ErrorKind::corrupt, "x"), .runs = true}.exit_code() == 6);
}

TEST_CASE("a plan with documents is those documents, with all else as comments, so that it can be piped on") {
    Deed planned{.verb = "create", .target = "prod", .id = "b1", .result = {.plan = plan(), .dry_run = true}};
    planned.result.plan.steps[0].document = "kind: A\nspec: {}\n";
    planned.result.plan.steps.push_back({.id = "more", .what = "make B", .document = "kind: B\n"});
    const auto text = render_text(planned, {});
    const auto documents = text.find("kind: A\nspec: {}\n---\nkind: B\n");
    REQUIRE(documents != std::string::npos);
    CHECK(documents + 30 >= text.size());
    for (std::size_t from = 0; from < documents; from = text.find('\n', from) + 1) CHECK(text[from] == '#');
    CHECK(text.find("# plan of create b1") == 0);
    const auto json = nlohmann::json::parse(render_json(planned, {}));
    CHECK(json.at("plan").at("steps").at(0).at("document") == "kind: A\nspec: {}\n");
    const Removals removals{.subject = "prod", .items = {{.id = "b1", .plan = planned.result.plan}}, .dry_run = true};
    CHECK(render_text(removals, {}).find("# plan of delete b1") == 0);
}

TEST_CASE(
    "a list says until when and by which schedule where a server knows that, and has no empty columns otherwise") {
    auto plain = kept();
    CHECK(render_text(Listing{{plain}}, {}).find("EXPIRES") == std::string::npos);
    CHECK(render_text(Listing{{plain}}, {}).find("SCHEDULE") == std::string::npos);
    auto timed = kept();
    timed.expires = at("2026-12-01T00:00:00Z");
    timed.schedule = "nightly1";
    const auto text = render_text(Listing{{plain, timed}}, {});
    CHECK(text.find("EXPIRES") != std::string::npos);
    CHECK(text.find("2026-12-01T00:00:00Z  nightly1") != std::string::npos);
    const auto json = nlohmann::json::parse(render_json(Listing{{plain, timed}}, {}));
    CHECK(json.at("backups").at(0).at("expires").is_null());
    CHECK(json.at("backups").at(1).at("expires") == "2026-12-01T00:00:00Z");
    CHECK(json.at("backups").at(1).at("schedule") == "nightly1");
    CHECK(render_text(StatusReport{.newest = timed}, {}).find("nightly1") != std::string::npos);
}
