// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "support/http_server.hpp"

// How a played Qdrant, of one node or of many, says things over HTTP (contracts.md Q.1, Q.4, Q.7).
namespace vbackup::test::wire {

// What is thrown where a request is refused: an answer instead of a value.
struct Refusal {
    Answer answer;
};

Answer as_json(int status, const std::string& body);
Answer as_text(int status, const std::string& body);
Answer good(const std::string& result);  // JSON
Answer accepted();
Answer error(int status, const std::string& text);

// The parts of a path, decoded.
std::vector<std::string> segments(const std::string& path);
// The value of a query parameter, decoded; "" for none.
std::string query(const HttpRequest& request, const std::string& name);
// The key that came along, whichever way; without one it is refused.
std::string key_of(const HttpRequest& request);

// The answer to GET /.
Answer greeting(const std::string& version);

struct Stored {
    std::string name, bytes, checksum;  // no checksum: uploaded, or kept in S3
    int looks = 0;                      // how many more times it is not listed yet
    std::string created = "2026-11-21T07:36:33";
};
std::string described(const Stored& one);
std::string listed(std::vector<Stored>& stored);
// With S3 behind it nothing but the bytes is known, and ranges are not.
Answer download(const Stored& one, const HttpRequest& request, bool s3);
// The one part `snapshot` of a form, compared with the checksum of the query.
Stored uploaded(const HttpRequest& request);

// The configuration (JSON as GET shows it) of a collection that a PUT of this body (JSON) makes.
std::string config_of(const std::string& body);
// What GET of a collection shows; all but `status` and `points` are JSON.
std::string shown(const std::string& status, std::uint64_t points, const std::string& config,
                  const std::string& schema);
// The payload schema after a PUT of an index.
std::string with_index(const std::string& schema, const std::string& body);

}  // namespace vbackup::test::wire
