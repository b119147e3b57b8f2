// Everything that a test of a program needs beside <cetane/cetane.hpp> and Catch2. It is in the
// library cetane-testing.
#pragma once

#include <cetane/testing/advance.hpp>
#include <cetane/testing/allocation_failure.hpp>
#include <cetane/testing/cancel_everywhere.hpp>
#include <cetane/testing/fail_allocations.hpp>
#include <cetane/testing/fault_filter.hpp>
#include <cetane/testing/faults.hpp>
#include <cetane/testing/host.hpp>
#include <cetane/testing/interrupter.hpp>
#include <cetane/testing/program.hpp>
#include <cetane/testing/quiet.hpp>
#include <cetane/testing/served.hpp>
#include <cetane/testing/simulate.hpp>
#include <cetane/testing/world.hpp>
