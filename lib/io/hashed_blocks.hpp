// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "io/digest.hpp"

namespace vbackup::io {

// A few blocks that go round: the calling thread fills one, has it hashed, does with its bytes what else is to be done, and
// fills the next, while a thread of their own hashes. That thread is made with the second block, so what fits into one costs
// none; where the system gives no thread, the calling one hashes. All functions are for one thread.
class HashedBlocks {
public:
    static constexpr std::size_t block_size = std::size_t{64} << 10;

    explicit HashedBlocks(Digest digest);
    // What was given and is not hashed yet is left so.
    ~HashedBlocks();
    HashedBlocks(const HashedBlocks&) = delete;
    HashedBlocks& operator=(const HashedBlocks&) = delete;

    // The block to fill next, of `block_size` bytes. Waits until its earlier bytes are hashed.
    std::span<std::byte> next();
    // Has the first `size` bytes of the block that `next` gave hashed. Until `next` is called again they may be read, and
    // must not be changed.
    void give(std::size_t size);
    // Forgets what the digest held at the beginning. Only before the first `give`.
    void reset();
    // Of all that was given, after what the digest held: waits until it is hashed. Once. Throws what hashing threw.
    std::string hex();

private:
    static constexpr std::size_t count = 4;

    std::byte* block(std::size_t number) const { return memory_.get() + number % count * block_size; }
    bool has_thread();
    void work();
    void hash_one();
    void wait_for(std::size_t number);

    Digest digest_;  // the thread's, once there is one
    std::unique_ptr<std::byte[]> memory_;
    std::array<std::size_t, count> sizes_{};
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::size_t given_ = 0;   // blocks
    std::size_t hashed_ = 0;  // blocks
    bool over_ = false;
    std::exception_ptr broken_;
    std::thread thread_;
};

}  // namespace vbackup::io
