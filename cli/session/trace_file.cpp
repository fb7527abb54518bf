// SPDX-License-Identifier: Apache-2.0
#include "cli/session/trace_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "cli/output/har.hpp"

namespace vbackup::cli {

TraceFile::TraceFile(std::string path, const Clock& clock, std::function<void(std::string)> warn)
    : path_(std::move(path)), clock_(clock), warn_(std::move(warn)) {
    const auto fail = [&](int failure) {
        if (file_ >= 0) ::close(file_);
        throw Error(ErrorKind::storage,
                    fmt::format("--trace: {} cannot be written: {}", path_, std::strerror(failure)));
    };
    // A pipe without a reader must not be waited for.
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (file_ < 0) fail(errno);
    struct stat status = {};
    if (::fstat(file_, &status) != 0) fail(errno);
    if (!S_ISREG(status.st_mode)) {
        ::close(file_);
        throw Error(ErrorKind::usage, fmt::format("--trace: {} is no file", path_), "name a file of its own");
    }
    if (::fchmod(file_, 0600) != 0 || ::ftruncate(file_, 0) != 0) fail(errno);
    if (const int failure = write_at(std::string(har_head()) + std::string(har_tail())); failure != 0) fail(failure);
    end_ = static_cast<std::int64_t>(har_head().size());
}

TraceFile::~TraceFile() {
    ::close(file_);
}

void TraceFile::add(const net::Exchanged& exchange) {
    const auto begun = clock_.wall() - exchange.took;
    const std::scoped_lock lock(mutex_);
    if (broken_) return;
    const auto line = (any_ ? ",\n" : "") + har_entry(exchange, begun);
    if (const int failure = write_at(line + std::string(har_tail())); failure != 0) {
        broken_ = true;
        warn_(fmt::format("--trace: {} ends here, since it cannot be written: {}", path_, std::strerror(failure)));
        return;
    }
    any_ = true;
    end_ += static_cast<std::int64_t>(line.size());
}

int TraceFile::write_at(std::string_view text) const {
    auto at = end_;
    while (!text.empty()) {
        const auto count = ::pwrite(file_, text.data(), text.size(), at);
        if (count < 0 && errno != EINTR) return errno;
        if (count <= 0) continue;
        text.remove_prefix(static_cast<std::size_t>(count));
        at += count;
    }
    return 0;
}

}  // namespace vbackup::cli
