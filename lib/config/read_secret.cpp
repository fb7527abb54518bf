// SPDX-License-Identifier: Apache-2.0
#include "config/read_secret.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/error.hpp"
#include "base/program.hpp"

namespace vbackup::config {

namespace {

constexpr std::size_t longest = std::size_t{64} << 10;

[[noreturn]] void fail(const std::string& what, std::string_view why, std::string hint = {}) {
    throw Error(ErrorKind::configuration, fmt::format("the key cannot be had from {}: {}", what, why), std::move(hint));
}

// Without the line ends at its end. A header can hold only one line, so more is a mistake that would be sent out.
Secret one_line_of(std::string text, const std::string& what) {
    text.resize(text.find_last_not_of("\r\n") + 1);
    const bool control =
        std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    Secret secret(std::move(text));
    if (secret.empty()) fail(what, "it is empty");
    if (control) fail(what, "it holds more than one line, or control characters", "keep only the key's own line");
    return secret;
}

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

// Until there is something to read, or nobody is left who writes.
void wait_for(int fd, Instant until, const std::string& what) {
    const auto left = std::chrono::ceil<Milliseconds>(until - system_clock().now());
    if (left <= Milliseconds{0}) fail(what, "nothing comes out of it", "write the key into a file, and name that");
    pollfd waiting{fd, POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(left.count()));
}

std::string read_up_to(int fd, std::size_t most, Milliseconds limit, const std::string& what) {
    const auto until = system_clock().now() + limit;
    std::string text(most, '\0');
    std::size_t size = 0;
    while (size < most) {
        const ssize_t got = ::read(fd, text.data() + size, most - size);
        if (got == 0) break;
        if (got < 0 && errno == EAGAIN) {
            wait_for(fd, until, what);
            continue;
        }
        if (got < 0 && errno != EINTR) fail(what, std::generic_category().message(errno));
        if (got > 0) size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

FoundSecret from_file(const std::string& name, Milliseconds limit) {
    const std::string what = fmt::format("the file {}", name);
    // Opening a pipe would otherwise wait for somebody who writes into it, for ever.
    const Descriptor file{::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (file.fd < 0) fail(what, std::generic_category().message(errno), "write the key into it, readable by you alone");
    struct stat facts {};
    if (::fstat(file.fd, &facts) != 0) fail(what, std::generic_category().message(errno));
    if (S_ISDIR(facts.st_mode)) fail(what, "it is a directory");
    std::string text = read_up_to(file.fd, longest + 1, limit, what);
    if (text.size() > longest) fail(what, "it is longer than 64 KiB");
    FoundSecret found{one_line_of(std::move(text), what), {}};
    // A pipe such as the shell's <(command) has no readers but us.
    if (S_ISREG(facts.st_mode) && (facts.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        found.warning = fmt::format("the key file {} can be read by other users; chmod 600 would keep them out", name);
    }
    return found;
}

// People write the key itself where its variable's name belongs, so only what looks like such a name is repeated.
std::string shown(const std::string& name, std::string_view key) {
    const bool usual = name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
    return usual ? fmt::format("the environment variable {}", name)
                 : fmt::format("the environment variable named by {}", key);
}

Secret from_variable(const Environment& environment, const std::string& name, std::string_view key) {
    const std::string what = shown(name, key);
    const auto value = variable(environment, name);
    if (!value) fail(what, environment.contains(name) ? "it is empty" : "it is not set");
    return one_line_of(*value, what);
}

Secret from_command(const std::string& command, const Environment& environment, Milliseconds limit,
                    const std::string& what) {
    const std::array<std::string, 3> shell{"/bin/sh", "-c", command};
    // Other secrets of ours are none of its business; what AWS, Vault and others read is.
    auto given = environment;
    for (const auto* name : {"VBACKUP_API_KEY", "VBACKUP_PASSPHRASE", "VBACKUP_PING_URL"}) given.erase(name);
    ProgramResult result = run_program(shell, given, longest, limit);
    const std::string by_hand = "run the command by hand to see why";
    switch (result.end) {
        case ProgramResult::End::timed_out:
            fail(what, "the command did not end in time", by_hand);
        case ProgramResult::End::too_long:
            fail(what, "the command printed more than 64 KiB", by_hand);
        case ProgramResult::End::not_started:
            fail(what, "the command could not be started", by_hand);
        case ProgramResult::End::killed:
            fail(what, fmt::format("the command was ended by signal {}", result.code), by_hand);
        case ProgramResult::End::exited:
            break;
    }
    if (result.code != 0) fail(what, fmt::format("the command ended with exit code {}", result.code), by_hand);
    return one_line_of(std::move(result.output), what);
}

}  // namespace

FoundSecret read_secret(const TargetConfig& target, const Environment& environment, Milliseconds limit) {
    const bool file = !target.api_key_file.empty();
    const bool name = !target.api_key_env.empty();
    const bool command = !target.api_key_command.empty();
    if (int(file) + int(name) + int(command) > 1) {
        throw Error(ErrorKind::configuration,
                    fmt::format("the target '{}' names more than one place for its key", target.name),
                    "keep one of api_key_file, api_key_env and api_key_command");
    }
    if (file) return from_file(target.api_key_file, limit);
    if (name) return {from_variable(environment, target.api_key_env, "api_key_env"), {}};
    if (command) return {from_command(target.api_key_command, environment, limit, "api_key_command"), {}};
    return {};
}

FoundSecret read_secret(const Environment& environment, Milliseconds limit) {
    const auto file = variable(environment, "VBACKUP_API_KEY_FILE");
    const bool direct = variable(environment, "VBACKUP_API_KEY").has_value();
    if (file && direct) {
        throw Error(ErrorKind::configuration, "both VBACKUP_API_KEY_FILE and VBACKUP_API_KEY are set",
                    "unset one of them");
    }
    if (file) return from_file(*file, limit);
    if (direct) return {from_variable(environment, "VBACKUP_API_KEY", ""), {}};
    return {};
}

FoundStoreKey read_file_key(const std::string& file, bool passphrase, Milliseconds limit) {
    auto found = from_file(file, limit);
    return {passphrase ? model::SlotKind::passphrase : model::SlotKind::key_file, std::move(found.secret),
            std::move(found.warning)};
}

FoundStoreKey read_store_key(const StoreConfig& store, const Environment& environment, Milliseconds limit) {
    constexpr auto passphrase = model::SlotKind::passphrase;
    if (!store.passphrase_file.empty()) return read_file_key(store.passphrase_file, true, limit);
    if (!store.key_file.empty()) return read_file_key(store.key_file, false, limit);
    if (!store.passphrase_env.empty())
        return {passphrase, from_variable(environment, store.passphrase_env, "passphrase_env"), {}};
    if (!store.passphrase_command.empty())
        return {passphrase, from_command(store.passphrase_command, environment, limit, "passphrase_command"), {}};
    return {};
}

FoundStoreKey read_store_key(const Environment& environment, Milliseconds limit) {
    const auto passphrase_file = variable(environment, "VBACKUP_PASSPHRASE_FILE");
    const auto key_file = variable(environment, "VBACKUP_KEY_FILE");
    const bool direct = variable(environment, "VBACKUP_PASSPHRASE").has_value();
    if (int(passphrase_file.has_value()) + int(key_file.has_value()) + int(direct) > 1)
        throw Error(ErrorKind::configuration,
                    "more than one of VBACKUP_PASSPHRASE_FILE, VBACKUP_PASSPHRASE and VBACKUP_KEY_FILE is set",
                    "unset all but one");
    if (passphrase_file) return read_file_key(*passphrase_file, true, limit);
    if (key_file) return read_file_key(*key_file, false, limit);
    if (direct) return {model::SlotKind::passphrase, from_variable(environment, "VBACKUP_PASSPHRASE", ""), {}};
    return {};
}

Secret read_ping_url(const Habits& habits, Milliseconds limit) {
    if (habits.ping_url_file.empty()) return Secret(habits.ping_url);
    auto url = from_file(habits.ping_url_file, limit).secret;
    if (url.reveal().starts_with("https://") || url.reveal().starts_with("http://")) return url;
    throw Error(ErrorKind::configuration,
                fmt::format("the file {} holds no http or https address", habits.ping_url_file),
                "it is one line: the URL of the check");
}

}  // namespace vbackup::config
