// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/resp.hpp"

namespace vbackup::net {

// Lines to answers (a status, an error, a number), by hiredis' reader, whose callbacks build ours in place. One thread at a time.
class RespParser {
public:
    RespParser();
    ~RespParser();
    RespParser(const RespParser&) = delete;
    RespParser& operator=(const RespParser&) = delete;

    void feed(std::string_view bytes);
    // The next whole answer; empty while bytes are missing, and once the bytes made no sense.
    std::optional<Reply> next();
    bool broken() const;
    std::string why() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace vbackup::net
