// SPDX-License-Identifier: Apache-2.0
// What a store promises, on every kind of store: a directory, a scripted bucket, both encrypted, and the real bucket that
// VBACKUP_TEST_BUCKET names (s3://bucket/prefix, with the variables of the AWS tools; tests/e2e/s3.sh runs this on MinIO).
#include <algorithm>

#include "contract/store/place.hpp"
#include "store/catalog.hpp"
#include "store/encrypted/open.hpp"

using namespace vbackup;
using namespace vbackup::test;
using store::Store;

namespace {

using Names = std::vector<std::string>;

struct Place {
    virtual ~Place() = default;
    virtual std::unique_ptr<Store> open() = 0;
};

struct InDirectory : Place {
    TemporaryFolder folder;
    std::unique_ptr<Store> open() override { return store::open_directory(folder / "store"); }
};

struct InScriptedBucket : Place {
    Bucket bucket;
    std::unique_ptr<Store> open() override { return bucket.open(); }
};

// The same over encrypted bytes.
template <class Below>
struct Encrypted : Below {
    std::unique_ptr<Store> open() override {
        return store::encrypted::guard(
            Below::open(),
            {.credential = {model::SlotKind::key_file, Secret(std::string(64, 'k'))}, .clock = system_clock()});
    }
};

// Its parts are of real size: services refuse smaller ones.
struct InRealBucket : Place {
    Tally tally;
    Call call{system_clock(), tally};
    std::string url = std::string(std::getenv("VBACKUP_TEST_BUCKET")) + "/" + store::s3::Bucket::nonce();
    ~InRealBucket() override {
        const auto store = open();
        for (const auto& folder : store->folders()) store->remove_all(folder);
        // What an encrypted one has at its root.
        for (const auto* slots : {"encryption.json", "encryption.copy.json"}) store->remove(slots);
    }
    std::unique_ptr<Store> open() override {
        std::map<std::string, std::string> environment;
        for (const auto* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"})
            if (const auto* value = std::getenv(name)) environment[name] = value;
        return store::open_store(url, {.call = call, .environment = environment});
    }
};

void on_each(const std::function<void(Place&)>& work) {
    const auto run = [&](const std::string& kind, std::unique_ptr<Place> place) {
        CAPTURE(kind);
        work(*place);
    };
    run("directory", std::make_unique<InDirectory>());
    run("scripted bucket", std::make_unique<InScriptedBucket>());
    run("encrypted directory", std::make_unique<Encrypted<InDirectory>>());
    run("encrypted scripted bucket", std::make_unique<Encrypted<InScriptedBucket>>());
    if (std::getenv("VBACKUP_TEST_BUCKET") == nullptr) return;
    run("encrypted real bucket", std::make_unique<Encrypted<InRealBucket>>());
    run("real bucket", std::make_unique<InRealBucket>());
}

}  // namespace

TEST_CASE("what is put is there, listed, sized and read from any offset") {
    on_each([](Place& place) {
        const auto store = place.open();
        CHECK(store->list("").empty());
        CHECK(store->folders().empty());
        put(*store, "b-1/manifest.json", "{}");
        put(*store, "b-1/data/x y", "0123456789");
        put(*store, "b-2/empty", "");
        CHECK(store->list("") == Names{"b-1/data/x y", "b-1/manifest.json", "b-2/empty"});
        CHECK(store->list("b-1/data/") == Names{"b-1/data/x y"});
        CHECK(store->list("b").empty());
        CHECK(store->folders() == Names{"b-1", "b-2"});
        CHECK(store->size("b-1/data/x y") == 10);
        CHECK(store->size("b-2/empty") == 0);
        CHECK_FALSE(store->size("b-1/data"));
        CHECK(get(*store, "b-1/data/x y") == "0123456789");
        CHECK(get(*store, "b-1/data/x y", 7) == "789");
        CHECK(get(*store, "b-1/data/x y", 10).empty());
        CHECK(get(*store, "b-2/empty").empty());
        CHECK(store->open("b-1/data/x y", 4)->offset() == 4);
        CHECK(store->open("b-1/data/x y", 4)->size() == 10);
        CHECK(error_of([&] { store->open("b-1/none"); }).kind() == ErrorKind::not_found);
        put(*store, "b-1/data/x y", "replaced");
        CHECK(get(*store, "b-1/data/x y") == "replaced");
    });
}

TEST_CASE("names of any kind lie apart and come back") {
    on_each([](Place& place) {
        const auto store = place.open();
        Names names;
        for (const std::string part :
             {"=*:()'!,;@&+$~-._ ", "%2F%", "a?b#c[d]", "\\\"<>|^`{}", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80",
              "\xFF\xFE not utf-8", "..", ".", ".hidden", "x.part", "tab\tline\nbreak\x01\x7F", "a//b", "A", "a"})
            names.push_back("b/" + part + "/f");
        for (const auto& name : names) put(*store, name, name);
        std::sort(names.begin(), names.end());
        CHECK(store->list("b") == names);
        for (const auto& name : names) CHECK(get(*store, name) == name);
        store->remove_all("b");
        CHECK(store->list("").empty());
    });
}

TEST_CASE("what is not finished is not visible, and what is written in many pieces is whole") {
    on_each([](Place& place) {
        const auto store = place.open();
        const auto bytes = pattern((std::size_t{17} << 20) + 123);
        const auto write = [&](io::Sink& sink) {
            for (std::size_t at = 0; at < bytes.size(); at += 300'000)
                sink.write(
                    std::as_bytes(std::span(bytes)).subspan(at, std::min<std::size_t>(300'000, bytes.size() - at)));
        };
        put(*store, "b/f", "earlier");
        write(*store->create("b/f"));
        CHECK(get(*store, "b/f") == "earlier");
        const auto sink = store->create("b/f");
        write(*sink);
        sink->rewind();
        write(*sink);
        sink->finish();
        CHECK(store->size("b/f") == bytes.size());
        CHECK(get(*store, "b/f") == bytes);
        CHECK(get(*store, "b/f", 9'000'000) == bytes.substr(9'000'000));
        store->remove("b/f");
        CHECK_FALSE(store->size("b/f"));
        store->remove("b/f");
    });
}

TEST_CASE("removing takes everything below, and no neighbour") {
    on_each([](Place& place) {
        const auto store = place.open();
        for (const auto* name : {"a/1", "a/x/2", "ab/3", "b/4"}) put(*store, name, "x");
        const auto unfinished = store->create("a/5");
        unfinished->write(std::as_bytes(std::span("xx", 2)));
        store->remove_all("a/");
        CHECK(store->list("") == Names{"ab/3", "b/4"});
        CHECK(store->folders() == Names{"ab", "b"});
        store->remove_all("none");
    });
}

TEST_CASE("one run holds a lock at a time, and a lock is nothing that is listed") {
    on_each([](Place& place) {
        const auto one = place.open();
        const auto other = place.open();
        auto held = one->lock("b-1");
        CHECK(error_of([&] { other->lock("b-1"); }).kind() == ErrorKind::busy);
        CHECK(error_of([&] { one->lock("b-1"); }).kind() == ErrorKind::busy);
        CHECK(other->lock("b-2") != nullptr);
        CHECK(one->list("").empty());
        CHECK(one->folders().empty());
        put(*one, "b-1/f", "x");
        held.reset();
        CHECK(other->lock("b-1") != nullptr);
    });
}

TEST_CASE("asking whether it can be written leaves nothing") {
    on_each([](Place& place) {
        const auto store = place.open();
        store->require_writable();
        CHECK(store->list("").empty());
        CHECK(store->folders().empty());
    });
}

TEST_CASE("backups are committed, found and removed") {
    on_each([](Place& place) {
        const auto store = place.open();
        store::Catalog catalog(*store);
        model::Manifest manifest;
        manifest.id = "b-1";
        manifest.driver = "toy";
        manifest.kept = true;
        const model::Intent intent{.id = "b-1", .verb = "create"};
        catalog.write(intent);
        CHECK(catalog.ids() == Names{"b-1"});
        CHECK(catalog.intent("b-1"));
        CHECK_FALSE(catalog.manifest("b-1"));
        put(*store, "b-1/data/f", "x");
        catalog.commit(manifest);
        catalog.forget_intent("b-1");
        CHECK(catalog.manifest("b-1")->driver == "toy");
        CHECK_FALSE(catalog.intent("b-1"));
        CHECK(store->list("b-1").size() == 2);
        catalog.remove("b-1");
        CHECK(catalog.ids().empty());
        CHECK(store->list("").empty());
    });
}
