// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "net/http.hpp"

namespace vbackup::cli {

// Tells a check of a healthchecks-compatible service how a backup goes: POST to URL/start, URL/EXIT_CODE, with an id that ties
// the two together (https://healthchecks.io/docs/http_api/: 0 is success, 1 to 255 failure; a body is kept as the log). The URL is
// a secret: whoever knows it can say that all is well.
class Ping {
public:
    // An empty URL: nobody is told. What goes wrong is said by `warn`, without the URL, and changes nothing else.
    // Of `trace` only what keeps exchanges is told, without the path and what follows it.
    Ping(Secret url, const Clock& clock, std::function<void(std::string)> warn, const net::Trace& trace = {});

    void start();
    // The end of `log` goes along, at most 10 kB.
    void end(int exit_code, std::string_view log);

private:
    void send(const std::string& suffix, std::string_view body);

    Secret url_;
    std::string run_;  // a UUID
    const Clock& clock_;
    std::function<void(std::string)> warn_;
    net::Trace trace_;
};

}  // namespace vbackup::cli
