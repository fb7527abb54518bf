// SPDX-License-Identifier: Apache-2.0
// Holds the scripted server to what a real Qdrant 1.19.0 answered (tests/data/qdrant/recorded.json, taken from
// transcripts/qdrant in the order they were recorded). It may differ only in what `normal` and `small` name.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <regex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/digest.hpp"
#include "net/http.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_qdrant.hpp"

namespace vbackup::test {
namespace {

using nlohmann::json;

// Dates, times, digests, etags and sizes: the played snapshots are other files, made at other times.
std::string normal(std::string text) {
    static const std::pair<std::regex, const char*> rules[] = {
        {std::regex(R"("time":[0-9.e-]+)"), R"("time":0)"},
        {std::regex(R"(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)"), "STAMP"},
        {std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"), "DATE"},
        {std::regex(R"([0-9a-f]{64})"), "DIGEST"},
        {std::regex(R"("size":\d{5,})"), R"("size":0)"},
        {std::regex(R"re("(points|points_count|segments_count|indexed_vectors_count)":\d+)re"), R"("$1":0)"},
        {std::regex(R"("[0-9a-f]+:[0-9a-f]+:[0-9a-f]+:[0-9a-f]+")"), "ETAG"},
        {std::regex(R"([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)"), "MOMENT"},
        {std::regex(R"(tmp/[a-z]+-shard-0[A-Za-z0-9]+)"), "tmp/SHARD"},
    };
    for (const auto& [pattern, with] : rules) text = std::regex_replace(text, pattern, with);
    return text;
}

// The recorded collection's snapshots had 29,724,160 bytes and its shard's 15,334,400, the played ones have fewer: offsets move along.
std::string small(std::string text, std::size_t size) {
    const std::pair<const char*, std::uint64_t> numbers[] = {
        {"29724170", size + 10}, {"29724060", size - 100}, {"29724159", size - 1},
        {"29724160", size},      {"14862080", size / 2},   {"15334400", ScriptedQdrant::tiny_shard().size()}};
    for (const auto& [from, to] : numbers) text = std::regex_replace(text, std::regex(from), std::to_string(to));
    return text;
}

std::string form(const std::string& type, const std::string& part, const std::string& bytes) {
    const auto boundary = type.substr(type.find("boundary=") + 9);
    return fmt::format(
        "--{0}\r\nContent-Disposition: form-data; name=\"{1}\"; "
        "filename=\"qd1-full.snapshot\"\r\n\r\n{2}\r\n--{0}--\r\n",
        boundary, part, bytes);
}

// What the recording's short notes of uploaded files stand for.
std::string body_of(const json& exchange) {
    auto body = exchange.at("body").get<std::string>();
    const auto at = body.find("=@");
    if (at == std::string::npos) return body;
    const auto file = body.substr(at);
    const auto bytes = file.find("shard") != std::string::npos ? ScriptedQdrant::tiny_shard()
                       : file.find(".sh") != std::string::npos ? std::string("#!/bin/sh")
                                                               : ScriptedQdrant::tiny();
    return form(exchange.at("headers").value("content-type", ""), body.substr(0, at), bytes);
}

class Replay {
public:
    explicit Replay(ScriptedQdrant& server) : http_({.base = server.base()}) {
        // The digest of the recorded big collection's snapshot.
        names_["f09ff431444e4d172cc3115909ebcb20df62abbd0e71c859d77e749f429eeb4e"] = io::sha256(ScriptedQdrant::tiny());
    }

    void compare(const json& exchange) {
        INFO(exchange.at("title").get<std::string>());
        const auto answer = send(exchange);
        CHECK(answer.status == exchange.at("status").get<int>());
        for (const auto* name :
             {"content-type", "etag", "accept-ranges", "content-range", "content-disposition", "last-modified"}) {
            const auto recorded = exchange.at("answer_headers").value(name, "");
            // An answer without a body, and some refusals, name no type or name it needlessly.
            if (std::string_view(name) == "content-type" && (recorded.empty() || answer.body.empty())) continue;
            CAPTURE(name);
            CHECK(normal(std::string(answer.header(name))) == normal(small(recorded, ScriptedQdrant::tiny().size())));
        }
        if (!exchange.at("answer").is_string()) return;
        const auto recorded = exchange.at("answer").get<std::string>();
        learn(recorded, answer.body);
        compare_text(normal(answer.body), normal(recorded));
    }

private:
    net::Response send(const json& exchange) {
        net::Request request;
        request.method = exchange.at("method").get<std::string>();
        request.path = exchange.at("target").get<std::string>();
        for (const auto& [recorded, played] : names_)
            request.path = std::regex_replace(request.path, std::regex(recorded), played);
        request.body = body_of(exchange);
        for (const auto& [recorded, played] : names_)
            request.body = std::regex_replace(request.body, std::regex(recorded), played);
        for (const auto& [name, value] : exchange.at("headers").items()) {
            if (name == "content-type")
                request.content_type = value.get<std::string>();
            else
                request.headers.emplace_back(name, small(value.get<std::string>(), ScriptedQdrant::tiny().size()));
        }
        for (auto& [name, value] : request.headers) {
            if (name.starts_with("if-") && value != "\"nope\"") value = "\"51096d:1fc00:6b014a01:1f310534\"";
        }
        return http_.send(call_, request, false);
    }

    static void compare_text(const std::string& played, const std::string& recorded) {
        const auto left = json::parse(played, nullptr, false), right = json::parse(recorded, nullptr, false);
        if (left.is_discarded() || right.is_discarded())
            CHECK(played == recorded);
        else
            CHECK(left == right);
    }

    // A snapshot that was just made is called otherwise here; later requests ask for it by its name here.
    void learn(const std::string& recorded, const std::string& played) {
        static const std::regex name(R"re(^\{"result":\{"name":"([^"]+)")re");
        std::smatch one, other;
        if (std::regex_search(recorded, one, name) && std::regex_search(played, other, name)) names_[one[1]] = other[1];
    }

    FakeClock clock_;
    Tally tally_;
    Call call_{clock_, tally_};
    net::Http http_;
    std::map<std::string, std::string> names_;
};

}  // namespace

TEST_CASE("the scripted server answers as a real one did") {
    std::ifstream file(std::string(TEST_DATA) + "/qdrant/recorded.json");
    const auto recorded = json::parse(file);
    REQUIRE(recorded.size() > 60);
    ScriptedQdrant server(TEST_DATA);
    std::string config, schema;
    for (const auto& exchange : recorded) {
        if (!exchange.at("title").get<std::string>().ends_with("| GET collection")) continue;
        const auto result = json::parse(exchange.at("answer").get<std::string>()).at("result");
        config = result.at("config").dump();
        schema = result.at("payload_schema").dump();
    }
    server.with([](auto& state) {
        state.collections.clear();
        state.looks_until_made = 0;
    });
    Replay replay(server);
    for (const auto& exchange : recorded) {
        // The collection appears after the first page of the recording.
        if (!exchange.at("title").get<std::string>().starts_with("single-01")) {
            server.with([&](auto& state) {
                if (!state.collections.contains("big"))
                    state.collections["big"] = {
                        .config = config, .schema = schema, .points = 50, .shards = {{.id = 0}}};
                if (!state.collections.contains("tiny")) state.collections["tiny"] = state.collections["big"];
                // Recorded within the same second as the one before.
                if (exchange.at("title") == "single-03-create | create snapshot wait=false") --state.second;
            });
        }
        replay.compare(exchange);
    }
}

}  // namespace vbackup::test
