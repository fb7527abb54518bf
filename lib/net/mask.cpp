// SPDX-License-Identifier: Apache-2.0
#include "net/mask.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace vbackup::net {

namespace {

constexpr std::array<std::string_view, 9> secret_words = {"key",  "token", "secret", "sig",   "passw",
                                                          "cred", "auth",  "jwt",    "cookie"};
// Names that only sound like it, as databases and S3 have them: places of data, not ways in.
constexpr std::array<std::string_view, 6> harmless = {"shard_key",   "shard_keys",   "primarykey",
                                                      "primary_key", "tokenization", "keyspace"};
constexpr std::array<std::string_view, 3> harmless_elements = {"key", "keycount", "keymarker"};
constexpr std::size_t least_known = 4;
constexpr std::string_view quotes = "\"'";
constexpr std::string_view delimiters = "\r\n,;&\"'<>}]";

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_in_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

bool one_of(std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), lower(name)) != names.end();
}

// Of a text that was cut its end may be the beginning of a secret.
void mask_cut(std::string& out, std::string_view secret) {
    for (auto part = std::min(secret.size() - 1, out.size()); part >= least_known; --part) {
        if (!std::string_view(out).ends_with(secret.substr(0, part))) continue;
        out.replace(out.size() - part, part, masked);
        return;
    }
}

std::string without_known(std::string_view text, std::span<const std::string_view> known) {
    auto out = mask_known(std::string(text), known);
    for (const auto secret : known)
        if (secret.size() >= least_known) mask_cut(out, secret);
    return out;
}

// Reads through a text from left to right and copies what may be shown.
class Masking {
public:
    explicit Masking(std::string_view text) : text_(text) {}

    std::string run() {
        while (at_ < text_.size()) {
            if (text_.substr(at_).starts_with("://"))
                address();
            else if (is_in_name(text_[at_]))
                name();
            else
                keep(1);
        }
        return std::move(out_);
    }

private:
    void keep(std::size_t count) {
        out_.append(text_.substr(at_, count));
        at_ += count;
    }
    void mask_to(std::size_t end) {
        out_.append(masked);
        at_ = end;
    }
    char before(std::size_t place) const { return place == 0 ? '\0' : text_[place - 1]; }
    std::size_t find_any(std::string_view of, std::size_t from) const {
        return std::min(text_.find_first_of(of, from), text_.size());
    }

    // "https://user:key@server/x" -> "https://***@server/x".
    void address() {
        keep(3);
        const auto end = find_any("/?# \t\r\n\"'<>\\,", at_);
        const auto sign = text_.substr(at_, end - at_).rfind('@');
        if (sign != std::string_view::npos) mask_to(at_ + sign);
    }

    void name() {
        const auto begin = at_;
        auto end = begin;
        while (end < text_.size() && is_in_name(text_[end])) ++end;
        const auto word = text_.substr(begin, end - begin);
        keep(word.size());
        const auto plain = lower(word);
        if (plain == "bearer" || plain == "basic") return scheme();
        if (!looks_secret(word) || one_of(harmless, word)) return;
        if (before(begin) != '<' || end == text_.size() || text_[end] != '>') return value();
        if (!one_of(harmless_elements, word)) element();
    }

    // What follows the word of a scheme, on the same line.
    void scheme() {
        const auto begin = text_.find_first_not_of(' ', at_);
        if (begin == at_ || begin == std::string_view::npos) return;
        const auto end = find_any(" \t\r\n,;&\"'<>\\", begin);
        keep(begin - at_);
        if (end > begin) mask_to(end);
    }

    void element() {
        keep(1);
        if (const auto end = find_any("<", at_); end > at_) mask_to(end);
    }

    // After a name: perhaps its end quote, then ':' or '=', then the value.
    void value() {
        auto sign = text_.find_first_not_of("\\\"' \t", at_);
        if (sign == std::string_view::npos || (text_[sign] != ':' && text_[sign] != '=')) return;
        if (text_.substr(sign).starts_with("://")) return;
        const auto begin = std::min(text_.find_first_not_of(" \t\r\n\\", sign + 1), text_.size());
        keep(begin - at_);
        if (begin == text_.size()) return;
        if (text_[begin] == '{' || text_[begin] == '[') return mask_to(end_of_group(begin));
        if (quotes.find(text_[begin]) != std::string_view::npos) return quoted();
        if (text_.substr(begin).starts_with("null")) return;
        if (const auto end = find_any(delimiters, begin); end > begin) mask_to(end);
    }

    // Inside a JSON text the quotes have backslashes before them, and so has the one that ends the value.
    void quoted() {
        const auto quote = text_[at_];
        const auto depth = backslashes_before(at_);
        keep(1);
        auto end = at_;
        while (end < text_.size() && (text_[end] != quote || backslashes_before(end) > depth)) ++end;
        if (end == at_) return;
        mask_to(end == text_.size() ? end : end - std::min(depth, end - at_));
    }

    std::size_t backslashes_before(std::size_t place) const {
        std::size_t count = 0;
        while (count < place && text_[place - 1 - count] == '\\') ++count;
        return count;
    }

    std::size_t end_of_group(std::size_t from) const {
        int depth = 0;
        for (auto i = from; i < text_.size(); ++i) {
            if (text_[i] == '{' || text_[i] == '[') ++depth;
            if ((text_[i] == '}' || text_[i] == ']') && --depth == 0) return i + 1;
        }
        return text_.size();
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string out_;
};

}  // namespace

bool looks_secret(std::string_view name) {
    const auto plain = lower(name);
    return std::any_of(secret_words.begin(), secret_words.end(),
                       [&](std::string_view word) { return plain.find(word) != std::string::npos; });
}

std::string mask_known(std::string text, std::span<const std::string_view> known) {
    for (const auto secret : known) {
        if (secret.size() < least_known) continue;
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + masked.size()))
            text.replace(at, secret.size(), masked);
    }
    return text;
}

std::string mask_text(std::string_view text, std::span<const std::string_view> known) {
    return Masking(without_known(text, known)).run();
}

std::vector<std::string_view> parts_of_secret(std::string_view value) {
    std::vector<std::string_view> parts{value};
    if (const auto blank = value.find(' '); blank != std::string_view::npos) parts.push_back(value.substr(blank + 1));
    return parts;
}

}  // namespace vbackup::net
