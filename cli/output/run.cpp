// SPDX-License-Identifier: Apache-2.0
#include "cli/output/run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

std::string state_of(const RunPart& part, bool dry_run) {
    if (part.error) return part.good ? "good, but" : "failed";
    return dry_run ? "planned" : "good";
}

std::string plan_of(const RunPart& part) {
    std::string out = fmt::format("plan of create {}\n", one_line(part.id));
    std::size_t number = 0;
    for (const auto& step : part.plan.steps) out += fmt::format("  {:>2}. {}\n", ++number, one_line(step.what));
    return out;
}

}  // namespace

std::string run_text(const RunReport& report, const Style& style) {
    std::string out;
    std::vector<std::vector<std::string>> rows;
    std::size_t good = 0;
    for (const auto& part : report.parts) {
        if (!part.error) ++good;
        if (report.dry_run && !part.error) out += plan_of(part);
        rows.push_back({part.target, state_of(part, report.dry_run), part.id,
                        part.backup && part.backup->size ? format_bytes(*part.backup->size) : "",
                        part.verified ? "yes" : "", part.removed ? std::to_string(*part.removed) : "",
                        format_duration(std::chrono::duration_cast<Seconds>(part.took))});
    }
    out += render_table({{"TARGET"},
                         {"STATE"},
                         {"ID"},
                         {"SIZE", true},
                         {"VERIFIED"},
                         {report.dry_run ? "TO REMOVE" : "REMOVED", true},
                         {"TOOK", true}},
                        rows, style);
    for (const auto& part : report.parts)
        if (part.error && report.parts.size() > 1)
            out += fmt::format("{} {}: {}\n", paint(style, Tint::bad, "failed:"), part.target,
                               one_line(part.error->message(), 2000));
    return out + fmt::format("{} of {} {} in {}{}\n", good, report.parts.size(), report.dry_run ? "planned" : "good",
                             format_duration(std::chrono::duration_cast<Seconds>(report.took)),
                             report.dry_run ? " (dry run: nothing was changed)" : "");
}

}  // namespace vbackup::cli
