// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "two_stores.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

// One with seven files.
struct Seven : TwoStores {
    Seven() {
        for (const char* name : {"C", "D", "E", "F", "G"}) database.collections[name] = 7;
        made("b1");
    }
    backup::Verification slice(std::size_t number, std::size_t of) {
        return backup::verify(call, store, "b1", 1, {number, of});
    }
};

}  // namespace

TEST_CASE("all slices together read every file once, the same ones each time") {
    Seven seven;
    for (std::size_t of = 1; of <= 9; ++of) {
        std::map<std::string, int> reads;
        for (std::size_t number = 1; number <= of; ++number) {
            const auto one = seven.slice(number, of), again = seven.slice(number, of);
            CHECK(one.good());
            REQUIRE(one.files.size() == 7);
            for (std::size_t i = 0; i < 7; ++i) {
                reads[one.files[i].name] += one.files[i].read ? 1 : 0;
                CHECK(one.files[i].read == again.files[i].read);
            }
        }
        CHECK(reads.size() == 7);
        for (const auto& [name, count] : reads) CHECK(count == 1);
    }
}

TEST_CASE("damage is found by the slice that has the file, what is missing or cut by every slice") {
    Seven seven;
    const auto file = seven.slice(1, 1).files.front();
    seven.put("b1/" + file.name, std::string(file.size, 'x'));
    int found = 0;
    for (std::size_t number = 1; number <= 3; ++number) found += seven.slice(number, 3).good() ? 0 : 1;
    CHECK(found == 1);
    seven.put("b1/" + file.name, "x");
    for (std::size_t number = 1; number <= 3; ++number) CHECK_FALSE(seven.slice(number, 3).good());
    seven.store_bytes->remove("b1/" + file.name);
    for (std::size_t number = 1; number <= 3; ++number) CHECK_FALSE(seven.slice(number, 3).good());
}
