// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/large_value.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <utility>

#include "base/error.hpp"

namespace vbackup::driver::dragonfly {

namespace {

constexpr std::uint64_t piece = std::uint64_t{1} << 20;
constexpr std::uint64_t under_way = 3 * piece;
// Elements, or fields whose names are asked for in one go.
constexpr std::uint64_t few = 1000;
// What comes in one answer at most where single elements cannot be asked for.
constexpr std::uint64_t most_at_once = 128 * piece;

// Numbers of the dump format (https://github.com/redis/redis, src/rdb.h): the plain encodings that have been there since
// its versions 1 to 8. A server takes any version up to its own.
constexpr char string_type = 0, list_type = 1, set_type = 2, hash_type = 4, sorted_type = 5;
constexpr std::string_view format_version{"\x08\x00", 2};

std::string bytes_of(std::uint64_t value, std::size_t count) {
    std::string bytes;
    for (std::size_t n = 0; n < count; ++n) bytes += static_cast<char>(value >> (8 * n) & 0xFF);
    return bytes;
}

}  // namespace

LargeValue::LargeValue(net::Resp& wire, io::KeyWriter& writer, Key key, Server server)
    : wire_(wire), writer_(writer), key_(std::move(key)), server_(server) {}

LargeValue::FieldTimes LargeValue::field_times_of(Call& call, net::Resp& wire) {
    const auto reply = wire.ask(call, {"HTTL", "vbackup:none", "FIELDS", "1", "none"});
    if (!reply.is_error() || reply.code() == "MOVED" || reply.code() == "ASK") return FieldTimes::asked;
    const auto unknown = net::to_error(reply, wire.server(), "HTTL").kind() == ErrorKind::unsupported;
    return unknown ? FieldTimes::none : FieldTimes::unseen;
}

LargeValue::State LargeValue::advance(Call& call, std::uint64_t now) {
    if (!begun_) return begin(call, now);
    if (held_.empty()) {
        switch (type_) {
            case Type::string:
                advance_string(call);
                break;
            case Type::list:
            case Type::sorted:
                advance_range(call);
                break;
            case Type::set:
                advance_members(call);
                break;
            case Type::hash:
                advance_fields(call);
                break;
        }
    }
    hand_out();
    flush();
    if (has_field_times_) {
        writer_.end_large(false);
        return leave(call, State::other);
    }
    const bool scanned = type_ == Type::set || type_ == Type::hash;
    const bool whole = held_.empty() && (scanned ? cursor_ == "0" : had_ >= size_);
    return whole || broken_ ? end(call) : State::going;
}

LargeValue::State LargeValue::leave(Call& call, State why) {
    wire_.require(call, {"UNWATCH"});
    return why;
}

LargeValue::State LargeValue::begin(Call& call, std::uint64_t now) {
    wire_.require(call, {"WATCH", key_.name});
    const auto name = wire_.require(call, {"TYPE", key_.name}).text;
    if (name == "none") return leave(call, State::gone);
    static constexpr std::array<std::pair<std::string_view, char>, 5> types{
        {{"string", string_type}, {"list", list_type}, {"set", set_type}, {"zset", sorted_type}, {"hash", hash_type}}};
    const auto found = std::find_if(types.begin(), types.end(), [&](const auto& one) { return one.first == name; });
    if (found == types.end() || (server_.only_strings && name != "string")) return leave(call, State::other);
    type_ = static_cast<Type>(found - types.begin());
    if (type_ == Type::hash && server_.field_times == FieldTimes::unseen) return leave(call, State::other);
    const auto expires = expiry(call, now);
    size_ = static_cast<std::uint64_t>(std::max<std::int64_t>(length(call), 0));
    // What has more elements than a length of 32 bits counts is left to DUMP.
    if (expires == -2 || size_ == 0) return leave(call, State::changed);
    if (size_ > 0xFFFFFFFF) return leave(call, State::other);
    begun_ = true;
    at_once_ = std::clamp<std::uint64_t>(piece * size_ / std::max<std::uint64_t>(key_.weight, 1), 1, 10'000);
    writer_.begin_large(key_.database, key_.name, expires > 0 ? static_cast<std::uint64_t>(expires) : 0, key_.weight);
    piece_ += found->second;
    add_length(size_);
    return State::going;
}

std::int64_t LargeValue::expiry(Call& call, std::uint64_t now) {
    if (server_.has_expiretime) return wire_.require(call, {"PEXPIRETIME", key_.name}).number;
    const auto left = wire_.require(call, {"PTTL", key_.name}).number;
    return left < 0 ? left : static_cast<std::int64_t>(now) + left;
}

std::string_view LargeValue::length_command() const {
    switch (type_) {
        case Type::string:
            return "STRLEN";
        case Type::list:
            return "LLEN";
        case Type::set:
            return "SCARD";
        case Type::sorted:
            return "ZCARD";
        case Type::hash:
            return "HLEN";
    }
    return "STRLEN";
}

std::int64_t LargeValue::length(Call& call) {
    const auto reply = ask(call, {length_command(), key_.name});
    return reply ? reply->number : 0;
}

// Empty, and broken, when the key is of another type by now.
std::optional<net::Reply> LargeValue::ask(Call& call, std::initializer_list<std::string_view> words) {
    auto reply = wire_.ask(call, words);
    if (reply.code() == "WRONGTYPE") {
        broken_ = true;
        return std::nullopt;
    }
    if (reply.is_error()) throw net::to_error(reply, wire_.server(), *words.begin());
    return reply;
}

void LargeValue::flush() {
    checksum_.update(std::as_bytes(std::span(piece_)));
    writer_.add_piece(piece_);
    piece_.clear();
}

// 6, 14 or 32 bits, the latter two with their high byte first.
void LargeValue::add_length(std::uint64_t length) {
    if (length < 64) {
        piece_ += static_cast<char>(length);
    } else if (length < 16384) {
        piece_ += static_cast<char>(0x40 | length >> 8);
        piece_ += static_cast<char>(length & 0xFF);
    } else {
        piece_ += static_cast<char>(0x80);
        for (int shift = 24; shift >= 0; shift -= 8) piece_ += static_cast<char>(length >> shift & 0xFF);
    }
}

void LargeValue::add_score(const std::string& text) {
    double score = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), score);
    if (fault != std::errc{} || end != text.data() + text.size())
        throw Error(ErrorKind::not_understood, "a score of a sorted set is no number");
    piece_ += bytes_of(std::bit_cast<std::uint64_t>(score), 8);
}

void LargeValue::ask_pieces(Call& call) {
    for (; asked_ < size_ && asked_ - had_ < under_way; asked_ += std::min(piece, size_ - asked_)) {
        const auto first = std::to_string(asked_);
        const auto last = std::to_string(std::min(asked_ + piece, size_) - 1);
        wire_.queue(call, {"GETRANGE", key_.name, first, last});
    }
}

void LargeValue::advance_string(Call& call) {
    ask_pieces(call);
    const auto reply = wire_.read(call);
    if (reply.is_error() && reply.code() != "WRONGTYPE") throw net::to_error(reply, wire_.server(), "GETRANGE");
    const auto wanted = std::min(piece, size_ - had_);
    had_ += wanted;
    if (!reply.is_error() && reply.text.size() == wanted) {
        piece_ += reply.text;
        return;
    }
    // What else was asked for is taken in, so that answers and questions stay in step.
    broken_ = true;
    for (; had_ < asked_; had_ += std::min(piece, size_ - had_)) (void)wire_.read(call);
}

void LargeValue::advance_range(Call& call) {
    const auto first = std::to_string(had_);
    const auto last = std::to_string(std::min(had_ + at_once_, size_) - 1);
    const bool sorted = type_ == Type::sorted;
    auto reply = sorted ? ask(call, {"ZRANGE", key_.name, first, last, "WITHSCORES"})
                        : ask(call, {"LRANGE", key_.name, first, last});
    const auto wanted = std::min(at_once_, size_ - had_);
    had_ += wanted;
    if (!reply || reply->items.size() != wanted * (sorted ? 2 : 1)) {
        broken_ = true;
        return;
    }
    hold(std::move(reply->items));
}

void LargeValue::hold(std::vector<net::Reply> elements) {
    held_ = std::move(elements);
    held_at_ = text_at_ = 0;
}

// About a piece of what is held. What has been handed out is let go of.
void LargeValue::hand_out() {
    while (held_at_ < held_.size() && piece_.size() < piece) {
        auto& text = held_[held_at_].text;
        if (type_ == Type::sorted && held_at_ % 2 == 1) {
            add_score(text);
            text_at_ = text.size();
        } else {
            if (text_at_ == 0) add_length(text.size());
            const auto part = std::string_view(text).substr(text_at_, piece - piece_.size());
            piece_ += part;
            text_at_ += part.size();
        }
        if (text_at_ < text.size()) return;
        std::string().swap(text);
        text_at_ = 0;
        ++held_at_;
    }
    if (held_at_ == held_.size()) held_.clear();
}

void LargeValue::advance_scan(Call& call) {
    const auto count = std::to_string(at_once_);
    const std::string_view cursor = cursor_.empty() ? "0" : std::string_view(cursor_);
    const bool hash = type_ == Type::hash;
    auto reply = ask(call, {hash ? "HSCAN" : "SSCAN", key_.name, cursor, "COUNT", count});
    if (!reply) return;
    if (reply->items.size() != 2)
        throw Error(ErrorKind::not_understood, "HSCAN or SSCAN was not answered with a cursor and elements");
    cursor_ = std::move(reply->items[0].text);
    auto& elements = reply->items[1].items;
    had_ += elements.size() / (hash ? 2 : 1);
    if (hash && server_.field_times == FieldTimes::asked) look_at_field_times(call, elements);
    hold(std::move(elements));
}

// HSCAN and SSCAN have the server copy each element twice.
bool LargeValue::has_few() const {
    return size_ <= few || key_.weight / size_ >= piece;
}

// All at once: by name none of them can be had.
void LargeValue::advance_members(Call& call) {
    if (!has_few() || key_.weight > most_at_once) return advance_scan(call);
    auto reply = ask(call, {"SMEMBERS", key_.name});
    if (!reply) return;
    cursor_ = "0";
    had_ = reply->items.size();
    hold(std::move(reply->items));
}

void LargeValue::ask_lengths(Call& call) {
    auto names = ask(call, {"HKEYS", key_.name});
    if (!names) return;
    for (auto& name : names->items) fields_.push_back(std::move(name.text));
    for (std::size_t begin = 0; begin < fields_.size() && !broken_; begin += few) {
        const auto end = std::min(begin + few, fields_.size());
        for (auto n = begin; n < end; ++n) wire_.queue(call, {"HSTRLEN", key_.name, fields_[n]});
        for (auto n = begin; n < end; ++n) {
            const auto reply = wire_.read(call);
            if (reply.is_error() && reply.code() != "WRONGTYPE") throw net::to_error(reply, wire_.server(), "HSTRLEN");
            broken_ = broken_ || reply.is_error();
            lengths_.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(reply.number, 0)));
        }
    }
}

// As many values as weigh about a piece together, or one that weighs more.
void LargeValue::advance_fields(Call& call) {
    if (!has_few()) return advance_scan(call);
    if (fields_.empty()) ask_lengths(call);
    if (broken_) return;
    const auto begin = fields_read_;
    for (std::uint64_t weight = 0; fields_read_ < fields_.size(); ++fields_read_) {
        weight += lengths_[fields_read_];
        if (fields_read_ > begin && weight > piece) break;
        wire_.queue(call, {"HGET", key_.name, fields_[fields_read_]});
    }
    std::vector<net::Reply> pairs;
    for (auto n = begin; n < fields_read_; ++n) {
        auto value = wire_.read(call);
        if (value.is_error() && value.code() != "WRONGTYPE") throw net::to_error(value, wire_.server(), "HGET");
        broken_ = broken_ || value.kind != net::Reply::Kind::text;
        pairs.push_back({.kind = net::Reply::Kind::text, .text = std::move(fields_[n])});
        pairs.push_back(std::move(value));
    }
    had_ += pairs.size() / 2;
    if (fields_read_ == fields_.size()) cursor_ = "0";
    if (server_.field_times == FieldTimes::asked && !broken_) look_at_field_times(call, pairs);
    hold(std::move(pairs));
}

void LargeValue::look_at_field_times(Call& call, const std::vector<net::Reply>& pairs) {
    if (pairs.empty()) return;
    const auto count = std::to_string(pairs.size() / 2);
    std::vector<std::string_view> words{"HTTL", key_.name, "FIELDS", count};
    for (std::size_t n = 0; n + 1 < pairs.size(); n += 2) words.emplace_back(pairs[n].text);
    wire_.queue(call, words);
    const auto reply = wire_.read(call);
    if (reply.is_error() && reply.code() != "WRONGTYPE") throw net::to_error(reply, wire_.server(), "HTTL");
    broken_ = broken_ || reply.items.size() != pairs.size() / 2;
    for (const auto& one : reply.items) has_field_times_ = has_field_times_ || one.number >= 0;
}

LargeValue::State LargeValue::end(Call& call) {
    // EXEC answers nil when what is watched was changed, or has expired, since.
    wire_.require(call, {"MULTI"});
    wire_.require(call, {length_command(), key_.name});
    const auto reply = wire_.require(call, {"EXEC"});
    // A scan may name an element twice while the server's table grows: the count tells.
    const bool good = !broken_ && had_ == size_ && reply.items.size() == 1 &&
                      reply.items[0].number == static_cast<std::int64_t>(size_);
    piece_ += format_version;
    flush();
    writer_.add_piece(bytes_of(checksum_.value(), 8));
    writer_.end_large(good);
    return good ? State::good : State::changed;
}

}  // namespace vbackup::driver::dragonfly
