// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>

#include "base/error.hpp"
#include "store/catalog.hpp"
#include "store/encrypted/content.hpp"
#include "store/encrypted/names.hpp"
#include "store/encrypted/slots.hpp"
#include "support/fake_clock.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::store::encrypted;
using store::Store;
using test::FakeClock;
using test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

constexpr Cost cheap{.operations = 1, .memory = 8192};

Credential passphrase(const std::string& text) {
    return {model::SlotKind::passphrase, Secret(text)};
}
Credential key_file(char letter = 'k') {
    return {model::SlotKind::key_file, Secret(std::string(64, letter))};
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    std::mt19937 random(7);
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

struct Site {
    TemporaryFolder folder{TemporaryFolder::in_memory()};
    FakeClock clock;
    fs::path root = folder / "store";

    std::unique_ptr<Store> bytes() const { return store::open_directory(root); }
    Unlocking with(const Credential& credential) const {
        return {.credential = credential, .cost = cheap, .clock = clock};
    }
    std::unique_ptr<Store> open(const Credential& credential = key_file()) const {
        return guard(bytes(), with(credential));
    }
    // All files, without locks.
    std::vector<fs::path> files() const {
        std::vector<fs::path> all;
        for (const auto& entry : fs::recursive_directory_iterator(root))
            if (entry.is_regular_file() && entry.path().string().find(".locks") == std::string::npos)
                all.push_back(entry.path());
        std::sort(all.begin(), all.end());
        return all;
    }
    // Those of backups.
    std::vector<fs::path> data() const {
        auto all = files();
        std::erase_if(all, [&](const fs::path& path) { return path.parent_path() == root; });
        return all;
    }
};

void put(Store& store, const std::string& name, std::string_view text) {
    const auto sink = store.create(name);
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
}
std::string get(Store& store, const std::string& name, std::uint64_t offset = 0) {
    return io::read_all(*store.open(name, offset), std::size_t{64} << 20);
}
std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void spill(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
}
void flip(const fs::path& path, std::size_t bit) {
    auto text = slurp(path);
    text.at(bit / 8) = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    spill(path, text);
}

std::optional<Error> refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}
void check_refused(ErrorKind kind, const std::string& message, const std::function<void()>& work) {
    const auto error = refusal(work);
    REQUIRE(error);
    CHECK_MESSAGE(error->kind() == kind, error->message());
    CHECK_MESSAGE(error->message().find(message) != std::string::npos, error->message());
}

model::Manifest manifest_of(const std::string& id) {
    model::Manifest manifest;
    manifest.id = id;
    manifest.driver = "toy";
    manifest.description = "payroll";
    return manifest;
}

}  // namespace

TEST_CASE("neither contents nor names nor ids can be read in an encrypted store, nor in its locks") {
    const Site site;
    const auto store = site.open();
    store::Catalog catalog(*store);
    const auto lock = catalog.lock("night-1");
    put(*store, "night-1/data/Salaries", "a thousand a month");
    catalog.commit(manifest_of("night-1"));
    for (const auto& entry : fs::recursive_directory_iterator(site.root)) {
        auto text = entry.path().lexically_relative(site.root).string();
        if (entry.is_regular_file()) text += slurp(entry.path());
        for (const auto* word : {"night", "Salaries", "thousand", "payroll", "toy", "manifest", "kkkk"})
            CHECK_MESSAGE(text.find(word) == std::string::npos, word << " in " << entry.path());
    }
    CHECK(catalog.ids() == Names{"night-1"});
    CHECK(catalog.manifest("night-1")->description == "payroll");
    check_refused(ErrorKind::busy, "night-1", [&] { site.open()->lock("night-1"); });
}

TEST_CASE("files of any length come back, from any offset") {
    const Site site;
    const auto store = site.open();
    const auto whole = pattern(3 * block_size + 1);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, block_size - 1, block_size, block_size + 1,
                                   2 * block_size, 3 * block_size, 3 * block_size + 1}) {
        CAPTURE(size);
        const auto text = whole.substr(0, size);
        put(*store, "b/f", text);
        CHECK(store->size("b/f") == size);
        for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, block_size - 1, block_size, block_size + 1,
                                         2 * block_size, 3 * block_size, size, size + 5}) {
            CAPTURE(offset);
            const auto source = store->open("b/f", offset);
            CHECK(source->size() == size);
            CHECK(source->offset() == offset);
            CHECK(io::read_all(*source, size + 1) == text.substr(std::min(offset, size)));
        }
    }
}

TEST_CASE("names of any length come back, and the same name is another one in another folder") {
    const Site site;
    const auto store = site.open();
    const Names names{"b/" + std::string(300, 'x') + "/" + std::string(2000, 'y').substr(0, 700), "b/a/f", "b/f",
                      std::string(200, 'i') + "/f"};
    for (const auto& name : names) put(*store, name, name);
    auto sorted = names;
    std::sort(sorted.begin(), sorted.end());
    CHECK(store->list("") == sorted);
    for (const auto& name : names) CHECK(get(*store, name) == name);
    CHECK(store->folders() == Names{"b", std::string(200, 'i')});
    const NameCipher cipher{Key()};
    const auto first = cipher.encrypt("one/f");
    const auto second = cipher.encrypt("two/f");
    CHECK(first.substr(first.find('/')) != second.substr(second.find('/')));
    CHECK_FALSE(cipher.decrypt(second.substr(0, second.find('/')) + first.substr(first.find('/'))));
}

TEST_CASE("one flipped bit of data or manifest is found, wherever it is") {
    const Site site;
    {
        const auto store = site.open();
        put(*store, "b/data/f", pattern(2 * block_size + 99));
        put(*store, "b/data/g", "");
        store::Catalog(*store).commit(manifest_of("b"));
    }
    const auto store = site.open();
    const auto read_everything = [&] {
        get(*store, "b/data/f");
        get(*store, "b/data/g");
        store::Catalog(*store).manifest("b");
    };
    REQUIRE_FALSE(refusal(read_everything));
    std::mt19937 random(1);
    const auto files = site.data();
    REQUIRE(files.size() == 3);
    for (int round = 0; round < 1000; ++round) {
        const auto& path = files[random() % files.size()];
        const auto bit = random() % (fs::file_size(path) * 8);
        CAPTURE(path);
        CAPTURE(bit);
        flip(path, bit);
        const auto error = refusal(read_everything);
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::corrupt);
        flip(path, bit);
    }
    CHECK_FALSE(refusal(read_everything));
}

TEST_CASE("one flipped bit of the key slots is found, and told from a wrong key") {
    const Site site;
    put(*site.open(passphrase("hunter2")), "b/f", "x");
    add_slot(*site.bytes(), site.with(passphrase("hunter2")), key_file(), "");
    const auto slots = site.root / "encryption.json";
    const auto whole = slurp(slots);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        flip(slots, bit);
        CAPTURE(bit);
        const auto error = refusal([&] { get(*site.open(), "b/f"); });
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::corrupt);
        CHECK(error->hint().find("encryption.copy.json") != std::string::npos);
        spill(slots, whole);
    }
    spill(slots, whole.substr(0, whole.size() / 2));
    check_refused(ErrorKind::corrupt, "was changed", [&] { site.open()->folders(); });
    fs::copy_file(site.root / "encryption.copy.json", slots, fs::copy_options::overwrite_existing);
    CHECK(get(*site.open(), "b/f") == "x");
    const auto error = refusal([&] { get(*site.open(passphrase("hunter3")), "b/f"); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::denied);
    CHECK(error->message().find("no key slot of") != std::string::npos);
    CHECK((error->message() + error->hint()).find("hunter") == std::string::npos);
}

TEST_CASE("a removal that ended between the key slots and their copy is finished by a rerun") {
    const Site site;
    put(*site.open(passphrase("hunter2")), "b/f", "x");
    add_slot(*site.bytes(), site.with(passphrase("hunter2")), key_file(), "");
    const auto slots = site.root / "encryption.json", copy = site.root / "encryption.copy.json";
    // No unfinished file can be made beside it.
    fs::create_directory(site.root / "encryption.json.part");
    CHECK(refusal([&] { remove_slot(*site.bytes(), key_file(), "key-1"); }));
    CHECK(slurp(slots).find("key-1") != std::string::npos);
    CHECK(slurp(copy).find("key-1") == std::string::npos);
    fs::remove(site.root / "encryption.json.part");
    remove_slot(*site.bytes(), key_file(), "key-1");
    CHECK(slurp(slots).find("key-1") == std::string::npos);
    CHECK(slurp(slots) == slurp(copy));
    CHECK(get(*site.open(), "b/f") == "x");
}

TEST_CASE("who has no key cannot add or take away a slot unseen") {
    const Site site;
    put(*site.open(), "b/f", "x");
    const auto text = slurp(site.root / "encryption.json");
    auto changed = text.substr(0, text.find(",\n  \"sha256\""));
    changed.replace(changed.find("key-1"), 5, "key-9");
    changed += ",\n  \"sha256\": \"" + io::sha256(changed) + "\"\n}\n";
    spill(site.root / "encryption.json", changed);
    check_refused(ErrorKind::corrupt, "was changed", [&] { site.open()->folders(); });
}

TEST_CASE("without a key an encrypted store is refused, whatever is asked") {
    const Site site;
    put(*site.open(), "b/f", "x");
    const auto store = site.open({});
    const std::vector<std::function<void()>> asked{
        [&] { store->folders(); },     [&] { store->list(""); },        [&] { store->size("b/f"); },
        [&] { store->open("b/f"); },   [&] { store->create("b/f"); },   [&] { store->put_new("b/f", "x"); },
        [&] { store->remove("b/f"); }, [&] { store->remove_all("b"); }, [&] { store->require_writable(); },
        [&] { store->lock("b"); }};
    for (const auto& one : asked) check_refused(ErrorKind::denied, "no key for it is configured", one);
}

TEST_CASE("a store without a key is as it always was") {
    const Site site;
    const auto store = site.open({});
    put(*store, "b/f", "x");
    CHECK(slurp(site.root / "b/f") == "x");
    CHECK(get(*store, "b/f") == "x");
    CHECK_FALSE(fs::exists(site.root / "encryption.json"));
}

TEST_CASE("a key for a store with backups that are not encrypted is refused, before anything is written") {
    const Site site;
    const auto plain = site.bytes();
    store::Catalog(*plain).commit(manifest_of("b-1"));
    const auto store = site.open();
    check_refused(ErrorKind::refused, "b-1 there is not encrypted", [&] { store->require_writable(); });
    check_refused(ErrorKind::refused, "b-1 there is not encrypted", [&] { store->folders(); });
    check_refused(ErrorKind::refused, "b-1 there is not encrypted", [&] { store->create("b-2/f"); });
    CHECK_FALSE(fs::exists(site.root / "encryption.json"));
}

TEST_CASE("an encrypted store whose key slots are gone gets no new ones") {
    const Site site;
    put(*site.open(), "b/f", "x");
    fs::remove(site.root / "encryption.json");
    check_refused(ErrorKind::refused, "encryption.json is not there", [&] { site.open()->folders(); });
    check_refused(ErrorKind::refused, "encryption.json is not there", [&] { site.open()->create("c/f"); });
    CHECK_FALSE(fs::exists(site.root / "encryption.json"));
}

TEST_CASE("looking at an empty place makes no key; two runs that begin together have one key") {
    const Site site;
    const auto one = site.open();
    const auto other = site.open();
    CHECK(one->folders().empty());
    CHECK(one->list("b").empty());
    CHECK_FALSE(other->size("b/f"));
    check_refused(ErrorKind::not_found, "b/f", [&] { other->open("b/f"); });
    one->remove("b/f");
    CHECK_FALSE(fs::exists(site.root));
    put(*one, "b/f", "x");
    put(*other, "c/f", "y");
    CHECK(get(*one, "c/f") == "y");
    CHECK(site.open()->folders() == Names{"b", "c"});
    // The one that comes second to the lock finds the key of the first.
    const Site both;
    const auto first = make_slots(*both.bytes(), both.with(key_file()));
    CHECK(make_slots(*both.bytes(), both.with(key_file())).store_key.view() == first.store_key.view());
}

TEST_CASE("files that were swapped, moved or brought back from another backup are not read as what they are not") {
    const Site site;
    const auto store = site.open();
    put(*store, "b/f", "one");
    const auto f = site.data().front();
    put(*store, "b/g", "two");
    auto files = site.data();
    std::erase(files, f);
    const auto& g = files.front();
    fs::rename(f, site.root / "aside");
    fs::rename(g, f);
    fs::rename(site.root / "aside", g);
    check_refused(ErrorKind::corrupt, "b/f", [&] { get(*store, "b/f"); });
    check_refused(ErrorKind::corrupt, "b/g", [&] { get(*store, "b/g"); });
    put(*store, "b/f", "one");
    // In another folder its name is nobody's.
    fs::create_directory(site.root / "c");
    fs::rename(f, site.root / "c" / f.filename());
    CHECK(store->list("") == Names{"b/g"});
    CHECK(store->folders() == Names{"b"});
}

TEST_CASE("a file that was cut or lengthened is found, at every boundary of blocks") {
    const Site site;
    const auto store = site.open();
    put(*store, "b/f", pattern(3 * block_size));
    const auto path = site.data().front();
    const auto whole = slurp(path);
    REQUIRE(whole.size() == head_size + 3 * stored_block);
    for (std::size_t blocks = 0; blocks <= 3; ++blocks) {
        for (const int more : {-17, -16, -1, 0, 1, 16, 17}) {
            const auto length = head_size + blocks * stored_block + static_cast<std::size_t>(more + 17) - 17;
            if (length == whole.size()) continue;
            CAPTURE(length);
            spill(path,
                  length < whole.size() ? whole.substr(0, length) : whole + std::string(length - whole.size(), '\0'));
            check_refused(ErrorKind::corrupt, "b/f", [&] { get(*store, "b/f"); });
        }
    }
    spill(path, "");
    check_refused(ErrorKind::corrupt, "b/f", [&] { get(*store, "b/f"); });
    CHECK(store->size("b/f") == 0);
    spill(path, "a file that was never encrypted, and is longer than the head of one");
    check_refused(ErrorKind::corrupt, "does not begin as an encrypted file", [&] { get(*store, "b/f"); });
}

TEST_CASE("what is unfinished is carried on at whole blocks, and what was written elsewhere stays written") {
    const Site site;
    const auto store = site.open();
    const auto whole = pattern(3 * block_size + 5);
    const auto all = std::as_bytes(std::span(whole));
    store->create("b/f")->write(all.first(2 * block_size + 100));
    CHECK(store->partial_size("b/f") == 2 * block_size);
    CHECK(store->list("b", true) == Names{"b/f"});
    CHECK(io::read_all(*store->open_partial("b/f"), whole.size()) == whole.substr(0, 2 * block_size));
    const auto sink = site.open()->create("b/f", true);
    sink->write(all.subspan(2 * block_size));
    sink->finish();
    CHECK(get(*store, "b/f") == whole);

    // Nothing more of a file is held back than its last block.
    store->create("b/g")->write(all.first(block_size + 1));
    CHECK(store->partial_size("b/g") == block_size);
}

TEST_CASE("what was left in the middle of a block begins anew, and damage in it is told") {
    const Site site;
    const auto store = site.open();
    const auto whole = pattern(2 * block_size);
    store->create("b/f")->write(std::as_bytes(std::span(whole)).first(block_size + 1));
    const auto part = site.data().front();
    flip(part, (head_size + 3) * 8);
    check_refused(ErrorKind::corrupt, "b/f", [&] { io::read_all(*store->open_partial("b/f"), whole.size()); });
    spill(part, slurp(part) + "x");
    CHECK(store->partial_size("b/f") == 0);
    const auto sink = store->create("b/f", true);
    sink->write(std::as_bytes(std::span(whole)));
    sink->finish();
    CHECK(get(*store, "b/f") == whole);
}

TEST_CASE("a sink that is rewound begins with another key") {
    const Site site;
    const auto store = site.open();
    const auto sink = store->create("b/f");
    const auto first = pattern(2 * block_size);
    sink->write(std::as_bytes(std::span(first)));
    const auto before = slurp(site.data().front()).substr(0, head_size);
    sink->rewind();
    sink->write(std::as_bytes(std::span("new", 3)));
    sink->finish();
    CHECK(get(*store, "b/f") == "new");
    CHECK(slurp(site.data().front()).substr(0, head_size) != before);
}

TEST_CASE("keys are changed without writing data anew, and the last one stays") {
    const Site site;
    put(*site.open(passphrase("old")), "b/f", "x");
    const auto data = slurp(site.data().front());
    const auto old_one = site.with(passphrase("old"));
    const auto new_one = site.with(passphrase("new"));
    CHECK(add_slot(*site.bytes(), old_one, passphrase("new"), "").all.slots.size() == 2);
    CHECK(add_slot(*site.bytes(), old_one, key_file(), "vault").all.slots.back().name == "vault");
    for (const auto& credential : {passphrase("old"), passphrase("new"), key_file()})
        CHECK(get(*site.open(credential), "b/f") == "x");
    CHECK(read_slots(*site.bytes(), passphrase("new")).opened == "key-2");

    check_refused(ErrorKind::conflict, "vault already",
                  [&] { add_slot(*site.bytes(), old_one, key_file('z'), "vault"); });
    check_refused(ErrorKind::conflict, "opens with that", [&] { add_slot(*site.bytes(), old_one, key_file(), ""); });
    check_refused(ErrorKind::denied, "no key slot",
                  [&] { add_slot(*site.bytes(), site.with(passphrase("?")), key_file('z'), ""); });
    check_refused(ErrorKind::usage, "no name", [&] { add_slot(*site.bytes(), old_one, key_file('z'), "A b"); });
    check_refused(ErrorKind::refused, "opens the slot key-1",
                  [&] { remove_slot(*site.bytes(), passphrase("old"), "key-1"); });
    check_refused(ErrorKind::not_found, "no key slot 'none'",
                  [&] { remove_slot(*site.bytes(), passphrase("old"), "none"); });

    CHECK(remove_slot(*site.bytes(), passphrase("new"), "key-1", true).all.slots.size() == 2);
    CHECK(get(*site.open(passphrase("old")), "b/f") == "x");
    remove_slot(*site.bytes(), passphrase("new"), "key-1");
    check_refused(ErrorKind::denied, "no key slot", [&] { get(*site.open(passphrase("old")), "b/f"); });
    CHECK(get(*site.open(passphrase("new")), "b/f") == "x");
    remove_slot(*site.bytes(), passphrase("new"), "vault");
    check_refused(ErrorKind::refused, "last key slot", [&] { remove_slot(*site.bytes(), passphrase("new"), "key-2"); });
    CHECK(slurp(site.data().front()) == data);
    CHECK(slurp(site.root / "encryption.json") == slurp(site.root / "encryption.copy.json"));
}

TEST_CASE("slots of a store that is not encrypted, and key files that are too short, are refused") {
    const Site site;
    check_refused(ErrorKind::refused, "is not encrypted", [&] { read_slots(*site.bytes(), key_file()); });
    check_refused(ErrorKind::refused, "is not encrypted",
                  [&] { add_slot(*site.bytes(), site.with(key_file()), key_file('z'), ""); });
    CHECK_FALSE(fs::exists(site.root));
    const Credential weak{model::SlotKind::key_file, Secret("hunter2")};
    check_refused(ErrorKind::configuration, "at least 32", [&] { put(*site.open(weak), "b/f", "x"); });
}

TEST_CASE("the format stays what vbackup-formats(7) says") {
    // Made by another program, examples/read_encrypted.py, from the manual alone.
    Key key;
    for (std::size_t i = 0; i < key_size; ++i) key.data()[i] = static_cast<unsigned char>(i);
    const NameCipher names(key);
    CHECK(names.encrypt("b-1/data/f") ==
          "rOJHVntDQf5lFFTi91s2E0hPmw/sZ5swHxAsKLi_WvsI4U1C6fTEDY/py0JLQIwGbKH7LlUsQZ6EfM");
    const std::string head = std::string(magic) + std::string(file_salt_size, 's');
    CHECK(to_hex(derive(derive(key.view(), "vbackup 1 content").view(), head + "b-1/data/f").view()) ==
          "f8e9c9424de0996a5ede60d7ced5bfabedec6841847f3153cf3e12c51580104e");
}
