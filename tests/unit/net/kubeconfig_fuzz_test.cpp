// SPDX-License-Identifier: Apache-2.0
// Changes the kubeconfigs of tests/data at random and reads them: any text ends in a value or in Error{configuration} that repeats
// no secret. A fixed number of times from a fixed beginning; with VBACKUP_FUZZ_SECONDS for so long, from a new one each time.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/error.hpp"
#include "net/kube_credentials.hpp"
#include "net/kubeconfig.hpp"

using namespace vbackup;

namespace {

std::vector<std::string> seeds() {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/kubeconfig")) {
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        all.push_back(text.str());
    }
    return all;
}

class Mutator {
public:
    Mutator(std::vector<std::string> all, std::uint64_t seed) : seeds_(std::move(all)), random_(seed) {}

    std::string next() {
        std::string text = pick(seeds_);
        for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(text);
        return text;
    }

private:
    std::size_t below(std::size_t limit) {
        return limit == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }
    const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

    void change(std::string& text) {
        static const std::vector<std::string> words{"*a",
                                                    "&a ",
                                                    "!!binary ",
                                                    "- ",
                                                    "  ",
                                                    "{",
                                                    "}",
                                                    "[",
                                                    "]",
                                                    ": ",
                                                    "\"",
                                                    "'",
                                                    "|\n",
                                                    "null",
                                                    "~",
                                                    "? ",
                                                    "<<: *a\n",
                                                    "\t",
                                                    "\n",
                                                    "---\n",
                                                    "%YAML 9\n",
                                                    "\xEF\xBB\xBF",
                                                    std::string(1, '\0'),
                                                    "\\x",
                                                    "[[[[[[[[[[[[[[[["};
        const auto at = below(text.size() + 1);
        const auto length = below(std::min<std::size_t>(60, text.size() - at + 1));
        switch (below(6)) {
            case 0:
                if (at < text.size()) text[at] = static_cast<char>(below(256));
                break;
            case 1:
                text.erase(at, length);
                break;
            case 2:
                text.insert(at, text.substr(below(text.size() + 1), length));
                break;
            case 3:
                text.insert(at, pick(words));
                break;
            case 4: {
                const auto& other = pick(seeds_);
                text = text.substr(0, at) + other.substr(below(other.size() + 1));
                break;
            }
            default:
                for (std::size_t i = below(200); i > 0; --i) text.insert(at, pick(words));
                break;
        }
    }

    std::vector<std::string> seeds_;
    std::mt19937_64 random_;
};

void read(const std::string& text) {
    try {
        const auto config = net::parse_kubeconfig(text, "/k/config");
        for (const auto& entry : config.contexts) {
            try {
                net::choose(config, entry.first);
            } catch (const Error& error) {
                REQUIRE(error.kind() == ErrorKind::configuration);
            }
        }
    } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::configuration);
        REQUIRE(error.message().find("composed") == std::string::npos);
        REQUIRE(error.message().size() < 1000);
    }
    try {
        net::KubeCredentials into;
        net::parse_exec_credential(text, "client.authentication.k8s.io/v1", into);
    } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::configuration);
        REQUIRE(error.message().find("composed") == std::string::npos);
    }
}

}  // namespace

TEST_CASE("fuzz: any text is read or refused") {
    const char* seconds = std::getenv("VBACKUP_FUZZ_SECONDS");
    const auto seed = seconds == nullptr ? std::uint64_t{20261121} : std::uint64_t{std::random_device{}()};
    auto all = seeds();
    all.emplace_back(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
                     R"("status":{"token":"composed","expirationTimestamp":"2026-11-21T08:00:00Z"}})");
    Mutator mutator(std::move(all), seed);
    MESSAGE("begins at " << seed);
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
    std::size_t runs = 0;
    while (seconds == nullptr ? runs < 1500 : std::chrono::steady_clock::now() < end) {
        const auto text = mutator.next();
        CAPTURE(text);
        read(text);
        ++runs;
    }
    CHECK(runs >= 1);
    MESSAGE(runs << " texts");
}
