// SPDX-License-Identifier: Apache-2.0
// A check of a healthchecks-compatible service is told how a backup goes.
#include <doctest/doctest.h>

#include <fstream>

#include "process.hpp"
#include "support/http_server.hpp"

using namespace vbackup::test;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A target that nobody answers for, and the check at that address.
Ended create(const TemporaryFolder& folder, const std::string& url, const std::vector<std::string>& more = {}) {
    const auto file = folder / "vbackup.toml";
    std::ofstream(file) << "[targets.prod]\nurl = \"qdrant+http://127.0.0.1:1\"\nping_url = \"" << url << "\"\n";
    std::vector<std::string> words{"create", "prod", "--config", file.string(), "--verbose"};
    words.insert(words.end(), more.begin(), more.end());
    return Process(words).end();
}

}  // namespace

TEST_CASE("start and exit code go to the check with one id, the error goes along, and the URL is never shown") {
    HttpServer check;
    check.on("POST", "/canary-uuid*");
    const TemporaryFolder folder;
    const auto ended = create(folder, check.base() + "/canary-uuid");
    CHECK(ended.code == 15);
    CHECK_FALSE(has(ended.err + ended.out, "canary"));
    const auto requests = check.requests();
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].path == "/canary-uuid/start");
    CHECK(requests[1].path == "/canary-uuid/15");
    CHECK(requests[0].query.starts_with("rid="));
    CHECK(requests[0].query.size() == 40);
    CHECK(requests[0].query == requests[1].query);
    CHECK(has(requests[1].body, "127.0.0.1:1"));
}

TEST_CASE("a check that answers badly or never is a warning, and changes no exit code") {
    const TemporaryFolder folder;
    HttpServer check;
    check.on("POST", "*", {.status = 404});
    auto ended = create(folder, check.base() + "/canary-uuid?create=1");
    CHECK(ended.code == 15);
    CHECK(has(ended.err, "did not take the ping: HTTP 404"));
    CHECK(has(check.requests().front().query, "create=1&rid="));
    const auto gone = HttpServer().base();  // nobody listens there any more
    ended = create(folder, gone + "/canary-uuid");
    CHECK(ended.code == 15);
    CHECK_MESSAGE(has(ended.err, "could not be told"), ended.err);
    CHECK_FALSE(has(ended.err, "canary"));
}

TEST_CASE("a dry run tells nobody") {
    HttpServer check;
    check.on("POST", "*");
    const TemporaryFolder folder;
    create(folder, check.base() + "/canary-uuid", {"--dry-run"});
    CHECK(check.requests().empty());
}
