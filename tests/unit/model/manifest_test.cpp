// SPDX-License-Identifier: Apache-2.0
#include "model/manifest.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "sample.hpp"

using namespace vbackup;
using namespace vbackup::model;
using nlohmann::ordered_json;

namespace {

std::optional<Error> refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

// What reading says of the full sample after one change to its JSON.
std::optional<Error> after(const std::function<void(ordered_json&)>& change) {
    ordered_json json = ordered_json::parse(render(test::full_manifest()));
    change(json);
    return refusal([&json] { parse_manifest(json.dump()); });
}

void check_corrupt(const std::optional<Error>& error, const std::string& field) {
    CAPTURE(field);
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::corrupt);
    CHECK_MESSAGE(error->message().find("'" + field + "'") != std::string::npos, error->message());
}

// Calls `visit` for every field of every object in `json`, with its path as errors name it. JsonText fields are not
// entered: what is in them belongs to a driver.
using Visit = std::function<void(ordered_json& object, const std::string& name, const std::string& path)>;
void each_field(ordered_json& json, const std::string& path, const Visit& visit) {
    if (json.is_array()) {
        for (std::size_t i = 0; i < json.size(); ++i) each_field(json[i], path + "[" + std::to_string(i) + "]", visit);
    }
    if (!json.is_object()) return;
    std::vector<std::string> names;
    for (const auto& item : json.items()) names.push_back(item.key());
    for (const std::string& name : names) {
        const std::string inner = path.empty() ? name : path + "." + name;
        visit(json, name, inner);
        const bool free = name == "details" || name == "details_after" || name == "config" || name == "driver_data" ||
                          name == "request";
        if (!free) each_field(json[name], inner, visit);
    }
}

}  // namespace

TEST_CASE("a manifest is read back as it was written") {
    const std::string text = render(test::full_manifest());
    const Manifest read = parse_manifest(text);
    CHECK(render(read) == text);

    const Manifest m = test::full_manifest();
    CHECK(read.id == m.id);
    CHECK(read.created == m.created);
    CHECK(read.completed == m.completed);
    CHECK(read.nodes.at(0).state == "HEALTHY");
    CHECK_FALSE(read.nodes.at(1).healthy);
    CHECK(read.collections.at(0).before.count == 1000);
    CHECK(read.collections.at(0).count_after == 1001);
    CHECK(read.collections.at(0).before.aliases == m.collections[0].before.aliases);
    CHECK(read.collections.at(0).before.config == m.collections[0].before.config);
    CHECK(read.collections.at(1).before.count == std::nullopt);
    CHECK(read.files.at(0).size == std::numeric_limits<std::uint64_t>::max());
    CHECK(read.files.at(0).format == Format::tar);
    CHECK(read.files.at(1).details.empty());
    CHECK(read.jobs.at(0).part.shard == "0");
    CHECK(read.driver_data == m.driver_data);
    CHECK(read.state == "unproven");
    CHECK(read.kept);
}

TEST_CASE("each field of the sample changes the text, so that none is forgotten") {
    const std::string text = render(test::full_manifest());
    const auto changed = [&text](const std::function<void(Manifest&)>& change) {
        Manifest m = test::full_manifest();
        change(m);
        return render(m) != text && render(parse_manifest(render(m))) == render(m);
    };
    CHECK(changed([](Manifest& m) { m.id = "other"; }));
    CHECK(changed([](Manifest& m) { m.created += Seconds(1); }));
    CHECK(changed([](Manifest& m) { m.completed += Seconds(1); }));
    CHECK(changed([](Manifest& m) { m.vbackup_version += "1"; }));
    CHECK(changed([](Manifest& m) { m.driver += "1"; }));
    CHECK(changed([](Manifest& m) { m.target += "1"; }));
    CHECK(changed([](Manifest& m) { m.target_url += "1"; }));
    CHECK(changed([](Manifest& m) { m.product += "1"; }));
    CHECK(changed([](Manifest& m) { m.server_version += "1"; }));
    CHECK(changed([](Manifest& m) { m.unit += "1"; }));
    CHECK(changed([](Manifest& m) { m.location += "1"; }));
    CHECK(changed([](Manifest& m) { m.kept = false; }));
    CHECK(changed([](Manifest& m) { m.state = "complete"; }));
    CHECK(changed([](Manifest& m) { m.notes.push_back("x"); }));
    CHECK(changed([](Manifest& m) { m.driver_data = "7"; }));
    CHECK(changed([](Manifest& m) { m.nodes[0].name += "1"; }));
    CHECK(changed([](Manifest& m) { m.nodes[0].address += "1"; }));
    CHECK(changed([](Manifest& m) { m.nodes[0].version += "1"; }));
    CHECK(changed([](Manifest& m) { m.nodes[0].healthy = false; }));
    CHECK(changed([](Manifest& m) { m.nodes[0].state += "1"; }));
    CHECK(changed([](Manifest& m) { m.collections[0].before.name += "1"; }));
    CHECK(changed([](Manifest& m) { m.collections[0].before.count = 0; }));
    CHECK(changed([](Manifest& m) { m.collections[0].before.shards = 0; }));
    CHECK(changed([](Manifest& m) { m.collections[0].before.replicas = 9; }));
    CHECK(changed([](Manifest& m) { m.collections[0].before.aliases.clear(); }));
    CHECK(changed([](Manifest& m) { m.collections[0].before.config.clear(); }));
    CHECK(changed([](Manifest& m) { m.collections[0].before.details = "{}"; }));
    CHECK(changed([](Manifest& m) { m.collections[0].count_after.reset(); }));
    CHECK(changed([](Manifest& m) { m.collections[0].details_after.clear(); }));
    CHECK(changed([](Manifest& m) { m.files[0].name += "1"; }));
    CHECK(changed([](Manifest& m) { m.files[0].part.node.clear(); }));
    CHECK(changed([](Manifest& m) { m.files[0].part.shard.clear(); }));
    CHECK(changed([](Manifest& m) { m.files[0].part.collection.clear(); }));
    CHECK(changed([](Manifest& m) { m.files[0].server_name += "1"; }));
    CHECK(changed([](Manifest& m) { m.files[0].size = 1; }));
    CHECK(changed([](Manifest& m) { m.files[0].sha256[0] = '0'; }));
    CHECK(changed([](Manifest& m) { m.files[0].server_sha256.clear(); }));
    CHECK(changed([](Manifest& m) { m.files[0].format = Format::json; }));
    CHECK(changed([](Manifest& m) { m.files[0].base.clear(); }));
    CHECK(changed([](Manifest& m) { m.files[0].kept = false; }));
    CHECK(changed([](Manifest& m) { m.files[0].details.clear(); }));
    CHECK(changed([](Manifest& m) { m.jobs[0].name += "1"; }));
    CHECK(changed([](Manifest& m) { m.jobs[0].part = {}; }));
    CHECK(changed([](Manifest& m) { m.jobs[0].details.clear(); }));
}

TEST_CASE("a manifest's JSON begins with its format, and what is absent is null") {
    const std::string text = render(test::full_manifest());
    CHECK(text.starts_with("{\n  \"format\": 1,"));
    const auto json = ordered_json::parse(text);
    CHECK(json.at("created") == "2026-11-21T07:47:00Z");
    CHECK(json.at("driver_data").at("small") == -1);
    CHECK(json.at("collections").at(1).at("count_before").is_null());
    CHECK(json.at("collections").at(1).at("shards").is_null());
    CHECK(json.at("files").at(1).at("sha256").is_null());
    CHECK(json.at("nodes").at(1).at("address").is_null());

    const auto empty = ordered_json::parse(render(Manifest{}));
    CHECK(empty.size() == json.size());
    CHECK(empty.at("files") == ordered_json::array());
    CHECK(empty.at("driver_data").is_null());
}

TEST_CASE("a manifest cut at any byte is corrupt") {
    const std::string text = render(test::full_manifest());
    for (std::size_t length = 0; length < text.size(); ++length) {
        const auto error = refusal([&] { parse_manifest(std::string_view(text).substr(0, length)); });
        if (!error || error->kind() != ErrorKind::corrupt) FAIL_CHECK("cut at " << length);
    }
}

TEST_CASE("an intent cut at any byte is corrupt") {
    const std::string text = render(test::full_intent());
    for (std::size_t length = 0; length < text.size(); ++length) {
        const auto error = refusal([&] { parse_intent(std::string_view(text).substr(0, length)); });
        if (!error || error->kind() != ErrorKind::corrupt) FAIL_CHECK("cut at " << length);
    }
}

TEST_CASE("a missing field is corrupt and named, wherever it is") {
    int fields = 0;
    ordered_json sample = ordered_json::parse(render(test::full_manifest()));
    each_field(sample, "", [&](ordered_json& object, const std::string& name, const std::string& path) {
        const ordered_json before = object;
        object.erase(name);
        check_corrupt(refusal([&] { parse_manifest(sample.dump()); }), path);
        object = before;
        ++fields;
    });
    CHECK(fields > 80);
}

TEST_CASE("a wrong type is corrupt and named, wherever it is") {
    int fields = 0;
    const std::vector<ordered_json> others{ordered_json::array({true}), ordered_json::object(), "text", -1, 1.5, true};
    ordered_json sample = ordered_json::parse(render(test::full_manifest()));
    each_field(sample, "", [&](ordered_json& object, const std::string& name, const std::string& path) {
        const bool free = name == "details" || name == "details_after" || name == "config" || name == "driver_data";
        const ordered_json before = object.at(name);
        for (const ordered_json& other : others) {
            const bool same = other.type() == before.type();
            const bool nullable_text = before.is_null() && other.is_string();
            if (free || same || nullable_text) continue;
            object[name] = other;
            const auto error = refusal([&] { parse_manifest(sample.dump()); });
            CAPTURE(path);
            CAPTURE(other.dump());
            REQUIRE(error);
            CHECK(error->kind() == ErrorKind::corrupt);
            CHECK_MESSAGE(error->message().find("'" + path) != std::string::npos, error->message());
        }
        object[name] = before;
        ++fields;
    });
    CHECK(fields > 80);
}

TEST_CASE("null stands for what may be absent, and for nothing else") {
    ordered_json sample = ordered_json::parse(render(test::full_manifest()));
    for (const char* name : {"target", "unit", "location", "driver_data"}) {
        CAPTURE(name);
        CHECK_FALSE(after([name](ordered_json& json) { json[name] = nullptr; }));
    }
    for (const char* name :
         {"format", "id", "created", "completed", "vbackup_version", "driver", "target_url", "product",
          "server_version", "nodes", "collections", "files", "jobs", "kept", "state", "notes"}) {
        check_corrupt(after([name](ordered_json& json) { json[name] = nullptr; }), name);
    }
}

TEST_CASE("what is no manifest at all is corrupt") {
    for (const char* text : {"", " ", "null", "[]", "1", "\"manifest\"", "{}", "<html>", "{\"format\":1}", "{} {}",
                             "{\"format\":1,}", "\xff\xfe"}) {
        CAPTURE(text);
        const auto error = refusal([text] { parse_manifest(text); });
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::corrupt);
    }
    const auto nested = refusal([] { parse_manifest(std::string(1'000'000, '[')); });
    REQUIRE(nested);
    CHECK(nested->kind() == ErrorKind::corrupt);
    const auto extra = refusal([] { parse_manifest(render(test::full_manifest()) + "x"); });
    REQUIRE(extra);
    CHECK(extra->kind() == ErrorKind::corrupt);
}

TEST_CASE("a newer format is refused whatever else is in it") {
    for (const char* text : {R"({"format":3})", R"({"format":999,"id":7})"}) {
        const auto error = refusal([text] { parse_manifest(text); });
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::refused);
        CHECK(error->hint() == "use a newer vbackup");
    }
    for (const char* text :
         {R"({"format":0})", R"({"format":-1})", R"({"format":"2"})", R"({"format":2.0})", R"({"format":null})"}) {
        CAPTURE(text);
        check_corrupt(refusal([text] { parse_manifest(text); }), "format");
    }
}

TEST_CASE("unknown fields are tolerated and not kept") {
    ordered_json json = ordered_json::parse(render(test::full_manifest()));
    json["colour"] = "blue";
    json["files"][0]["taste"] = {{"sweet", true}};
    CHECK(render(parse_manifest(json.dump())) == render(test::full_manifest()));
}

TEST_CASE("unsafe names of files") {
    for (const char* name : {"", "/etc/passwd", "..", "../x", "data/../../x", "data/..", "a//b", "data/", ".", "./a",
                             "a/./b", "a\\b", "a\nb", "a\x7f", "manifest.json", "intent.json"}) {
        CAPTURE(name);
        CHECK_FALSE(is_safe_file_name(name));
        check_corrupt(after([name](ordered_json& json) { json["files"][1]["name"] = name; }), "files[1].name");
    }
    CHECK_FALSE(is_safe_file_name(std::string_view("a\0b", 3)));
    for (const char* name : {"data/a", "a", "..a", "a..b/...", "data/Ärticle 1/ß", "data/manifest.json", "C:x"}) {
        CAPTURE(name);
        CHECK(is_safe_file_name(name));
    }
}

TEST_CASE("what a manifest must not claim") {
    check_corrupt(after([](ordered_json& json) { json["files"][1]["name"] = json["files"][0]["name"]; }),
                  "files[1].name");
    check_corrupt(after([](ordered_json& json) { json["files"][0]["size"] = nullptr; }), "files[0].size");
    check_corrupt(after([](ordered_json& json) { json["files"][0]["sha256"] = nullptr; }), "files[0].sha256");
    check_corrupt(after([](ordered_json& json) { json["files"][0]["sha256"] = std::string(64, 'A'); }),
                  "files[0].sha256");
    check_corrupt(after([](ordered_json& json) { json["files"][1]["sha256"] = "abc"; }), "files[1].sha256");
    check_corrupt(after([](ordered_json& json) { json["files"][0]["format"] = "zip"; }), "files[0].format");
    check_corrupt(after([](ordered_json& json) { json["state"] = "perfect"; }), "state");
    check_corrupt(after([](ordered_json& json) { json["id"] = ""; }), "id");
    check_corrupt(after([](ordered_json& json) { json["id"] = "../x"; }), "id");
    check_corrupt(after([](ordered_json& json) { json["id"] = "Prod"; }), "id");
    check_corrupt(after([](ordered_json& json) { json["created"] = "yesterday"; }), "created");
    check_corrupt(after([](ordered_json& json) { json["collections"][0]["shards"] = 4294967296; }),
                  "collections[0].shards");
}

TEST_CASE("what cannot be written as JSON is an error, not a broken manifest") {
    Manifest broken = test::full_manifest();
    broken.driver_data = "{";
    const auto no_json = refusal([&broken] { render(broken); });
    REQUIRE(no_json);
    CHECK(no_json->kind() == ErrorKind::not_understood);
    CHECK(no_json->message().find("driver_data") != std::string::npos);

    broken = test::full_manifest();
    broken.files[0].server_name = "\xff";
    const auto no_text = refusal([&broken] { render(broken); });
    REQUIRE(no_text);
    CHECK(no_text->kind() == ErrorKind::not_understood);
}

TEST_CASE("the size of a backup is the sum of the known sizes and never overflows") {
    Manifest m;
    CHECK(m.size() == 0);
    m.files.resize(3);
    m.files[0].size = 5;
    m.files[2].size = 7;
    CHECK(m.size() == 12);
    m.files[1].size = std::numeric_limits<std::uint64_t>::max() - 3;
    CHECK(m.size() == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("an intent is read back as it was written") {
    const std::string text = render(test::full_intent());
    const Intent read = parse_intent(text);
    CHECK(render(read) == text);
    CHECK(read.verb == "create");
    CHECK(read.begun == test::full_intent().begun);
    REQUIRE(read.plan.steps.size() == 2);
    const Step& step = read.plan.steps[0];
    CHECK(step.id == "fetch:Article:0");
    CHECK(step.kind == StepKind::fetch);
    CHECK(step.part.text() == "collection Article, shard 0, node node1");
    CHECK(step.what == "bring home one file");
    CHECK(step.after == std::vector<std::string>{"create", "settle"});
    CHECK(step.of == "create");
    REQUIRE(step.job);
    CHECK(step.job->name == "b1");
    CHECK(step.file == "data/Article/shard-0.snapshot");
    REQUIRE(step.location);
    CHECK(step.location->url == "s3://bucket/prefix/b1");
    CHECK(step.location->descriptor == "backup_config.json");
    CHECK(step.destroys);
    CHECK(step.tidy);
    CHECK(step.details == "[]");
    CHECK_FALSE(read.plan.steps[1].job);
    CHECK_FALSE(read.plan.steps[1].location);
    CHECK_FALSE(read.plan.steps[1].tidy);
    CHECK(read.plan.notes == std::vector<std::string>{"it costs room"});
    CHECK(read.plan.details == R"({"x":1})");
    REQUIRE(read.records.size() == 2);
    CHECK(read.records[0].step == "create");
    CHECK(read.records[0].done);
    CHECK(read.records[0].job);
    CHECK(read.records[1].sent);
    CHECK_FALSE(read.records[1].done);
    CHECK_FALSE(read.records[1].job);
    CHECK(read.records[0].failed.empty());
    CHECK(read.records[1].failed == "job_failed");
    CHECK(read.target_url == "https://node-9.example:6333");
    CHECK(read.request == R"({"verb":"create"})");
    CHECK(render(read.draft) == render(test::full_manifest()));
}

TEST_CASE("a missing or wrong field of an intent is corrupt and named") {
    ordered_json sample = ordered_json::parse(render(test::full_intent()));
    each_field(sample, "", [&](ordered_json& object, const std::string& name, const std::string& path) {
        const ordered_json before = object;
        object.erase(name);
        check_corrupt(refusal([&] { parse_intent(sample.dump()); }), path);
        object = before;
    });
    sample["draft"]["files"][1]["name"] = "../x";
    check_corrupt(refusal([&] { parse_intent(sample.dump()); }), "draft.files[1].name");
    sample["plan"]["steps"][0]["kind"] = "dance";
    check_corrupt(refusal([&] { parse_intent(sample.dump()); }), "plan.steps[0].kind");
}

TEST_CASE("an intent that has only just begun is read back") {
    Intent intent;
    intent.id = "b1";
    intent.verb = "restore";
    CHECK(render(parse_intent(render(intent))) == render(intent));
    const auto newer = refusal([] { parse_intent(R"({"format":3})"); });
    REQUIRE(newer);
    CHECK(newer->kind() == ErrorKind::refused);
}
