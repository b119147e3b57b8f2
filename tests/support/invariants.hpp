#pragma once

namespace cetane::test {

/// How many test cases have left something behind, or have lost or doubled something: each event
/// loop is looked at when it ends (runtime/audit.hpp), and what the process counts
/// (base/ledger.hpp) at the end of each case. What is wrong was told on stderr. A case that does on
/// purpose what nothing of ours does has the tag [breaks-promises], and is one of them if it does
/// not.
int cases_with_broken_promises() noexcept;

}  // namespace cetane::test
