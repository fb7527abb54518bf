// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "contract/dragonfly/site.hpp"
#include "io/key_records.hpp"

namespace vbackup::test {

// A scripted Dragonfly with keys in two databases.
struct KeysFixture {
    KeysFixture() {
        server.with([](auto& state) {
            for (int n = 0; n < 25; ++n) state.databases[0][fmt_key(n)] = {"value " + std::to_string(n), 0};
            state.databases[0][std::string("\0\r\n\xff", 4)] = {std::string("\r\n$5\r\n\0", 7), 0};
            state.databases[0]["short"] = {"", state.now + 60'000};
            state.databases[0]["long"] = {"x", state.now + 3'600'000'000};
            state.databases[7]["in seven"] = {"7", 0};
        });
    }
    static std::string fmt_key(int n) { return "key:" + std::to_string(n); }

    ScriptedDragonfly server;
    Site site{server.url()};
};

inline io::KeySummary counted(Site& site, const std::string& name = "b1/data/keys") {
    const auto source = site.store_place->open(name);
    return io::check_keys(site.call, *source);
}

}  // namespace vbackup::test
