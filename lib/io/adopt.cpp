// SPDX-License-Identifier: Apache-2.0
#include "io/adopt.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vbackup::io {

void adopt(const std::filesystem::path& path) noexcept {
    const auto parent = path.parent_path();
    struct stat folder {};
    struct stat own {};
    const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    if (::fstat(fd, &own) == 0 && ::stat(parent.c_str(), &folder) == 0) {
        const auto wanted = S_ISDIR(own.st_mode) ? folder.st_mode & 07777U : folder.st_mode & 0666U;
        // The owner first: giving a file away takes bits of its permissions.
        const bool given =
            ::fchown(fd, folder.st_uid, folder.st_gid) == 0 || ::fchown(fd, ~uid_t{0}, folder.st_gid) == 0;
        // Not opened to others who could not be told apart from the right ones.
        if (given || (own.st_uid == folder.st_uid && own.st_gid == folder.st_gid))
            ::fchmod(fd, wanted | S_IRUSR | S_IWUSR);
    }
    ::close(fd);
}

}  // namespace vbackup::io
