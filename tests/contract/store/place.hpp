// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "base/error.hpp"
#include "store/s3/open.hpp"
#include "store/store.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_s3.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {

inline void put(store::Store& store, const std::string& name, std::string_view text) {
    const auto sink = store.create(name);
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
}

inline std::string get(store::Store& store, const std::string& name, std::uint64_t offset = 0) {
    return io::read_all(*store.open(name, offset), std::size_t{64} << 20);
}

inline std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 12345;
    for (char& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

inline Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error was thrown");
    return {ErrorKind::failed, "none"};
}

// A scripted bucket and stores in it, by a clock that costs no time.
struct Bucket {
    FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Call call{clock, tally, Instant::max(), stop.get_token()};
    ScriptedS3 s3{clock, "bucket.with.dots"};
    store::BucketOptions options{.endpoint = s3.server.base()};
    std::map<std::string, std::string> environment{{"AWS_ACCESS_KEY_ID", "access"},
                                                   {"AWS_SECRET_ACCESS_KEY", "hunter2"}};
    store::s3::Tuning tuning{.least_part = std::size_t{64} << 10};

    std::unique_ptr<store::Store> open(const std::string& url = "s3://bucket.with.dots/pre/fix") {
        return store::s3::open_bucket(url, {.call = call, .environment = environment, .bucket = options},
                                      store::Naming::encoded, tuning);
    }
};

}  // namespace vbackup::test
