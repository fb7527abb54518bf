// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "io/crc64.hpp"
#include "io/key_records.hpp"
#include "net/resp.hpp"

namespace vbackup::driver::dragonfly {

// Reads one large string by GETRANGE into a record that RESTORE takes: what DUMP would give, made here, since DUMP makes the
// server hold a large value three times. WATCH tells in the end whether it stayed as it was meanwhile; the record is void if
// not. Nothing else may be under way on the connection, which must have its database selected.
class LargeString {
public:
    LargeString(net::Resp& wire, io::KeyWriter& writer, std::uint32_t database, const std::string& name,
                bool has_expiretime)
        : wire_(wire), writer_(writer), name_(name), database_(database), has_expiretime_(has_expiretime) {}

    enum class State : std::uint8_t { going, good, changed, gone, no_string };
    // Goes on by about a piece. Anything but `going` is the end.
    // `now`: ms since 1970 by the server's clock.
    State advance(Call& call, std::uint64_t now);

private:
    State begin(Call& call, std::uint64_t now);
    State end(Call& call, bool whole);
    std::int64_t expiry(Call& call, std::uint64_t now);
    void add(std::string_view bytes);
    void ask_pieces(Call& call);

    net::Resp& wire_;
    io::KeyWriter& writer_;
    const std::string& name_;
    std::uint32_t database_;
    bool has_expiretime_;
    bool begun_ = false;
    std::uint64_t size_ = 0;
    std::uint64_t asked_ = 0, had_ = 0;
    io::Crc64 checksum_;
};

}  // namespace vbackup::driver::dragonfly
