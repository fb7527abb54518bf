// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/dragonfly/server.hpp"
#include "io/key_records.hpp"
#include "io/stream.hpp"

namespace vbackup::driver::dragonfly {

struct ScanWish {
    net::RespServer server;
    std::vector<std::uint32_t> databases;
    std::string match;        // a pattern of SCAN; empty: all keys
    bool all_others = false;  // databases too that get their first keys while those are read
    std::string about;        // for the file's beginning
};

// All keys of one server as the bytes of a file (io/key_records.hpp), read by SCAN, PEXPIRETIME and DUMP in one pipeline
// that never runs dry and whose answers never weigh more than a few MiB: MEMORY USAGE is asked before DUMP, and values
// of more than 4 MiB come in pieces, so that neither side holds them whole. Each key is as it was at one moment: its expiry is
// read before and after its value, and where the two differ, or a large value changed while its pieces came, it is read
// again. `ended` is told what the file holds once its last byte was read. `call`'s clock, tally and rate outlive it.
// `repeats` names the keys that may be in it more than once, since SCAN may name a key twice; it is empty when these are more
// than are worth noting.
using Ended = std::function<void(const io::KeySummary& summary, const io::Repeats& repeats)>;
std::unique_ptr<io::Source> scan_keys(const Call& call, ScanWish wish, Ended ended);

}  // namespace vbackup::driver::dragonfly
