// SPDX-License-Identifier: Apache-2.0
#include "cli/session/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

std::optional<std::int64_t> number_of(const config::Environment& environment, const std::string& name) {
    const auto text = config::variable(environment, name);
    std::int64_t number = 0;
    if (!text) return std::nullopt;
    const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), number);
    return fault == std::errc{} && end == text->data() + text->size() ? std::optional(number) : std::nullopt;
}

}  // namespace

Notifier::Notifier(const config::Environment& environment) {
    // A path, or a name that no file has, written with an '@'.
    if (const auto named = config::variable(environment, "NOTIFY_SOCKET"))
        if (named->front() == '/' || named->front() == '@') socket_ = *named;
    const auto microseconds = number_of(environment, "WATCHDOG_USEC");
    const auto process = number_of(environment, "WATCHDOG_PID");
    if (microseconds.value_or(0) > 0 && (!process || *process == ::getpid()))
        watchdog_ = Milliseconds(*microseconds / 2000);
}

void Notifier::tell(std::string_view state) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_.front() == '@') address.sun_path[0] = '\0';
    const int line = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (line < 0) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    // Never a wait: who does not read fast enough misses it.
    ::sendto(line, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&address),
             length);
    ::close(line);
}

void Notifier::status(std::string_view text) const {
    tell("STATUS=" + one_line(text, 400));
}

}  // namespace vbackup::cli
