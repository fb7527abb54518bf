// SPDX-License-Identifier: Apache-2.0
#include "net/aws_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "io/files.hpp"

namespace vbackup::net {

namespace {

using Sections = std::map<std::string, std::map<std::string, std::string>>;

constexpr std::size_t longest = std::size_t{1} << 20;

std::string_view trimmed(std::string_view text) {
    const auto begin = std::min(text.find_first_not_of(" \t\r"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

Sections read_sections(const Environment& environment, const std::string& by, const std::string& usual) {
    auto path = variable_of(environment, by);
    const auto home = variable_of(environment, "HOME");
    if (path.empty() && home.empty()) return {};
    if (path.empty()) path = home + "/.aws/" + usual;
    if (path.starts_with("~/")) path = home + path.substr(1);
    try {
        return parse_aws_file(io::read_file(io::real_files(), path, longest));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return {};
        throw Error(ErrorKind::configuration, fmt::format("the AWS {} file cannot be read: {}", usual, error.message()),
                    error.hint());
    }
}

}  // namespace

std::string variable_of(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

std::string AwsProfile::value(const std::string& key) const {
    const auto set = values.find(key);
    return set == values.end() ? std::string() : set->second;
}

Sections parse_aws_file(std::string_view text) {
    Sections sections;
    std::map<std::string, std::string>* section = nullptr;
    std::string outer;  // the setting that those of indented lines belong to
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto words = trimmed(line);
        if (words.empty() || words.front() == '#' || words.front() == ';') continue;
        if (words.front() == '[') {
            const auto name = trimmed(words.substr(1, words.find(']') - 1));
            section = words.find(']') == std::string_view::npos ? nullptr : &sections[std::string(name)];
            outer.clear();
            continue;
        }
        const auto equals = words.find('=');
        if (section == nullptr || equals == std::string_view::npos) continue;
        const std::string key(trimmed(words.substr(0, equals)));
        const std::string value(trimmed(words.substr(equals + 1)));
        const bool inner = (line.front() == ' ' || line.front() == '\t') && !outer.empty();
        if (!inner) outer = value.empty() ? key : "";
        (*section)[inner ? outer + "." + key : key] = value;
    }
    return sections;
}

AwsProfile read_aws_profile(const Environment& environment, const std::string& named) {
    AwsProfile profile{.name = named};
    for (const auto* by : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"})
        if (profile.name.empty()) profile.name = variable_of(environment, by);
    const bool chosen = !profile.name.empty();
    if (!chosen) profile.name = "default";
    const auto config = read_sections(environment, "AWS_CONFIG_FILE", "config");
    const auto credentials = read_sections(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    const auto take = [&](const Sections& sections, const std::string& section) {
        const auto found = sections.find(section);
        if (found == sections.end()) return;
        profile.found = true;
        for (const auto& [key, value] : found->second) profile.values.insert_or_assign(key, value);
    };
    if (profile.name == "default") take(config, "default");
    take(config, "profile " + profile.name);
    take(credentials, profile.name);
    if (chosen && !profile.found && profile.name != "default") {
        throw Error(ErrorKind::configuration, fmt::format("there is no AWS profile '{}'", one_line(profile.name, 80)),
                    "see ~/.aws/config and ~/.aws/credentials");
    }
    return profile;
}

}  // namespace vbackup::net
