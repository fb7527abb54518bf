// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backup/find.hpp"
#include "scene.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

void damage(const std::filesystem::path& file) {
    std::string text = io::read_file(io::real_files(), file);
    text[0] = static_cast<char>(text[0] ^ 1);
    io::write_file(io::real_files(), file, text);
}

std::filesystem::path find_file(const std::filesystem::path& folder, const std::string& part) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().string().find(part) != std::string::npos) return entry.path();
    }
    FAIL("no such file");
    return {};
}

}  // namespace

TEST_CASE("a restore brings back what was destroyed, with proof") {
    Scene scene;
    scene.made("b1");
    scene.database.collections.clear();
    const auto result = restore(scene, {.id = "b1"});
    CHECK(scene.database.collections == std::map<std::string, std::uint64_t>{{"Article", 1'000}, {"Book", 20}});
    CHECK(result.proof.findings.size() == 2);
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("only the chosen collections come back, under their new names") {
    Scene scene;
    scene.made("b1");
    restore(scene, {.id = "b1", .scope = {.include = {"Book"}}, .renames = {{"Book", "Book2"}}});
    CHECK(scene.database.collections.at("Book2") == 20);
    CHECK(scene.database.collections.size() == 3);
}

TEST_CASE("a collection that the backup does not have is not found before anything is changed") {
    Scene scene;
    scene.made("b1");
    const auto before = scene.database.changes;
    CHECK(kind_of([&] { restore(scene, {.id = "b1", .scope = {.include = {"Bok"}}}); }) == ErrorKind::not_found);
    CHECK(scene.database.changes == before);
}

TEST_CASE("what exists is a conflict unless it may be overwritten") {
    Scene scene;
    scene.made("b1");
    scene.database.collections["Article"] = 5;
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::conflict);
    CHECK(scene.database.collections["Article"] == 5);
    restore(scene, {.id = "b1", .overwrite = true});
    CHECK(scene.database.collections["Article"] == 1'000);
}

TEST_CASE("overwriting asks, and a no changes nothing") {
    Scene scene;
    scene.made("b1");
    scene.database.collections["Article"] = 5;
    scene.consent = false;
    CHECK(kind_of([&] { restore(scene, {.id = "b1", .overwrite = true}); }) == ErrorKind::refused);
    CHECK(scene.database.collections["Article"] == 5);
}

TEST_CASE("a damaged backup destroys nothing") {
    Scene scene;
    scene.made("b1");
    damage(find_file(scene.folder.path() / "store", "Article"));
    scene.database.collections["Article"] = 5;
    CHECK(kind_of([&] { restore(scene, {.id = "b1", .overwrite = true}); }) == ErrorKind::corrupt);
    CHECK(scene.database.collections["Article"] == 5);
}

TEST_CASE("damage is found while reading") {
    Scene scene;
    scene.made("b1");
    damage(find_file(scene.folder.path() / "store", "Article"));
    scene.database.collections.clear();
    const auto kind = kind_of([&] { restore(scene, {.id = "b1"}); });
    CHECK((kind == ErrorKind::corrupt || kind == ErrorKind::partial));
}

TEST_CASE("a proof that differs is no success") {
    Scene scene;
    scene.made("b1");
    scene.database.collections.clear();
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "prove") scene.database.collections["Article"] = 999;
    };
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::corrupt);
}

TEST_CASE("a proof of nothing is no success") {
    CHECK_FALSE(model::Proof{}.good());
}

TEST_CASE("whatever call is killed, the rerun of a restore finishes it") {
    struct Killed {};
    for (int nth = 1;; ++nth) {
        Scene scene;
        scene.made("b1");
        scene.database.collections.clear();
        int calls = 0;
        scene.database.before = [&](const std::string&, const std::string&) {
            if (++calls == nth) throw Killed{};
        };
        bool killed = false;
        try {
            restore(scene, {.id = "b1"});
        } catch (const Killed&) {
            killed = true;
        }
        if (!killed) break;
        CAPTURE(nth);
        scene.database.before = {};
        CHECK(restore(scene, {.id = "b1"}).proof.good());
        CHECK(scene.database.collections.at("Article") == 1'000);
        CHECK(scene.database.collections.at("Book") == 20);
        REQUIRE(nth < 100);
    }
}

TEST_CASE("a restore that was proven and tidied leaves no note of itself") {
    Scene scene;
    scene.made("b1");
    scene.database.collections.clear();
    scene.database.snapshots["left"] = {"Article", ""};
    scene.database.tidy_after_restore = "left";
    restore(scene, {.id = "b1"});
    CHECK(scene.database.snapshots.empty());
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("a restore that was not proven is tidied all the same, and leaves no note either") {
    Scene scene;
    scene.made("b1");
    scene.database.collections.clear();
    scene.database.snapshots["left"] = {"Article", ""};
    scene.database.tidy_after_restore = "left";
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "prove") scene.database.collections["Article"] = 1;
    };
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::corrupt);
    CHECK(scene.database.snapshots.empty());
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("a right that is lost in the middle of a restore can be given back: the same command goes on") {
    for (const auto kind : {ErrorKind::denied, ErrorKind::failed, ErrorKind::refused, ErrorKind::unsupported}) {
        Scene scene;
        scene.database.collections.erase("Book");
        scene.made("b1");
        // What goes out in pieces may be there in part, or whole, whatever the server says in the end.
        scene.fail("answer", "send:Article", kind);
        scene.database.collections.clear();
        CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == kind);
        CHECK(scene.journal.ids().size() == 1);
        CHECK(restore(scene, {.id = "b1"}).proof.good());
        CHECK(scene.journal.ids().empty());
    }
}

TEST_CASE("a restore that was refused before anything was sent leaves no note") {
    Scene scene;
    scene.made("b1");
    scene.fail("run", "clear:", ErrorKind::refused, 1, 100);
    CHECK(kind_of([&] { restore(scene, {.id = "b1", .overwrite = true}); }) == ErrorKind::refused);
    CHECK(scene.journal.ids().empty());
    CHECK(scene.database.collections.size() == 2);
}

TEST_CASE("an unfinished restore of yesterday is not gone on with") {
    Scene scene;
    scene.interrupt_restore();
    scene.database.before = {};
    scene.clock.advance(std::chrono::hours(25));
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::conflict);
}

TEST_CASE("wait goes on with a restore only while it is young, and asks before it destroys") {
    Scene scene;
    scene.made("b1");
    scene.database.collections["Article"] = 5;
    scene.fail("run", "clear:Article", ErrorKind::unreachable, 1, 100);
    CHECK(kind_of([&] { restore(scene, {.id = "b1", .overwrite = true}); }) == ErrorKind::unreachable);
    scene.database.before = {};
    scene.consent = false;
    CHECK(kind_of([&] { backup::wait(scene.call, scene.stage(), "b1"); }) == ErrorKind::refused);
    CHECK(scene.database.collections["Article"] == 5);
    scene.clock.advance(std::chrono::hours(25));
    scene.consent = true;
    CHECK(kind_of([&] { backup::wait(scene.call, scene.stage(), "b1"); }) == ErrorKind::refused);
    CHECK(scene.database.collections["Article"] == 5);
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::succeeded);
    CHECK(scene.tally.warnings().back().find("was never finished") != std::string::npos);
    backup::cancel(scene.call, scene.stage(), "b1", {}, false);
    CHECK(scene.journal.ids().empty());
    CHECK(backup::wait(scene.call, scene.stage(), "b1").manifest->id == "b1");
}

TEST_CASE(
    "a restore that the server still works on is waited for however old it is, and is no success before its end") {
    Scene scene;
    scene.made("b1");
    scene.database.collections.clear();
    scene.database.restore_looks = 1'000'000;
    CHECK(kind_of([&] { backup::restore(scene.call, scene.stage(2), {.id = "b1"}); }) == ErrorKind::stalled);
    scene.clock.advance(std::chrono::hours(25));
    const auto sent = scene.database.changes.size();
    CHECK(kind_of([&] { backup::wait(scene.call, scene.stage(), "b1"); }) == ErrorKind::stalled);
    CHECK(kind_of([&] { backup::restore(scene.call, scene.stage(), {.id = "b1"}); }) == ErrorKind::stalled);
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::running);
    CHECK(scene.database.changes.size() == sent);
    scene.database.restore_looks = 3;
    CHECK(backup::wait(scene.call, scene.stage(), "b1").proof.good());
    CHECK(scene.database.changes.size() == sent);
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("an old restore is waited for, and nothing of it is sent again when it ended badly") {
    Scene scene;
    scene.database.collections.erase("Book");
    scene.made("b1");
    scene.database.collections.clear();
    scene.database.restore_looks = 1'000'000;
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::stalled);
    scene.clock.advance(std::chrono::hours(25));
    scene.database.restore_looks = 2;
    scene.database.end = model::Phase::failed;
    const auto sent = scene.database.changes.size();
    CHECK(kind_of([&] { backup::wait(scene.call, scene.stage(), "b1"); }) == ErrorKind::job_failed);
    CHECK(scene.database.changes.size() == sent);
}

TEST_CASE("a restore that goes on bears a server that is away for a moment") {
    Scene scene;
    scene.interrupt_restore();
    scene.fail("inspect", "", ErrorKind::unreachable);
    CHECK(backup::wait(scene.call, scene.stage(), "b1").proof.good());
}

TEST_CASE("a look that is refused does not make a restore forgotten that the server works on") {
    for (const auto kind : {ErrorKind::denied, ErrorKind::configuration}) {
        Scene scene;
        scene.database.collections.erase("Book");
        scene.made("b1");
        scene.database.collections.clear();
        scene.database.restore_looks = 5;
        scene.fail("observe", "restore.", kind);
        CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == kind);
        scene.database.before = {};
        const auto sent = scene.database.changes.size();
        CHECK(restore(scene, {.id = "b1"}).proof.good());
        CHECK(scene.database.changes.size() == sent);
        CHECK(scene.journal.ids().empty());
    }
}

TEST_CASE("a job of the server alone is over when what it leads to is") {
    Scene scene;
    scene.database.snapshots["foreign"] = {.collection = "Article", .bytes = "Article=1"};
    scene.database.followed_by = "restore.foreign";
    scene.database.restore_looks = 1'000'000;
    CHECK(backup::status(scene.call, scene.stage(), "foreign", {}).phase == model::Phase::running);
    Call call{scene.clock, scene.tally, scene.clock.now() + std::chrono::hours(1), scene.stop.get_token()};
    CHECK(kind_of([&] { backup::wait(call, scene.stage(), "foreign"); }) == ErrorKind::deadline);
    scene.database.restore_looks = 3;
    CHECK(backup::wait(scene.call, scene.stage(), "foreign").under_way->phase == model::Phase::succeeded);
}

TEST_CASE("a manifest of a newer format is refused, a cut one is corrupt") {
    Scene scene;
    scene.made("b1");
    const auto path = find_file(scene.folder.path() / "store", "manifest.json");
    auto text = io::read_file(io::real_files(), path);
    io::write_file(io::real_files(), path, text.substr(0, text.size() / 2));
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::corrupt);
    text.replace(text.find("\"format\": 1"), 11, "\"format\": 9");
    io::write_file(io::real_files(), path, text);
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::refused);
    CHECK(backup::list(scene.call, scene.store).size() == 1);
}

TEST_CASE("download brings home what stayed with the server, and a rerun carries on") {
    Scene scene;
    scene.made("b1", false);
    scene.fail("open", "b1.Book", ErrorKind::denied);
    CHECK(kind_of([&] { backup::download(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::denied);
    CHECK_FALSE(scene.store.manifest("b1"));
    scene.database.before = {};
    CHECK(backup::download(scene.call, scene.stage(), "b1", {}, false).manifest->kept);
    CHECK(scene.store.manifest("b1")->files.size() == 2);
    CHECK(kind_of([&] { backup::download(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::conflict);
}

TEST_CASE("download takes over what another tool made, and says what is not known") {
    Scene scene;
    scene.database.snapshots["By_Hand.1"] = {"Article", "Article=7"};
    const auto manifest = *backup::download(scene.call, scene.stage(), "By_Hand.1", {}, false).manifest;
    CHECK(manifest.id == "by-hand-1");
    CHECK(manifest.state == "unproven");
    CHECK_FALSE(manifest.collections.at(0).before.count);
}

TEST_CASE("the note of an unfinished restore can be read back, whatever the server calls the backup") {
    Scene scene;
    CHECK(backup::restore_key("b1") == "b1--restore");
    CHECK(backup::restore_key("By_Hand.1") != backup::restore_key("by-hand-1"));
    auto intent = model::Intent{.id = backup::restore_key("By_Hand.1"), .verb = "restore"};
    intent.draft.id = "By_Hand.1";
    scene.journal.write(intent);
    CHECK(scene.journal.intent(backup::restore_key("By_Hand.1")));
}

TEST_CASE("verify names every bad file and believes no empty backup") {
    Scene scene;
    scene.made("b1");
    CHECK(backup::verify(scene.call, scene.stage(), "b1").good());
    damage(find_file(scene.folder.path() / "store", "Article"));
    std::filesystem::remove(find_file(scene.folder.path() / "store", "Book"));
    const auto checked = backup::verify(scene.call, scene.stage(2), "b1");
    CHECK_FALSE(checked.good());
    CHECK(std::count_if(checked.files.begin(), checked.files.end(),
                        [](const auto& file) { return !file.problem.empty(); }) == 2);
    CHECK_FALSE(backup::Verification{}.good());
}

TEST_CASE("verify reads what stayed with the server") {
    Scene scene;
    scene.made("b1", false);
    CHECK(backup::verify(scene.call, scene.stage(), "b1").good());
    scene.database.snapshots.at("b1.Book").bytes = "Book=21";
    CHECK(backup::verify(scene.call, scene.stage(), "b1").files.size() == 2);
}
