// SPDX-License-Identifier: Apache-2.0
#include "store/s3/lock.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::store::s3 {

namespace {

constexpr int most_tries = 4;
constexpr Milliseconds time_to_ask{15'000};
constexpr std::size_t most_of_a_lock = 4096;

std::string first_line(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

// When a process began, in ticks since the machine did (proc(5), field 22): tells it from a later one with the same number.
std::string begun(const std::string& process) {
    const auto stat = first_line("/proc/" + process + "/stat");
    const auto end = stat.rfind(')');
    if (end == std::string::npos) return {};
    std::istringstream fields(stat.substr(end + 1));
    std::string field;
    for (int number = 3; number <= 22 && fields >> field; ++number) {
        if (number == 3 && (field == "Z" || field == "X")) return {};
    }
    return field;
}

std::string process_space() {
    std::error_code why;
    return std::filesystem::read_symlink("/proc/self/ns/pid", why).string();
}

std::string machine_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return one_line(name.data(), 80);
}

std::string describe_me(const std::string& nonce) {
    const auto process = std::to_string(::getpid());
    return fmt::format("vbackup-lock 1\nnonce {}\nmachine {}\nprocess {}\nbegun {}\nboot {}\nspace {}\n", nonce,
                       machine_name(), process, begun(process), first_line("/proc/sys/kernel/random/boot_id"),
                       process_space());
}

std::map<std::string, std::string> parse(const std::string& body) {
    std::map<std::string, std::string> facts;
    std::istringstream in(body);
    for (std::string line; std::getline(in, line);) {
        const auto blank = std::min(line.find(' '), line.size());
        facts[line.substr(0, blank)] = line.substr(std::min(blank + 1, line.size()));
    }
    return facts;
}

// Only a process of this very machine, run and process space can be looked for.
bool is_dead(std::map<std::string, std::string>& holder) {
    const auto boot = first_line("/proc/sys/kernel/random/boot_id");
    if (boot.empty() || holder["boot"] != boot || process_space().empty() || holder["space"] != process_space())
        return false;
    const auto& process = holder["process"];
    const bool number = !process.empty() && process.find_first_not_of("0123456789") == std::string::npos;
    return number && !holder["begun"].empty() && begun(process) != holder["begun"];
}

// By the service's clock alone.
Milliseconds age_of(const net::Response& answer) {
    const auto now = net::http_date(answer.header("date"));
    const auto then = net::http_date(answer.header("last-modified"));
    if (!now || !then || *now < *then) return Milliseconds{0};
    return std::chrono::duration_cast<Milliseconds>(*now - *then);
}

bool was_not_met(const net::Response& answer) {
    return answer.status == 412 || answer.status == 409;
}

}  // namespace

Lock::Lock(std::shared_ptr<Bucket> bucket, std::string key, std::string what, Times times)
    : bucket_(std::move(bucket)),
      key_(std::move(key)),
      what_(std::move(what)),
      times_(times),
      nonce_(Bucket::nonce()),
      body_(describe_me(nonce_)) {
    take();
    keeper_ = std::jthread([this](const std::stop_token& stop) { keep(stop); });
}

Lock::~Lock() {
    keeper_.request_stop();
    keeper_.join();
    if (lost_) return;
    try {
        Call call = bucket_->call_to_tidy(time_to_ask);
        if (call.clock.now() - renewed_ > times_.lease / 2) require_mine(call);
        bucket_->remove(call, key_);
    } catch (const std::exception&) {
        // It ends by itself once the lease is over, or this process.
    }
}

// Looks before it writes, for the sake of services that pass over conditions.
void Lock::take() {
    Call call = bucket_->call();
    for (int tries = 0; tries < most_tries; ++tries) {
        if (!try_once(call)) continue;
        require_mine(call);
        renewed_ = call.clock.now();
        return;
    }
    throw busy({}, Milliseconds{0});
}

bool Lock::put(Call& call, net::Headers conditions) {
    const Ask ask{
        .method = "PUT", .key = key_, .headers = std::move(conditions), .bytes = std::as_bytes(std::span(body_))};
    auto answer = bucket_->send(call, ask);
    if (answer.status == 501 || code_of(answer) == "NotImplemented") {
        auto plain = ask;
        plain.headers.clear();
        if (ask.headers.front().first == "If-None-Match" && bucket_->head(call, key_)) return false;
        answer = bucket_->send(call, plain);
    }
    // Of a lock that went meanwhile, Amazon says 404 to If-Match.
    if (was_not_met(answer) || (answer.status == 404 && code_of(answer) != "NoSuchBucket")) return false;
    if (!answer.ok()) bucket_->fail(answer, "write the lock", key_);
    etag_ = answer.header("etag");
    return true;
}

// False: it came, went or changed meanwhile, so everything is looked at once more.
bool Lock::try_once(Call& call) {
    net::Response answer;
    const auto source = bucket_->open(call, {.key = key_}, answer, 0, "");
    if (answer.status == 404 && code_of(answer) != "NoSuchBucket") return put(call, {{"If-None-Match", "*"}});
    if (!source) bucket_->fail(answer, "read the lock", key_);
    auto holder = parse(io::read_all(*source, most_of_a_lock));
    const std::string there(answer.header("etag"));
    // An attempt whose answer got lost made it.
    if (holder["nonce"] == nonce_) {
        etag_ = there;
        return true;
    }
    const auto age = age_of(answer);
    if (!is_dead(holder) && age < times_.lease) throw busy(holder, age);
    return put(call, {{"If-Match", there}});
}

// Services that pass over conditions are noticed here.
void Lock::require_mine(Call& call) {
    net::Response answer;
    const auto source = bucket_->open(call, {.key = key_}, answer, 0, "");
    auto holder = source ? parse(io::read_all(*source, most_of_a_lock)) : std::map<std::string, std::string>();
    if (!source && answer.status != 404) bucket_->fail(answer, "read the lock", key_);
    if (holder["nonce"] == nonce_) return;
    throw busy(holder, age_of(answer));
}

bool Lock::is_mine(Call& call) {
    try {
        require_mine(call);
        return true;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::busy) throw;
        return false;
    }
}

// False once it is another's. An answer that got lost leaves another ETag than the one known, and the lock its own.
bool Lock::renew(Call& call) {
    const auto there = bucket_->head(call, key_);
    if (!there) return false;
    if (there->header("etag") != etag_) {
        if (!is_mine(call)) return false;
        etag_ = there->header("etag");
    }
    if (!put(call, {{"If-Match", etag_}}) && !is_mine(call)) return false;
    renewed_ = call.clock.now();
    return true;
}

void Lock::keep(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!lost_) {
        wake_.wait_for(lock, stop, times_.renewal, [] { return false; });
        if (stop.stop_requested()) return;
        try {
            Call call = bucket_->call_to_tidy(time_to_ask);
            lost_ = !renew(call);
        } catch (const std::exception&) {
            // The service cannot be asked now; whoever would make something visible asks again.
        }
    }
}

void Lock::require_held() {
    const std::scoped_lock lock(mutex_);
    Call call = bucket_->call();
    if (!lost_ && call.clock.now() - renewed_ > times_.lease) lost_ = !renew(call);
    if (!lost_) return;
    throw Error(ErrorKind::busy, fmt::format("another run has taken over {}: this one was held up for too long", what_),
                "see with `vbackup list` what became of it, then run this again");
}

Error Lock::busy(const std::map<std::string, std::string>& holder, Milliseconds age) const {
    const auto fact = [&](const char* name) {
        const auto found = holder.find(name);
        return found == holder.end() ? std::string("?") : one_line(found->second, 80);
    };
    const auto who = holder.empty() ? "" : fmt::format(" (process {} on {})", fact("process"), fact("machine"));
    const auto left = std::max(times_.lease - age, Milliseconds{1'000});
    return {ErrorKind::busy, fmt::format("another run works on {}{}", what_, who),
            fmt::format("wait until it has ended, then run this again; if it is dead, it counts as such after {}",
                        format_duration(left))};
}

}  // namespace vbackup::store::s3
