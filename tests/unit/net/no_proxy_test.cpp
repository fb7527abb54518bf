// SPDX-License-Identifier: Apache-2.0
#include "net/no_proxy.hpp"

#include <doctest/doctest.h>

using namespace vbackup::net;

TEST_CASE("names count with all below them, numbers alone or as a network") {
    const struct {
        std::string list, machine;
        bool without;
    } cases[]{
        {"", "db", false},
        {"*", "db", true},
        {"*,db", "other", false},
        {"db", "db", true},
        {"DB.", "db", true},
        {"db", "Db.", true},
        {"example.com", "db.example.com", true},
        {".example.com", "db.example.com", true},
        {"example.com", "badexample.com", false},
        {"a, b\tc,,d", "d", true},
        {"a, b\tc,,d", "e", false},
        {",", "", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.10", false},
        {"0.1", "10.0.0.1", false},
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "11.1.2.3", false},
        {"10.0.0.0/9", "10.128.0.1", false},
        {"0.0.0.0/0", "10.128.0.1", true},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"10.0.0.0/x", "10.0.0.0", false},
        {"10.0.0.0/", "10.0.0.0", false},
        {"fd00::1", "fd00::1", true},
        {"[fd00::1]", "fd00::1", true},
        {"fd00::/8", "fd12::1", true},
        {"fd00::/8", "fe80::1", false},
        {"10.0.0.0/8", "fd00::1", false},
    };
    for (const auto& one : cases) {
        CAPTURE(one.list);
        CAPTURE(one.machine);
        CHECK(is_without_proxy(one.list, one.machine) == one.without);
    }
}
