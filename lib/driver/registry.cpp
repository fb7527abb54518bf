// SPDX-License-Identifier: Apache-2.0
#include "driver/registry.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/answers.hpp"

namespace vbackup::driver {

namespace {

// What answers at the root, for a person who gave the wrong address.
[[noreturn]] void throw_unknown(const net::Http& http, const net::Response& root) {
    if (root.status >= 300 && root.status < 400) net::throw_for_status(root, http.base());
    if (net::looks_like_html(root)) {
        throw Error(
            ErrorKind::not_understood,
            fmt::format("{} answers with a web page (HTTP {}), not as a database does", http.base(), root.status),
            "a proxy seems to have answered: check address and port, or give the address of the database itself");
    }
    const std::string begin = one_line(root.body, 80);
    throw Error(ErrorKind::not_understood,
                fmt::format("{} is no database that vbackup knows: it answers HTTP {}{}{}", http.base(), root.status,
                            begin.empty() ? "" : ": ", begin),
                "say which it is, such as qdrant+https://… or weaviate+http://…");
}

}  // namespace

const Entry* find_driver(std::string_view name) {
    const auto all = drivers();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Entry& entry) { return entry.name == name; });
    return found == all.end() ? nullptr : &*found;
}

const Ability& ability(const Entry& entry, std::string_view verb) {
    for (const Ability& one : entry.abilities) {
        if (one.verb == verb) return one;
    }
    static constexpr Ability nothing{"", Support::none, "this driver does not offer it"};
    return nothing;
}

const Entry& detect(Call& call, const net::Http& http) {
    for (const Entry& entry : drivers()) {
        if (entry.recognise && entry.recognise(call, http)) return entry;
    }
    net::Request root;
    root.path = "/";
    throw_unknown(http, http.send(call, root));
}

}  // namespace vbackup::driver
