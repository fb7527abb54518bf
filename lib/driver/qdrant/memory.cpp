// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/memory.hpp"

#include <utility>

namespace vbackup::driver::qdrant {

void Memory::etag(const std::string& file, std::string value) {
    const std::scoped_lock lock(mutex_);
    etags_[file] = std::move(value);
}

std::string Memory::etag(const std::string& file) const {
    const std::scoped_lock lock(mutex_);
    const auto found = etags_.find(file);
    return found == etags_.end() ? std::string{} : found->second;
}

bool Memory::idle_too_long(const Call& call, const std::string& job) {
    constexpr int looks = 4;
    constexpr Seconds length{5};
    const std::scoped_lock lock(mutex_);
    auto& idle = idle_[job];
    if (idle.looks++ == 0) idle.since = call.clock.now();
    return idle.looks >= looks && call.clock.now() - idle.since >= length;
}

void Memory::busy(const std::string& job) {
    const std::scoped_lock lock(mutex_);
    idle_.erase(job);
}

Milliseconds Memory::lasting(const Call& call, const std::string& subject, const std::string& said) {
    const std::scoped_lock lock(mutex_);
    auto& known = said_[subject];
    const auto now = call.clock.now();
    if (known.text != said || said.empty()) known = {said, now};
    return std::chrono::duration_cast<Milliseconds>(now - known.since);
}

void Memory::made(const Place& place, const Note& note) {
    const std::scoped_lock lock(mutex_);
    made_[place.on_node()] = note;
}

std::optional<Note> Memory::made(const Place& place) const {
    const std::scoped_lock lock(mutex_);
    const auto found = made_.find(place.on_node());
    return found == made_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace vbackup::driver::qdrant
