// SPDX-License-Identifier: Apache-2.0
#include "store/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/error.hpp"
#include "io/digest.hpp"

namespace vbackup::store {

namespace {

constexpr std::string_view part_ending = ".part";
constexpr std::string_view cut_mark = "%~";
constexpr std::size_t most_encoded = 200;  // file systems take 255 bytes, and ".part" must fit too
constexpr std::size_t kept_of_cut = 160;
constexpr std::size_t hash_digits = 32;

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// The length of the UTF-8 character at the beginning of `text`; 0 when there is none. RFC 3629, section 4, as far as a file
// name needs it: overlong forms of ASCII are not let through.
std::size_t utf8_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    std::size_t length = 0;
    if (first < 0x80) length = 1;
    if (first >= 0xC2 && first < 0xE0) length = 2;
    if (first >= 0xE0 && first < 0xF0) length = 3;
    if (first >= 0xF0 && first < 0xF5) length = 4;
    if (length == 0 || text.size() < length) return 0;
    const std::string_view rest = text.substr(1, length - 1);
    return std::all_of(rest.begin(), rest.end(), is_continuation) ? length : 0;
}

bool is_unsafe(char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return value < 0x20 || value == 0x7F || byte == '%' || byte == '\\' || byte == '/';
}

std::string escape(char byte) {
    return fmt::format("%{:02X}", static_cast<unsigned char>(byte));
}

std::string escape_all(std::string_view part) {
    std::string text;
    while (!part.empty()) {
        const std::size_t length = utf8_length(part);
        const bool kept = length > 0 && !is_unsafe(part.front());
        text += kept ? std::string(part.substr(0, length)) : escape(part.front());
        part.remove_prefix(kept ? length : 1);
    }
    if (text.starts_with('.')) text.replace(0, 1, "%2E");
    return text;
}

// A whole number of characters and escapes, at most `most` bytes.
std::string_view cut(std::string_view encoded, std::size_t most) {
    std::size_t end = most;
    while (end > 0 && is_continuation(encoded[end])) --end;
    for (std::size_t back = 1; back <= 2 && back <= end; ++back) {
        if (encoded[end - back] == '%') end -= back;
    }
    return encoded.substr(0, end);
}

std::string encode_short(std::string_view part) {
    if (part.empty()) return std::string(cut_mark);
    std::string text = escape_all(part);
    if (text.ends_with(part_ending)) text.replace(text.size() - part_ending.size(), 1, "%2E");
    return text;
}

// Cut and marked with the hash of the whole when it is too long for a file name.
std::string shorten(std::string encoded, std::string_view whole) {
    if (encoded.size() <= most_encoded) return encoded;
    return fmt::format("{}{}{}", cut(encoded, kept_of_cut), cut_mark, io::sha256(whole).substr(0, hash_digits));
}

// What `shorten` makes of an over-long part.
bool is_cut_form(std::string_view part) {
    const std::size_t mark = part.rfind(cut_mark);
    if (mark == std::string_view::npos || mark == 0 || mark > kept_of_cut) return false;
    const std::string_view hash = part.substr(mark + cut_mark.size());
    const bool hex = hash.size() == hash_digits && hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    const std::optional<std::string> kept = percent_decode(part.substr(0, mark));
    return hex && kept && escape_all(*kept) == part.substr(0, mark);
}

std::string encode_part(std::string_view part) {
    if (is_cut_form(part)) return std::string(part);
    return shorten(encode_short(part), part);
}

std::optional<std::string> decode_part(std::string_view part) {
    if (part == cut_mark) return std::string();
    if (is_cut_form(part)) return std::string(part);
    std::optional<std::string> name = percent_decode(part);
    if (!name || encode_part(*name) != part) return std::nullopt;
    return name;
}

// Calls take(part) for each part between two '/'.
template <typename Take>
void for_each_part(std::string_view name, Take take) {
    for (;;) {
        const std::size_t slash = name.find('/');
        take(name.substr(0, slash));
        if (slash == std::string_view::npos) return;
        name.remove_prefix(slash + 1);
    }
}

void require_inside(std::string_view name) {
    for_each_part(name, [&](std::string_view part) {
        if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos) {
            throw Error(ErrorKind::storage, fmt::format("\"{}\" is no name of a file below the folder", name));
        }
    });
}

}  // namespace

std::string encode_name(std::string_view name, Naming naming) {
    if (name.empty()) throw Error(ErrorKind::storage, "an empty name stands for no file");
    if (naming == Naming::plain) {
        require_inside(name);
        return std::string(name);
    }
    std::string path;
    for_each_part(name, [&](std::string_view part) { path += (path.empty() ? "" : "/") + encode_part(part); });
    return path;
}

std::optional<std::string> decode_name(std::string_view path, Naming naming) {
    if (naming == Naming::plain) return std::string(path);
    std::string name;
    bool ours = true;
    bool first = true;
    for_each_part(path, [&](std::string_view part) {
        const std::optional<std::string> decoded = decode_part(part);
        if (!std::exchange(first, false)) name += '/';
        name += decoded.value_or("");
        ours = ours && decoded;
    });
    if (!ours) return std::nullopt;
    return name;
}

std::string flat_name(std::string_view name) {
    return shorten(encode_short(name), name);
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string bytes;
    while (!text.empty()) {
        if (text.front() != '%') {
            bytes += text.front();
            text.remove_prefix(1);
            continue;
        }
        std::uint8_t value = 0;
        const char* const end = text.data() + std::min<std::size_t>(3, text.size());
        const auto [stopped, problem] = std::from_chars(text.data() + 1, end, value, 16);
        if (problem != std::errc() || stopped != text.data() + 3) return std::nullopt;
        bytes += static_cast<char>(value);
        text.remove_prefix(3);
    }
    return bytes;
}

}  // namespace vbackup::store
