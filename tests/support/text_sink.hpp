// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "io/stream.hpp"

namespace vbackup::test {

// Keeps what is written to it in memory.
class TextSink : public io::Sink {
public:
    void write(std::span<const std::byte> bytes) override {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void finish() override { finished = true; }
    void rewind() override { text.clear(); }

    std::string text;
    bool finished = false;
};

}  // namespace vbackup::test
