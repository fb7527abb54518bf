// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "support/http_server.hpp"

namespace vbackup::test {

// A small S3 at server.base() with one bucket, path style: objects, uploads in parts, lists by pages, conditions, ranges, and
// the refusals that matter. It looks at dates, tokens and hashes, not at signatures: MinIO does that in the e2e tests.
class ScriptedS3 {
public:
    struct Object {
        std::string bytes;
        std::string etag;
        std::map<std::string, std::string> headers;  // x-amz-meta-…, storage class, encryption
        Moment modified;
    };
    struct Upload {
        std::string key;
        std::map<std::string, std::string> headers;
        std::map<int, std::string> parts;
    };

    ScriptedS3(const Clock& clock, std::string bucket);

    // Looked at before anything is done; what it returns is the answer. `number` counts requests from 1.
    std::function<std::optional<Answer>(const HttpRequest& request, int number)> before;
    // The same after it was done, for answers that get lost.
    std::function<std::optional<Answer>(const HttpRequest& request, int number)> after;

    Milliseconds ahead{0};         // how far its clock is ahead
    std::string token;             // other session tokens have expired; empty: not looked at
    bool knows_conditions = true;  // else 501
    bool passes_over_conditions = false;
    std::size_t page = 1000;

    void put(const std::string& key, std::string bytes, Milliseconds age = Milliseconds(0));
    std::map<std::string, Object> objects() const;
    std::map<std::string, Upload> uploads() const;
    std::string begin_upload(const std::string& key);
    int requests() const;

    static Answer refusal(int status, const std::string& code);

private:
    Answer answer(const HttpRequest& request);
    std::optional<Answer> refused(const HttpRequest& request) const;
    Answer done(const HttpRequest& request);
    Answer on_bucket(const HttpRequest& request);
    Answer on_object(const HttpRequest& request, const std::string& key);
    Answer on_upload(const HttpRequest& request, const std::string& key);
    Answer list(const HttpRequest& request) const;
    Answer give(const HttpRequest& request, const std::string& key) const;
    Answer take(const HttpRequest& request, const std::string& key);
    Answer complete(const HttpRequest& request, const std::string& key);
    std::optional<Answer> unmet(const HttpRequest& request, const std::string& key) const;
    Object& keep(const std::string& key, std::string bytes, std::map<std::string, std::string> headers);
    Moment now() const { return clock_.wall() + ahead; }

    const Clock& clock_;
    const std::string bucket_;
    mutable std::recursive_mutex mutex_;
    std::map<std::string, Object> objects_;
    std::map<std::string, Upload> uploads_;
    int number_ = 0;
    int etags_ = 0;

public:
    HttpServer server;  // last: its threads end before what they use
};

}  // namespace vbackup::test
