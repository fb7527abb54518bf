// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/spread.hpp"

#include <algorithm>
#include <set>

namespace vbackup::driver::qdrant {

namespace {

class Spreading {
public:
    explicit Spreading(const std::vector<Choices>& pieces) : pieces_(pieces) {}

    std::vector<std::string> result() {
        for (const auto& piece : pieces_) take(piece);
        // Each round relieves one node at least; what cannot be mended in as many rounds as there are pieces stays.
        for (std::size_t round = 0; round < pieces_.size() && relieve_busiest(); ++round) {
        }
        return nodes_;
    }

private:
    // First each piece goes where the least is so far.
    void take(const Choices& piece) {
        const auto best = std::min_element(piece.begin(), piece.end(), [&](const auto& a, const auto& b) {
            return load_[a.first] + a.second < load_[b.first] + b.second;
        });
        nodes_.push_back(best->first);
        load_[best->first] += best->second;
    }

    // Each of those that have the most is tried: one of them may stand in the way of another.
    bool relieve_busiest() {
        const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
        const auto most = std::max_element(load_.begin(), load_.end(), more)->second;
        bool any = false;
        const auto before = load_;
        for (const auto& [node, load] : before) {
            std::set<std::string> seen{node};
            if (load == most && load_[node] == most) any = relieve(node, most, seen) || any;
        }
        return any || load_ != before;
    }

    // Moves a piece away from `node` to one that stays below `limit`, which may have to pass on one of its own first.
    bool relieve(const std::string& node, std::uint64_t limit, std::set<std::string>& seen) {
        for (std::size_t i = 0; i < pieces_.size(); ++i) {
            if (nodes_[i] != node) continue;
            for (const auto& [other, cost] : pieces_[i]) {
                if (!seen.insert(other).second) continue;
                if (load_[other] + cost >= limit && !relieve(other, limit, seen)) continue;
                if (load_[other] + cost >= limit) continue;
                load_[node] -= pieces_[i].at(node);
                load_[other] += cost;
                nodes_[i] = other;
                return true;
            }
        }
        return false;
    }

    const std::vector<Choices>& pieces_;
    std::vector<std::string> nodes_;
    std::map<std::string, std::uint64_t> load_;
};

}  // namespace

std::vector<std::string> spread(const std::vector<Choices>& pieces) {
    return Spreading(pieces).result();
}

}  // namespace vbackup::driver::qdrant
