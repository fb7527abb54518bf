// SPDX-License-Identifier: Apache-2.0
#include "cli/session/check_config.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

#include "cli/session/address.hpp"
#include "config/read_secret.hpp"

namespace vbackup::cli {

namespace {

class Findings {
public:
    Findings(std::string kind, std::string name) : kind_(std::move(kind)), name_(std::move(name)) {}

    template <class Work>
    void attempt(Work work) {
        try {
            work();
        } catch (Error& error) {
            all.push_back(error.with(kind_, name_));
        }
    }
    void add(const std::string& message, const std::string& hint) {
        all.emplace_back(ErrorKind::configuration, message, hint, Error::Context{{kind_, name_}});
    }

    std::vector<Error> all;

private:
    std::string kind_;
    std::string name_;
};

void check_file(Findings& findings, std::string_view key, const std::string& file, bool secret) {
    if (file.empty()) return;
    struct stat facts {};
    if (::access(file.c_str(), R_OK) != 0 || ::stat(file.c_str(), &facts) != 0)
        findings.add(fmt::format("{} cannot be read: {}", key, std::generic_category().message(errno)),
                     fmt::format("is {} the right name, and may this user read it?", file));
    else if (S_ISDIR(facts.st_mode))
        findings.add(fmt::format("{} is a directory", key), fmt::format("name a file in {}", file));
    else if (secret && S_ISREG(facts.st_mode) && (facts.st_mode & (S_IRGRP | S_IROTH)) != 0)
        findings.add(fmt::format("{} can be read by other users", key), fmt::format("chmod 600 {}", file));
}

void check_program(Findings& findings, std::string_view key, const std::vector<std::string>& words) {
    if (words.empty() || ::access(words.front().c_str(), X_OK) == 0) return;
    findings.add(fmt::format("{} cannot be run: {}", key, std::generic_category().message(errno)),
                 fmt::format("is {} the right name, and may this user run it?", words.front()));
}

void check_options(const config::TargetConfig& target, const driver::Entry& entry) {
    for (const auto& given : target.options) {
        const auto same = [&](const driver::Option& option) { return option.name == given.first; };
        if (std::none_of(entry.options.begin(), entry.options.end(), same))
            driver::require_options(entry, "create", {{given.first, given.second}});  // says what could have been meant
    }
}

void check_target(Findings& findings, const config::TargetConfig& target, const config::Config& config,
                  const config::Environment& environment, std::span<const driver::Entry> drivers) {
    findings.attempt([&] {
        const auto address = resolve_target(target.name, config, drivers);
        for (const auto& entry : drivers)
            if (entry.name == address.driver) check_options(target, entry);
    });
    findings.attempt([&] {
        const auto found = config::read_secret(target, environment);
        if (!found.warning.empty())
            findings.add("api_key_file can be read by other users", fmt::format("chmod 600 {}", target.api_key_file));
    });
    const auto habits = config.habits_of(&target);
    check_file(findings, "ca_file", target.ca_file, false);
    check_file(findings, "client_cert_file", target.client_cert_file, false);
    check_file(findings, "client_key_file", target.client_key_file, true);
    check_file(findings, "kubeconfig", target.kubeconfig, false);
    check_file(findings, "ping_url_file", habits.ping_url_file, true);
    check_program(findings, "hooks.before", habits.hooks.before);
    check_program(findings, "hooks.after", habits.hooks.after);
    check_program(findings, "hooks.failed", habits.hooks.failed);
}

void check_store(Findings& findings, const config::StoreConfig& store, const config::Environment& environment) {
    findings.attempt([&] {
        const auto found = config::read_store_key(store, environment);
        if (!found.warning.empty())
            findings.add(
                fmt::format("{} can be read by other users", store.key_file.empty() ? "passphrase_file" : "key_file"),
                fmt::format("chmod 600 {}", store.key_file.empty() ? store.passphrase_file : store.key_file));
    });
    check_file(findings, "ca_file", store.ca_file, false);
}

// Whoever can change a file decides which programs vbackup starts, and where keys are sent.
void check_owners(const config::Config& config, std::vector<Error>& all) {
    std::set<std::string> files;
    if (!config.path.empty()) files.insert(config.path.string());
    for (const auto& setting : config.settings)
        if (!setting.file.empty()) files.insert(setting.file);
    for (const auto& file : files) {
        struct stat facts {};
        if (::stat(file.c_str(), &facts) != 0 || (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0) continue;
        all.emplace_back(ErrorKind::configuration, "the configuration can be changed by other users",
                         fmt::format("chmod go-w {}", file), Error::Context{{"file", file}});
    }
}

}  // namespace

std::vector<Error> check_targets(const config::Config& config, const config::Environment& environment,
                                 std::span<const driver::Entry> drivers) {
    std::vector<Error> all;
    check_owners(config, all);
    for (const auto& [name, target] : config.targets) {
        if (target.url.empty()) continue;  // said already
        Findings findings("target", name);
        check_target(findings, target, config, environment, drivers);
        all.insert(all.end(), findings.all.begin(), findings.all.end());
    }
    for (const auto& [name, store] : config.stores) {
        Findings findings("store", name);
        check_store(findings, store, environment);
        all.insert(all.end(), findings.all.begin(), findings.all.end());
    }
    return all;
}

}  // namespace vbackup::cli
