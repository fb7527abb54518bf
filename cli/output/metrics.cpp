// SPDX-License-Identifier: Apache-2.0
#include "cli/output/metrics.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>

#include "base/error.hpp"
#include "io/files.hpp"

namespace vbackup::cli {

namespace {

struct Family {
    std::string_view name;
    std::string_view help;
};

// All are gauges: each is what was seen last. Names end with their unit, as Prometheus wants it.
constexpr std::array<Family, 8> families{{
    {"vbackup_last_run_timestamp_seconds", "When the last run for the target ended."},
    {"vbackup_last_run_exit_code", "The exit code of the last run for the target; 0 is success."},
    {"vbackup_last_run_duration_seconds", "How long the last run for the target took."},
    {"vbackup_last_success_timestamp_seconds", "When the newest good backup was complete. Never moves on a failure."},
    {"vbackup_last_success_size_bytes", "How many bytes the newest good backup has, where that is known."},
    {"vbackup_last_success_age_seconds", "How old the newest good backup was when this file was written."},
    {"vbackup_expected_interval_seconds", "How old the newest good backup may be, as the configuration has it."},
    {"vbackup_status_exit_code", "The exit code of the last status of the target; 0 is all well."},
}};

// The text format escapes these three in the value of a label.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        if (letter == '\\' || letter == '"') out += '\\';
        out += letter == '\n' ? std::string("\\n") : std::string(1, letter);
    }
    return out;
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        ++i;
        out += text[i] == 'n' ? '\n' : text[i];
    }
    return out;
}

bool is_number(std::string_view text) {
    double number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    return fault == std::errc{} && end == text.data() + text.size();
}

double number_of(const std::string& text) {
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string seconds_of(Milliseconds length) {
    return fmt::format("{:.3f}", static_cast<double>(length.count()) / 1000.0);
}

std::int64_t unix_time(Moment moment) {
    return std::chrono::duration_cast<Seconds>(moment.time_since_epoch()).count();
}

void parse_line(std::string_view line, Samples& samples) {
    constexpr std::string_view label = "{target=\"";
    const auto open = line.find(label);
    const auto close = line.rfind("\"} ");
    if (line.starts_with('#') || open == std::string_view::npos || close == std::string_view::npos) return;
    const auto begin = open + label.size();
    const auto name = line.substr(0, open);
    const auto known = [&](const Family& family) { return family.name == name; };
    const auto value = line.substr(close + 3);
    if (close < begin || std::none_of(families.begin(), families.end(), known) || !is_number(value)) return;
    samples[std::string(name)][unescaped(line.substr(begin, close - begin))] = value;
}

std::string read_old(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

[[noreturn]] void fail(std::string_view what, const std::filesystem::path& file, int code) {
    throw Error(ErrorKind::storage,
                fmt::format("the metrics cannot be {}: {}", what, std::generic_category().message(code)),
                "the collector still sees the old ones", {{"file", file.string()}});
}

void write_new(const std::filesystem::path& file, std::string_view text) {
    const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) fail("written", file, errno);
    int failure = ::fchmod(out, 0644) == 0 ? 0 : errno;  // the collector is another user, whatever our umask is
    while (!text.empty() && failure == 0) {
        const auto count = ::write(out, text.data(), text.size());
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
        if (count < 0 && errno != EINTR) failure = errno;
    }
    if (failure == 0 && ::fsync(out) != 0) failure = errno;
    ::close(out);
    if (failure == 0) return;
    ::unlink(file.c_str());
    fail("written", file, failure);
}

std::shared_ptr<void> lock(const std::filesystem::path& file, const Clock& clock) {
    constexpr int attempts = 100;
    for (int i = 0; i < attempts; ++i) {
        if (auto held = io::real_files().try_lock(file.string() + ".lock")) return held;
        clock.sleep(Milliseconds(100), {});
    }
    throw Error(ErrorKind::busy, "another run writes the metrics", "", {{"file", file.string()}});
}

}  // namespace

Samples parse_metrics(std::string_view text) {
    Samples samples;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        parse_line(text.substr(0, end), samples);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return samples;
}

void note(Samples& samples, std::span<const Measured> all, Moment now) {
    const auto set = [&](std::string_view name, const std::string& target, const std::string& value) {
        samples[std::string(name)][target] = value;
    };
    for (const auto& one : all) {
        if (one.exit_code) {
            set(families[0].name, one.target, std::to_string(unix_time(now)));
            set(families[1].name, one.target, std::to_string(*one.exit_code));
        }
        if (one.took) set(families[2].name, one.target, seconds_of(*one.took));
        if (one.success) {
            set(families[3].name, one.target, std::to_string(unix_time(*one.success)));
            if (one.size)
                set(families[4].name, one.target, std::to_string(*one.size));
            else
                samples[std::string(families[4].name)].erase(one.target);
        }
        if (one.interval)
            set(families[6].name, one.target, seconds_of(*one.interval));
        else
            samples[std::string(families[6].name)].erase(one.target);
        if (one.status_code) set(families[7].name, one.target, std::to_string(*one.status_code));
    }
    for (const auto& [target, when] : samples[std::string(families[3].name)]) {
        const auto age = static_cast<double>(unix_time(now)) - number_of(when);
        set(families[5].name, target, fmt::format("{:.0f}", std::max(age, 0.0)));
    }
}

std::string render_metrics(const Samples& samples) {
    std::string out;
    for (const auto& family : families) {
        const auto found = samples.find(std::string(family.name));
        if (found == samples.end() || found->second.empty()) continue;
        out += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", family.name, family.help);
        for (const auto& [target, value] : found->second)
            out += fmt::format("{}{{target=\"{}\"}} {}\n", family.name, escaped(target), value);
    }
    return out + "# EOF\n";
}

void write_metrics(const std::filesystem::path& file, std::span<const Measured> all, const Clock& clock) {
    const auto held = lock(file, clock);
    auto samples = parse_metrics(read_old(file));
    note(samples, all, clock.wall());
    const auto fresh = std::filesystem::path(file.string() + ".part");
    write_new(fresh, render_metrics(samples));
    if (::rename(fresh.c_str(), file.c_str()) != 0) {
        const int code = errno;
        ::unlink(fresh.c_str());
        fail("put in their place", file, code);
    }
}

}  // namespace vbackup::cli
