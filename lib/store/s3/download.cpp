// SPDX-License-Identifier: Apache-2.0
#include "store/s3/download.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "base/error.hpp"

namespace vbackup::store::s3 {

namespace {

// How often in a row a line may break without a byte having come through.
constexpr int most_idle = 4;

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

class ObjectSource final : public io::Source {
public:
    ObjectSource(std::shared_ptr<Bucket> bucket, std::string key, std::uint64_t offset)
        : bucket_(std::move(bucket)), call_(bucket_->call()), key_(std::move(key)), begin_(offset), next_(offset) {
        reopen();
    }

    std::size_t read(std::span<std::byte> into) override {
        for (;;) {
            try {
                if (!source_ && !ended_) reopen();
                const std::size_t count = ended_ ? 0 : source_->read(into);
                next_ += count;
                if (count > 0) idle_ = 0;
                return count;
            } catch (const Error& error) {
                const bool broken = error.kind() == ErrorKind::unreachable || error.kind() == ErrorKind::stalled;
                if (!broken || ++idle_ > most_idle) throw;
                source_.reset();
                call_.clock.sleep(Seconds(idle_), call_.stop);
                call_.require_time();
            }
        }
    }
    std::optional<std::uint64_t> size() const override { return whole_; }
    std::uint64_t offset() const override { return begin_; }

private:
    void reopen() {
        net::Response head;
        source_ = bucket_->open(call_, {.key = key_}, head, next_, etag_);
        if (head.status == 416) return settle_end();
        if (head.status == 412) throw replaced();
        if (!source_) bucket_->fail(head, "read", key_);
        if (source_->offset() != next_) {
            throw Error(ErrorKind::not_understood, fmt::format("{}: the service knows no ranges", bucket_->text(key_)));
        }
        whole_ = source_->size();
        etag_ = head.header("etag");
    }

    // No byte lies at or behind this offset.
    void settle_end() {
        const auto there = bucket_->head(call_, key_);
        whole_ = there ? number(there->header("content-length")) : std::nullopt;
        if (!whole_ || next_ > *whole_) throw replaced();
        ended_ = true;
    }

    Error replaced() const {
        return {ErrorKind::conflict, fmt::format("{} was replaced while it was read", bucket_->text(key_)),
                "run the same command again"};
    }

    std::shared_ptr<Bucket> bucket_;
    Call call_;
    const std::string key_;
    const std::uint64_t begin_;
    std::uint64_t next_;
    std::string etag_;
    std::optional<std::uint64_t> whole_;
    std::unique_ptr<io::Source> source_;
    int idle_ = 0;
    bool ended_ = false;
};

}  // namespace

std::unique_ptr<io::Source> open_object(std::shared_ptr<Bucket> bucket, std::string key, std::uint64_t offset) {
    return std::make_unique<ObjectSource>(std::move(bucket), std::move(key), offset);
}

}  // namespace vbackup::store::s3
