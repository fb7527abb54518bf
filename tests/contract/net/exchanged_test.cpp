// SPDX-License-Identifier: Apache-2.0
// What --trace and diagnose are given of each exchange.
#include "contract/net/fixture.hpp"
#include "net/resp.hpp"
#include "net/trace.hpp"
#include "support/resp_server.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view key = "canary-0123456789";

struct Kept : Fixture {
    std::vector<net::Exchanged> kept;

    net::Trace keeping() {
        return net::Noting{.line = {}, .whole = [this](const net::Exchanged& exchange) {
                               const std::scoped_lock lock(mutex);
                               kept.push_back(exchange);
                           }};
    }
    net::Http http_with_key() {
        auto to = connection();
        to.secrets.emplace_back("api-key", Secret(std::string(key)));
        to.secrets.emplace_back("Authorization", Secret("Bearer " + std::string(key)));
        return net::Http(std::move(to), keeping(), [] { return 0.5; });
    }
};

std::string value_of(const net::Headers& headers, std::string_view name) {
    for (const auto& [one, value] : headers)
        if (one == name) return value;
    return "none";
}

std::string all_of(const net::Exchanged& exchange) {
    auto all = exchange.url + exchange.failure + exchange.sent_body.text + exchange.body.text;
    for (const auto& headers : {exchange.sent_headers, exchange.headers})
        for (const auto& [name, value] : headers) all.append(name).append(value);
    return all;
}

}  // namespace

TEST_CASE_FIXTURE(Kept, "headers, bodies and status are kept, and nothing that authenticates") {
    server.on("POST", "/a",
              {.status = 401,
               .body = R"({"error":"no such key: )" + std::string(key) + R"(","password":"canary-pw"})",
               .headers = {{"Location", "/b?X-Amz-Signature=canary-sig&n=1"}, {"Set-Cookie", "canary-cookie"}}});
    http_with_key().send(call, post("/a?api_key=canary-query&n=1", R"({"name":"x","secret":"canary-sent"})"));
    REQUIRE(kept.size() == 1);
    const auto& one = kept.front();
    CHECK(one.method == "POST");
    CHECK(one.url == server.base() + "/a?api_key=***&n=1");
    CHECK(one.status == 401);
    CHECK(one.failure.empty());
    CHECK(one.sent_body.text == R"({"name":"x","secret":"***"})");
    CHECK(one.body.text.find("\"password\":\"***\"") != std::string::npos);
    CHECK(value_of(one.sent_headers, "api-key") == "***");
    CHECK(value_of(one.sent_headers, "Authorization") == "***");
    CHECK(value_of(one.headers, "Location") == "/b?X-Amz-Signature=***&n=1");
    CHECK(all_of(one).find("canary") == std::string::npos);
}

TEST_CASE_FIXTURE(Kept, "long bodies are cut, also in the middle of a secret, and those that are no text left out") {
    server.on("GET", "/long", {.body = std::string((std::size_t{16} << 10) - 9, 'x') + std::string(key) + "yyy"});
    server.on("GET", "/bytes", {.body = std::string("a\0b", 3)});
    const auto http = http_with_key();
    http.send(call, get("/long"));
    http.send(call, get("/bytes"));
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].body.text.ends_with("xxx***"));
    CHECK(kept[0].body.text.find("canary") == std::string::npos);
    CHECK(kept[0].body.note == "the first 16 KiB of 16 KiB");
    CHECK(kept[0].received == (16 << 10) - 9 + key.size() + 3);
    CHECK(kept[1].body.text.empty());
    CHECK(kept[1].body.note == "not text");
}

TEST_CASE_FIXTURE(Kept, "of a stream only the size is kept, and the words of a refusal") {
    server.on("GET", "/data", {.body = "a backup"});
    server.on("GET", "/gone", {.status = 404, .body = "no such file"});
    const auto http = http_with_key();
    net::Response head;
    const auto source = http.open(call, get("/data"), head);
    std::array<std::byte, 64> block{};
    while (source->read(block) > 0) continue;
    http.open(call, get("/gone"), head);
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].body.text.empty());
    CHECK(kept[0].body.note == "a stream of data");
    CHECK(kept[0].received == 8);
    CHECK(kept[1].body.text == "no such file");
}

TEST_CASE_FIXTURE(Kept, "what breaks off, and what is given up, is kept with the reason") {
    server.on("GET", "/close", {.fault = Fault::close});
    server.on("GET", "/data", {.body = "a backup", .fault = Fault::stall_body, .fault_at = 4});
    const auto http = http_with_key();
    error_of([&] { return http.send(call, get("/close"), false); });
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].status == 0);
    CHECK_FALSE(kept[0].failure.empty());
    {
        net::Response head;
        const auto source = http.open(call, get("/data"), head);
    }
    REQUIRE(kept.size() == 2);
    CHECK(kept[1].failure == "left before its end");
    for (const auto& one : kept) CHECK(all_of(one).find("canary") == std::string::npos);
}

TEST_CASE_FIXTURE(Kept, "a trace without bodies has none, and one that hides an address hides it everywhere") {
    server.on("PUT", "/token", {.body = "canary-token"});
    server.on("POST", "/canary-uuid/0", {.body = "took canary-uuid"});
    net::Http(connection(), net::without_bodies(keeping())).send(call, {.method = "PUT", .path = "/token"});
    auto noting = *net::noting_of(keeping());
    noting.hidden = std::make_shared<const Secret>("canary-uuid");
    net::Http(connection(), noting).send(call, post("/canary-uuid/0", "all is well"));
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].body.note == "a secret");
    CHECK(kept[1].url == server.base() + "/***/0");
    CHECK(kept[1].body.text == "took ***");
    for (const auto& one : kept) CHECK(all_of(one).find("canary") == std::string::npos);
}

TEST_CASE_FIXTURE(Kept, "commands of RESP are summed up by name, without arguments and answers") {
    RespServer redis([](RespSession&, const RespCommand& command) {
        if (command.front() == "GET") return RespAnswer{resp::error("ERR canary")};
        return RespAnswer{resp::status("OK")};
    });
    {
        net::RespServer to;
        to.host = "127.0.0.1";
        to.port = redis.port();
        to.password = Secret(std::string(key));
        to.trace = keeping();
        net::Resp wire(call, to);
        for (int n = 0; n < 3; ++n) wire.queue(call, {"DUMP", "canary-key"});
        for (int n = 0; n < 3; ++n) wire.read(call);
        wire.ask(call, {"GET", "canary-key"});
    }
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].method == "RESP");
    CHECK(kept[0].url == "redis://127.0.0.1:" + std::to_string(redis.port()));
    CHECK(kept[0].commands == std::map<std::string, std::uint64_t>{{"AUTH", 1}, {"DUMP", 3}});
    CHECK(kept[0].errors == 0);
    CHECK(kept[0].received > 0);
    CHECK(kept[1].commands == std::map<std::string, std::uint64_t>{{"GET", 1}});
    CHECK(kept[1].errors == 1);
    for (const auto& one : kept) CHECK(all_of(one).find("canary") == std::string::npos);
}
