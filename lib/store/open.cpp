// SPDX-License-Identifier: Apache-2.0
#include "store/open.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "store/s3/open.hpp"

namespace vbackup::store {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view file_scheme = "file://";
constexpr std::string_view bucket_scheme = "s3://";

[[noreturn]] void usage(std::string message) {
    throw Error(ErrorKind::usage, std::move(message),
                "a store is a path with a / in it, such as ./backups or /var/backups/vbackup, file:///path or "
                "s3://bucket/prefix");
}

// RFC 8089: file:///path or file://localhost/path, percent-encoded. Empty for anything else.
std::optional<fs::path> path_of_file_url(std::string_view url) {
    if (!url.starts_with(file_scheme)) return std::nullopt;
    url.remove_prefix(file_scheme.size());
    if (url.starts_with("localhost/")) url.remove_prefix(std::string_view("localhost").size());
    const std::optional<std::string> path = percent_decode(url);
    if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos) return std::nullopt;
    return fs::path(*path);
}

bool has_scheme(std::string_view text) {
    const std::size_t end = text.find("://");
    return end != std::string_view::npos && end > 0 && text.find('/') > end;
}

}  // namespace

std::unique_ptr<Store> open_store(std::string_view url, const io::FileSystem& files) {
    if (const std::optional<fs::path> path = path_of_file_url(url)) return open_directory(*path, files);
    if (url.starts_with(bucket_scheme)) {
        throw Error(ErrorKind::unsupported, "a bucket cannot be used here",
                    "name a folder of this machine instead, such as /var/backups/vbackup");
    }
    // A URL may hold a password, so it is not repeated.
    if (has_scheme(url) || url.starts_with("file:")) usage("that URL is no store");
    if (url.find('/') == std::string_view::npos || url.find('\0') != std::string_view::npos) {
        usage(fmt::format("\"{}\" is no store", url));
    }
    // A shell would have replaced it; taken literally it would be a folder named "~".
    if (url.starts_with('~')) usage(fmt::format("\"{}\": ~ is not replaced here, write the path in full", url));
    return open_directory(fs::path(url), files);
}

std::unique_ptr<Store> open_store(std::string_view url, const Opening& opening) {
    return url.starts_with(bucket_scheme) ? s3::open_bucket(url, opening) : open_store(url, opening.files);
}

void Store::put_new(const std::string& name, std::string_view text) {
    const auto sink = create(name);
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
}

std::unique_ptr<Store> open_location(std::string_view url, const io::FileSystem& files) {
    std::optional<fs::path> path = path_of_file_url(url);
    if (!path && url.starts_with('/') && url.find('\0') == std::string_view::npos) path = fs::path(url);
    if (!path || !files.is_directory(*path)) return nullptr;
    return open_folder(*path, Naming::plain, files);
}

}  // namespace vbackup::store
