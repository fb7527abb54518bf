// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>

#include "model/manifest.hpp"
#include "model/plan.hpp"
#include "model/request.hpp"

namespace vbackup::model {

namespace {

// Each table has the words of one enumeration in the order of its declaration.
constexpr std::array<std::string_view, 8> phases{"queued", "running",   "cancelling", "succeeded",
                                                 "failed", "cancelled", "gone",       "unknown"};
constexpr std::array<std::string_view, 6> step_kinds{"change", "send", "settle", "fetch", "place", "erase"};
constexpr std::array<std::string_view, 5> formats{"unknown", "tar", "weaviate_chunk", "json", "keys"};
constexpr std::array<std::string_view, 5> verbs{"create", "download", "restore", "remove", "cancel"};

static_assert(phases.size() == static_cast<std::size_t>(Phase::unknown) + 1);
static_assert(step_kinds.size() == static_cast<std::size_t>(StepKind::erase) + 1);
static_assert(formats.size() == static_cast<std::size_t>(Format::keys) + 1);
static_assert(verbs.size() == static_cast<std::size_t>(Verb::cancel) + 1);

template <class Value, class Table>
std::optional<Value> find(const Table& table, std::string_view word) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i] == word) return static_cast<Value>(i);
    }
    return std::nullopt;
}

}  // namespace

std::string_view word(Phase phase) {
    return phases.at(static_cast<std::size_t>(phase));
}
std::string_view word(StepKind kind) {
    return step_kinds.at(static_cast<std::size_t>(kind));
}
std::string_view word(Format format) {
    return formats.at(static_cast<std::size_t>(format));
}
std::string_view word(Verb verb) {
    return verbs.at(static_cast<std::size_t>(verb));
}

std::optional<Phase> parse_phase(std::string_view word) {
    return find<Phase>(phases, word);
}
std::optional<StepKind> parse_step_kind(std::string_view word) {
    return find<StepKind>(step_kinds, word);
}
std::optional<Format> parse_format(std::string_view word) {
    return find<Format>(formats, word);
}
std::optional<Verb> parse_verb(std::string_view word) {
    return find<Verb>(verbs, word);
}

}  // namespace vbackup::model
