// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "net/aws_credentials.hpp"
#include "net/http.hpp"
#include "net/sigv4.hpp"
#include "store/s3/settings.hpp"

namespace vbackup::store::s3 {

// A request as it is meant: the bucket signs and sends it.
struct Ask {
    std::string method = "GET";
    std::string key = {};  // whole, with the prefix; empty: the bucket itself
    net::Query query = {};
    net::Headers headers = {};
    std::string body = {};
    std::span<const std::byte> bytes = {};  // instead of `body`
    Milliseconds silence{60'000};
};

// An upload that was begun and not ended.
struct BegunUpload {
    std::string key;
    std::string id;
};

// One bucket over the wire, as the Amazon S3 API reference describes it. What it is asked may be repeated; whoever asks copes
// with an answer that got lost. Keys that expired, a clock that is wrong and a region that is another one are mended once and
// the request is sent again. Thread-safe.
class Bucket {
public:
    Bucket(Settings settings, const Call& call, net::Environment environment, net::Trace trace, net::Random random);

    const Settings& settings() const { return settings_; }
    // A copy of the run's call.
    Call call() const { return call_; }
    // The same without its stop and with so much time of its own: for what has to be tidied up after them.
    Call call_to_tidy(Milliseconds time) const;

    // Any answer, 404 and 412 too.
    net::Response send(Call& call, const Ask& ask);
    // As Http::open.
    std::unique_ptr<io::Source> open(Call& call, const Ask& ask, net::Response& head, std::uint64_t offset,
                                     std::string_view etag);
    // send; throws for whatever is no 2xx.
    net::Response require(Call& call, const Ask& ask, std::string_view what);

    // All keys that begin with `prefix`; with `delimiter` the common beginnings up to the next '/' instead.
    std::vector<std::string> keys(Call& call, const std::string& prefix, bool folders = false);
    // Uploads of keys that begin with `prefix`, as far as the service tells (MinIO: of the key `prefix` alone). None where it
    // cannot list them, and where the keys may not.
    std::vector<BegunUpload> begun_uploads(Call& call, const std::string& prefix);
    // One that has gone is fine.
    void abort(Call& call, const BegunUpload& upload);
    // A key that is not there is fine.
    void remove(Call& call, const std::string& key);
    // The answer to HEAD; empty for none. Error{storage} when there is no such bucket.
    std::optional<net::Response> head(Call& call, const std::string& key);

    // The Error for an answer: not_found (no such key), denied, busy, unreachable, storage for the rest.
    [[noreturn]] void fail(const net::Response& answer, std::string_view what, const std::string& key = {}) const;

    // "s3://bucket/key".
    std::string text(const std::string& key) const;
    // Unlike any other.
    static std::string nonce();

private:
    struct Way {
        std::shared_ptr<const net::Http> http;
        std::string host;
        std::string base_path;
        std::string region;
    };

    Way way_to(const std::string& region, const std::string& endpoint) const;
    Way way();
    net::Request request_of(const Ask& ask, const Way& way, const net::AwsKeys& keys);
    Moment now() const;
    // Sends until there is nothing left that can be mended.
    net::Response mended(Call& call, const Ask& ask,
                         const std::function<net::Response(const net::Http&, const net::Request&)>& once);
    bool mend(Call& call, const net::Response& answer, const net::AwsKeys& used, unsigned& tried);
    bool mend_clock(const net::Response& answer, std::string_view code);
    bool mend_region(const net::Response& answer, std::string_view code);
    void require_bucket(Call& call);

    const Settings settings_;
    const Call call_;
    const net::Trace trace_;
    const net::Random random_;
    net::AwsCredentials credentials_;
    std::mutex mutex_;  // guards way_
    Way way_;
    std::atomic<std::int64_t> skew_{0};  // how far the service's clock is ahead, in milliseconds
    std::atomic<bool> seen_{false};      // the bucket is there
};

// The code in an answer's body, such as "NoSuchKey"; "" for none.
std::string code_of(const net::Response& answer);

}  // namespace vbackup::store::s3
