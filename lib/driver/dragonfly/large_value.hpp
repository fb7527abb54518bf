// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/crc64.hpp"
#include "io/key_records.hpp"
#include "net/resp.hpp"

namespace vbackup::driver::dragonfly {

// Reads one large value piece by piece into a record that RESTORE takes: what DUMP would give, made here, since DUMP makes
// the server hold the value up to three times. Strings come by GETRANGE, lists by LRANGE, sorted sets by ZRANGE, hashes and
// sets by HSCAN and SSCAN (what has few and large elements by HGET and SMEMBERS, which cost the server one copy of an element
// instead of two), in the oldest encodings of their types, which every Redis and Valkey still loads. WATCH tells in
// the end whether the value stayed as it was meanwhile, and its number of elements whether each came once; else the record
// is void. Nothing else may be under way on the connection, which must have the key's database selected.
class LargeValue {
public:
    struct Key {
        std::uint32_t database = 0;
        std::string name;
        std::uint64_t weight = 0;  // what it takes of the server's memory, in bytes
    };
    // Do fields of hashes expire one by one there? The old encoding cannot hold that, so a hash that has such fields is not
    // taken apart, nor is any where that may not be asked.
    enum class FieldTimes : std::uint8_t { none, asked, unseen };
    static FieldTimes field_times_of(Call& call, net::Resp& wire);
    struct Server {
        bool has_expiretime = true;
        bool only_strings = false;  // of Dragonfly nothing else is taken apart: which encodings it loads was not seen
        FieldTimes field_times = FieldTimes::none;
    };
    // `wire` and `writer` outlive it.
    LargeValue(net::Resp& wire, io::KeyWriter& writer, Key key, Server server);

    enum class State : std::uint8_t { going, good, changed, gone, other };  // other: of a type that is not taken apart
    // Goes on by about a piece; anything but `going` is the end. `now`: ms since 1970 by the server's clock.
    State advance(Call& call, std::uint64_t now);

private:
    enum class Type : std::uint8_t { string, list, set, sorted, hash };

    State begin(Call& call, std::uint64_t now);
    State leave(Call& call, State why);
    State end(Call& call);
    void advance_string(Call& call);
    void advance_range(Call& call);
    void advance_scan(Call& call);
    void advance_fields(Call& call);
    void advance_members(Call& call);
    bool has_few() const;
    void ask_lengths(Call& call);
    void hold(std::vector<net::Reply> elements);
    void hand_out();
    void look_at_field_times(Call& call, const std::vector<net::Reply>& pairs);
    std::optional<net::Reply> ask(Call& call, std::initializer_list<std::string_view> words);
    std::int64_t expiry(Call& call, std::uint64_t now);
    std::int64_t length(Call& call);
    std::string_view length_command() const;
    void ask_pieces(Call& call);
    void add_length(std::uint64_t length);
    void add_score(const std::string& text);
    void flush();

    net::Resp& wire_;
    io::KeyWriter& writer_;
    Key key_;
    Server server_;
    bool begun_ = false;
    bool broken_ = false;           // it became shorter, or one of another type
    bool has_field_times_ = false;  // fields of it expire
    Type type_ = Type::string;
    std::uint64_t size_ = 0;   // bytes of a string, or elements
    std::uint64_t asked_ = 0;  // of these
    std::uint64_t had_ = 0;    // of these
    std::uint64_t at_once_ = 0;
    std::string cursor_;
    // Elements that came and are not in a piece yet, whole ones of a hash with their fields: these may be larger than pieces.
    std::vector<net::Reply> held_;
    std::size_t held_at_ = 0, text_at_ = 0;
    // Of a hash that has few fields: their names, the lengths of their values, and how many of them were read.
    std::vector<std::string> fields_;
    std::vector<std::uint64_t> lengths_;
    std::size_t fields_read_ = 0;
    std::string piece_;
    io::Crc64 checksum_;
};

}  // namespace vbackup::driver::dragonfly
