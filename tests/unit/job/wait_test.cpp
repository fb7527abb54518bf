// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <vector>

#include "job/wait.hpp"
#include "support/fake_clock.hpp"

using namespace vbackup;
using namespace std::chrono_literals;
using model::Phase;
using model::Seen;

namespace {

struct Scene {
    test::FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Call call{clock, tally, Instant::max(), stop.get_token()};
    job::Limits limits;
    int looks = 0;

    void deadline_in(Milliseconds length) { call.deadline = clock.now() + length; }
    Seen wait(const std::function<Seen(int)>& answer) {
        return job::wait(
            call, [&](Call&, Milliseconds) { return answer(looks++); }, limits);
    }
    ErrorKind kind_of(const std::function<Seen(int)>& answer) {
        try {
            wait(answer);
        } catch (const Error& error) {
            return error.kind();
        }
        FAIL("the wait ended well");
        return ErrorKind::failed;
    }
};

Seen says(Phase phase, std::string said, std::string mark = {}) {
    return {.phase = phase, .said = std::move(said), .mark = std::move(mark)};
}
Seen running(std::string mark = {}) {
    return says(Phase::running, "TRANSFERRING", std::move(mark));
}

}  // namespace

TEST_CASE("a final state is returned as it is seen") {
    for (const auto phase : {Phase::succeeded, Phase::failed, Phase::cancelled}) {
        Scene scene;
        const auto seen = scene.wait([&](int look) { return look < 3 ? running() : says(phase, "THE END"); });
        CHECK(seen.phase == phase);
        CHECK(seen.said == "THE END");
        CHECK(scene.looks == 4);
    }
}

TEST_CASE("the first look is at once") {
    Scene scene;
    scene.wait([](int) { return says(Phase::succeeded, "SUCCESS"); });
    CHECK(scene.clock.elapsed() == 0ms);
}

TEST_CASE("a job of two seconds is seen within half a second of its end") {
    for (const auto length : {1000ms, 1999ms, 2000ms, 2100ms, 3900ms}) {
        Scene scene;
        scene.wait(
            [&](int) { return scene.clock.elapsed() >= length ? says(Phase::succeeded, "SUCCESS") : running(); });
        CHECK(scene.clock.elapsed() - length <= 500ms);
    }
}

TEST_CASE("a job of an hour costs no more than a request in ten seconds") {
    Scene scene;
    scene.wait([&](int) { return scene.clock.elapsed() >= 1h ? says(Phase::succeeded, "SUCCESS") : running(); });
    CHECK(scene.looks <= 360);
    CHECK(scene.clock.elapsed() - 1h <= 12s);
}

TEST_CASE("the deadline ends the wait after a last look") {
    Scene scene;
    scene.deadline_in(60s);
    CHECK(scene.kind_of([](int) { return running(); }) == ErrorKind::deadline);
    CHECK(scene.clock.elapsed() == 60s);

    Scene late;
    late.deadline_in(60s);
    const auto seen =
        late.wait([&](int) { return late.clock.elapsed() >= 60s ? says(Phase::succeeded, "SUCCESS") : running(); });
    CHECK(seen.phase == Phase::succeeded);
}

TEST_CASE("a standstill is judged by what the server shows") {
    Scene without;
    CHECK(without.kind_of([](int) { return running(); }) == ErrorKind::stalled);
    CHECK(without.clock.elapsed() >= 6h);
    CHECK(without.clock.elapsed() < 6h + 1min);

    Scene with;
    CHECK(with.kind_of([](int) { return running("10 %"); }) == ErrorKind::stalled);
    CHECK(with.clock.elapsed() >= 30min);
    CHECK(with.clock.elapsed() < 31min);
}

TEST_CASE("progress keeps the wait alive") {
    Scene scene;
    scene.wait([&](int look) {
        scene.clock.advance(20min);
        return look == 30 ? says(Phase::succeeded, "SUCCESS") : running(std::to_string(look));
    });
    CHECK(scene.clock.elapsed() >= 10h);
}

TEST_CASE("a server that stays away is unreachable after the short limit") {
    Scene scene;
    const auto kind = scene.kind_of([](int look) -> Seen {
        if (look > 2) throw Error(ErrorKind::unreachable, "connection refused");
        return running();
    });
    CHECK(kind == ErrorKind::unreachable);
    CHECK(scene.clock.elapsed() >= 2min);
    CHECK(scene.clock.elapsed() < 3min);
}

TEST_CASE("a server that comes back without moving is stalled after the short limit") {
    Scene scene;
    const auto kind = scene.kind_of([](int look) -> Seen {
        if (look == 3) throw Error(ErrorKind::unreachable, "connection refused");
        return running();
    });
    CHECK(kind == ErrorKind::stalled);
    CHECK(scene.clock.elapsed() < 4min);
}

TEST_CASE("a server that comes back and moves has all the time again") {
    Scene scene;
    const auto seen = scene.wait([&](int look) -> Seen {
        if (look == 3) throw Error(ErrorKind::unreachable, "connection refused");
        if (scene.clock.elapsed() > 20min) return says(Phase::succeeded, "SUCCESS");
        return look < 6 ? running("1") : running("2");
    });
    CHECK(seen.phase == Phase::succeeded);
}

TEST_CASE("a word nobody knows keeps the wait going and ends as not understood") {
    Scene scene;
    scene.deadline_in(10min);
    CHECK(scene.kind_of([](int) { return says(Phase::unknown, "HIBERNATING"); }) == ErrorKind::not_understood);
    CHECK(scene.tally.warnings().size() == 1);

    Scene stalls;
    CHECK(stalls.kind_of([](int) { return says(Phase::unknown, "HIBERNATING"); }) == ErrorKind::not_understood);

    Scene passes;
    CHECK(
        passes.wait([](int look) { return look < 5 ? says(Phase::unknown, "NEW") : says(Phase::succeeded, "SUCCESS"); })
            .phase == Phase::succeeded);
}

TEST_CASE("a word that something contradicts is told with what that is") {
    Scene scene;
    try {
        scene.wait([](int) {
            auto seen = says(Phase::unknown, "Succeeded");
            seen.why = "one volume of three is ready";
            return seen;
        });
        FAIL("it was believed");
    } catch (const Error& error) {
        CHECK(error.message() == "the server kept saying \"Succeeded\", but one volume of three is ready");
    }
}

TEST_CASE("answers that pass by are looked at again, others end the wait at once") {
    for (const auto kind :
         {ErrorKind::unreachable, ErrorKind::stalled, ErrorKind::busy, ErrorKind::not_understood, ErrorKind::failed}) {
        Scene scene;
        const auto seen = scene.wait([&](int look) -> Seen {
            if (look < 4) throw Error(kind, "passing");
            return says(Phase::succeeded, "SUCCESS");
        });
        CHECK(seen.phase == Phase::succeeded);
    }
    for (const auto kind : {ErrorKind::denied, ErrorKind::not_found, ErrorKind::corrupt}) {
        Scene scene;
        CHECK(scene.kind_of([&](int) -> Seen { throw Error(kind, "for good"); }) == kind);
        CHECK(scene.looks == 1);
    }
}

TEST_CASE("a lasting page of a proxy is not understood") {
    Scene scene;
    CHECK(scene.kind_of([](int) -> Seen { throw Error(ErrorKind::not_understood, "an HTML page"); }) ==
          ErrorKind::not_understood);
    CHECK(scene.clock.elapsed() < 3min);
}

TEST_CASE("a job that is not there yet is looked for some times") {
    Scene scene;
    const auto seen =
        scene.wait([](int look) { return look < 3 ? says(Phase::gone, "") : says(Phase::succeeded, "SUCCESS"); });
    CHECK(seen.phase == Phase::succeeded);

    Scene gone;
    CHECK(gone.wait([](int) { return says(Phase::gone, ""); }).phase == Phase::gone);
    CHECK(gone.looks == 4);
}

TEST_CASE("a stop ends the wait at once") {
    Scene scene;
    CHECK(scene.kind_of([&](int look) {
        if (look == 2) scene.stop.request_stop();
        return running();
    }) == ErrorKind::interrupted);
    CHECK(scene.looks == 3);

    Scene before;
    before.stop.request_stop();
    CHECK(before.kind_of([](int) { return running(); }) == ErrorKind::interrupted);
    CHECK(before.looks == 0);
}

TEST_CASE("the stage shows the server's word") {
    Scene scene;
    scene.wait([](int look) { return look < 1 ? running() : says(Phase::succeeded, "SUCCESS"); });
    CHECK(scene.tally.stage() == "SUCCESS");
}
