// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "io/digest.hpp"
#include "io/files.hpp"
#include "io/stream.hpp"

namespace vbackup::store {

// Keeps named bytes. Names are relative, with '/': "<id>/data/a.tar"; they are encoded so that any name is safe.
// Every function throws Error{storage}, with the place and the system's reason; where a wire leads there also unreachable,
// stalled, busy, denied, deadline and interrupted. Thread-safe.
class Store {
public:
    virtual ~Store() = default;

    // Where it is, for people and manifests; no secrets.
    virtual std::string where() const = 0;
    // Visible and durable after Sink::finish. With `resume` what an earlier run left of it is carried on.
    virtual std::unique_ptr<io::Sink> create(const std::string& name, bool resume = false) = 0;
    // A small file in one go. A bucket throws Error{conflict} when one of that name is there already, so that of two runs that
    // try at once one alone succeeds; a directory replaces it, since its locks are held for certain.
    virtual void put_new(const std::string& name, std::string_view text);
    // How much of `name` an earlier run left unfinished, in bytes; 0 for nothing, and where it cannot be carried on.
    virtual std::uint64_t partial_size(const std::string& name) = 0;
    // Those bytes, to compute their digest.
    virtual std::unique_ptr<io::Source> open_partial(const std::string& name) = 0;
    // Error{not_found} for none.
    virtual std::unique_ptr<io::Source> open(const std::string& name, std::uint64_t offset = 0) = 0;
    virtual std::optional<std::uint64_t> size(const std::string& name) = 0;  // empty: not there
    // Names of finished files below the folder `prefix` ("" is all; a '/' at its end may be left out), sorted. With `partial`
    // those of the unfinished ones instead, as `create` was given them. Symbolic links are not followed.
    virtual std::vector<std::string> list(const std::string& prefix, bool partial = false) = 0;
    // The first parts of all names: the ids.
    virtual std::vector<std::string> folders() = 0;
    // The finished and the unfinished file of that name, durably; none is fine.
    virtual void remove(const std::string& name) = 0;
    // Removes everything below `prefix` (not ""), unfinished files and folders too, or the file of that name. Of a symbolic
    // link only the link.
    virtual void remove_all(const std::string& prefix) = 0;
    virtual std::optional<std::uint64_t> free_bytes() = 0;  // empty where it cannot be known
    // How many small files to ask for side by side: several where each answer is waited for on a wire.
    virtual std::size_t at_once() const { return 1; }
    // Creates and removes a probe, so that a store that cannot be written is refused before anything is changed.
    virtual void require_writable() = 0;
    // Held until the pointer goes or the process dies; in a bucket, at most two minutes after the last renewal when the
    // process that died ran elsewhere. Throws Error{busy} when another run holds it.
    virtual std::shared_ptr<void> lock(const std::string& name) = 0;
};

// A directory of this machine. It is created with the first write. Files are made with mode 0600, folders with 0700.
// store/names.hpp says how names become paths. Locks lie in .locks, which is no folder of the store.
std::unique_ptr<Store> open_directory(const std::filesystem::path& path,
                                      const io::FileSystem& files = io::real_files());

// What may be said of a bucket besides its URL; what is empty, the environment and the AWS profile say.
struct BucketOptions {
    std::string endpoint = {};  // https://minio.example:9000; Amazon's own otherwise
    std::string region = {};
    std::string profile = {};         // of ~/.aws/config and ~/.aws/credentials
    std::string addressing = {};      // "path" or "virtual"
    std::string ca_file = {};         // PEM
    std::string storage_class = {};   // of objects of at least 128 KiB: "STANDARD_IA"
    std::string encryption = {};      // "AES256" or "aws:kms"
    std::string encryption_key = {};  // of KMS
};

// What a store is opened with. A store on the wire keeps a copy of the call: its deadline, stop and rate hold for all that the
// store is asked.
struct Opening {
    const Call& call;
    std::map<std::string, std::string> environment = {};
    BucketOptions bucket = {};
    std::function<void(std::string_view line)> trace = {};
    const io::FileSystem& files = io::real_files();
};

// A path with a '/' in it, file:///… (percent-decoded) or s3://BUCKET/PREFIX; Error{usage} for the rest.
std::unique_ptr<Store> open_store(std::string_view url, const Opening& opening);
// The same for a place of this machine; Error{unsupported} for a bucket.
std::unique_ptr<Store> open_store(std::string_view url, const io::FileSystem& files = io::real_files());

// The store that holds what lies at a location the server named, when this machine reaches it: a file:// folder that
// or an absolute path that exists here. Null otherwise. Names in it are used as they are.
std::unique_ptr<Store> open_location(std::string_view url, const io::FileSystem& files = io::real_files());

}  // namespace vbackup::store
