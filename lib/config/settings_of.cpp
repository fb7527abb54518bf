// SPDX-License-Identifier: Apache-2.0
#include "config/settings_of.hpp"

#include <fmt/format.h>

#include <optional>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/table.hpp"

namespace vbackup::config {

namespace {

constexpr std::string_view masked = "***";

std::string path_to(std::string_view table, std::string_view name) {
    return table.empty() ? std::string(name) : fmt::format("{}.{}", table, name);
}

const toml::node* node_at(const toml::table& root, std::string_view table, std::string_view name) {
    const auto* at = &root;
    while (!table.empty() && at != nullptr) {
        const auto end = std::min(table.find('.'), table.size());
        at = at->get_as<toml::table>(table.substr(0, end));
        table.remove_prefix(std::min(end + 1, table.size()));
    }
    return at == nullptr ? nullptr : at->get(name);
}

std::string scalar(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto number = node.value_exact<std::int64_t>()) return fmt::format("{}", *number);
    return node.value_exact<bool>().value_or(false) ? "true" : "false";
}

std::string list(const toml::node& node) {
    std::string out;
    if (const auto* items = node.as_array())
        for (const auto& item : *items) out += (out.empty() ? "" : ", ") + scalar(item);
    return out;
}

std::string pairs(const toml::node& node) {
    std::string out;
    if (const auto* table = node.as_table())
        for (const auto& [name, value] : *table)
            out += fmt::format("{}{}={}", out.empty() ? "" : " ", name.str(), scalar(value));
    return out;
}

// The program of a hook; its arguments may hold what nobody else should see.
std::string program(const toml::node& node) {
    const auto* items = node.as_array();
    if (items == nullptr || items->empty()) return {};
    return scalar((*items)[0]) + (items->size() > 1 ? fmt::format(" {}", masked) : "");
}

std::string text_of(const Key& key, const toml::node& node) {
    // People write the key itself where its variable's name belongs.
    const auto name = key.name.ends_with("_env") ? scalar(node) : std::string();
    const bool usual = !name.empty() && name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == name.npos;
    if (key.secret && !(usual && name.find('_') != name.npos)) return std::string(masked);
    switch (key.type) {
        case KeyType::texts:
        case KeyType::urls:
            return list(node);
        case KeyType::options:
            return pairs(node);
        case KeyType::words:
            return program(node);
        case KeyType::path:
            return from_folder_of(node, scalar(node));
        case KeyType::store: {
            const auto text = scalar(node);
            const bool path = text != no_store && !text.starts_with('@') && text.find("://") == std::string::npos;
            return path ? from_folder_of(node, text) : text;
        }
        default:
            return scalar(node);
    }
}

Setting said(const Gathered& gathered, const Key& key, const std::string& path, const toml::node& node) {
    Setting setting{.key = path, .value = text_of(key, node)};
    const auto variable = gathered.variables.find(path);
    if (variable != gathered.variables.end()) {
        setting.origin = Origin::variable;
        setting.variable = variable->second;
        return setting;
    }
    setting.origin = Origin::file;
    if (node.source().path) setting.file = *node.source().path;
    setting.line = node.source().begin.line;
    return setting;
}

// Where a key of a target is looked for when the target says nothing.
std::string general(const Key& key) {
    if (key.table == "targets.*" && key.name == "store") return "";
    auto table = std::string(key.table);
    return table.replace(0, std::string_view("targets.*").size(), "defaults");
}

const Key* find(std::string_view table, std::string_view name) {
    for (const auto& key : keys())
        if (key.table == table && key.name == name) return &key;
    return nullptr;
}

std::optional<Setting> setting_of(const Gathered& gathered, const Key& key, const std::string& table) {
    const auto path = path_to(table, key.name);
    if (const auto* node = node_at(gathered.root, table, key.name)) return said(gathered, key, path, *node);
    if (key.table.starts_with("targets.")) {
        const auto* whole = find(general(key), key.name);
        // A table of keep rules holds as a whole.
        const bool own =
            key.table == "targets.*.keep" && node_at(gathered.root, table.substr(0, table.rfind('.')), "keep");
        auto found = whole && !own ? setting_of(gathered, *whole, std::string(whole->table)) : std::nullopt;
        if (!found) return std::nullopt;
        if (found->origin != Origin::usual) found->through = found->key;
        found->key = path;
        return found;
    }
    if (key.usual.empty()) return std::nullopt;
    return Setting{.key = path, .value = std::string(key.usual)};
}

}  // namespace

std::vector<Setting> settings_of(const Gathered& gathered) {
    std::vector<Setting> out;
    const auto add = [&](std::string_view of, const std::string& table) {
        for (const auto& key : keys())
            if (key.table == of)
                if (auto setting = setting_of(gathered, key, table)) out.push_back(std::move(*setting));
    };
    for (const auto table : tables())
        if (table.find('*') == std::string_view::npos) add(table, std::string(table));
    for (const auto kind : {"targets", "stores"}) {
        const auto* all = gathered.root.get_as<toml::table>(kind);
        if (all == nullptr) continue;
        for (const auto& [name, node] : *all)
            for (const auto table : tables())
                if (table.starts_with(fmt::format("{}.*", kind)))
                    add(table, std::string(table).replace(table.find('*'), 1, name.str()));
    }
    return out;
}

}  // namespace vbackup::config
