// SPDX-License-Identifier: Apache-2.0
#include "net/no_proxy.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace vbackup::net {

namespace {

// The number of a machine: 4 bytes or 16.
struct Number {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 0;
};

std::optional<Number> number_of(std::string text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    Number number;
    if (::inet_pton(AF_INET, text.c_str(), number.bytes.data()) == 1) {
        number.size = 4;
    } else if (::inet_pton(AF_INET6, text.c_str(), number.bytes.data()) == 1) {
        number.size = 16;
    } else {
        return std::nullopt;
    }
    return number;
}

// Are the first `bits` of both the same?
bool same_network(const Number& one, const Number& other, std::size_t bits) {
    if (one.size != other.size || bits > one.size * 8) return false;
    for (std::size_t bit = 0; bit < bits; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
        if ((one.bytes.at(bit / 8) & mask) != (other.bytes.at(bit / 8) & mask)) return false;
    }
    return true;
}

bool covers_number(std::string_view entry, const Number& machine) {
    const auto slash = entry.find('/');
    const auto network = number_of(std::string(entry.substr(0, slash)));
    if (!network) return false;
    std::size_t bits = machine.size * 8;
    if (slash != std::string_view::npos) {
        const auto length = entry.substr(slash + 1);
        const auto [end, fault] = std::from_chars(length.data(), length.data() + length.size(), bits);
        if (fault != std::errc{} || end != length.data() + length.size()) return false;
    }
    return same_network(*network, machine, bits);
}

std::string plain(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (lower.ends_with('.')) lower.pop_back();
    return lower;
}

bool covers_name(std::string_view entry, const std::string& machine) {
    if (entry.starts_with('.')) entry.remove_prefix(1);
    const auto name = plain(entry);
    return !name.empty() && (machine == name || machine.ends_with("." + name));
}

}  // namespace

bool is_without_proxy(std::string_view list, const std::string& machine) {
    if (list == "*") return true;
    const auto number = number_of(machine);
    const auto name = plain(machine);
    while (!list.empty()) {
        const auto entry = list.substr(0, list.find_first_of(", \t"));
        list.remove_prefix(std::min(list.size(), entry.size() + 1));
        if (number ? covers_number(entry, *number) : covers_name(entry, name)) return true;
    }
    return false;
}

}  // namespace vbackup::net
