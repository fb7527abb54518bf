// SPDX-License-Identifier: Apache-2.0
#include "cli/command/nagios.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr int ok = 0, warning = 1, critical = 2, unknown = 3;

// A '|' would begin the performance data.
std::string plain(std::string text) {
    std::replace(text.begin(), text.end(), '|', '/');
    return one_line(text, 1000);
}

Answer line(std::string_view word, int code, const std::string& text, const std::string& data) {
    Answer out{.value = Text{fmt::format("VBACKUP {} - {}{}\n", word, plain(text), data)}, .problem = {}};
    out.code = code;
    return out;
}

std::string data_of(const model::Found& good, Moment now) {
    std::string out;
    if (good.started) out += fmt::format(" age={}s", std::chrono::duration_cast<Seconds>(now - *good.started).count());
    if (good.size) out += fmt::format(" size={}B", *good.size);
    return out.empty() ? "" : " |" + out;
}

}  // namespace

Answer nagios_answer(const std::string& subject, const Answer& answer, Moment now) {
    const auto* report = std::get_if<StatusReport>(&answer.value);
    const auto* good = report && report->good ? &*report->good : nullptr;
    const auto data = good ? data_of(*good, now) : std::string();
    if (answer.problem) {
        const bool part = answer.problem->kind() == ErrorKind::partial;
        return line(part ? "WARNING" : "CRITICAL", part ? warning : critical, answer.problem->message(), data);
    }
    if (!good) return line("CRITICAL", critical, fmt::format("there is no good backup of {}", subject), "");
    const auto age = good->started ? std::chrono::duration_cast<Milliseconds>(now - *good->started) : Milliseconds{0};
    return line(
        "OK", ok,
        fmt::format("the newest good backup of {} is {}, {} old", subject, good->id.empty() ? good->name : good->id,
                    format_duration(std::chrono::duration_cast<Seconds>(age))),
        data);
}

Answer nagios_unknown(const std::string& subject, const Error& error) {
    return line("UNKNOWN", unknown, fmt::format("{}: {}", subject, error.message()), "");
}

}  // namespace vbackup::cli
