// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/resp.hpp"

namespace vbackup::net {

// Bytes to answers, by hiredis' reader, whose callbacks build ours in place. One thread at a time.
class RespParser {
public:
    RespParser();
    ~RespParser();
    RespParser(const RespParser&) = delete;
    RespParser& operator=(const RespParser&) = delete;

    void feed(std::string_view bytes);
    // The next whole answer; empty while bytes are missing, and once the bytes made no sense.
    std::optional<Reply> next();
    // How many bytes were fed behind the last answer; they are dropped.
    std::size_t forget_rest();

    bool broken() const;
    std::string why() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace vbackup::net
