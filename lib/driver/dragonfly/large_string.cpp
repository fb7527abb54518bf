// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/large_string.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace vbackup::driver::dragonfly {

namespace {

constexpr std::uint64_t piece = std::uint64_t{1} << 20;
constexpr std::uint64_t under_way = 3 * piece;
// Of the format that DUMP writes: strings have looked the same since the first version that has a checksum, and every
// server takes an older version than its own.
constexpr unsigned format_version = 6;

template <std::size_t size>
std::string_view text(const std::array<char, size>& bytes) {
    return {bytes.data(), bytes.size()};
}

// The type of a string, and its length in 32 bits, high byte first.
std::array<char, 6> head_of(std::uint64_t size) {
    const auto byte = [&](unsigned shift) { return static_cast<char>(size >> shift & 0xFF); };
    return {'\0', static_cast<char>(0x80), byte(24), byte(16), byte(8), byte(0)};
}

}  // namespace

LargeString::State LargeString::advance(Call& call, std::uint64_t now) {
    if (!begun_) return begin(call, now);
    ask_pieces(call);
    if (had_ == size_) return end(call, true);
    const auto reply = wire_.read(call);
    if (reply.is_error()) throw net::to_error(reply, wire_.server(), "GETRANGE");
    const auto wanted = std::min(piece, size_ - had_);
    if (reply.text.size() == wanted) {
        add(reply.text);
        had_ += wanted;
        return State::going;
    }
    // It became shorter. What else was asked for is taken in, so that answers and questions stay in step.
    for (had_ += wanted; had_ < asked_; had_ += std::min(piece, size_ - had_)) (void)wire_.read(call);
    return end(call, false);
}

LargeString::State LargeString::begin(Call& call, std::uint64_t now) {
    wire_.require(call, {"WATCH", name_});
    const auto type = wire_.require(call, {"TYPE", name_}).text;
    if (type != "string") {
        wire_.require(call, {"UNWATCH"});
        return type == "none" ? State::gone : State::no_string;
    }
    const auto expires = expiry(call, now);
    size_ = static_cast<std::uint64_t>(wire_.require(call, {"STRLEN", name_}).number);
    if (expires == -2 || size_ == 0) {
        wire_.require(call, {"UNWATCH"});
        return State::changed;
    }
    begun_ = true;
    const auto head = head_of(size_);
    writer_.begin_large(database_, name_, expires > 0 ? static_cast<std::uint64_t>(expires) : 0,
                        head.size() + size_ + 2 + 8);
    add(text(head));
    return State::going;
}

// As PEXPIRETIME says it.
std::int64_t LargeString::expiry(Call& call, std::uint64_t now) {
    if (has_expiretime_) return wire_.require(call, {"PEXPIRETIME", name_}).number;
    const auto left = wire_.require(call, {"PTTL", name_}).number;
    return left < 0 ? left : static_cast<std::int64_t>(now) + left;
}

void LargeString::add(std::string_view bytes) {
    checksum_.update(std::as_bytes(std::span(bytes)));
    writer_.add_piece(bytes);
}

void LargeString::ask_pieces(Call& call) {
    for (; asked_ < size_ && asked_ - had_ < under_way; asked_ += std::min(piece, size_ - asked_)) {
        const auto first = std::to_string(asked_);
        const auto last = std::to_string(std::min(asked_ + piece, size_) - 1);
        wire_.queue(call, {"GETRANGE", name_, first, last});
    }
}

LargeString::State LargeString::end(Call& call, bool whole) {
    // EXEC answers nil when what is watched was changed, or has expired, since.
    wire_.require(call, {"MULTI"});
    wire_.require(call, {"STRLEN", name_});
    const auto reply = wire_.require(call, {"EXEC"});
    const bool good = whole && !reply.is_nil() && reply.items.size() == 1 &&
                      reply.items[0].number == static_cast<std::int64_t>(size_);
    add(std::string_view("\x06\x00", 2));
    static_assert(format_version == 6);
    const auto checksum = checksum_.value();
    std::array<char, 8> last{};
    for (std::size_t n = 0; n < last.size(); ++n) last[n] = static_cast<char>(checksum >> (8 * n) & 0xFF);
    writer_.add_piece(text(last));
    writer_.end_large(good);
    return good ? State::good : State::changed;
}

}  // namespace vbackup::driver::dragonfly
