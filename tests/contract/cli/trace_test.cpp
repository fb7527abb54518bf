// SPDX-License-Identifier: Apache-2.0
// --trace, diagnose, and what a process that ends badly leaves behind.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <set>

#include "process.hpp"
#include "support/http_server.hpp"
#include "support/scripted_qdrant.hpp"

using namespace vbackup::test;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

std::string read_whole(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

json entries_of(const fs::path& path) {
    const auto document = json::parse(read_whole(path), nullptr, false);
    REQUIRE_MESSAGE(document.is_object(), read_whole(path));
    return document.at("log").at("entries");
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Answers the first question, takes the second and says nothing more; `taken` is released then.
void answer_once(HttpServer& server, std::binary_semaphore& taken) {
    server.on("GET", "*",
              {.body = R"({"title":"qdrant - vector search engine","version":"1.19.0"})",
               .headers = {{"Content-Type", "application/json"}}});
    server.on("GET", "*", [&](const HttpRequest&) {
        taken.release();
        return Answer{.fault = Fault::stall};
    });
}

}  // namespace

TEST_CASE("a killed run leaves a trace that can be read, of all that was answered") {
    HttpServer server;
    std::binary_semaphore taken{0};
    answer_once(server, taken);
    const TemporaryFolder folder;
    const auto file = folder / "trace.har";
    Process process({"list", server.base(), "--trace", file.string()});
    taken.acquire();
    process.signal(SIGKILL);
    CHECK(process.end().code == 1000 + SIGKILL);
    const auto entries = entries_of(file);
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].at("request").at("url") == server.base() + "/v1/meta");
    CHECK(has(entries[0].at("response").at("content").at("text"), "1.19.0"));
}

TEST_CASE("a run that was interrupted, or failed, has the request it ended in too") {
    const TemporaryFolder folder;
    const auto file = folder / "trace.har";
    {
        HttpServer server;
        std::binary_semaphore taken{0};
        answer_once(server, taken);
        Process process({"list", server.base(), "--trace", file.string()});
        taken.acquire();
        process.signal(SIGTERM);
        CHECK(process.end().code == 128 + SIGTERM);
        const auto entries = entries_of(file);
        REQUIRE(entries.size() == 2);
        CHECK(entries[1].at("response").at("status") == 0);
        CHECK(entries[1].at("_error") == "given up");
    }
    const auto gone = HttpServer().base();
    CHECK(Process({"list", "qdrant+" + gone, "--trace", file.string()}).end().code == 15);
    const auto entries = entries_of(file);
    REQUIRE_FALSE(entries.empty());
    CHECK(has(entries[0].at("_error"), "cannot connect"));
}

TEST_CASE("a trace that cannot be written is refused before anybody is asked anything") {
    HttpServer server;
    CHECK(Process({"list", server.base(), "--trace", "/dev/null"}).end().code == 2);
    CHECK(Process({"list", server.base(), "--trace", "/no/such/folder/trace"}).end().code == 18);
    CHECK(server.requests().empty());
}

TEST_CASE("diagnose bundles what is well") {
    ScriptedQdrant qdrant(TEST_DATA);
    const TemporaryFolder folder;
    const auto file = folder / "bundle.json", key = folder / "key";
    std::ofstream(key) << ScriptedQdrant::key << '\n';
    fs::permissions(key, fs::perms(0600));
    const std::vector<std::string> environment{"VBACKUP_API_KEY_FILE=" + key.string()};
    const auto ended = Process({"diagnose", qdrant.base(), file.string()}, Process::Out::file, environment).end();
    CHECK_MESSAGE(ended.code == 0, ended.err);
    CHECK(has(ended.out, file.string()));
    CHECK((fs::status(file).permissions() & fs::perms::all) == fs::perms(0600));
    const auto bundle = json::parse(read_whole(file));
    CHECK(bundle.at("health").at("server_version") == "1.19.0");
    CHECK(bundle.at("error").is_null());
    CHECK(bundle.at("trace").at("log").at("entries").size() > 2);
    std::set<std::string> names;
    for (const auto& part : bundle.at("parts")) names.insert(part.at("name"));
    for (const auto* name : {"vbackup", "libcurl", "libarchive", "zstd", "OpenSSL"}) CHECK(names.contains(name));
    CHECK_FALSE(has(read_whole(file), ScriptedQdrant::key));
    const auto again = Process({"diagnose", qdrant.base(), file.string()}, Process::Out::file, environment).end();
    CHECK(again.code == 8);
}

TEST_CASE("diagnose of what cannot be reached says so, with that exit code, and has the rest") {
    const auto gone = "qdrant+" + HttpServer().base();
    const auto ended = Process({"diagnose", gone, "--output", "json"}).end();
    CHECK(ended.code == 15);
    const auto bundle = json::parse(ended.out, nullptr, false);
    REQUIRE_MESSAGE(bundle.is_object(), ended.err);
    CHECK(bundle.at("health").is_null());
    CHECK(bundle.at("error").at("kind") == "unreachable");
    CHECK_FALSE(bundle.at("trace").at("log").at("entries").empty());
    const auto text = Process({"diagnose", gone}).end();
    CHECK(text.code == 15);
    CHECK(has(text.out, "not known: "));
    CHECK(has(text.out, "libcurl"));
    CHECK(has(text.out, "GET " + gone.substr(7)));
}

TEST_CASE("no core is dumped, and nobody else of the same user reads the memory") {
    struct rlimit before = {};
    REQUIRE(::getrlimit(RLIMIT_CORE, &before) == 0);
    auto raised = before;
    raised.rlim_cur = before.rlim_max;
    ::setrlimit(RLIMIT_CORE, &raised);
    HttpServer server;
    std::binary_semaphore taken{0};
    server.on("GET", "*", [&](const HttpRequest&) {
        taken.release();
        return Answer{.fault = Fault::stall};
    });
    Process process({"list", server.base()});
    taken.acquire();
    ::setrlimit(RLIMIT_CORE, &before);
    const auto limits = read_whole("/proc/" + std::to_string(process.pid()) + "/limits");
    const auto line = limits.substr(std::min(limits.find("Max core file size"), limits.size()), 40);
    CHECK_MESSAGE(line.find(" 0 ") != std::string::npos, line);
    // The kernel gives root what a process that may not be dumped has below /proc (proc(5)).
    struct stat facts = {};
    REQUIRE(::stat(("/proc/" + std::to_string(process.pid()) + "/environ").c_str(), &facts) == 0);
    if (::geteuid() != 0) CHECK(facts.st_uid == 0);
    process.signal(SIGTERM);
    process.end();
}
