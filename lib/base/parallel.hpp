// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <stop_token>
#include <vector>

namespace vbackup {

// Runs work(0) … work(count-1), at most `limit` at a time, each index once, in order of starting. Ends when all that was
// started has ended. After `stop`, or once `work` returned false, no further index is started. An exception of one index
// does not touch the others; result[i] holds it (null: good, or never started). With limit 1 no thread is made.
std::vector<std::exception_ptr> run_parallel(std::size_t count, std::size_t limit, const std::stop_token& stop,
                                             const std::function<bool(std::size_t)>& work);

// The same for work of which nothing may be left out: once all has ended, what the first index that failed threw is thrown
// again. Whoever gives a `stop` looks at it afterwards.
void run_all(std::size_t count, std::size_t limit, const std::stop_token& stop,
             const std::function<void(std::size_t)>& work);

}  // namespace vbackup
