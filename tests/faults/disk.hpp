// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "support/fate.hpp"
#include "support/fault_files.hpp"
#include "support/lossy_files.hpp"

namespace vbackup::test {

// The disk of one stand: all that the program does below `root` goes through `files`, in which calls can be made to fail, and
// on which what was not fsynced can be lost. The campaign's io::real_files() sends each call to the disk whose root it
// lies below, and to the real one where there is none.
class Disk {
public:
    explicit Disk(std::filesystem::path root);
    ~Disk();
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    Fate fate;  // of the process that runs on it

private:
    std::filesystem::path root_;

public:
    LossyFiles lossy;
    FaultFiles files{lossy};
};

}  // namespace vbackup::test
