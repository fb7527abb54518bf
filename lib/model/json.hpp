// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace vbackup::model {

// JSON text of one value, as it was received or written: `{"a":1}`. Empty stands for `null`. Drivers keep their own
// facts in such fields; only the driver that wrote one reads it. A type of its own would drag a JSON library into
// every header.
using JsonText = std::string;

}  // namespace vbackup::model
