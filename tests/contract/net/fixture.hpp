// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "net/http.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"

namespace vbackup::test {

// A scripted server, and a call by a clock that costs no time. The random number is always a half.
struct Fixture {
    HttpServer server;
    FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Call call{clock, tally, Instant::max(), stop.get_token()};
    std::mutex mutex;
    std::vector<std::string> lines;

    net::Http http() {
        return net::Http(connection(), trace(), [] { return 0.5; });
    }
    net::Connection connection() const { return {.base = server.base()}; }
    net::Trace trace() {
        return [this](std::string_view line) {
            const std::scoped_lock lock(mutex);
            lines.emplace_back(line);
        };
    }
    bool traced(std::string_view part) {
        const std::scoped_lock lock(mutex);
        for (const std::string& line : lines) {
            if (line.find(part) != std::string::npos) return true;
        }
        return false;
    }
};

inline net::Request get(std::string path) {
    return {.path = std::move(path)};
}
inline net::Request post(std::string path, std::string body = "{}") {
    return {.method = "POST", .path = std::move(path), .body = std::move(body)};
}

// The error that `work` throws; the test fails when it throws none.
template <typename Work>
Error error_of(Work work) {
    try {
        (void)work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error was thrown");
    return {ErrorKind::failed, "none"};
}

// Bytes in which every place differs from its neighbours, so that a shifted copy is noticed.
inline std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 12345;
    for (char& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

}  // namespace vbackup::test
