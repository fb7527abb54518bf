// SPDX-License-Identifier: Apache-2.0
#include "config/start.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/error.hpp"

namespace vbackup::config {

namespace {

constexpr std::string_view text =
    R"(# The configuration of vbackup, in TOML. `vbackup config check` finds what is wrong in it, `vbackup config show`
# prints what holds and who said it. All keys: man vbackup.toml

# Where backups are brought home to, for targets that do not say it themselves.
#store = "/var/backups/vbackup"

# Further files, one for each target for instance.
#include = ["targets/*.toml"]

# What holds for all targets that do not say it themselves.
#[defaults]
#timeout = "24h"
#stall = "30m"
#limit_rate = "50M"
#retention = "30d"
#max_age = "26h"
#verify = true

# Which backups `vbackup run` and `vbackup prune` keep.
#[defaults.keep]
#daily = 7
#weekly = 4
#monthly = 12

# A database. The URL alone is often enough: vbackup asks the server what it is.
#[targets.prod]
#url = "qdrant+https://node-0.example:6333"
# The key lies in a file that only you may read, never here.
#api_key_file = "/etc/vbackup/prod.key"
#ca_file = "/etc/ssl/own-ca.pem"
#collections = ["docs-*"]
#options = { unit = "shard" }
# Whom to tell that a backup was made; whoever misses that raises the alarm.
#ping_url_file = "/etc/vbackup/prod.ping"

#[targets.test]
#url = "weaviate+http://localhost:8080"
#store = "@nightly"

# A store with a name: @nightly.
#[stores.nightly]
#url = "/var/backups/nightly"
)";

[[noreturn]] void fail(std::string_view what, const std::filesystem::path& path, int code) {
    throw Error(ErrorKind::storage, fmt::format("cannot {}: {}", what, std::generic_category().message(code)), "",
                {{"file", path.string()}});
}

void make_folders(const std::filesystem::path& path) {
    if (path.empty() || std::filesystem::exists(path)) return;
    make_folders(path.parent_path());
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("make the folder of the configuration", path, errno);
}

}  // namespace

std::string_view start_text() {
    return text;
}

void write_start(const std::filesystem::path& path) {
    make_folders(path.parent_path());
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST)
        throw Error(ErrorKind::conflict, "there is a configuration already, and it stays as it is",
                    "`vbackup config show` prints what holds; name another file by --config",
                    {{"file", path.string()}});
    if (file < 0) fail("write the configuration", path, errno);
    auto rest = text;
    int failure = 0;
    while (!rest.empty() && failure == 0) {
        const auto count = ::write(file, rest.data(), rest.size());
        if (count >= 0) rest.remove_prefix(static_cast<std::size_t>(count));
        if (count < 0 && errno != EINTR) failure = errno;
    }
    if (failure == 0 && ::fsync(file) != 0) failure = errno;
    ::close(file);
    if (failure == 0) return;
    ::unlink(path.c_str());
    fail("write the configuration", path, failure);
}

}  // namespace vbackup::config
