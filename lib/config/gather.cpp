// SPDX-License-Identifier: Apache-2.0
#include "config/gather.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

#include "base/text.hpp"
#include "config/keys.hpp"
#include "config/table.hpp"

namespace vbackup::config {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t longest = std::size_t{1} << 20;

std::string read_text(const fs::path& path) {
    const auto fail = [&path](std::string_view why) {
        return Error(ErrorKind::configuration, fmt::format("cannot read the configuration: {}", why), "",
                     {{"file", path.string()}});
    };
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) throw fail("it is a directory");
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw fail(std::generic_category().message(errno));
    std::string text(longest + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad()) throw fail("the disk failed");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > longest) throw fail("it is longer than 1 MiB");
    return text;
}

// toml++ quotes what it read, and that may be a secret without its quotation marks. Only single characters stay.
std::string without_values(std::string_view description) {
    std::string result;
    while (!description.empty()) {
        const std::size_t begin = description.find('\'');
        const std::size_t end = begin == std::string_view::npos ? begin : description.find('\'', begin + 1);
        if (end == std::string_view::npos) break;
        result += description.substr(0, begin);
        result += end - begin <= 2 ? description.substr(begin, end - begin + 1) : "'…'";
        description.remove_prefix(end + 1);
    }
    return result.append(description);
}

// toml++ 3.3.0 bounds how deep values lie in each other, and not how deep a key with dots leads: it goes as deep into the stack.
void require_shallow(const std::string& text, const std::string& file) {
    constexpr int most_dots = 1000;
    int dots = 0;
    for (const char letter : text) {
        if (letter == '\n') dots = 0;
        if (letter == '.' && ++dots > most_dots)
            throw Error(ErrorKind::configuration, fmt::format("a line has more than {} dots", most_dots),
                        "a key leads a few tables deep at most", {{"file", file}});
    }
}

toml::table parse(const std::string& text, const std::string& file) {
    require_shallow(text, file);
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& error) {
        throw error_at(file, error.source().begin,
                       fmt::format("this is no TOML: {}", one_line(without_values(error.description()), 200)),
                       "text values stand in quotation marks");
    }
}

std::string file_of(const toml::node& node) {
    return node.source().path ? *node.source().path : std::string();
}

void merge(toml::table& into, toml::table&& from, const std::string& path) {
    for (auto&& [key, node] : from) {
        const std::string name(key.str());
        const auto whole = path.empty() ? name : path + "." + name;
        auto* there = into.get(name);
        if (there == nullptr) {
            node.visit([&into, &key = key](auto& value) { into.insert(key, std::move(value)); });
        } else if (there->is_table() && node.is_table()) {
            merge(*there->as_table(), std::move(*node.as_table()), whole);
        } else {
            throw error_at(
                file_of(node), node.source().begin, fmt::format("'{}' is said twice", one_line(whole, 120)),
                fmt::format("line {} of {} says it too; keep one", there->source().begin.line, file_of(*there)));
        }
    }
}

std::vector<fs::path> files_of(const std::string& pattern, const toml::node& node) {
    const fs::path path = from_folder_of(node, pattern);
    const auto last = path.filename().string();
    if (last.find_first_of("*?") == std::string::npos) return {path};
    std::vector<fs::path> found;
    std::error_code why;
    for (const auto& entry : fs::directory_iterator(path.parent_path(), why))
        if (glob_match(last, entry.path().filename().string())) found.push_back(entry.path());
    if (why && why != std::errc::no_such_file_or_directory)
        throw error_at(file_of(node), node.source().begin,
                       fmt::format("cannot see what to include: {}", why.message()));
    std::sort(found.begin(), found.end());
    return found;
}

toml::table read_included(const fs::path& path) {
    auto table = parse(read_text(path), path.string());
    if (const auto* inner = table.get("include"))
        throw error_at(path.string(), inner->source().begin, "an included file cannot include others",
                       "name all files in the one that is read first");
    return table;
}

// What a variable says, as the file would have it.
void put(toml::table& table, const Key& key, const std::string& text, const std::string& variable) {
    const auto fail = [&](const std::string& why) {
        return Error(ErrorKind::configuration, fmt::format("{} {}", variable, why), "", {{"variable", variable}});
    };
    if (key.type == KeyType::count) {
        std::int64_t number = 0;
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (fault != std::errc{} || end != text.data() + text.size()) throw fail("is no whole number");
        table.insert_or_assign(key.name, number);
    } else if (key.type == KeyType::flag) {
        if (text != "true" && text != "false") throw fail("is neither true nor false");
        table.insert_or_assign(key.name, text == "true");
    } else if (key.type == KeyType::texts || key.type == KeyType::urls) {
        toml::array items;
        for (std::size_t from = 0; from < text.size();) {
            const auto end = std::min(text.find(' ', from), text.size());
            if (end > from) items.push_back(text.substr(from, end - from));
            from = end + 1;
        }
        table.insert_or_assign(key.name, std::move(items));
    } else {
        table.insert_or_assign(key.name, text);
    }
}

// The table of that path, made where it is not there; null when something else is.
toml::table* table_at(toml::table& root, std::string_view path) {
    auto* at = &root;
    while (!path.empty()) {
        const auto end = std::min(path.find('.'), path.size());
        const auto name = path.substr(0, end);
        if (at->get(name) == nullptr) at->insert(name, toml::table());
        at = at->get(name)->as_table();
        if (at == nullptr) return nullptr;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return at;
}

void lay(Gathered& gathered, const Key& key, const std::string& path, const std::string& text,
         const std::string& variable) {
    auto* table = table_at(gathered.root, path);
    if (table == nullptr) return;  // the reader will say what is wrong there
    put(*table, key, text, variable);
    gathered.variables[path.empty() ? std::string(key.name) : fmt::format("{}.{}", path, key.name)] = variable;
}

// What all targets shall do now goes before what one of them does usually.
void unsay(toml::table& root, const Key& key) {
    const auto dot = key.table.find('.');
    const auto below = dot == std::string_view::npos ? std::string_view() : key.table.substr(dot + 1);
    if (!key.table.empty() && !key.table.starts_with("defaults")) return;
    auto* targets = root.get_as<toml::table>("targets");
    if (targets == nullptr) return;
    for (auto&& [name, node] : *targets) {
        auto* target = node.as_table();
        if (target != nullptr && !below.empty()) target = target->get_as<toml::table>(below);
        if (target != nullptr) target->erase(key.name);
    }
}

void lay_over_all(Gathered& gathered, const Environment& environment) {
    for (const auto& key : keys()) {
        if (key.table.find('*') != std::string_view::npos) continue;
        const auto name = variable_for(key);
        const auto text = name.empty() ? std::nullopt : variable(environment, name);
        if (!text) continue;
        unsay(gathered.root, key);
        lay(gathered, key, std::string(key.table), *text, name);
    }
}

std::string lower(std::string_view text) {
    std::string out;
    for (const char letter : text)
        out += letter == '_' ? '-' : letter >= 'A' && letter <= 'Z' ? char(letter - 'A' + 'a') : letter;
    return out;
}

// "VBACKUP_TARGET_PROD__URL": a target or a store of that name, which need not be in a file.
void lay_over_one(Gathered& gathered, const std::string& name, const std::string& text, std::string_view kind,
                  std::string_view prefix) {
    const auto end = name.rfind("__");
    if (end == std::string::npos || end <= prefix.size()) return;
    const auto upper = std::string_view(name).substr(prefix.size(), end - prefix.size());
    std::vector<std::string> known;
    for (const auto& key : keys()) {
        if (!key.table.starts_with(std::string(kind) + ".")) continue;
        const auto mine = variable_for(key, upper);
        if (mine.empty()) continue;
        known.push_back(mine);
        if (mine != name) continue;
        auto path = std::string(key.table);
        path.replace(path.find('*'), 1, lower(upper));
        return lay(gathered, key, path, text, name);
    }
    const auto meant = did_you_mean(name, known);
    throw Error(ErrorKind::configuration, fmt::format("the variable {} is not known", one_line(name, 120)),
                meant ? fmt::format("did you mean '{}'?", *meant) : "the manual lists the keys: vbackup.toml(5)",
                {{"variable", one_line(name, 120)}});
}

}  // namespace

toml::table gather_files(const fs::path& path) {
    auto root = parse(read_text(path), path.string());
    const auto* include = root.get("include");
    if (include == nullptr || !include->is_array()) return root;  // of another type: the reader refuses it
    std::vector<fs::path> files;
    for (const auto& item : *include->as_array()) {
        if (!item.is_string()) continue;
        for (auto& file : files_of(item.value_exact<std::string>().value_or(""), item)) files.push_back(file);
    }
    for (const auto& file : files) merge(root, read_included(file), "");
    return root;
}

void lay_over(Gathered& gathered, const Environment& environment) {
    lay_over_all(gathered, environment);
    for (const auto& [name, value] : environment) {
        if (value.empty()) continue;
        if (name.starts_with("VBACKUP_TARGET_")) lay_over_one(gathered, name, value, "targets", "VBACKUP_TARGET_");
        if (name.starts_with("VBACKUP_STORE_")) lay_over_one(gathered, name, value, "stores", "VBACKUP_STORE_");
    }
}

}  // namespace vbackup::config
