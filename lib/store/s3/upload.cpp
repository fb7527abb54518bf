// SPDX-License-Identifier: Apache-2.0
#include "store/s3/upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "net/xml.hpp"

namespace vbackup::store::s3 {

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr std::size_t unleased = mib;  // so much a small file may hold without waiting for others
constexpr std::size_t most_on_the_way = 3;
// Colder classes charge for so much at least; and manifests must stay readable at once.
constexpr std::size_t least_of_a_class = std::size_t{128} << 10;
constexpr Milliseconds time_to_tidy{15'000};
constexpr Milliseconds time_to_assemble{600'000};
constexpr std::string_view nonce_header = "x-amz-meta-vbackup";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '"') {
            out += "&quot;";
        } else {
            out += c;
        }
    }
    return out;
}

bool lacks_conditions(const net::Response& answer) {
    return answer.status == 501 || code_of(answer) == "NotImplemented";
}

Error exists(const std::string& what) {
    return {ErrorKind::conflict, fmt::format("{} is there already", what), "another run made it meanwhile"};
}

}  // namespace

std::size_t part_size(std::size_t number, std::size_t least) {
    if (number <= 5'000) return least;
    return number <= 8'000 ? 2 * least : 4 * least;
}

std::shared_ptr<void> Budget::take(const Call& call, std::size_t bytes) {
    std::unique_lock lock(mutex_);
    const int ticket = 0;
    queue_.push_back(&ticket);
    const auto leave = [&] {
        queue_.erase(std::find(queue_.begin(), queue_.end(), &ticket));
        changed_.notify_all();
    };
    try {
        while (queue_.front() != &ticket || left_ < bytes) {
            call.require_time();
            changed_.wait_for(lock, Milliseconds(100));
        }
    } catch (...) {
        leave();
        throw;
    }
    left_ -= bytes;
    leave();
    return {this, [bytes](void* self) { static_cast<Budget*>(self)->give_back(bytes); }};
}

void Budget::give_back(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    left_ += bytes;
    changed_.notify_all();
}

UploadSink::UploadSink(Way way, std::string key)
    : way_(std::move(way)),
      key_(std::move(key)),
      nonce_(Bucket::nonce()),
      call_(part_call()),
      passed_on_(way_.bucket->call().stop, Stop{stop_}) {}

UploadSink::~UploadSink() {
    if (!finished_) give_up();
}

// Ends with the run's call, and when the sink is given up.
Call UploadSink::part_call() const {
    const Call whole = way_.bucket->call();
    return {.clock = whole.clock,
            .tally = whole.tally,
            .deadline = whole.deadline,
            .stop = stop_.get_token(),
            .rate = whole.rate};
}

void UploadSink::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t whole = part_size(parts_ + 1, way_.least_part);
        if (filling_.size() == whole) {
            send_part();
            continue;
        }
        const auto piece = bytes.first(std::min(bytes.size(), whole - filling_.size()));
        make_room(piece.size());
        filling_.insert(filling_.end(), piece.begin(), piece.end());
        bytes = bytes.subspan(piece.size());
    }
}

void UploadSink::make_room(std::size_t more) {
    if (lease_ || filling_.size() + more <= unleased) return;
    const std::size_t whole = part_size(parts_ + 1, way_.least_part);
    lease_ = way_.budget->take(call_, whole);
    filling_.reserve(whole);
}

net::Headers UploadSink::object_headers(std::size_t size) const {
    const auto& settings = way_.bucket->settings();
    net::Headers headers{{std::string(nonce_header), nonce_}};
    if (!settings.storage_class.empty() && size >= least_of_a_class)
        headers.emplace_back("x-amz-storage-class", settings.storage_class);
    if (!settings.encryption.empty()) headers.emplace_back("x-amz-server-side-encryption", settings.encryption);
    if (!settings.encryption_key.empty())
        headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", settings.encryption_key);
    return headers;
}

// Uploads of this key that nobody will end: whoever writes it holds its backup's lock.
void UploadSink::abort_others(Call& call) const {
    for (const auto& upload : way_.bucket->begun_uploads(call, key_))
        if (upload.key == key_) way_.bucket->abort(call, upload);
}

void UploadSink::begin() {
    abort_others(call_);
    const auto answer = way_.bucket->send(
        call_,
        {.method = "POST", .key = key_, .query = {{"uploads", ""}}, .headers = object_headers(least_of_a_class)});
    if (!answer.ok()) way_.bucket->fail(answer, "begin the upload of", key_);
    upload_id_ = net::parse_xml(answer.body).text_of("UploadId");
    if (upload_id_.empty()) {
        throw Error(ErrorKind::not_understood,
                    fmt::format("the answer to the upload of {} names none", way_.bucket->text(key_)));
    }
}

void UploadSink::send_part() {
    if (parts_ == most_parts) {
        throw Error(ErrorKind::storage,
                    fmt::format("{} is longer than the 148 GiB that one file in a bucket may have here",
                                way_.bucket->text(key_)),
                    "back up fewer collections at a time, or to a folder");
    }
    if (upload_id_.empty()) begin();
    collect(most_on_the_way - 1);
    const std::size_t number = ++parts_;
    on_the_way_.push_back(
        std::async(std::launch::async, [this, number, bytes = std::exchange(filling_, {}),
                                        lease = std::exchange(lease_, nullptr)] { return put_part(number, bytes); }));
}

std::string UploadSink::put_part(std::size_t number, std::span<const std::byte> bytes) const {
    Call call = part_call();
    const auto answer =
        way_.bucket->require(call,
                             {.method = "PUT",
                              .key = key_,
                              .query = {{"partNumber", fmt::format("{}", number)}, {"uploadId", upload_id_}},
                              .bytes = bytes},
                             "send a part of");
    std::string etag(answer.header("etag"));
    if (etag.empty())
        throw Error(ErrorKind::not_understood, fmt::format("a part of {} got no ETag", way_.bucket->text(key_)));
    return etag;
}

void UploadSink::collect(std::size_t at_most) {
    while (on_the_way_.size() > at_most) {
        auto first = std::move(on_the_way_.front());
        on_the_way_.pop_front();
        etags_.push_back(first.get());
    }
}

bool UploadSink::is_ours(Call& call) const {
    const auto there = way_.bucket->head(call, key_);
    return there && there->header(nonce_header) == nonce_;
}

void UploadSink::put_whole() {
    Ask ask{.method = "PUT", .key = key_, .headers = object_headers(filling_.size()), .bytes = filling_};
    if (way_.only_new) ask.headers.emplace_back("If-None-Match", "*");
    auto answer = way_.bucket->send(call_, ask);
    if (way_.only_new && lacks_conditions(answer)) {
        // Where the service knows no conditions, nothing better can be had than a look before.
        if (way_.bucket->head(call_, key_)) throw exists(way_.bucket->text(key_));
        ask.headers.pop_back();
        answer = way_.bucket->send(call_, ask);
    }
    if (answer.status == 412 && way_.only_new) {
        // The answer to an attempt that made it may have been lost.
        if (is_ours(call_)) return;
        throw exists(way_.bucket->text(key_));
    }
    if (!answer.ok()) way_.bucket->fail(answer, "write", key_);
}

// The answer may say 200 and hold an error; such that pass are asked for again below, by net's loop.
void UploadSink::complete() {
    std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (std::size_t i = 0; i < etags_.size(); ++i)
        body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, escaped(etags_[i]));
    body += "</CompleteMultipartUpload>";
    Ask ask{.method = "POST",
            .key = key_,
            .query = {{"uploadId", upload_id_}},
            .body = std::move(body),
            .silence = time_to_assemble};
    if (way_.only_new) ask.headers.emplace_back("If-None-Match", "*");
    const auto answer = way_.bucket->send(call_, ask);
    const bool whole =
        answer.ok() && code_of(answer).empty() && net::parse_xml(answer.body).name == "CompleteMultipartUploadResult";
    // An earlier attempt may have been the one that did it.
    if (!whole && !is_ours(call_)) {
        if (answer.status == 412 && way_.only_new) throw exists(way_.bucket->text(key_));
        way_.bucket->fail(answer, "complete the upload of", key_);
    }
    upload_id_.clear();
    // An upload whose beginning was sent twice, as its answer got lost, is there under a name that nobody knows.
    abort_others(call_);
}

void UploadSink::finish() {
    if (way_.before_finish) way_.before_finish();
    if (parts_ == 0) {
        put_whole();
    } else {
        if (!filling_.empty()) send_part();
        collect(0);
        complete();
    }
    finished_ = true;
    filling_ = {};
    lease_.reset();
}

void UploadSink::rewind() {
    // Nothing stops these, and nobody wants them.
    for (auto& part : on_the_way_) part.wait();
    on_the_way_.clear();
    if (!upload_id_.empty()) way_.bucket->abort(call_, {key_, upload_id_});
    upload_id_.clear();
    etags_.clear();
    filling_.clear();
    parts_ = 0;
}

void UploadSink::give_up() noexcept {
    stop_.request_stop();
    for (auto& part : on_the_way_) part.wait();
    on_the_way_.clear();
    if (upload_id_.empty()) return;
    try {
        Call call = way_.bucket->call_to_tidy(time_to_tidy);
        way_.bucket->abort(call, {key_, upload_id_});
    } catch (const std::exception&) {
        // The next run that writes this key aborts it, and `delete` does.
    }
}

}  // namespace vbackup::store::s3
