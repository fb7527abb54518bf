// SPDX-License-Identifier: Apache-2.0
#include "cli/session/hook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/program.hpp"
#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr std::size_t most_output = std::size_t{1} << 20U;

std::string input_of(const Facts& facts) {
    using Json = nlohmann::ordered_json;
    const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
    const Json json{{"version", 1},
                    {"hook", facts.hook},
                    {"target", facts.target},
                    {"id", text(facts.id)},
                    {"driver", text(facts.driver)},
                    {"store", text(facts.store)},
                    {"exit_code", facts.exit_code ? Json(*facts.exit_code) : Json(nullptr)},
                    {"error", text(one_line(facts.error, 4000))},
                    {"size", facts.size ? Json(*facts.size) : Json(nullptr)},
                    {"took_ms", facts.took ? Json(facts.took->count()) : Json(nullptr)}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string last_line(std::string_view output) {
    while (!output.empty() && (output.back() == '\n' || output.back() == '\r')) output.remove_suffix(1);
    const auto begin = output.rfind('\n');
    const auto line = begin == std::string_view::npos ? output : output.substr(begin + 1);
    return line.empty() ? std::string() : ": " + one_line(line, 300);
}

std::string ending(const ProgramResult& result, Milliseconds limit) {
    switch (result.end) {
        case ProgramResult::End::not_started:
            return "could not be started";
        case ProgramResult::End::timed_out:
            return fmt::format("did not end within {} and was killed", format_duration(limit));
        case ProgramResult::End::too_long:
            return "wrote more than 1 MiB and was killed";
        case ProgramResult::End::killed:
            return fmt::format("was ended by signal {}", result.code);
        case ProgramResult::End::exited:
            break;
    }
    return fmt::format("ended with exit code {}", result.code);
}

}  // namespace

std::map<std::string, std::string> hook_environment(const config::Environment& ours, const Facts& facts) {
    constexpr std::array<std::string_view, 10> kept{"PATH", "HOME", "USER",   "LOGNAME",         "SHELL",
                                                    "LANG", "TZ",   "TMPDIR", "XDG_RUNTIME_DIR", "KUBECONFIG"};
    std::map<std::string, std::string> all;
    for (const auto& [name, value] : ours)
        if (name.starts_with("LC_") || std::find(kept.begin(), kept.end(), name) != kept.end()) all[name] = value;
    const auto add = [&](const std::string& name, const std::string& value) {
        // What a server said may hold anything; a zero would end it early.
        all["VBACKUP_" + name] = one_line(value, 4000);
    };
    add("HOOK", facts.hook);
    add("TARGET", facts.target);
    add("ID", facts.id);
    add("DRIVER", facts.driver);
    add("STORE_PLACE", facts.store);
    if (facts.exit_code) add("EXIT_CODE", std::to_string(*facts.exit_code));
    if (!facts.error.empty()) add("ERROR", facts.error);
    if (facts.size) add("SIZE", std::to_string(*facts.size));
    if (facts.took) add("TOOK_MS", std::to_string(facts.took->count()));
    return all;
}

void run_hook(const std::vector<std::string>& words, const Facts& facts, const config::Environment& ours,
              Milliseconds limit, const std::stop_token& stop) {
    if (words.empty()) return;
    const auto input = input_of(facts);
    const auto result =
        run_program(words, hook_environment(ours, facts), most_output, limit, stop, {.input = input, .messages = true});
    if (result.end == ProgramResult::End::exited && result.code == 0) return;
    const auto name = fmt::format("the hook '{}' of {}", facts.hook, facts.target);
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, name + " was ended");
    throw Error(ErrorKind::failed, fmt::format("{} {}{}", name, ending(result, limit), last_line(result.output)),
                fmt::format("run {} by hand, or change hooks.{} in the configuration", words.front(), facts.hook));
}

}  // namespace vbackup::cli
