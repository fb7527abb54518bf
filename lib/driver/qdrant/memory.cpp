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

void Memory::asked(const Note& note, bool accepted) {
    const std::scoped_lock lock(mutex_);
    under_way_[note.place.on_node()] = {note, accepted};
    asked_.insert(note.place.on_node());
}

void Memory::ended(const Place& place) {
    const std::scoped_lock lock(mutex_);
    under_way_.erase(place.on_node());
}

bool Memory::was_asked(const Place& place) const {
    const std::scoped_lock lock(mutex_);
    return asked_.contains(place.on_node());
}

std::vector<Memory::Asked> Memory::under_way_beside(const Place& place) const {
    const std::scoped_lock lock(mutex_);
    std::vector<Asked> beside;
    for (const auto& [job, asked] : under_way_) {
        const auto& other = asked.note.place;
        if (other.node == place.node && other.collection == place.collection && other != place) beside.push_back(asked);
    }
    return beside;
}

}  // namespace vbackup::driver::qdrant
