// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/definitions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::dragonfly {

namespace {

using net::Reply;

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return text;
}

// Texts and numbers alike: servers differ in which they send.
std::string text_of(const Reply& reply) {
    return reply.kind == Reply::Kind::integer ? std::to_string(reply.number) : reply.text;
}

// Words of FT.INFO that stand alone; every other one is followed by its value.
constexpr std::array<std::string_view, 8> flags{"CASESENSITIVE", "WITHSUFFIXTRIE", "NOSTEM",     "SORTABLE",
                                                "UNF",           "NOINDEX",        "INDEXEMPTY", "INDEXMISSING"};

bool is_flag(const Reply& item) {
    return item.kind != Reply::Kind::array && std::find(flags.begin(), flags.end(), upper(item.text)) != flags.end();
}

// What follows `name` in a list of names and values, among which flags may stand; null for none. A value that reads like a name is
// none.
const Reply* after(const std::vector<Reply>& items, std::string_view name) {
    for (std::size_t n = 0; n + 1 < items.size();) {
        if (is_flag(items[n])) {
            ++n;
            continue;
        }
        if (upper(items[n].text) == name) return &items[n + 1];
        n += 2;
    }
    return nullptr;
}

bool has_flag(const std::vector<Reply>& items, std::string_view name) {
    for (std::size_t n = 0; n < items.size(); n += is_flag(items[n]) ? 1U : 2U)
        if (is_flag(items[n]) && upper(items[n].text) == name) return true;
    return false;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> all) {
    return std::find(all.begin(), all.end(), word) != all.end();
}

// Is every name in the list one of these? What an index was made with and is not known here would be lost without a word.
bool knows_all(const std::vector<Reply>& items, std::initializer_list<std::string_view> names) {
    for (std::size_t n = 0; n < items.size(); n += is_flag(items[n]) ? 1U : 2U)
        if (!is_one_of(upper(items[n].text), names)) return false;
    return true;
}

using Words = std::vector<std::string>;

// What a vector field was made with: each pair that FT.INFO names goes back as it is.
bool add_vector(Words& words, const std::vector<Reply>& field) {
    const auto* algorithm = after(field, "ALGORITHM");
    if (!algorithm) return false;
    Words pairs;
    static constexpr std::array<std::array<std::string_view, 2>, 9> names{{{"DATA_TYPE", "TYPE"},
                                                                           {"DIM", "DIM"},
                                                                           {"DISTANCE_METRIC", "DISTANCE_METRIC"},
                                                                           {"M", "M"},
                                                                           {"EF_CONSTRUCTION", "EF_CONSTRUCTION"},
                                                                           {"EF_RUNTIME", "EF_RUNTIME"},
                                                                           {"EPSILON", "EPSILON"},
                                                                           {"INITIAL_CAP", "INITIAL_CAP"},
                                                                           {"BLOCK_SIZE", "BLOCK_SIZE"}}};
    for (const auto& [said, wanted] : names) {
        const auto* value = after(field, said);
        if (!value && said == "DIM") return false;
        if (!value) continue;
        pairs.emplace_back(wanted);
        pairs.push_back(text_of(*value));
    }
    words.push_back(text_of(*algorithm));
    words.push_back(std::to_string(pairs.size()));
    words.insert(words.end(), pairs.begin(), pairs.end());
    return true;
}

bool add_field(Words& words, const std::vector<Reply>& field) {
    const auto* identifier = after(field, "IDENTIFIER");
    const auto* alias = after(field, "ATTRIBUTE");
    const auto* type = after(field, "TYPE");
    if (!identifier || !type) return false;
    if (!knows_all(field, {"IDENTIFIER",
                           "ATTRIBUTE",
                           "TYPE",
                           "WEIGHT",
                           "SEPARATOR",
                           "CASESENSITIVE",
                           "WITHSUFFIXTRIE",
                           "NOSTEM",
                           "SORTABLE",
                           "UNF",
                           "NOINDEX",
                           "INDEXEMPTY",
                           "INDEXMISSING",
                           "PHONETIC",
                           "ALGORITHM",
                           "DATA_TYPE",
                           "DIM",
                           "DISTANCE_METRIC",
                           "M",
                           "EF_CONSTRUCTION",
                           "EF_RUNTIME",
                           "EPSILON",
                           "INITIAL_CAP",
                           "BLOCK_SIZE",
                           "BLOCKSIZE"}))
        return false;
    words.push_back(identifier->text);
    if (alias && alias->text != identifier->text) words.insert(words.end(), {"AS", alias->text});
    words.push_back(type->text);
    const auto kind = upper(type->text);
    if (kind == "VECTOR" && !add_vector(words, field)) return false;
    for (const auto* name : {"PHONETIC", "WEIGHT", "SEPARATOR"}) {
        const auto* value = after(field, name);
        if (value && !text_of(*value).empty()) words.insert(words.end(), {name, text_of(*value)});
    }
    for (const auto* flag :
         {"CASESENSITIVE", "WITHSUFFIXTRIE", "NOSTEM", "INDEXEMPTY", "INDEXMISSING", "SORTABLE", "UNF", "NOINDEX"})
        if (has_flag(field, flag)) words.emplace_back(flag);
    return true;
}

// One a line, so that it reads well; a line break or a backslash in a word is written as \n and \\.
std::string joined(const Words& words) {
    std::string all;
    for (const auto& word : words) {
        if (!all.empty()) all += '\n';
        for (const auto c : word) {
            if (c == '\\')
                all += "\\\\";
            else if (c == '\n')
                all += "\\n";
            else
                all += c;
        }
    }
    return all;
}

Words split(std::string_view text) {
    Words words(1);
    for (std::size_t n = 0; n < text.size(); ++n) {
        if (text[n] == '\n')
            words.emplace_back();
        else if (text[n] == '\\' && n + 1 < text.size())
            words.back() += text[++n] == 'n' ? '\n' : text[n];
        else
            words.back() += text[n];
    }
    return words;
}

// Empty when the server does not know the command; a note when it does not let us or fails.
std::optional<Reply> ask(Call& call, net::Resp& wire, Definitions& into, std::string_view what,
                         std::initializer_list<std::string_view> words) {
    auto reply = wire.ask(call, words);
    if (!reply.is_error()) return reply;
    const auto error = net::to_error(reply, wire.server(), what);
    if (error.kind() == ErrorKind::denied || error.kind() == ErrorKind::failed)
        into.notes.push_back(fmt::format("{} are not in the backup: {}", what, error.message()));
    else if (error.kind() != ErrorKind::unsupported)
        throw error;
    return std::nullopt;
}

void add_indexes(Call& call, net::Resp& wire, Definitions& into) {
    const auto names = ask(call, wire, into, "search indexes", {"FT._LIST"});
    if (!names) return;
    for (const auto& name : names->items) {
        const auto info = wire.require(call, {"FT.INFO", name.text});
        auto words = index_words(name.text, info);
        if (words.empty())
            into.notes.push_back(
                fmt::format("the search index {} is not in the backup: FT.INFO does not say all that "
                            "it was made with; keep the command that made it",
                            one_line(name.text, 80)));
        else
            into.all.push_back({std::string(kind::index), name.text, std::move(words)});
    }
}

void add_users(Call& call, net::Resp& wire, Definitions& into) {
    const auto users = ask(call, wire, into, "users", {"ACL", "LIST"});
    if (!users) return;
    for (const auto& line : users->items) {
        // "user NAME on #hash ~* …"
        const auto begin = line.text.find(' ');
        if (begin == std::string::npos) continue;
        const auto name = line.text.substr(begin + 1, line.text.find(' ', begin + 1) - begin - 1);
        into.all.push_back({std::string(kind::user), name, line.text});
    }
}

Error there_already(std::string_view what, const std::string& name) {
    return {ErrorKind::conflict,
            fmt::format("{} {} is there already, and differs from that of the backup", what, one_line(name, 80)),
            "--overwrite replaces it"};
}

void put_functions(Call& call, net::Resp& wire, const io::Definition& definition, bool overwrite) {
    if (wire.ask(call, {"FUNCTION", "DUMP"}).text == definition.payload) return;
    const auto reply = wire.ask(call, {"FUNCTION", "RESTORE", definition.payload, overwrite ? "REPLACE" : "APPEND"});
    if (!reply.is_error()) return;
    if (!overwrite && reply.text.find("already exists") != std::string::npos)
        throw there_already("a library of functions", "");
    throw net::to_error(reply, wire.server(), "FUNCTION RESTORE");
}

void send_words(Call& call, net::Resp& wire, const Words& words, std::string_view what) {
    const std::vector<std::string_view> views(words.begin(), words.end());
    wire.queue(call, views);
    const auto reply = wire.read(call);
    if (reply.is_error()) throw net::to_error(reply, wire.server(), what);
}

void put_index(Call& call, net::Resp& wire, const io::Definition& definition, bool overwrite) {
    const auto there = wire.ask(call, {"FT.INFO", definition.name});
    if (!there.is_error()) {
        if (index_words(definition.name, there) == definition.payload) return;
        if (!overwrite) throw there_already("the search index", definition.name);
        wire.require(call, {"FT.DROPINDEX", definition.name});
    }
    send_words(call, wire, split(definition.payload), "FT.CREATE");
}

void put_user(Call& call, net::Resp& wire, const io::Definition& definition) {
    Words words{"ACL", "SETUSER", definition.name, "reset"};
    auto rest = std::string_view(definition.payload);
    // The rules are words between blanks; brackets hold the selectors together.
    const auto before = std::string_view("user ").size() + definition.name.size();
    for (int depth = 0; auto c : rest.substr(std::min(rest.size(), before))) {
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if (c == ' ' && depth == 0)
            words.emplace_back();
        else
            words.back() += c;
    }
    send_words(call, wire, words, "ACL SETUSER");
}

}  // namespace

namespace {

// Old ones of Dragonfly have one prefix, as a text or a list.
void add_prefixes(Words& words, const std::vector<Reply>& definition) {
    const auto* prefixes = after(definition, "PREFIXES");
    if (!prefixes) prefixes = after(definition, "PREFIX");
    if (!prefixes) return;
    Words all;
    if (prefixes->kind == Reply::Kind::array)
        for (const auto& one : prefixes->items) all.push_back(one.text);
    else if (!prefixes->text.empty())
        all.push_back(prefixes->text);
    if (all.empty()) return;
    words.insert(words.end(), {"PREFIX", std::to_string(all.size())});
    words.insert(words.end(), all.begin(), all.end());
}

// Those that FT.CREATE takes for the whole index; what is as it always is goes without saying.
void add_words(Words& words, const std::vector<Reply>& definition) {
    static constexpr std::array<std::array<std::string_view, 3>, 6> names{{{"FILTER", "FILTER", ""},
                                                                           {"DEFAULT_LANGUAGE", "LANGUAGE", "english"},
                                                                           {"LANGUAGE_FIELD", "LANGUAGE_FIELD", ""},
                                                                           {"DEFAULT_SCORE", "SCORE", "1"},
                                                                           {"SCORE_FIELD", "SCORE_FIELD", ""},
                                                                           {"PAYLOAD_FIELD", "PAYLOAD_FIELD", ""}}};
    for (const auto& [said, wanted, usual] : names)
        if (const auto* value = after(definition, said); value && !text_of(*value).empty() && text_of(*value) != usual)
            words.insert(words.end(), {std::string(wanted), text_of(*value)});
}

// False when there is one that is not known here.
bool add_options(Words& words, const std::vector<Reply>& info) {
    if (const auto* options = after(info, "INDEX_OPTIONS")) {
        for (const auto& one : options->items) {
            if (!is_one_of(upper(one.text), {"MAXTEXTFIELDS", "NOOFFSETS", "NOHL", "NOFIELDS", "NOFREQS"}))
                return false;
            words.push_back(upper(one.text));
        }
    }
    if (const auto* stops = after(info, "STOPWORDS_LIST")) {
        words.insert(words.end(), {"STOPWORDS", std::to_string(stops->items.size())});
        for (const auto& one : stops->items) words.push_back(one.text);
    }
    return true;
}

}  // namespace

std::string index_words(const std::string& name, const Reply& info) {
    const auto* definition = after(info.items, "INDEX_DEFINITION");
    const auto* attributes = after(info.items, "ATTRIBUTES");
    if (!definition || !attributes) return {};
    if (!knows_all(definition->items, {"KEY_TYPE", "PREFIXES", "PREFIX", "FILTER", "DEFAULT_SCORE", "DEFAULT_LANGUAGE",
                                       "LANGUAGE_FIELD", "SCORE_FIELD", "PAYLOAD_FIELD", "INDEXES_ALL"}))
        return {};
    Words words{"FT.CREATE", name, "ON"};
    const auto* type = after(definition->items, "KEY_TYPE");
    words.push_back(type ? type->text : "HASH");
    add_prefixes(words, definition->items);
    add_words(words, definition->items);
    if (!add_options(words, info.items)) return {};
    if (!attributes->items.empty()) words.emplace_back("SCHEMA");
    for (const auto& field : attributes->items)
        if (!add_field(words, field.items)) return {};
    return joined(words);
}

Definitions ask_definitions(Call& call, net::Resp& wire, bool acl) {
    Definitions found;
    const auto functions = ask(call, wire, found, "functions", {"FUNCTION", "DUMP"});
    if (functions && !ask_functions(call, wire).empty())
        found.all.push_back({std::string(kind::functions), "all", functions->text});
    add_indexes(call, wire, found);
    if (acl) add_users(call, wire, found);
    return found;
}

void put_back(Call& call, net::Resp& wire, const io::Definition& definition, bool overwrite) {
    if (definition.kind == kind::functions) return put_functions(call, wire, definition, overwrite);
    if (definition.kind == kind::index) return put_index(call, wire, definition, overwrite);
    if (definition.kind == kind::user) return put_user(call, wire, definition);
    throw Error(
        ErrorKind::refused,
        fmt::format("the backup holds a \"{}\", which this vbackup does not know", one_line(definition.kind, 40)),
        "use the version of vbackup that made it, or a newer one");
}

std::vector<std::string> ask_indexes(Call& call, net::Resp& wire) {
    std::vector<std::string> names;
    const auto reply = wire.ask(call, {"FT._LIST"});
    for (const auto& item : reply.items) names.push_back(item.text);
    return names;
}

std::vector<std::string> ask_functions(Call& call, net::Resp& wire) {
    std::vector<std::string> names;
    const auto reply = wire.ask(call, {"FUNCTION", "LIST"});
    for (const auto& library : reply.items)
        if (const auto* name = after(library.items, "LIBRARY_NAME")) names.push_back(name->text);
    return names;
}

}  // namespace vbackup::driver::dragonfly
