// SPDX-License-Identifier: Apache-2.0
// The scripted server is asked everything that a real Weaviate 1.39.0 was asked (tests/data/weaviate, trimmed from
// recordings), in the same order, and must answer the same.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "net/http.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_weaviate.hpp"

namespace {

using namespace vbackup;
using nlohmann::json;

struct Exchange {
    std::string script;  // instead of an exchange: what happened to the server
    bool poll = false;   // looked at until it was so
    std::string method, target, body, key;
    int status = 0;
    std::string type, answer;
};

std::vector<Exchange> read_recording(const std::string& name) {
    std::ifstream file(std::string(TEST_DATA) + "/weaviate/" + name);
    std::vector<Exchange> all;
    const std::regex poll(R"(### poll GET (\S+) -> (.*))"), script("### script: (.*)");
    const std::regex request(
        R"~(### curl -i -X (\w+) http://[^/]+(\S+)(?: -H 'Content-Type: application/json' -d '(.*?)')?(?: '-H' 'Authorization: Bearer (\S+)')?)~");
    std::smatch found;
    for (std::string line; std::getline(file, line);) {
        if (std::regex_match(line, found, poll)) {
            all.push_back({.poll = true, .method = "GET", .target = found[1], .answer = found[2]});
        } else if (std::regex_match(line, found, script)) {
            all.push_back({.script = found[1]});
        } else if (std::regex_match(line, found, request)) {
            all.push_back({.method = found[1], .target = found[2], .body = found[3], .key = found[4]});
        } else if (line.starts_with("###")) {
            FAIL("a line of " << name << " was not understood: " << line);
        } else if (line.starts_with("HTTP/1.1 ")) {
            all.back().status = std::stoi(line.substr(9));
        } else if (line.starts_with("Content-Type: ")) {
            all.back().type = line.substr(14);
        } else if (line.starts_with('{') || line.starts_with('[')) {
            all.back().answer = line;
        }
    }
    return all;
}

// What may differ: times, sizes, the order of collections, and Go's insides in some messages.
json normal(json value) {
    if (value.is_string()) {
        auto text = value.get<std::string>();
        text = std::regex_replace(text, std::regex(R"(20\d\d-\d\d-\d\dT[\d:.]+Z)"), "<time>");
        text = std::regex_replace(text, std::regex(R"( store: \{.*\})"), " store: {}");
        text = std::regex_replace(text, std::regex(R"~(metadata not found: "[^"]*")~"), "metadata not found: \"\"");
        text = std::regex_replace(text, std::regex(R"(nodes=map\[[^\]]*\])"), "nodes=map[]");
        text = std::regex_replace(text, std::regex(R"(producer: .*context canceled)"), "context canceled");
        return std::regex_replace(text, std::regex("weaviate-vb-wvc"), "weaviate-vb-wv");
    }
    if (!value.is_structured()) return value;
    if (value.is_object()) value.erase("size");
    // In memory a cancelled restore has no reason yet, in storage it has this one.
    if (value.is_object() && value.value("error", json()) == "restore canceled by user") value.erase("error");
    for (auto& one : value) one = normal(one);
    if (value.is_object() && value.contains("classes") && value["classes"].is_array())
        std::sort(value["classes"].begin(), value["classes"].end());
    return value;
}

json parsed(const std::string& text) {
    return text.empty() ? json() : normal(json::parse(text, nullptr, false));
}

void apply(test::ScriptedWeaviate& server, const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    if (words[0] == "finish") return server.finish();
    if (words[0] == "crash") return server.crash();
    if (words[0] == "forget") return server.forget(words[1]);
    server.change([&](auto& script) {
        if (words[0] == "modules")
            script.modules = {words.begin() + 1, words.end()};
        else if (words[0] == "nodes")
            script.nodes = {words.begin() + 1, words.end()};
        else if (words[0] == "down")
            script.down = {words[1]};
        else if (words[0] == "ending")
            script.ending = words[1];
        else if (words[0] == "key")
            script.keys[words[1]] = words[2];
        else if (words[0] == "drop")
            script.collections.erase(words[1]);
        else if (words[0] == "collection")
            script.collections[words[1]] = {.count = std::stoull(words[2])};
        else if (words[0] == "tenants") {
            script.collections[words[1]].multi_tenant = true;
            script.collections[words[1]].tenants[words[2]] = {words[3], std::stoull(words[4])};
        } else
            FAIL("unknown script line: " << line);
    });
}

class Replay {
public:
    explicit Replay(test::ScriptedWeaviate& server) : server_(server) {}

    int play(const std::string& name) {
        int compared = 0;
        for (const auto& exchange : read_recording(name)) {
            if (!exchange.script.empty()) {
                apply(server_, exchange.script);
                continue;
            }
            INFO(name, ": ", exchange.method, " ", exchange.target, " ", exchange.body);
            auto answer = ask(exchange);
            for (int look = 0; exchange.poll && look < 6 && parsed(answer.body) != parsed(exchange.answer); ++look)
                answer = ask(exchange);
            if (!exchange.poll) CHECK(answer.status == exchange.status);
            CHECK(parsed(answer.body) == parsed(exchange.answer));
            if (!exchange.poll && !exchange.answer.empty()) CHECK(answer.header("Content-Type") == exchange.type);
            ++compared;
        }
        return compared;
    }

private:
    net::Response ask(const Exchange& exchange) {
        net::Connection connection{.base = server_.base()};
        // Polls were made with whatever key the request before them had.
        if (!exchange.poll) key_ = exchange.key;
        if (!key_.empty()) connection.secrets.emplace_back("Authorization", Secret("Bearer " + key_));
        const net::Http http(connection);
        net::Request request;
        request.method = exchange.method;
        request.path = exchange.target;
        request.body = exchange.body;
        return http.send(call_, request, false);
    }

    test::ScriptedWeaviate& server_;
    test::FakeClock clock_;
    Tally tally_;
    Call call_{clock_, tally_};
    std::string key_;
};

test::ScriptedWeaviate::Script recorded_script() {
    return {.root = "/var/lib/vectordb/run/weaviate-vb-wv/backups"};
}

}  // namespace

TEST_CASE("the scripted Weaviate answers as one node did when it was recorded") {
    test::ScriptedWeaviate server(recorded_script());
    Replay replay(server);
    int compared = 0;
    for (const auto* name : {"03-create.txt", "04-list.txt", "05-errors.txt", "06-restore.txt", "07-s3.txt",
                             "08-cancel.txt", "09-incremental.txt", "10-rbac.txt"})
        compared += replay.play(name);
    CHECK(compared > 100);
}

TEST_CASE("the scripted Weaviate answers as a cluster did when it was recorded") {
    test::ScriptedWeaviate server(recorded_script());
    Replay replay(server);
    const int compared = replay.play("11-cluster.txt") + replay.play("12-cluster-failures.txt");
    CHECK(compared > 20);
}

TEST_CASE("the scripted Weaviate answers as one that was killed did when it was recorded") {
    test::ScriptedWeaviate server(recorded_script());
    Replay replay(server);
    CHECK(replay.play("13-crash.txt") > 5);
}
