// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace vbackup::io {

// Tells in bounded memory which keys of a stream may have come before: never no for one that has, and seldom yes for one
// that has not (a Bloom filter whose bits of one key share a cache line). At 64 bits a key, which is what there is up to two
// million keys, hardly one in a hundred million is a false alarm.
class SeenKeys {
public:
    // For about `keys` keys; 16 MiB at most.
    explicit SeenKeys(std::uint64_t keys);
    // Notes the key. True: perhaps it was noted before.
    bool note(std::string_view key);
    // Two keys have the same one about as often as lightning strikes twice.
    static std::uint64_t hash(std::string_view key);

private:
    struct alignas(64) Line {
        std::uint64_t words[8] = {};
    };
    std::vector<Line> lines_;
};

}  // namespace vbackup::io
