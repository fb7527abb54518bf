// SPDX-License-Identifier: Apache-2.0
#include "cli/session/keep_secret.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr mode_t owner_only = S_IRUSR | S_IWUSR;

class SecretFile {
public:
    // Made when it is not there; a link is not followed, and nobody is waited for who reads a pipe.
    explicit SecretFile(const std::string& name)
        : SecretFile(name, ::open(name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, owner_only)) {
        if (number_ < 0 && errno != ENXIO) fail(errno);
        if (number_ < 0) throw no_file();
        struct stat now = {};
        if (::fstat(number_, &now) != 0) fail(errno);
        if (!S_ISREG(now.st_mode) || now.st_uid != ::geteuid()) throw no_file();
        if (now.st_size != 0)
            throw Error(ErrorKind::conflict, fmt::format("{} exists and is not empty", shown()),
                        "name a new file for the secret");
        if (::fchmod(number_, owner_only) != 0) fail(errno);
    }
    ~SecretFile() {
        if (number_ >= 0) ::close(number_);
    }
    SecretFile(const SecretFile&) = delete;
    SecretFile& operator=(const SecretFile&) = delete;

    void write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto count = ::write(number_, bytes.data(), bytes.size());
            if (count < 0 && errno != EINTR) fail(errno);
            if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    void finish() const {
        if (::fsync(number_) != 0) fail(errno);
    }

private:
    SecretFile(std::string name, int number) : name_(std::move(name)), number_(number) {}

    Error no_file() const {
        return {ErrorKind::storage, fmt::format("{} is no file of yours", shown()), "name another file"};
    }
    std::string shown() const { return one_line(name_, 200); }
    [[noreturn]] void fail(int number) const {
        throw Error(ErrorKind::storage, fmt::format("{} cannot be written: {}", shown(), std::strerror(number)));
    }

    std::string name_;
    int number_;
};

}  // namespace

backup::SecretKeeper keep_in_file(const std::string& file) {
    return {.prepare = [file] { const SecretFile probe(file); },
            .keep =
                [file](const std::string&, const Secret& secret) {
                    const SecretFile kept(file);
                    kept.write(secret.reveal());
                    kept.write("\n");
                    kept.finish();
                }};
}

backup::SecretKeeper keep_by_telling(std::function<bool(std::string_view)> tell) {
    return {.prepare = [] {},
            .keep =
                [tell = std::move(tell)](const std::string& what, const Secret& secret) {
                    const bool told =
                        tell(fmt::format("{}, told only now: ", what)) && tell(secret.reveal()) && tell("\n");
                    if (!told) throw Error(ErrorKind::storage, "the terminal cannot be written to");
                }};
}

}  // namespace vbackup::cli
