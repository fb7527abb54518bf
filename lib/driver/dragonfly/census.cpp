// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/census.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::dragonfly {

KeySpaces Census::databases() const {
    KeySpaces all;
    for (const auto& [name, node] : nodes) {
        for (const auto& [database, space] : node.databases) {
            all[database].keys += space.keys;
            all[database].expires += space.expires;
        }
    }
    return all;
}

Census look(Call& call, const net::RespServer& seed) {
    Census census;
    {
        net::Resp wire(call, seed);
        census.facts = ask_facts(call, wire);
    }
    census.layout = ask_layout(call, seed, census.facts);
    for (const auto& master : census.layout.masters) {
        if (master.server.address() == seed.address()) {
            census.nodes[master.name] = census.facts;
            continue;
        }
        try {
            net::Resp wire(call, master.server);
            census.nodes[master.name] = ask_facts(call, wire);
        } catch (const Error& error) {
            // The layout has it as an obstacle already.
            if (error.kind() != ErrorKind::unreachable) throw;
        }
    }
    return census;
}

net::RespServer node_at(const net::RespServer& seed, const std::string& name) {
    auto server = seed;
    const auto colon = name.rfind(':');
    if (name.empty() || colon == std::string::npos) return server;
    server.host = name.substr(0, colon);
    if (server.host.starts_with('[')) server.host = server.host.substr(1, server.host.size() - 2);
    std::from_chars(name.data() + colon + 1, name.data() + name.size(), server.port);
    return server;
}

void require_databases(const model::Scope& scope, const KeySpaces& databases) {
    for (const auto& name : scope.include) {
        if (name.find_first_of("*?") != std::string::npos) continue;
        const auto database = database_of(name);
        if (database && databases.contains(*database)) continue;
        throw Error(ErrorKind::not_found, fmt::format("there is no database {} with keys", one_line(name, 80)),
                    database
                        ? "`vbackup check` lists those that hold keys"
                        : "collections are the numbered databases here: db0, db1; for keys there is -o match=PATTERN");
    }
}

namespace {

void add_nodes_of(const Census& census, const std::string& scheme, model::Inspection& found) {
    for (const auto& master : census.layout.masters) {
        const auto facts = census.nodes.find(master.name);
        model::Node node{.name = master.name, .address = scheme + "://" + master.server.address()};
        node.healthy = facts != census.nodes.end() && !facts->second.is_loading();
        node.state = facts == census.nodes.end() ? "not reached" : facts->second.is_loading() ? "loading" : "online";
        if (facts != census.nodes.end()) node.version = facts->second.version;
        found.nodes.push_back(std::move(node));
    }
}

}  // namespace

model::Inspection inspect(Call& call, const net::RespServer& seed, const std::string& scheme,
                          const model::Scope& scope) {
    const auto census = look(call, seed);
    model::Inspection found;
    found.product = census.facts.product;
    found.version = census.facts.version;
    found.ready = !census.facts.is_loading();
    add_nodes_of(census, scheme, found);
    found.obstacles = census.layout.obstacles;
    for (const auto& [name, facts] : census.nodes) {
        if (facts.is_loading()) found.obstacles.push_back(fmt::format("{} is loading its data", name));
        if (facts.is_replica())
            found.warnings.push_back(
                fmt::format("{} is a replica: what its master has not sent it yet is not in a backup of it", name));
    }
    auto databases = census.databases();
    require_databases(scope, databases);
    // An empty server has one all the same.
    if (databases.empty()) databases[0] = {};
    for (const auto& [database, space] : databases) {
        model::Collection collection{.name = name_of(database), .count = space.keys};
        if (!scope.matches(collection.name)) continue;
        if (census.layout.cluster) collection.shards = static_cast<std::uint32_t>(census.layout.masters.size());
        collection.details = fmt::format("{{\"expires\":{}}}", space.expires);
        found.collections.push_back(std::move(collection));
    }
    return found;
}

}  // namespace vbackup::driver::dragonfly
