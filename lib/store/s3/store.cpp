// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "store/s3/download.hpp"
#include "store/s3/open.hpp"

namespace vbackup::store::s3 {

namespace {

constexpr std::string_view lock_folder = ".locks/";
constexpr std::size_t removed_at_once = 8;
constexpr std::size_t asked_at_once = 16;

std::string without_slash(std::string_view prefix) {
    if (prefix.ends_with('/')) prefix.remove_suffix(1);
    return std::string(prefix);
}

std::uint64_t length_of(const net::Response& head) {
    const auto text = head.header("content-length");
    std::uint64_t length = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (fault != std::errc{} || end != text.data() + text.size())
        throw Error(ErrorKind::not_understood, "the service does not say how long an object is");
    return length;
}

// The locks that this run holds on a store.
class HeldLocks {
public:
    void add(const std::shared_ptr<Lock>& lock) {
        const std::scoped_lock guard(mutex_);
        std::erase_if(locks_, [](const auto& one) { return one.expired(); });
        locks_.push_back(lock);
    }
    void require_held() {
        std::vector<std::shared_ptr<Lock>> now;
        {
            const std::scoped_lock guard(mutex_);
            for (const auto& one : locks_)
                if (auto lock = one.lock()) now.push_back(std::move(lock));
        }
        for (const auto& lock : now) lock->require_held();
    }

private:
    std::mutex mutex_;
    std::vector<std::weak_ptr<Lock>> locks_;
};

class BucketStore final : public Store {
public:
    BucketStore(std::shared_ptr<Bucket> bucket, Naming naming, const Tuning& tuning)
        : bucket_(std::move(bucket)), naming_(naming), tuning_(tuning), prefix_(bucket_->settings().prefix) {}

    std::string where() const override { return without_slash(bucket_->text(prefix_)); }

    // What lies in an upload that was not ended cannot be read, so nothing is carried on.
    std::unique_ptr<io::Sink> create(const std::string& name, bool /*resume*/) override { return sink(name, false); }
    std::uint64_t partial_size(const std::string& /*name*/) override { return 0; }
    std::unique_ptr<io::Source> open_partial(const std::string& name) override {
        throw Error(ErrorKind::not_found, fmt::format("an unfinished upload of {} cannot be read", name));
    }
    void put_new(const std::string& name, std::string_view text) override {
        const auto new_one = sink(name, true);
        new_one->write(std::as_bytes(std::span(text)));
        new_one->finish();
    }

    std::unique_ptr<io::Source> open(const std::string& name, std::uint64_t offset) override {
        return open_object(bucket_, key_of(name), offset);
    }

    std::optional<std::uint64_t> size(const std::string& name) override {
        Call call = bucket_->call();
        const auto head = bucket_->head(call, key_of(name));
        return head ? std::optional(length_of(*head)) : std::nullopt;
    }

    std::vector<std::string> list(const std::string& prefix, bool partial) override;
    std::vector<std::string> folders() override;
    void remove(const std::string& name) override;
    void remove_all(const std::string& prefix) override;
    std::optional<std::uint64_t> free_bytes() override { return std::nullopt; }
    std::size_t at_once() const override { return asked_at_once; }
    void require_writable() override;
    std::shared_ptr<void> lock(const std::string& name) override;

private:
    std::string key_of(const std::string& name) const { return prefix_ + encode_name(name, naming_); }
    std::unique_ptr<io::Sink> sink(const std::string& name, bool only_new) const;
    std::optional<std::string> name_of(std::string_view key) const;
    void remove_uploads(Call& call, const std::string& begin, bool exactly) const;

    const std::shared_ptr<Bucket> bucket_;
    const Naming naming_;
    const Tuning tuning_;
    const std::string prefix_;
    const std::shared_ptr<Budget> budget_ = std::make_shared<Budget>(upload_memory);
    const std::shared_ptr<HeldLocks> locks_ = std::make_shared<HeldLocks>();
};

std::unique_ptr<io::Sink> BucketStore::sink(const std::string& name, bool only_new) const {
    return std::make_unique<UploadSink>(UploadSink::Way{.bucket = bucket_,
                                                        .budget = budget_,
                                                        .before_finish = [locks = locks_] { locks->require_held(); },
                                                        .only_new = only_new,
                                                        .least_part = tuning_.least_part},
                                        key_of(name));
}

// Empty for what is not ours: locks, probes, what somebody else put there.
std::optional<std::string> BucketStore::name_of(std::string_view key) const {
    if (!key.starts_with(prefix_)) return std::nullopt;
    key.remove_prefix(prefix_.size());
    if (key.empty() || key.ends_with('/')) return std::nullopt;
    const bool hidden = key.front() == '.' || key.find("/.") != std::string_view::npos;
    if (naming_ == Naming::encoded && hidden) return std::nullopt;
    return decode_name(key, naming_);
}

std::vector<std::string> BucketStore::list(const std::string& prefix, bool partial) {
    Call call = bucket_->call();
    const std::string folder = without_slash(prefix);
    const std::string begin = folder.empty() ? prefix_ : key_of(folder) + "/";
    std::vector<std::string> keys;
    if (partial) {
        for (auto& upload : bucket_->begun_uploads(call, begin)) keys.push_back(std::move(upload.key));
    } else {
        keys = bucket_->keys(call, begin);
    }
    std::vector<std::string> names;
    for (const auto& key : keys)
        if (auto name = name_of(key)) names.push_back(std::move(*name));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::vector<std::string> BucketStore::folders() {
    Call call = bucket_->call();
    std::vector<std::string> names;
    for (const auto& key : bucket_->keys(call, prefix_, true))
        if (auto name = name_of(without_slash(key))) names.push_back(std::move(*name));
    std::sort(names.begin(), names.end());
    return names;
}

void BucketStore::remove_uploads(Call& call, const std::string& begin, bool exactly) const {
    for (const auto& upload : bucket_->begun_uploads(call, begin))
        if (!exactly || upload.key == begin) bucket_->abort(call, upload);
}

void BucketStore::remove(const std::string& name) {
    Call call = bucket_->call();
    bucket_->remove(call, key_of(name));
    remove_uploads(call, key_of(name), true);
}

void BucketStore::remove_all(const std::string& prefix) {
    Call call = bucket_->call();
    const std::string key = key_of(without_slash(prefix));
    auto keys = bucket_->keys(call, key + "/");
    keys.push_back(key);
    run_all(keys.size(), removed_at_once, call.stop, [&](std::size_t i) {
        Call own = bucket_->call();
        bucket_->remove(own, keys[i]);
    });
    call.require_time();
    remove_uploads(call, key + "/", false);
    remove_uploads(call, key, true);
}

void BucketStore::require_writable() {
    Call call = bucket_->call();
    const std::string key = fmt::format("{}.vbackup-probe-{}", prefix_, Bucket::nonce());
    constexpr std::string_view text = "vbackup looks whether it can write here\n";
    bucket_->require(call, {.method = "PUT", .key = key, .bytes = std::as_bytes(std::span(text))}, "write");
    bucket_->remove(call, key);
}

std::shared_ptr<void> BucketStore::lock(const std::string& name) {
    auto lock = std::make_shared<Lock>(bucket_, fmt::format("{}{}{}", prefix_, lock_folder, flat_name(name)),
                                       fmt::format("{} in {}", name, where()), tuning_.lock);
    locks_->add(lock);
    return lock;
}

}  // namespace

std::unique_ptr<Store> open_bucket(std::string_view url, const Opening& opening, Naming naming, const Tuning& tuning) {
    auto bucket = std::make_shared<Bucket>(settings_of(url, opening.bucket, opening.environment), opening.call,
                                           opening.environment, opening.trace, net::Random());
    return std::make_unique<BucketStore>(std::move(bucket), naming, tuning);
}

}  // namespace vbackup::store::s3
