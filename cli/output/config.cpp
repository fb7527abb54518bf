// SPDX-License-Identifier: Apache-2.0
#include "cli/output/config.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace vbackup::cli {

std::string origin_of(const config::Setting& setting) {
    const auto through = setting.through.empty() ? "" : fmt::format(" ({})", setting.through);
    switch (setting.origin) {
        case config::Origin::flag:
        case config::Origin::variable:
            return setting.variable + through;
        case config::Origin::file:
            return fmt::format("{}:{}{}", setting.file, setting.line, through);
        case config::Origin::usual:
            break;
    }
    return "default";
}

std::string config_text(const ConfigListing& listing, const Style& style) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& setting : listing.settings) rows.push_back({setting.key, setting.value, origin_of(setting)});
    const auto file = listing.path.empty() ? "there is no configuration file\n" : "";
    return file + render_table({{"KEY"}, {"VALUE"}, {"FROM"}}, rows, style);
}

std::string config_text(const ConfigCheck& check, const Style& style) {
    std::string out;
    for (const auto& mistake : check.mistakes) {
        std::string where;
        for (const auto& [name, value] : mistake.context()) {
            if (name == "column") continue;
            where += (name == "line" ? ":" : where.empty() ? "" : " ") + one_line(value);
        }
        out += fmt::format("{} {}{}{}\n", paint(style, Tint::bad, "mistake:"), where, where.empty() ? "" : ": ",
                           one_line(mistake.message(), 2000));
        if (!mistake.hint().empty()) out += "  " + one_line(mistake.hint(), 2000) + "\n";
    }
    if (!check.mistakes.empty()) return out;
    return fmt::format("{}: {}, {} and {}\n", check.path.empty() ? "there is no configuration file" : check.path,
                       paint(style, Tint::good, "good"),
                       check.targets == 1 ? "1 target" : fmt::format("{} targets", check.targets),
                       check.stores == 1 ? "1 store" : fmt::format("{} stores", check.stores));
}

}  // namespace vbackup::cli
