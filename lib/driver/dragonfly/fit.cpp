// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/fit.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::dragonfly {

namespace {

// A value of more is not read only to see the format it comes in.
constexpr std::int64_t light = std::int64_t{1} << 20;
// What a server takes in one word where it does not say so: nothing is refused for that.
constexpr const char* limit = "proto-max-bulk-len";

void require_databases_there(Call& call, net::Resp& wire, const std::map<std::uint32_t, std::uint32_t>& destinations) {
    for (const auto& [from, to] : destinations) {
        const auto reply = wire.ask(call, {"SELECT", std::to_string(to)});
        if (!reply.is_error()) continue;
        const auto error = net::to_error(reply, wire.server(), fmt::format("SELECT of {}", name_of(to)));
        if (error.kind() != ErrorKind::failed) throw error;
        throw Error(
            ErrorKind::refused, error.message(),
            fmt::format("raise the server's number of databases, or --rename {} to one that it has", name_of(from)));
    }
}

// Of the format in which the server gives its values; empty where it has nothing to show.
std::optional<std::uint32_t> version_at(Call& call, net::Resp& wire, const KeySpaces& spaces) {
    const auto functions = wire.ask(call, {"FUNCTION", "DUMP"});
    if (functions.kind == net::Reply::Kind::text)
        if (const auto version = io::payload_version(functions.text); version > 0) return version;
    for (const auto& [database, space] : spaces) {
        if (wire.ask(call, {"SELECT", std::to_string(database)}).is_error() && database != 0) continue;
        const auto key = wire.ask(call, {"RANDOMKEY"});
        if (key.kind != net::Reply::Kind::text) continue;
        const auto weight = wire.ask(call, {"MEMORY", "USAGE", key.text});
        if (weight.kind != net::Reply::Kind::integer || weight.number > light) continue;
        const auto value = wire.ask(call, {"DUMP", key.text});
        if (value.kind != net::Reply::Kind::text) continue;
        if (const auto version = io::payload_version(value.text); version > 0) return version;
    }
    return std::nullopt;
}

// A Dragonfly gives its values in an old format, so that others take them, and takes newer ones: what it gives says nothing.
void require_format(Call& call, net::Resp& wire, const std::string& node, const Facts& facts, std::uint32_t wanted) {
    if (wanted == 0 || facts.is_dragonfly()) return;
    const auto version = version_at(call, wire, facts.databases);
    if (version && *version < wanted)
        throw Error(ErrorKind::refused,
                    fmt::format("{} takes values up to format {}, and the backup has some of format {}", node, *version,
                                wanted),
                    "restore into a server of the same kind that is as new as the one of the backup, or newer");
}

std::optional<std::uint64_t> most_at_once(Call& call, net::Resp& wire) {
    const auto reply = wire.ask(call, {"CONFIG", "GET", limit});
    if (reply.items.size() != 2) return std::nullopt;
    const auto& text = reply.items[1].text;
    std::uint64_t most = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), most);
    if (fault != std::errc{} || end != text.data() + text.size() || most == 0) return std::nullopt;
    return most;
}

}  // namespace

void require_right(Call& call, net::Resp& wire, std::initializer_list<std::string_view> words) {
    const auto reply = wire.ask(call, words);
    if (!reply.is_error() || reply.text.find("of the keys") != std::string::npos) return;
    auto error = net::to_error(reply, wire.server(), *words.begin());
    if (error.kind() == ErrorKind::denied || error.kind() == ErrorKind::unsupported) throw error;
}

void require_fit(Call& call, const Census& census, const std::map<std::uint32_t, std::uint32_t>& destinations,
                 const io::KeyCounts& counts) {
    for (const auto& master : census.layout.masters) {
        net::Resp wire(call, master.server);
        // Refused for what it is no DUMP of, or for the missing right.
        require_right(call, wire, {"RESTORE", "vbackup:none", "0", "x"});
        if (!census.layout.cluster) require_databases_there(call, wire, destinations);
        const auto facts = census.nodes.find(master.name);
        if (facts != census.nodes.end()) require_format(call, wire, master.name, facts->second, counts.version);
        const auto most = most_at_once(call, wire);
        if (most && *most < counts.largest)
            throw Error(ErrorKind::refused,
                        fmt::format("{} takes {} at once, and a value of the backup has {}", master.name,
                                    format_bytes(*most), format_bytes(counts.largest)),
                        fmt::format("raise its {} while the restore goes on: CONFIG SET {} {}", limit, limit,
                                    2 * counts.largest));
    }
}

}  // namespace vbackup::driver::dragonfly
