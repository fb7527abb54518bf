// SPDX-License-Identifier: Apache-2.0
// What every verb prints under --output json: one document each in tests/data/golden/json, and the schemas themselves.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command/command.hpp"
#include "golden.hpp"
#include "model/plan.hpp"
#include "program.hpp"
#include "support/json_schema.hpp"

using namespace vbackup;
using nlohmann::json;
using test::Program;
using test::Schema;

namespace {

namespace fs = std::filesystem;

// What is another on each machine and in each run: the folder, and the room on its disk.
nlohmann::ordered_json made_stable(std::string out, const std::string& folder) {
    for (auto at = out.find(folder); at != std::string::npos; at = out.find(folder))
        out.replace(at, folder.size(), "~");
    auto document = nlohmann::ordered_json::parse(out);
    if (document.contains("parts")) {
        document["system"] = "Linux 6.1.0 x86_64";
        document["parts"] = nlohmann::ordered_json::array({{{"name", "vbackup"}, {"version", "1.0.0"}}});
    }
    if (document.contains("trace")) document["trace"]["log"]["creator"]["version"] = "1.0.0";
    for (auto* checked : {&document, document.contains("health") ? &document["health"] : nullptr})
        if (checked && checked->contains("store") && (*checked)["store"].is_object())
            (*checked)["store"]["free_bytes"] = 1000000000;
    return document;
}

class Corpus {
public:
    Corpus() {
        program.environment["VBACKUP_PARALLEL"] = "1";  // files stand in the order in which they came
        program.configure("[targets.prod]\nstore = \"" + program.store() + "\"\nurl = \"" + Program::target + "\"\n");
    }

    // Runs it and holds its document against the golden file of the verb.
    void hold(std::vector<std::string> arguments, int code = 0) {
        const auto verb = arguments.front();
        const auto out = run(std::move(arguments), code);
        test::require_golden("json/" + verb + ".json", made_stable(out, program.folder.path().string()).dump(2) + "\n");
        held.insert(verb);
    }
    std::string run(std::vector<std::string> arguments, int code = 0) {
        CAPTURE(arguments.front());
        arguments.insert(arguments.end(), {"--output", "json"});
        const auto ran = program(arguments);
        CHECK_MESSAGE(ran.code == code, ran.err);
        return ran.out;
    }

    Program program;
    std::set<std::string> held;
};

// Every schema below `schema` that is one of an object.
void collect_objects(const json& schema, std::vector<const json*>& objects) {
    if (schema.is_object() && schema.value("type", json()) == "object" && schema.contains("properties"))
        objects.push_back(&schema);
    if (schema.is_structured())
        for (const auto& item : schema) collect_objects(item, objects);
}

std::vector<fs::path> schema_files() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(test::schema_folder())) files.push_back(entry.path());
    return files;
}

}  // namespace

TEST_CASE("the JSON of every verb is what it was, and fits its schema") {
    Corpus corpus;
    auto& program = corpus.program;
    const auto store = program.store(), other = (program.folder / "other").string();
    corpus.hold({"drivers"});
    corpus.hold({"config", "check"});
    corpus.hold({"check", "prod"});
    corpus.hold({"diagnose", "prod"});
    corpus.hold({"create", "prod", "--id", "b1", "--to", store, "--description", "by hand"});
    corpus.hold({"pin", store, "b1", "missing"}, 3);
    corpus.hold({"unpin", store, "b1"});
    corpus.hold({"verify", store, "b1"});
    corpus.hold({"export", store, "b1", (program.folder / "b1.tar.zst").string()});
    corpus.hold({"import", (program.folder / "b1.tar.zst").string(), other});
    corpus.hold({"copy", store, "b1", (program.folder / "third").string()});
    corpus.hold({"restore", "prod", "b1", "--from", store, "--collection", "Docs", "--rename", "Docs", "Old"});
    program.clock.advance(std::chrono::hours(24));
    corpus.hold({"run", "prod"});
    corpus.hold({"status", "prod"});
    corpus.hold({"list", store});
    corpus.hold({"report", store, (program.folder / "page.html").string(), "--max-age", "26h"});
    corpus.hold({"prune", store, "--keep-last", "1", "--yes"});
    corpus.hold({"delete", other, "b1", "missing", "--yes"}, 3);
    const std::string left = "toy+http://left.example:1";
    corpus.run({"create", left, "--id", "b2"});
    corpus.hold({"download", left, "b2", "--to", other});
    program.database.looks_needed = 3;
    corpus.run({"create", left, "--id", "b3", "--no-wait"});
    corpus.hold({"wait", left, "b3"});
    corpus.run({"create", left, "--id", "b4", "--no-wait", "--collection", "Docs"});
    corpus.hold({"cancel", left, "b4"});
    corpus.hold({"schedule", "set", left, "--cron", "0 2 * * *"});

    const auto key = program.folder / "key", safe = program.folder / "safe";
    std::ofstream(key) << "0123456789abcdef0123456789abcdef\n";
    fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
    program.environment["VBACKUP_KEY_FILE"] = key.string();
    corpus.run({"create", "prod", "--id", "b5", "--to", safe.string()});
    corpus.hold({"key", "list", safe.string()});
    program.environment.erase("VBACKUP_KEY_FILE");

    // The other forms that a verb has.
    corpus.run({"schedule", "list", left});
    corpus.run({"report", store});
    corpus.run({"config", "show"});
    corpus.run({"config", "init", "--config", (program.folder / "new.toml").string()});
    corpus.run({"status", store, "missing"}, 7);
    corpus.run({"diagnose", "prod", (program.folder / "bundle.json").string()});
    corpus.run({"diagnose", "nobody"}, 19);

    // A verb that is added comes in here; completion prints text for a shell, whatever is asked.
    for (const auto& page : cli::pages())
        if (page.name != "completion")
            CHECK_MESSAGE(corpus.held.contains(page.name), "no document of " << page.name << " is held");
    for (const auto& entry : fs::directory_iterator(fs::path(TEST_DATA) / "golden/json"))
        CHECK_MESSAGE(corpus.held.contains(entry.path().stem().string()), "nobody holds " << entry.path());
}

TEST_CASE("the schemas require every field that is always written, and leave room for more") {
    // Those of status without ID, and of verify with one ID, which stand at the top for one backup only.
    const std::map<std::string, std::set<std::string>> sometimes{
        {"status.schema.json", {"newest_good"}},
        {"verify.schema.json", {"id", "slice", "files", "structure", "drill", "error"}}};
    std::size_t seen = 0;
    for (const auto& file : schema_files()) {
        CAPTURE(file);
        const auto schema = Schema::read(file);
        std::vector<const json*> objects;
        collect_objects(schema.root(), objects);
        CHECK_FALSE(objects.empty());
        for (const json* object : objects) {
            ++seen;
            std::set<std::string> names;
            for (const auto& item : object->at("properties").items()) names.insert(item.key());
            const bool at_top = object == &schema.root();
            if (const auto few = sometimes.find(file.filename().string()); at_top && few != sometimes.end())
                for (const auto& name : few->second) CHECK(names.erase(name) == 1);
            CHECK(object->at("required").get<std::set<std::string>>() == names);
            CHECK_FALSE(object->contains("additionalProperties"));
        }
    }
    CHECK(seen > 60);
}

TEST_CASE("the schemas know every phase") {
    const auto common = Schema::read(test::schema_folder() / "common.schema.json");
    const auto& known = common.root().at("$defs").at("found").at("properties").at("phase").at("enum");
    std::set<std::string> words;
    for (int i = 0; i <= static_cast<int>(model::Phase::unknown); ++i)
        words.emplace(model::word(static_cast<model::Phase>(i)));
    CHECK(known.get<std::set<std::string>>() == words);
}

TEST_CASE("a field without a schema, one too few and one of another type are found") {
    const auto list = Schema::read(test::schema_folder() / "list.schema.json");
    std::ifstream in(fs::path(TEST_DATA) / "golden/json/list.json");
    const auto good = json::parse(in);
    const auto wrong = [&](auto change) {
        auto document = good;
        change(document);
        return list.check(document, test::Fields::listed).size();
    };
    CHECK(wrong([](json&) {}) == 0);
    CHECK(wrong([](json& it) { it["more"] = 1; }) == 1);
    CHECK(wrong([](json& it) { it["backups"][0]["more"] = 1; }) == 1);
    CHECK(wrong([](json& it) { it["backups"][0]["collections"][0]["more"] = 1; }) == 1);
    CHECK(wrong([](json& it) { it["backups"][0].erase("phase"); }) == 1);
    CHECK(wrong([](json& it) { it["backups"][0]["size"] = "1 KiB"; }) == 1);
    CHECK(wrong([](json& it) { it["backups"][0]["started"] = "yesterday"; }) == 1);
    CHECK(wrong([](json& it) { it["backups"] = nullptr; }) == 1);
    auto later = good;
    later["backups"][0]["more"] = 1;
    CHECK(list.check(later).empty());  // for a reader with the schema of today
}
