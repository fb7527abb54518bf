// SPDX-License-Identifier: Apache-2.0
#include "io/hashed_blocks.hpp"

#include <system_error>
#include <utility>

namespace vbackup::io {

// The memory is not touched before it is used: what is small takes one block only.
HashedBlocks::HashedBlocks(Digest digest)
    : digest_(std::move(digest)), memory_(std::make_unique_for_overwrite<std::byte[]>(count * block_size)) {}

HashedBlocks::~HashedBlocks() {
    {
        const std::scoped_lock lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

std::span<std::byte> HashedBlocks::next() {
    if (given_ > 0 && !has_thread()) hash_one();
    // The block that is next is the one that was filled `count` blocks ago.
    if (given_ >= count) wait_for(given_ - count + 1);
    return {block(given_), block_size};
}

void HashedBlocks::give(std::size_t size) {
    sizes_[given_ % count] = size;
    {
        const std::scoped_lock lock(mutex_);
        ++given_;
    }
    changed_.notify_all();
}

void HashedBlocks::reset() {
    digest_.reset();
}

std::string HashedBlocks::hex() {
    if (thread_.joinable()) {
        wait_for(given_);
    } else {
        while (hashed_ < given_) hash_one();
    }
    if (broken_) std::rethrow_exception(broken_);
    return digest_.hex();
}

// Tried once for each block: a system that has no thread to give now may have one later.
bool HashedBlocks::has_thread() {
    if (thread_.joinable()) return true;
    try {
        thread_ = std::thread([this] { work(); });
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

void HashedBlocks::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return over_ || hashed_ < given_; });
        if (over_) return;
        lock.unlock();
        hash_one();
        lock.lock();
    }
}

// After an error the blocks only pass, so that nobody waits for them; `hex` tells.
void HashedBlocks::hash_one() {
    std::exception_ptr why;
    try {
        if (!broken_) digest_.update({block(hashed_), sizes_[hashed_ % count]});
    } catch (...) {
        why = std::current_exception();
    }
    {
        const std::scoped_lock lock(mutex_);
        if (why) broken_ = why;
        ++hashed_;
    }
    changed_.notify_all();
}

void HashedBlocks::wait_for(std::size_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return hashed_ >= number; });
}

}  // namespace vbackup::io
