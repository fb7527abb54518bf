// SPDX-License-Identifier: Apache-2.0
#include "cli/session/notify.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "program.hpp"

using namespace vbackup;
using cli::Notifier;

namespace {

// What systemd has at the other end.
class Listener {
public:
    explicit Listener(const std::string& path) : line_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof(address.sun_path));
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(::bind(line_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    }
    ~Listener() { ::close(line_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // All that has come so far, a line each.
    std::string heard() const {
        std::string out;
        std::array<char, 4096> bytes{};
        for (;;) {
            const auto count = ::recv(line_, bytes.data(), bytes.size(), 0);
            if (count < 0) return out;
            out += std::string(bytes.data(), static_cast<std::size_t>(count)) + "\n";
        }
    }

private:
    int line_;
};

}  // namespace

TEST_CASE("run tells systemd that it is ready, what it does and that it stops") {
    test::Program program;
    const auto path = (program.folder / "notify").string();
    const Listener listener(path);
    program.environment["NOTIFY_SOCKET"] = path;
    program.configure("[targets.prod]\nurl = \"toy+http://prod.example:1\"\n");
    CHECK(program({"run"}).code == 0);
    CHECK(listener.heard() == "READY=1\nSTATUS=0 of 1 targets\nSTATUS=1 of 1 targets are good\nSTOPPING=1\n");
    program.database.end = model::Phase::failed;
    program.clock.advance(Seconds(60));
    CHECK(program({"run"}).code == 11);
    CHECK(listener.heard().find("STATUS=the server says") != std::string::npos);
}

TEST_CASE("without a listener nothing happens") {
    Notifier(config::Environment{}).tell("READY=1");
    Notifier(config::Environment{{"NOTIFY_SOCKET", "/no/such/socket"}}).tell("READY=1");
    Notifier(config::Environment{{"NOTIFY_SOCKET", std::string(300, '/')}}).tell("READY=1");
    CHECK_FALSE(Notifier(config::Environment{{"NOTIFY_SOCKET", "relative"}}).listens());
    CHECK(Notifier(config::Environment{{"NOTIFY_SOCKET", "@name"}}).listens());
}

TEST_CASE("the watchdog is told twice in the time that systemd gives, when it is meant for us") {
    CHECK(Notifier(config::Environment{{"WATCHDOG_USEC", "30000000"}}).watchdog() == Milliseconds(15000));
    CHECK(Notifier(config::Environment{{"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", std::to_string(::getpid())}})
              .watchdog());
    CHECK_FALSE(Notifier(config::Environment{{"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", "1"}}).watchdog());
    CHECK_FALSE(Notifier(config::Environment{{"WATCHDOG_USEC", "soon"}}).watchdog());
    CHECK_FALSE(Notifier(config::Environment{}).watchdog());
}
