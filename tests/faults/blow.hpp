// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "faults/state_words.hpp"
#include "support/fake_clock.hpp"
#include "support/fate.hpp"
#include "support/http_server.hpp"
#include "support/resp_server.hpp"

namespace vbackup::test {

// How a process ends before its time.
enum class Kill : std::uint8_t {
    none,
    before,  // a call that changes something
    within,  // such a call: a write has written half, and the answer to a request is not seen
    power,   // with the whole machine, before such a call: what was not fsynced is lost
    bytes,   // the same, and folders are as they were seen last: bytes that were not fsynced are lost
};

// A way in which one exchange with a server goes wrong, or a call to the disk, or in which the program is killed.
struct Blow {
    std::string_view name;
    bool works = false;  // the server does what it was asked, and only its answer is spoilt
    int status = 0;      // of the answer that comes instead
    std::string_view body = {};
    // What comes may be well formed and untrue, which no client can see: false success is one all the same, but no rerun is owed.
    bool lies = false;
    bool unseen = false;        // nothing at all could tell: it must come to an end, and that is all
    bool lies_in_resp = false;  // the same of a Dragonfly, where it is the word for "there is none"
    // Of what the server says; the random numbers are the scenario's own.
    void (*spoil)(Answer&, std::mt19937_64&) = nullptr;
    Words words = Words::kept;   // strikes only at answers that have such words
    std::string_view call = {};  // of the file system: these fail instead, with `code`; "room": the disk gets full
    int code = 0;
    Kill kill = Kill::none;  // nothing goes wrong with exchanges but that they end

    bool is_of_disk() const { return !call.empty() || kill != Kill::none; }
};

std::span<const Blow> blows();
const Blow* find_blow(std::string_view name);

// Strikes at exchanges `at`, `at` + 1 and so on, `times` of them, counted from 0 over all servers of a world. It must outlive
// what it tampers with. Thread-safe.
class Wedge {
public:
    explicit Wedge(const FakeClock& clock) : clock_(clock) {}

    void arm(const Blow& blow, std::size_t at, std::size_t times, std::uint64_t seed);
    void disarm();
    // Exchanges since it was armed or disarmed last.
    std::size_t seen() const;
    bool has_struck() const;

    // From now on the requests and commands that this is true of count as jobs when the server takes them.
    void count_jobs(std::function<bool(std::string_view method, std::string_view path)> begins);
    // How many jobs servers have begun, over the world's whole life.
    std::size_t jobs() const;

    // From now on exchanges are those of that process, and end with it. It must outlive this.
    void obey(Fate& fate);

    Tamper http();
    RespServer::Tamper resp();

private:
    // The blow for the exchange that comes now; null: none.
    const Blow* next();
    void hit(bool changed);

    const FakeClock& clock_;
    Fate* fate_ = nullptr;
    mutable std::mutex mutex_;
    const Blow* blow_ = nullptr;
    std::function<bool(std::string_view, std::string_view)> begins_;
    std::size_t at_ = 0, times_ = 0, seen_ = 0, hits_ = 0, jobs_ = 0;
    bool struck_ = false;
    std::mt19937_64 random_;
};

}  // namespace vbackup::test
