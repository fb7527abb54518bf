// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "io/stream.hpp"
#include "store/s3/bucket.hpp"

namespace vbackup::store::s3 {

// How much memory all uploads of a store hold together. Who asks first is served first, so that a large wish is not passed
// over for ever. Thread-safe.
class Budget {
public:
    explicit Budget(std::size_t bytes) : left_(bytes) {}
    // Held until the pointer goes. Waits; throws as Call::require_time does.
    std::shared_ptr<void> take(const Call& call, std::size_t bytes);

private:
    void give_back(std::size_t bytes);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<const void*> queue_;
    std::size_t left_;
};

// `least` for the first 5,000 parts, twice that up to the 8,000th and four times up to the 10,000th, the last that S3 takes:
// with 8 MiB 148 GiB in all, and 64 GiB never need more than 16 MiB.
std::size_t part_size(std::size_t number, std::size_t least);
inline constexpr std::size_t least_part = std::size_t{8} << 20;
inline constexpr std::size_t most_parts = 10'000;
inline constexpr std::size_t upload_memory = std::size_t{32} << 20;

// An object on its way up: one PUT when it is at most a part long, else an upload in parts of which three are on their way at
// once. Each part's SHA-256 is signed, so that the service refuses one that changed on the way. What a dead run left of the
// same key is aborted before, and its own on failure. `before_finish` may refuse to have it made visible.
class UploadSink final : public io::Sink {
public:
    struct Way {
        std::shared_ptr<Bucket> bucket;
        std::shared_ptr<Budget> budget;
        std::function<void()> before_finish;
        bool only_new = false;  // Error{conflict} when the key is there already
        std::size_t least_part = s3::least_part;
    };
    UploadSink(Way way, std::string key);
    ~UploadSink() override;
    UploadSink(const UploadSink&) = delete;
    UploadSink& operator=(const UploadSink&) = delete;

    void write(std::span<const std::byte> bytes) override;
    void finish() override;
    void rewind() override;

private:
    struct Stop {
        std::stop_source& source;
        void operator()() const { source.request_stop(); }
    };

    Call part_call() const;
    void make_room(std::size_t more);
    void begin();
    void send_part();
    void collect(std::size_t at_most);
    std::string put_part(std::size_t number, std::span<const std::byte> bytes) const;
    void put_whole();
    void complete();
    bool is_ours(Call& call) const;
    void abort_others(Call& call) const;
    void give_up() noexcept;
    net::Headers object_headers(std::size_t size) const;

    const Way way_;
    const std::string key_;
    const std::string nonce_;
    std::stop_source stop_;
    Call call_;
    std::stop_callback<Stop> passed_on_;
    std::vector<std::byte> filling_;
    std::shared_ptr<void> lease_;
    std::string upload_id_;
    std::deque<std::future<std::string>> on_the_way_;
    std::vector<std::string> etags_;
    std::size_t parts_ = 0;
    bool finished_ = false;
};

}  // namespace vbackup::store::s3
