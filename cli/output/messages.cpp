// SPDX-License-Identifier: Apache-2.0
#include "cli/output/messages.hpp"

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr std::size_t longest_line = 4000;
// What is over sooner needs no progress.
constexpr Milliseconds grace{500};
// Back to the first column and erase what stands there (ECMA-48 EL).
constexpr std::string_view erase_line = "\r\x1b[K";

bool same(const Snapshot& a, const Snapshot& b) {
    return a.bytes_done == b.bytes_done && a.bytes_total == b.bytes_total && a.steps_done == b.steps_done &&
           a.steps_total == b.steps_total && a.stage == b.stage;
}

}  // namespace

void Messages::put(std::string line) {
    if (shown_.empty()) {
        write_(line);
        return;
    }
    write_(std::string(erase_line) + line + shown_);
}

void Messages::warn(std::string_view text) {
    const std::scoped_lock lock(mutex_);
    if (settings_.quiet) return;
    if (settings_.json)
        put(event_object("warning", text) + "\n");
    else
        put(paint(settings_.style, Tint::warning, "warning:") + " " + one_line(text, longest_line) + "\n");
}

void Messages::trace(std::string_view line) {
    const std::scoped_lock lock(mutex_);
    put(settings_.json ? event_object("trace", line) + "\n" : "trace: " + one_line(line, longest_line) + "\n");
}

void Messages::clear() {
    const std::scoped_lock lock(mutex_);
    if (!shown_.empty()) write_(erase_line);
    shown_.clear();
}

void Messages::error(const Error& error, int exit_code) {
    clear();
    const std::scoped_lock lock(mutex_);
    if (settings_.json)
        write_("{\"version\":1,\"error\":" + error_object(error, exit_code) + "}\n");
    else
        write_(error_text(error, settings_.style, settings_.terminal));
}

void Messages::progress(const Snapshot& now) {
    const std::scoped_lock lock(mutex_);
    if (settings_.quiet || now.elapsed < grace) return;
    if (settings_.json) {
        if (any_event_ && (same(now, last_event_) || now.elapsed - last_event_.elapsed < Seconds(1))) return;
        last_event_ = now;
        any_event_ = true;
        write_(event_object(now) + "\n");
        return;
    }
    if (!settings_.terminal) return;
    pace_.note(now);
    auto line = progress_line(now, pace_.rate(), settings_.style.width - 1);
    if (line == shown_) return;
    shown_ = std::move(line);
    write_(std::string(erase_line) + shown_);
}

}  // namespace vbackup::cli
