// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "config/environment.hpp"

namespace vbackup::cli {

// Tells systemd how a service is (sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names). Without a socket, or when it
// cannot be reached, nothing happens: nobody listens. Thread-safe.
class Notifier {
public:
    explicit Notifier(const config::Environment& environment);

    bool listens() const { return !socket_.empty(); }
    // "READY=1", "STATUS=…", "WATCHDOG=1", "STOPPING=1"; one assignment a line.
    void tell(std::string_view state) const;
    void status(std::string_view text) const;
    // How often systemd wants to be told that we are alive: half of WATCHDOG_USEC, where it is meant for this process.
    std::optional<Milliseconds> watchdog() const { return watchdog_; }

private:
    std::string socket_;
    std::optional<Milliseconds> watchdog_;
};

}  // namespace vbackup::cli
