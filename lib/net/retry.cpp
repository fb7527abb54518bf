// SPDX-License-Identifier: Apache-2.0
#include "net/retry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <exception>
#include <optional>
#include <random>

#include "base/text.hpp"

namespace vbackup::net {

namespace {

constexpr Milliseconds first_pause{250};
constexpr Milliseconds longest_pause{20'000};
constexpr Milliseconds longest_floor = std::chrono::hours(1);

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<unsigned> month_number(std::string_view name) {
    constexpr std::array<std::string_view, 12> names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<unsigned>(found - names.begin()) + 1;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// One attempt: an answer, or the error that a repeat may mend.
struct Attempted {
    Response answer;
    std::exception_ptr broken;

    Response take() {
        if (broken) std::rethrow_exception(broken);
        return std::move(answer);
    }
};

Attempted attempted(const std::function<Response()>& attempt) {
    try {
        return {attempt(), nullptr};
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable && error.kind() != ErrorKind::stalled) throw;
        return {{}, std::current_exception()};
    }
}

// How long to wait before the next attempt, at least `floor` as the server asked; empty: this one stands.
using PauseAfter = std::function<std::optional<Milliseconds>(const Attempted& last, Milliseconds floor, int repeats)>;

Response repeated(const Call& call, const Trace& note, const std::function<Response()>& attempt,
                  const PauseAfter& pause_after) {
    for (int repeats = 0;; ++repeats) {
        Attempted last = attempted(attempt);
        if (repeats == most_repeats) return last.take();
        const auto floor = retry_after(last.answer.header("retry-after"), call.clock.wall());
        const auto pause = pause_after(last, floor, repeats);
        if (!pause || call.left(*pause) < *pause) return last.take();
        if (note) note(fmt::format("again in {}ms ({} of {})", pause->count(), repeats + 1, most_repeats));
        if (!call.clock.sleep(*pause, call.stop)) call.require_time();
    }
}

}  // namespace

bool is_repeatable(const Request& request) {
    if (request.repeatable) return request.upload == nullptr;
    return (request.method == "GET" || request.method == "HEAD") && request.body.empty() && request.bytes.empty() &&
           request.upload == nullptr;
}

bool is_passing(int status) {
    constexpr std::array<int, 6> passing = {408, 429, 500, 502, 503, 504};
    return std::find(passing.begin(), passing.end(), status) != passing.end();
}

double system_random() {
    thread_local std::mt19937_64 engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

Milliseconds backoff(int attempt, Milliseconds floor, double random) {
    const double doubled = static_cast<double>(first_pause.count()) * std::exp2(std::clamp(attempt, 0, 30));
    const double widest = std::min(static_cast<double>(longest_pause.count()), doubled);
    return std::max(floor, Milliseconds(static_cast<std::int64_t>(widest * random)));
}

// "Sat, 21 Nov 2026 07:47:00 GMT"; the two older forms are not read.
std::optional<Moment> http_date(std::string_view text) {
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
    const auto day = number(text.substr(5, 2));
    const auto month = month_number(text.substr(8, 3));
    const auto year = number(text.substr(12, 4));
    const auto hour = number(text.substr(17, 2));
    const auto minute = number(text.substr(20, 2));
    const auto second = number(text.substr(23, 2));
    if (!day || !month || !year || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    const auto time = std::chrono::hours(*hour) + std::chrono::minutes(*minute) + Seconds(*second);
    return moment_at((std::chrono::sys_days(date) + time).time_since_epoch());
}

Milliseconds retry_after(std::string_view value, Moment now) {
    value = trimmed(value);
    if (value.empty()) return Milliseconds{0};
    Milliseconds asked{0};
    if (value.find_first_not_of("0123456789") == std::string_view::npos) {
        // More digits than an int holds are more than an hour in any case.
        asked = Seconds(number(value).value_or(86'400));
    } else if (const auto moment = http_date(value)) {
        asked = std::chrono::ceil<Milliseconds>(*moment - now);
    }
    return std::clamp(asked, Milliseconds{0}, longest_floor);
}

Response repeat_while_passing(const Call& call, const Random& random, const Trace& note,
                              const std::function<Response()>& attempt,
                              const std::function<bool(const Response&)>& also) {
    const auto pause_after = [&](const Attempted& last, Milliseconds floor, int repeats) {
        const bool passes = last.broken || is_passing(last.answer.status) || (also && also(last.answer));
        return passes ? std::optional(backoff(repeats, floor, random())) : std::nullopt;
    };
    return repeated(call, note, attempt, pause_after);
}

Response repeat_while_turned_away(const Call& call, const Trace& note, const std::function<Response()>& attempt) {
    const auto pause_after = [](const Attempted& last, Milliseconds floor, int) {
        const bool away = !last.broken && last.answer.status == 429 && !last.answer.header("retry-after").empty();
        return away ? std::optional(std::max(first_pause, floor)) : std::nullopt;
    };
    return repeated(call, note, attempt, pause_after);
}

}  // namespace vbackup::net
