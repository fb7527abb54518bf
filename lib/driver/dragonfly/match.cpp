// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/match.hpp"

#include <cstddef>
#include <optional>
#include <utility>

namespace vbackup::driver::dragonfly {

namespace {

struct One {
    bool matches = false;
    std::size_t used = 1;  // of the pattern
};

// A set in brackets; one without an end goes to the pattern's.
One match_set(std::string_view pattern, char c) {
    std::size_t at = 1;
    const bool inverted = at < pattern.size() && pattern[at] == '^';
    if (inverted) ++at;
    bool found = false;
    const auto byte = [](char one) { return static_cast<unsigned char>(one); };
    for (; at < pattern.size() && pattern[at] != ']'; ++at) {
        if (pattern[at] == '\\' && at + 1 < pattern.size()) {
            found = found || pattern[++at] == c;
        } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
            auto low = byte(pattern[at]), high = byte(pattern[at + 2]);
            if (low > high) std::swap(low, high);
            found = found || (low <= byte(c) && byte(c) <= high);
            at += 2;
        } else {
            found = found || pattern[at] == c;
        }
    }
    return {found != inverted, at < pattern.size() ? at + 1 : at};
}

One match_one(std::string_view pattern, char c) {
    if (pattern.front() == '?') return {true, 1};
    if (pattern.front() == '[') return match_set(pattern, c);
    if (pattern.front() == '\\' && pattern.size() > 1) return {pattern[1] == c, 2};
    return {pattern.front() == c, 1};
}

}  // namespace

// After a mismatch only the last star needs to take one byte more.
bool key_matches(std::string_view pattern, std::string_view key) {
    std::size_t p = 0, k = 0;
    std::optional<std::size_t> star;
    std::size_t taken = 0;
    while (k < key.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            taken = k;
            continue;
        }
        if (p < pattern.size()) {
            const auto one = match_one(pattern.substr(p), key[k]);
            if (one.matches) {
                p += one.used;
                ++k;
                continue;
            }
        }
        if (!star) return false;
        p = *star + 1;
        k = ++taken;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace vbackup::driver::dragonfly
